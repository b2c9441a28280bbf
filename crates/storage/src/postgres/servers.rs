//! Servers that were made over the HTTP API, as rows.

use gantry_core::BoxFuture;
use gantry_core::store::{ServerStore, StoreError, StoredServer};

use super::Postgres;
use crate::rows::{MOST_ENTRY, MOST_NAME, bounded, seconds};
use crate::statements;

impl ServerStore for Postgres {
    fn servers(&self) -> BoxFuture<'_, Result<Vec<StoredServer>, StoreError>> {
        Box::pin(async move {
            let read = sqlx::query_as(statements::SERVERS).fetch_all(&self.inner.pool);
            let rows: Vec<(String, String)> = self.within_limit("read the servers", read).await?;
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
            let put = sqlx::query(statements::PUT_SERVER).bind(name).bind(entry).bind(now);
            self.within_limit(ACTION, put.execute(&self.inner.pool)).await.map(drop)
        })
    }

    fn remove_server(&self, name: &str) -> BoxFuture<'_, Result<(), StoreError>> {
        let name = name.to_owned();
        Box::pin(async move {
            let remove = sqlx::query(statements::REMOVE_SERVER).bind(name);
            let remove = remove.execute(&self.inner.pool);
            self.within_limit("remove a server", remove).await.map(drop)
        })
    }
}
