//! A database that a later release has changed: this one goes on with it where nothing was taken
//! away, and otherwise leaves it alone.

use std::fs;

use gantry_core::Tasks;
use gantry_storage::{Database as _, OpenError};
use gantry_testkit::contract;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::support::{NOW, Place, get, put};

/// Does to the file what a later release would.
async fn later(place: &Place, statements: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.file());
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

const EXPAND: &str = "\
    ALTER TABLE offers ADD COLUMN colour TEXT NOT NULL DEFAULT 'none';
    ALTER TABLE sessions ADD COLUMN seat INTEGER;
    CREATE TABLE seats (number INTEGER PRIMARY KEY);
    INSERT INTO migrations (version, name, applied_at) VALUES (1007, 'later', 0)";

#[tokio::test]
async fn a_rollback_goes_on_with_a_schema_that_was_only_added_to() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    database.close().await;
    later(&place, EXPAND).await;
    let (database, _tasks) = place.open(NOW).await;
    assert_eq!(get(&database, "docs").await.as_deref(), Some("offer"));
    put(&database, "docs", "another").await;
    contract::offer_store(&database).await;
    contract::session_store(&database).await;
    contract::server_store(&database).await;
    contract::key_store(&database).await;
    contract::record_store(&database, NOW).await;
    database.close().await;
    // And it is still the later one's: nothing was applied again, nothing was taken back.
    later(&place, "INSERT INTO seats (number) SELECT COUNT(*) FROM offers WHERE colour = 'none'")
        .await;
    place.visit(NOW).await;
}

#[tokio::test]
async fn a_schema_that_something_was_taken_from_is_left_alone() {
    let place = Place::new();
    place.visit(NOW).await;
    later(&place, EXPAND).await;
    later(
        &place,
        "UPDATE meta SET value = '1007' WHERE name = 'oldest_schema';
         UPDATE meta SET value = '9.1.0' WHERE name = 'oldest_release'",
    )
    .await;
    let before = fs::read(place.file()).unwrap();
    let tasks = Tasks::new();
    let error = place.try_open(NOW, &tasks).await.expect_err("it may not run on that");
    assert!(matches!(error, OpenError::Newer { found: 1007, known: 1..1007, .. }), "{error:?}");
    assert!(error.to_string().contains("start 9.1.0 or a later one"), "{error}");
    assert_eq!(fs::read(place.file()).unwrap(), before, "nothing is written");
}

#[tokio::test]
async fn a_schema_of_before_there_was_a_promise_is_brought_up_to_date() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    put(&database, "docs", "offer").await;
    database.close().await;
    later(&place, "DROP TABLE records; DROP TABLE meta; DROP TABLE audit; DROP TABLE api_keys; DELETE FROM migrations WHERE version > 3").await;
    let (database, _tasks) = place.open(NOW).await;
    assert_eq!(get(&database, "docs").await.as_deref(), Some("offer"));
    database.close().await;
    later(&place, "UPDATE meta SET value = value WHERE name = 'oldest_schema'").await;
}
