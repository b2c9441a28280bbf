//! Audit trails in the database: the contract, a restart, and reading beside a gateway.

use std::sync::Arc;

use gantry_core::audit::{AuditStore as _, StoredLine};
use gantry_storage::{AuditReader, Database as _};

use crate::support::{NOW, Place};

fn line(seq: u64) -> StoredLine {
    StoredLine {
        seq,
        at: NOW * 1000 + seq,
        event: "tool.executed".to_owned(),
        outcome: "ok".to_owned(),
        principal: String::new(),
        name: String::new(),
        request_id: String::new(),
        line: format!("line {seq}"),
    }
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_audit_store() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    gantry_testkit::contract::audit_store(&database).await;
    database.close().await;
}

#[tokio::test]
async fn trails_are_kept_over_a_restart_and_read_beside_a_gateway() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    database.append("a", Arc::from([line(1), line(2)]), true).await.unwrap();
    database.append("b", Arc::from([line(1)]), false).await.unwrap();
    let mut reader = AuditReader::open(&place.file()).await.unwrap();
    assert_eq!(reader.trails().await.unwrap(), ["a", "b"]);
    assert_eq!(reader.lines_after("a", 0, 10).await.unwrap(), ["line 1", "line 2"]);
    database.close().await;
    let (database, _tasks) = place.open(NOW + 1).await;
    assert_eq!(database.last("a").await.unwrap().as_deref(), Some("line 2"));
    database.close().await;
}

#[tokio::test]
async fn an_entry_that_is_too_large_is_refused() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    let large = StoredLine { line: "x".repeat(1024 * 1024 + 1), ..line(1) };
    let error = database.append("a", Arc::from([large]), true).await.unwrap_err();
    assert!(error.to_string().contains("above the 1048576 allowed"), "{error}");
    assert_eq!(database.last("a").await.unwrap(), None);
    database.close().await;
}
