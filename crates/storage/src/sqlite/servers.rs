//! Servers that were made over the HTTP API, as rows. What an entry means is not known here.

use gantry_core::BoxFuture;
use gantry_core::store::{ServerStore, StoreError, StoredServer};
use sqlx::SqliteConnection;

use super::Sqlite;
use super::writer::Write;
use crate::rows::{MOST_ENTRY, MOST_NAME, bounded, seconds};
use crate::statements;

impl ServerStore for Sqlite {
    fn servers(&self) -> BoxFuture<'_, Result<Vec<StoredServer>, StoreError>> {
        Box::pin(async move {
            let rows: Vec<(String, String)> = sqlx::query_as(statements::SERVERS)
                .fetch_all(&self.inner.readers)
                .await
                .map_err(|error| self.failed("read the servers", &error))?;
            Ok(rows.into_iter().map(|(name, entry)| StoredServer { name, entry }).collect())
        })
    }

    fn put_server(&self, name: &str, entry: &str) -> BoxFuture<'_, Result<(), StoreError>> {
        const ACTION: &str = "store a server";
        let (name, entry) = (name.to_owned(), entry.to_owned());
        Box::pin(async move {
            bounded(ACTION, "a server's name", name.len(), MOST_NAME)?;
            bounded(ACTION, "a server's entry", entry.len(), MOST_ENTRY)?;
            let now = seconds(self.inner.clock.unix_seconds());
            self.put(ACTION, Write::PutServer { name, entry, now }).await
        })
    }

    fn remove_server(&self, name: &str) -> BoxFuture<'_, Result<(), StoreError>> {
        let name = name.to_owned();
        Box::pin(async move { self.put("remove a server", Write::RemoveServer { name }).await })
    }
}

pub(super) async fn put(
    connection: &mut SqliteConnection,
    name: &str,
    entry: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(statements::PUT_SERVER)
        .bind(name)
        .bind(entry)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn remove(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(statements::REMOVE_SERVER).bind(name).execute(connection).await?;
    Ok(())
}
