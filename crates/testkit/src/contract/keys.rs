//! What every store of API keys must do.

use futures_util::future::join_all;
use gantry_core::keys::{KeyChange, KeyStore, StoredKey};

const NOW: u64 = 1_800_000_000;

/// Checks a store of keys that was empty.
pub async fn key_store(store: &dyn KeyStore) {
    assert_eq!(keys(store).await, []);
    a_key_comes_back_as_it_was(store).await;
    no_two_keys_share_an_id_or_a_digest(store).await;
    a_key_ends_once_and_never_later(store).await;
    one_change_is_one_order_and_all_or_nothing(store).await;
    a_use_is_noted_and_never_goes_back(store).await;
    what_is_not_there_changes_nothing(store).await;
    a_key_too_long_is_refused(store).await;
    concurrent_changes_are_all_kept(store).await;
}

fn key(id: &str) -> StoredKey {
    let mut digest = [7; 32];
    for (place, byte) in digest.iter_mut().zip(id.bytes()) {
        *place = byte;
    }
    StoredKey {
        id: id.into(),
        digest,
        pepper: 1,
        name: "alice".into(),
        scopes: None,
        roles: Box::default(),
        tier: None,
        made_at: NOW,
        expires_at: None,
        used_at: None,
        revoked_at: None,
    }
}

fn make(key: &StoredKey) -> KeyChange {
    KeyChange::Make(Box::new(key.clone()))
}

fn expire(id: &str, at: u64) -> KeyChange {
    KeyChange::Expire { id: id.into(), at }
}

fn revoke(id: &str, at: u64) -> KeyChange {
    KeyChange::Revoke { id: id.into(), at }
}

fn forget(id: &str) -> KeyChange {
    KeyChange::Forget { id: id.into() }
}

async fn change(store: &dyn KeyStore, changes: Vec<KeyChange>) {
    store.change_keys(changes).await.expect("a change");
}

async fn keys(store: &dyn KeyStore) -> Vec<StoredKey> {
    store.keys().await.expect("a read")
}

async fn find(store: &dyn KeyStore, id: &str) -> Option<StoredKey> {
    keys(store).await.into_iter().find(|key| &*key.id == id)
}

async fn clear(store: &dyn KeyStore) {
    let all = keys(store).await.iter().map(|key| forget(&key.id)).collect();
    change(store, all).await;
    assert_eq!(keys(store).await, []);
}

async fn a_key_comes_back_as_it_was(store: &dyn KeyStore) {
    let plain = key("plain");
    let full = StoredKey {
        digest: std::array::from_fn(|place| u8::try_from(place * 8).unwrap_or(0)),
        pepper: u32::MAX,
        name: "é 'quoted' \"name\"; --".into(),
        scopes: Some(["mcp:read".into(), "tools:*:call".into()].into()),
        roles: ["admin".into(), "ops".into()].into(),
        tier: Some("gold".into()),
        made_at: NOW - 1,
        expires_at: Some(NOW + 1),
        used_at: Some(NOW),
        revoked_at: Some(NOW),
        ..key("full")
    };
    let nothing = StoredKey { scopes: Some(Box::default()), made_at: NOW - 2, ..key("nothing") };
    change(store, vec![make(&plain), make(&full), make(&nothing)]).await;
    assert_eq!(keys(store).await, [nothing, full, plain], "the oldest is the first");
    clear(store).await;
}

async fn no_two_keys_share_an_id_or_a_digest(store: &dyn KeyStore) {
    let first = key("one");
    change(store, vec![make(&first)]).await;
    let same_id = StoredKey { digest: [1; 32], ..first.clone() };
    let same_digest = StoredKey { id: "other".into(), ..first.clone() };
    for second in [same_id, same_digest] {
        store.change_keys(vec![make(&second)]).await.expect_err("it is taken");
    }
    assert_eq!(keys(store).await, [first]);
    clear(store).await;
}

async fn a_key_ends_once_and_never_later(store: &dyn KeyStore) {
    change(store, vec![make(&key("k"))]).await;
    let expires_at = async || find(store, "k").await.and_then(|key| key.expires_at);
    for (at, stands) in [(NOW + 9, NOW + 9), (NOW + 5, NOW + 5), (NOW + 7, NOW + 5)] {
        change(store, vec![expire("k", at)]).await;
        assert_eq!(expires_at().await, Some(stands), "{at}");
    }
    for at in [NOW + 3, NOW + 1, NOW + 4] {
        change(store, vec![revoke("k", at)]).await;
        let revoked_at = find(store, "k").await.and_then(|key| key.revoked_at);
        assert_eq!(revoked_at, Some(NOW + 3), "the first time stands");
    }
    clear(store).await;
}

async fn one_change_is_one_order_and_all_or_nothing(store: &dyn KeyStore) {
    let (old, new) = (key("old"), key("new"));
    change(store, vec![make(&old), expire("old", NOW + 1), make(&new)]).await;
    assert_eq!(find(store, "old").await.and_then(|key| key.expires_at), Some(NOW + 1));
    let broken = vec![make(&key("third")), revoke("new", NOW), make(&old)];
    store.change_keys(broken).await.expect_err("`old` is there");
    assert_eq!(find(store, "third").await, None);
    assert_eq!(find(store, "new").await.and_then(|key| key.revoked_at), None);
    change(store, vec![forget("old"), make(&old)]).await;
    assert_eq!(find(store, "old").await, Some(old));
    clear(store).await;
}

async fn a_use_is_noted_and_never_goes_back(store: &dyn KeyStore) {
    change(store, vec![make(&key("k"))]).await;
    for (at, stands) in [(NOW + 60, NOW + 60), (NOW + 10, NOW + 60), (NOW + 120, NOW + 120)] {
        store.key_used("k", at).await.expect("a use");
        assert_eq!(find(store, "k").await.and_then(|key| key.used_at), Some(stands), "{at}");
    }
    clear(store).await;
}

async fn what_is_not_there_changes_nothing(store: &dyn KeyStore) {
    let only = key("only");
    change(store, vec![make(&only)]).await;
    let others = ["ONLY", "only ", "onl_", "onl%", ""];
    for id in others {
        change(store, vec![expire(id, NOW), revoke(id, NOW), forget(id)]).await;
        store.key_used(id, NOW).await.expect("a use of nothing");
    }
    assert_eq!(keys(store).await, [only]);
    clear(store).await;
}

async fn a_key_too_long_is_refused(store: &dyn KeyStore) {
    let roles = (0..1000).map(|_| "a-role-with-a-long-name".into()).collect();
    let long = StoredKey { roles, ..key("long") };
    store.change_keys(vec![make(&long)]).await.expect_err("it is too long");
    assert_eq!(keys(store).await, []);
}

async fn concurrent_changes_are_all_kept(store: &dyn KeyStore) {
    let all: Vec<_> = (0..200).map(|number| key(&format!("concurrent-{number}"))).collect();
    join_all(all.iter().map(|key| change(store, vec![make(key)]))).await;
    assert_eq!(keys(store).await.len(), all.len());
    join_all(all.iter().map(|key| change(store, vec![revoke(&key.id, NOW)]))).await;
    assert!(keys(store).await.iter().all(|key| key.revoked_at == Some(NOW)));
    clear(store).await;
}
