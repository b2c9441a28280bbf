//! What every store of servers must do.

use gantry_core::store::{ServerStore, StoredServer};

/// Checks a store of servers that was empty.
pub async fn server_store(store: &dyn ServerStore) {
    servers_are_kept_by_name_changed_and_removed(store).await;
    names_are_ordered_by_their_bytes(store).await;
    what_is_too_large_is_refused(store).await;
}

async fn stored(store: &dyn ServerStore) -> Vec<(String, String)> {
    let servers = store.servers().await.expect("a read");
    servers.into_iter().map(|StoredServer { name, entry }| (name, entry)).collect()
}

fn pair(name: &str, entry: &str) -> (String, String) {
    (name.to_owned(), entry.to_owned())
}

async fn servers_are_kept_by_name_changed_and_removed(store: &dyn ServerStore) {
    assert_eq!(stored(store).await, []);
    let entry = r#"{"url":"a\u0000'é"}"#;
    store.put_server("docs", "{}").await.expect("a put");
    store.put_server("admin", "{}").await.expect("a put");
    store.put_server("docs", entry).await.expect("a put");
    assert_eq!(stored(store).await, [pair("admin", "{}"), pair("docs", entry)]);
    store.remove_server("admin").await.expect("a removal");
    store.remove_server("nobody").await.expect("a removal");
    assert_eq!(stored(store).await, [pair("docs", entry)]);
    store.remove_server("docs").await.expect("a removal");
}

async fn names_are_ordered_by_their_bytes(store: &dyn ServerStore) {
    for name in ["b", "a_b", "a-b", "a1"] {
        store.put_server(name, "{}").await.expect("a put");
    }
    let names: Vec<_> = stored(store).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a-b", "a1", "a_b", "b"]);
    for name in names {
        store.remove_server(&name).await.expect("a removal");
    }
}

async fn what_is_too_large_is_refused(store: &dyn ServerStore) {
    let large = "x".repeat(256 * 1024 + 1);
    let error = store.put_server("docs", &large).await.expect_err("it is too large");
    assert!(error.to_string().contains("above the 262144 allowed"), "{error}");
    store.put_server(&"n".repeat(65), "{}").await.expect_err("its name is too long");
    assert_eq!(stored(store).await, []);
}
