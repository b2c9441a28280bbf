//! Brings the schema up to date, one numbered file of statements after the other.
//!
//! The numbers are those of SQLite. Everything happens in one transaction and under a lock of the
//! database, so that gateways which start at once do it once. What a migration may do is told in
//! [`crate::schema`].

use sqlx::{Connection as _, PgConnection};

use super::open::sql_state;
use crate::schema::{self, Found, TooNew};

/// Number, name and statements, in the order of the numbers.
const MIGRATIONS: [(i64, &str, &str); 7] = [
    (
        1,
        "offers_and_verdicts",
        include_str!("../../migrations/postgres/0001_offers_and_verdicts.sql"),
    ),
    (2, "sessions", include_str!("../../migrations/postgres/0002_sessions.sql")),
    (3, "servers", include_str!("../../migrations/postgres/0003_servers.sql")),
    (4, "api_keys", include_str!("../../migrations/postgres/0004_api_keys.sql")),
    (5, "audit", include_str!("../../migrations/postgres/0005_audit.sql")),
    (6, "meta", include_str!("../../migrations/postgres/0006_meta.sql")),
    (7, "records", include_str!("../../migrations/postgres/0007_records.sql")),
];

/// The last schema that this version knows.
pub(super) const KNOWN: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Held by whoever changes the schema until the transaction ends; the number is that of nobody else
/// by convention alone.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7453010386432)";
/// A gateway that dies while it holds the lock frees it; one that only takes long is waited for.
const LOCK_LIMIT: &str = "SET LOCAL lock_timeout TO '60s'";

const HAS_SCHEMA: &str = "SELECT to_regnamespace('gantry') IS NOT NULL";
const CREATE_SCHEMA: &str = "CREATE SCHEMA gantry";
const EXISTS: &str = "SELECT to_regclass($1) IS NOT NULL";

const CREATE: &str = "\
    CREATE TABLE IF NOT EXISTS migrations (
        version    BIGINT NOT NULL PRIMARY KEY,
        name       TEXT   NOT NULL,
        applied_at BIGINT NOT NULL
    )";

/// Why the schema was not brought up to date.
#[derive(Debug)]
pub(crate) enum Error {
    TooNew(TooNew),
    /// Somebody else holds the lock.
    Busy,
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        // `lock_not_available`
        if sql_state(&error).as_deref() == Some("55P03") {
            Self::Busy
        } else {
            Self::Database(error)
        }
    }
}

/// Returns the numbers of all migrations.
pub(crate) fn numbers() -> Vec<i64> {
    MIGRATIONS.iter().map(|(version, ..)| *version).collect()
}

/// Returns what the database says of its schema; nothing, if it is new. Writes nothing.
pub(crate) async fn found(connection: &mut PgConnection) -> Result<Found, sqlx::Error> {
    if !exists(connection, "gantry.migrations").await? {
        return Ok(Found::default());
    }
    let applied = sqlx::query_scalar(schema::APPLIED).fetch_all(&mut *connection).await?;
    let meta = if exists(connection, "gantry.meta").await? {
        sqlx::query_as(schema::META).fetch_all(connection).await?
    } else {
        Vec::new()
    };
    Ok(Found::new(applied, meta))
}

pub(crate) async fn exists(
    connection: &mut PgConnection,
    table: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(EXISTS).bind(table).fetch_one(connection).await
}

/// Applies those of the migrations `wanted` that are missing, all or nothing; leaves a schema alone
/// that a later release has made.
pub(crate) async fn migrate(
    connection: &mut PgConnection,
    wanted: &[i64],
    now: u64,
) -> Result<(), Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query(LOCK_LIMIT).execute(&mut *transaction).await?;
    sqlx::query(LOCK).execute(&mut *transaction).await?;
    // Only now: whoever held the lock may have changed it.
    let found = found(&mut transaction).await?;
    found.check(KNOWN).map_err(Error::TooNew)?;
    let missing = found.missing(wanted);
    if missing.is_empty() {
        return Ok(transaction.commit().await?);
    }
    let has_schema: bool = sqlx::query_scalar(HAS_SCHEMA).fetch_one(&mut *transaction).await?;
    if !has_schema {
        sqlx::query(CREATE_SCHEMA).execute(&mut *transaction).await?;
    }
    sqlx::query(CREATE).execute(&mut *transaction).await?;
    for (version, name, statements) in MIGRATIONS {
        if missing.contains(&version) {
            sqlx::raw_sql(statements).execute(&mut *transaction).await?;
            let record = sqlx::query(schema::RECORD).bind(version).bind(name);
            record.bind(crate::rows::seconds(now)).execute(&mut *transaction).await?;
            found.tell_of(version, name);
        }
    }
    if wanted.contains(&KNOWN) {
        promise(&mut transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Writes down which releases may run here.
async fn promise(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let oldest = schema::OLDEST.to_string();
    for (name, value) in [
        (schema::OLDEST_NAME, oldest.as_str()),
        (schema::OLDEST_RELEASE_NAME, schema::OLDEST_RELEASE),
    ] {
        sqlx::query(schema::PUT_META).bind(name).bind(value).execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_back_ends_have_the_same_schemas() {
        assert_eq!(super::numbers(), crate::sqlite::migration::numbers());
        const { assert!(crate::schema::OLDEST <= super::KNOWN) }
    }
}
