//! API keys in the database: the contract, a restart, age.

use gantry_core::keys::{KeyChange, KeyStore as _, StoredKey};
use gantry_storage::Database as _;

use crate::support::{DAY, NOW, Place};

fn key() -> StoredKey {
    StoredKey {
        id: "gk_0123456789".into(),
        digest: [7; 32],
        pepper: 7,
        name: "alice".into(),
        scopes: Some(["mcp:read".into()].into()),
        roles: Box::default(),
        tier: None,
        made_at: NOW,
        expires_at: Some(NOW + DAY),
        used_at: None,
        revoked_at: None,
    }
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_key_store() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    gantry_testkit::contract::key_store(&database).await;
    database.close().await;
}

#[tokio::test]
async fn keys_are_there_after_a_restart_however_old_they_are() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    let revoke = KeyChange::Revoke { id: key().id, at: NOW };
    database.change_keys(vec![KeyChange::Make(Box::new(key())), revoke]).await.unwrap();
    database.close().await;
    let (database, _tasks) = place.open(NOW + 1000 * DAY).await;
    let revoked = StoredKey { revoked_at: Some(NOW), ..key() };
    assert_eq!(database.keys().await.unwrap(), [revoked]);
}

#[tokio::test]
async fn a_store_that_is_closed_refuses_changes() {
    let place = Place::new();
    let (database, _tasks) = place.open(NOW).await;
    database.close().await;
    let made = database.change_keys(vec![KeyChange::Make(Box::new(key()))]).await;
    assert!(made.unwrap_err().to_string().contains("change the keys"));
    database.key_used("gk_0123456789", NOW).await.unwrap_err();
    let (database, _tasks) = place.open(NOW).await;
    assert_eq!(database.keys().await.unwrap(), []);
}
