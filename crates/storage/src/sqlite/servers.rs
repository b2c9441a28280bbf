//! Servers that were made over the HTTP API, as rows. What an entry means is not known here.

use gantry_core::store::StoreError;
use sqlx::SqliteConnection;

use super::Sqlite;
use super::offers::{bounded, seconds};
use super::writer::Write;

/// Longest name, in bytes.
const MOST_NAME: usize = 64;
/// Largest entry, in bytes.
const MOST_ENTRY: usize = 256 * 1024;

const SERVERS: &str = "SELECT name, entry FROM servers ORDER BY name";

const PUT_SERVER: &str = "\
    INSERT INTO servers (name, entry, made_at, changed_at)
    VALUES ($1, $2, $3, $3)
    ON CONFLICT (name) DO UPDATE SET
        entry = excluded.entry,
        changed_at = excluded.changed_at";

const REMOVE_SERVER: &str = "DELETE FROM servers WHERE name = $1";

/// A server as it was stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredServer {
    /// Its name.
    pub name: String,
    /// The text that was put; may hold secrets.
    pub entry: String,
}

impl std::fmt::Debug for StoredServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StoredServer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Returns every server, by name.
    pub async fn servers(&self) -> Result<Vec<StoredServer>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(SERVERS)
            .fetch_all(&self.inner.readers)
            .await
            .map_err(|error| self.failed("read the servers", &error))?;
        Ok(rows.into_iter().map(|(name, entry)| StoredServer { name, entry }).collect())
    }

    /// Stores a server, or another entry for it; committed when this returns.
    ///
    /// # Errors
    ///
    /// A name above 64 bytes, an entry above 256 KiB, or what the database says.
    pub async fn put_server(&self, name: &str, entry: &str) -> Result<(), StoreError> {
        const ACTION: &str = "store a server";
        bounded(ACTION, "a server's name", name.len(), MOST_NAME)?;
        bounded(ACTION, "a server's entry", entry.len(), MOST_ENTRY)?;
        let now = seconds(self.inner.clock.unix_seconds());
        let (name, entry) = (name.to_owned(), entry.to_owned());
        self.put(ACTION, Write::PutServer { name, entry, now }).await
    }

    /// Forgets a server, if it is there; committed when this returns.
    pub async fn remove_server(&self, name: &str) -> Result<(), StoreError> {
        self.put("remove a server", Write::RemoveServer { name: name.to_owned() }).await
    }
}

pub(super) async fn put(
    connection: &mut SqliteConnection,
    name: &str,
    entry: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(PUT_SERVER).bind(name).bind(entry).bind(now).execute(connection).await?;
    Ok(())
}

pub(super) async fn remove(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(REMOVE_SERVER).bind(name).execute(connection).await?;
    Ok(())
}
