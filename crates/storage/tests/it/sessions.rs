//! Sessions in the database: the contract, a restart, and a disk that fails.

use bytes::Bytes;
use gantry_core::Principal;
use gantry_core::session::{Remembered, SessionChange, SessionRecord, SessionStore as _};
use gantry_protocol::Revision;
use gantry_storage::Database as _;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::support::{NOW, Place};

fn record() -> SessionRecord {
    SessionRecord {
        revision: Revision::V2025_11_25,
        principal: Principal::of_gantry("ann"),
        capabilities: Bytes::from_static(b"{}"),
        client_info: Bytes::from_static(b"{}"),
        view: "".into(),
        log_level: Some("info".into()),
        subscriptions: vec!["a://x".into()],
        lists: [1, 2, 3],
        seen_at: NOW,
    }
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_session_store() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    gantry_testkit::contract::session_store(&database).await;
    database.close().await;
}

#[tokio::test]
async fn sessions_are_there_after_a_restart() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    let changes = vec![
        ([1; 16], SessionChange::Put(Box::new(record()))),
        ([2; 16], SessionChange::Ended(NOW)),
    ];
    database.write(changes).await.unwrap();
    database.close().await;
    let (database, _tasks) = place.open(NOW).await;
    assert_eq!(database.get([1; 16]).await.unwrap(), Remembered::Open(Box::new(record())));
    assert_eq!(database.get([2; 16]).await.unwrap(), Remembered::Ended);
    database.close().await;
}

#[tokio::test]
async fn an_ended_session_leaves_nothing_of_its_client() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    let mut secret = record();
    secret.client_info = Bytes::from_static(br#"{"name":"a-name-nobody-else-has"}"#);
    database.write(vec![([1; 16], SessionChange::Put(Box::new(secret)))]).await.unwrap();
    database.write(vec![([1; 16], SessionChange::Ended(NOW))]).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.file());
    let mut reader = options.connect().await.unwrap();
    let kept: (Vec<u8>, String, String) =
        sqlx::query_as("SELECT client_info, subject, subscriptions FROM sessions")
            .fetch_one(&mut reader)
            .await
            .unwrap();
    assert_eq!(kept, (Vec::new(), String::new(), String::new()));
    reader.close().await.unwrap();
    database.close().await;
}

#[tokio::test]
async fn a_closed_database_says_so() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    database.close().await;
    let write = database.write(vec![([1; 16], SessionChange::Seen(NOW))]).await.unwrap_err();
    let read = database.get([1; 16]).await.unwrap_err();
    let expiry = database.expire(NOW, NOW).await.unwrap_err();
    for error in [write, read, expiry] {
        assert!(error.to_string().contains("closed"), "{error}");
    }
}
