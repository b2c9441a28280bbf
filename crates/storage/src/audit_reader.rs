//! Reads the audit trails of a database beside the gateway that may be using it.

use std::path::Path;

use gantry_core::store::StoreError;
use sqlx::{ConnectOptions as _, PgPool, SqliteConnection};
use tokio::time::{Duration, timeout};

use crate::PostgresConfig;
use crate::postgres::{migration, open as server};
use crate::rows::seconds;
use crate::sqlite::open as file;
use crate::statements;

const ACTION: &str = "read the audit trail";

/// Reads the audit trails of a database that a gateway may be using, and writes nothing.
#[derive(Debug)]
pub struct AuditReader {
    place: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    File(SqliteConnection),
    Server { pool: PgPool, limit: Duration },
}

impl AuditReader {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// What the database says, with its path.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let place = path.display().to_string();
        let connection = file::options(path).read_only(true).connect().await;
        let connection = connection.map_err(|error| failed(&place, &error))?;
        Ok(Self { place, source: Source::File(connection) })
    }

    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// What it says, without the password.
    pub async fn connect(config: &PostgresConfig) -> Result<Self, StoreError> {
        let pool = server::command(config)
            .await
            .map_err(|error| StoreError { action: ACTION, cause: gantry_core::chain(&error) })?;
        let source = Source::Server { pool, limit: config.limit() };
        Ok(Self { place: config.place(), source })
    }

    /// Returns the names of the trails in it; none if it is of a gateway that kept no trail.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn trails(&mut self) -> Result<Vec<String>, StoreError> {
        const EXISTS: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'audit'";
        match &mut self.source {
            Source::File(connection) => {
                let work = async {
                    let tables: i64 =
                        sqlx::query_scalar(EXISTS).fetch_one(&mut *connection).await?;
                    if tables == 0 {
                        return Ok(Vec::new());
                    }
                    sqlx::query_scalar(statements::AUDIT_TRAILS).fetch_all(connection).await
                };
                work.await.map_err(|error| failed(&self.place, &error))
            }
            Source::Server { pool, limit } => {
                let work = async {
                    let mut connection = pool.acquire().await?;
                    if !migration::exists(&mut connection, "gantry.audit").await? {
                        return Ok(Vec::new());
                    }
                    let trails = sqlx::query_scalar(statements::AUDIT_TRAILS);
                    trails.fetch_all(&mut *connection).await
                };
                within(*limit, work).await.map_err(|error| failed(&self.place, &error))
            }
        }
    }

    /// Returns up to `limit` lines of a trail after a place, in order.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn lines_after(
        &mut self,
        trail: &str,
        seq: u64,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let lines = match &mut self.source {
            Source::File(connection) => {
                let lines = sqlx::query_scalar(statements::AUDIT_AFTER).bind(trail);
                lines.bind(seconds(seq)).bind(limit).fetch_all(connection).await
            }
            Source::Server { pool, limit: time } => {
                let lines = sqlx::query_scalar(statements::AUDIT_AFTER).bind(trail);
                let lines = lines.bind(seconds(seq)).bind(i64::from(limit));
                within(*time, lines.fetch_all(&*pool)).await
            }
        };
        lines.map_err(|error| failed(&self.place, &error))
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(limit, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

fn failed(place: &str, error: &sqlx::Error) -> StoreError {
    StoreError { action: ACTION, cause: format!("`{place}`: {}", gantry_core::chain(error)) }
}
