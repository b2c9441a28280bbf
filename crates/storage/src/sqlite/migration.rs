//! Brings the schema up to date, one numbered file of statements after the other.
//!
//! A migration that was released is never changed; a new one is added.

use sqlx::{Connection as _, SqliteConnection};

/// Number, name and statements, in the order of the numbers.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (
        1,
        "offers_and_verdicts",
        include_str!("../../migrations/sqlite/0001_offers_and_verdicts.sql"),
    ),
    (2, "sessions", include_str!("../../migrations/sqlite/0002_sessions.sql")),
    (3, "servers", include_str!("../../migrations/sqlite/0003_servers.sql")),
    (5, "audit", include_str!("../../migrations/sqlite/0005_audit.sql")),
];

/// The last schema that this version knows.
pub(super) const KNOWN: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

const CREATE: &str = "\
    CREATE TABLE IF NOT EXISTS migrations (
        version    INTEGER NOT NULL PRIMARY KEY,
        name       TEXT    NOT NULL,
        applied_at INTEGER NOT NULL
    ) STRICT";

const EXISTS: &str =
    "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'";

const VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM migrations";

const RECORD: &str = "INSERT INTO migrations (version, name, applied_at) VALUES ($1, $2, $3)";

/// Returns the number of the last migration that was applied; 0 for a new file. Writes nothing.
pub(super) async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar(EXISTS).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(0);
    }
    sqlx::query_scalar(VERSION).fetch_one(connection).await
}

/// Applies what comes after `found`, all or nothing.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    found: i64,
    now: u64,
) -> Result<(), sqlx::Error> {
    if found >= KNOWN {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(CREATE).execute(&mut *transaction).await?;
    for (version, name, statements) in MIGRATIONS {
        if version <= found {
            continue;
        }
        sqlx::raw_sql(statements).execute(&mut *transaction).await?;
        sqlx::query(RECORD)
            .bind(version)
            .bind(name)
            .bind(super::offers::seconds(now))
            .execute(&mut *transaction)
            .await?;
        tracing::info!(version, name, "Applied a migration of the database.");
    }
    transaction.commit().await
}
