//! Servers that were made over the HTTP API.

use gantry_core::store::{ServerStore as _, StoredServer};
use gantry_storage::{Database as _, Sqlite};

use crate::support::{DAY, NOW, Place};

async fn stored(database: &Sqlite) -> Vec<(String, String)> {
    let servers = database.servers().await.unwrap();
    servers.into_iter().map(|StoredServer { name, entry }| (name, entry)).collect()
}

fn pair(name: &str, entry: &str) -> (String, String) {
    (name.to_owned(), entry.to_owned())
}

#[tokio::test]
async fn servers_are_kept_over_a_restart_changed_and_removed() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    assert_eq!(stored(&database).await, []);
    database.put_server("docs", "{\"url\":\"a\"}").await.unwrap();
    database.put_server("admin", "{}").await.unwrap();
    database.put_server("docs", "{\"url\":\"b\"}").await.unwrap();
    database.close().await;
    let (database, _tasks) = place.open(NOW).await;
    let both = [pair("admin", "{}"), pair("docs", "{\"url\":\"b\"}")];
    assert_eq!(stored(&database).await, both);
    database.remove_server("admin").await.unwrap();
    database.remove_server("nobody").await.unwrap();
    assert_eq!(stored(&database).await, both[1..]);
}

#[tokio::test]
async fn servers_are_not_forgotten_for_being_old() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    database.put_server("docs", "{}").await.unwrap();
    database.close().await;
    let (database, _tasks) = place.open(NOW + 1000 * DAY).await;
    assert_eq!(stored(&database).await, [pair("docs", "{}")]);
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_server_store() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    gantry_testkit::contract::server_store(&database).await;
    database.close().await;
}

#[tokio::test]
async fn secrets_of_servers_are_not_shown() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    database.put_server("docs", "hunter2").await.unwrap();
    assert!(!format!("{:?}", database.servers().await.unwrap()).contains("hunter2"));
}
