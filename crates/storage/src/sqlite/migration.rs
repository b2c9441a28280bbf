//! Brings the schema up to date, one numbered file of statements after the other.
//!
//! A migration that was released is never changed; a new one is added. What it may do is told in
//! [`crate::schema`].

use sqlx::{Connection as _, SqliteConnection};

use crate::schema::{self, Found};

/// Number, name and statements, in the order of the numbers.
const MIGRATIONS: [(i64, &str, &str); 7] = [
    (
        1,
        "offers_and_verdicts",
        include_str!("../../migrations/sqlite/0001_offers_and_verdicts.sql"),
    ),
    (2, "sessions", include_str!("../../migrations/sqlite/0002_sessions.sql")),
    (3, "servers", include_str!("../../migrations/sqlite/0003_servers.sql")),
    (4, "api_keys", include_str!("../../migrations/sqlite/0004_api_keys.sql")),
    (5, "audit", include_str!("../../migrations/sqlite/0005_audit.sql")),
    (6, "meta", include_str!("../../migrations/sqlite/0006_meta.sql")),
    (7, "records", include_str!("../../migrations/sqlite/0007_records.sql")),
];

/// The last schema that this version knows.
pub(super) const KNOWN: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

const CREATE: &str = "\
    CREATE TABLE IF NOT EXISTS migrations (
        version    INTEGER NOT NULL PRIMARY KEY,
        name       TEXT    NOT NULL,
        applied_at INTEGER NOT NULL
    ) STRICT";

const EXISTS: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = $1";

/// Returns the numbers of all migrations.
pub(crate) fn numbers() -> Vec<i64> {
    MIGRATIONS.iter().map(|(version, ..)| *version).collect()
}

/// Returns what the file says of its schema; nothing, if it is new. Writes nothing.
pub(crate) async fn found(connection: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    if !exists(connection, "migrations").await? {
        return Ok(Found::default());
    }
    let applied = sqlx::query_scalar(schema::APPLIED).fetch_all(&mut *connection).await?;
    let meta = if exists(connection, "meta").await? {
        sqlx::query_as(schema::META).fetch_all(connection).await?
    } else {
        Vec::new()
    };
    Ok(Found::new(applied, meta))
}

async fn exists(connection: &mut SqliteConnection, table: &str) -> Result<bool, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar(EXISTS).bind(table).fetch_one(connection).await?;
    Ok(tables > 0)
}

/// Applies those of the migrations `wanted` that are missing, all or nothing.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    found: &Found,
    wanted: &[i64],
    now: u64,
) -> Result<(), sqlx::Error> {
    let missing = found.missing(wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(CREATE).execute(&mut *transaction).await?;
    for (version, name, statements) in MIGRATIONS {
        if !missing.contains(&version) {
            continue;
        }
        sqlx::raw_sql(statements).execute(&mut *transaction).await?;
        let record = sqlx::query(schema::RECORD).bind(version).bind(name);
        record.bind(crate::rows::seconds(now)).execute(&mut *transaction).await?;
        found.tell_of(version, name);
    }
    if wanted.contains(&KNOWN) {
        let oldest = schema::OLDEST.to_string();
        for (name, value) in [
            (schema::OLDEST_NAME, oldest.as_str()),
            (schema::OLDEST_RELEASE_NAME, schema::OLDEST_RELEASE),
        ] {
            sqlx::query(schema::PUT_META).bind(name).bind(value).execute(&mut *transaction).await?;
        }
    }
    transaction.commit().await
}
