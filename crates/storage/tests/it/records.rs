//! What services keep for principals.

use bytes::Bytes;
use gantry_core::store::{RecordStore as _, StoredRecord};
use gantry_storage::{Database as _, Sqlite};

use crate::support::{DAY, NOW, Place};

fn record(key: &str, value: &'static str) -> StoredRecord {
    StoredRecord {
        key: key.to_owned(),
        value: Bytes::from_static(value.as_bytes()),
        expires_at: None,
    }
}

async fn kept(database: &Sqlite) -> Vec<StoredRecord> {
    database.records("session", "ada", 10).await.unwrap()
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_record_store() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    gantry_testkit::contract::record_store(&database, NOW).await;
    database.close().await;
}

#[tokio::test]
async fn records_are_kept_over_a_restart_and_go_when_nobody_wrote_them_for_long() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    database.put_record("session", "ada", record("old", "1")).await.unwrap();
    database.close().await;
    let (database, _tasks) = place.open(NOW + 80 * DAY).await;
    assert_eq!(kept(&database).await, [record("old", "1")]);
    database.put_record("session", "ada", record("new", "2")).await.unwrap();
    database.close().await;
    let (database, _tasks) = place.open(NOW + 91 * DAY).await;
    assert_eq!(kept(&database).await, [record("new", "2")]);
}

#[tokio::test]
async fn what_a_record_says_is_not_shown() {
    assert!(!format!("{:?}", record("key", "hunter2")).contains("hunter2"));
}
