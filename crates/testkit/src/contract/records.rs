//! What every store of records must do.

use bytes::Bytes;
use futures_util::future::join_all;
use gantry_core::store::{RecordStore, StoredRecord};

/// The largest value that is kept, in bytes.
const MOST_VALUE: usize = 1024 * 1024;
/// Records that are kept of one kind and owner.
const MOST_RECORDS: usize = 2_000;
/// Bytes of their values.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Checks a store of records that was empty; `now` is what its clock says.
pub async fn record_store(store: &dyn RecordStore, now: u64) {
    a_record_is_its_kinds_and_owners_alone(store).await;
    a_record_comes_back_byte_for_byte(store).await;
    a_record_that_has_expired_is_gone(store, now).await;
    the_last_ones_put_are_kept(store).await;
    values_have_a_bound_together(store).await;
    what_is_too_large_is_refused(store).await;
}

fn record(key: &str, value: &[u8]) -> StoredRecord {
    StoredRecord { key: key.to_owned(), value: Bytes::copy_from_slice(value), expires_at: None }
}

async fn put(store: &dyn RecordStore, place: (&str, &str), record: StoredRecord) {
    store.put_record(place.0, place.1, record).await.expect("a put");
}

async fn keys(store: &dyn RecordStore, (kind, owner): (&str, &str), most: usize) -> Vec<String> {
    let records = store.records(kind, owner, most).await.expect("a read");
    records.into_iter().map(|record| record.key).collect()
}

async fn a_record_is_its_kinds_and_owners_alone(store: &dyn RecordStore) {
    let (ada, bob) = (("kind", "ada"), ("kind", "bob"));
    put(store, ada, record("b", b"1")).await;
    put(store, ada, record("a", b"2")).await;
    put(store, bob, record("a", b"3")).await;
    put(store, ("other", "ada"), record("c", b"4")).await;
    assert_eq!(keys(store, ada, 10).await, ["a", "b"]);
    put(store, ada, record("b", b"5")).await;
    assert_eq!(keys(store, ada, 10).await, ["b", "a"]);
    assert_eq!(keys(store, ada, 1).await, ["b"]);
    let found = store.record("kind", "ada", "b").await.expect("a read");
    assert_eq!(found, Some(record("b", b"5")));
    assert!(store.remove_record("kind", "ada", "b").await.expect("a removal"));
    assert!(!store.remove_record("kind", "ada", "b").await.expect("a removal"));
    assert_eq!(store.record("kind", "ada", "b").await.expect("a read"), None);
    assert_eq!(
        (keys(store, ada, 10).await, keys(store, bob, 10).await),
        (vec!["a".to_owned()], vec!["a".to_owned()])
    );
}

async fn a_record_comes_back_byte_for_byte(store: &dyn RecordStore) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let long = vec![b'x'; MOST_VALUE];
    for (key, value) in [("every byte'é\n", every_byte), ("none", Vec::new()), ("long", long)] {
        put(store, ("exact", "ada"), record(key, &value)).await;
        let found = store.record("exact", "ada", key).await.expect("a read");
        assert!(found == Some(record(key, &value)), "{key}");
    }
}

async fn a_record_that_has_expired_is_gone(store: &dyn RecordStore, now: u64) {
    let place = ("brief", "ada");
    put(store, place, StoredRecord { expires_at: Some(now), ..record("over", b"1") }).await;
    put(store, place, StoredRecord { expires_at: Some(now + 1), ..record("still", b"1") }).await;
    assert_eq!(keys(store, place, 10).await, ["still"]);
    assert_eq!(store.record("brief", "ada", "over").await.expect("a read"), None);
    assert!(!store.remove_record("brief", "ada", "over").await.expect("a removal"));
    store.expire_records().await.expect("it forgets");
    assert_eq!(keys(store, place, 10).await, ["still"]);
    let found = store.record("brief", "ada", "still").await.expect("a read");
    assert_eq!(found.and_then(|record| record.expires_at), Some(now + 1));
}

async fn the_last_ones_put_are_kept(store: &dyn RecordStore) {
    let place = ("many", "ada");
    put(store, place, record("first", b"x")).await;
    let names: Vec<String> = (0..MOST_RECORDS).map(|n| n.to_string()).collect();
    // Many at once, as many callers would.
    for some in names.chunks(125) {
        join_all(some.iter().map(|name| put(store, place, record(name, b"x")))).await;
    }
    let kept = keys(store, place, 2 * MOST_RECORDS).await;
    assert_eq!(kept.len(), MOST_RECORDS);
    assert_eq!(store.record("many", "ada", "first").await.expect("a read"), None);
}

async fn values_have_a_bound_together(store: &dyn RecordStore) {
    let place = ("large", "ada");
    let value = vec![b'x'; MOST_VALUE];
    let most = MOST_BYTES / MOST_VALUE;
    for n in 0..=most {
        put(store, place, record(&n.to_string(), &value)).await;
    }
    assert_eq!(keys(store, place, 2 * most).await.len(), most);
    assert_eq!(store.record("large", "ada", "0").await.expect("a read"), None);
}

async fn what_is_too_large_is_refused(store: &dyn RecordStore) {
    let large = record("a", &vec![0; MOST_VALUE + 1]);
    let error = store.put_record("big", "ada", large).await.expect_err("it is too large");
    assert!(error.to_string().contains("above the 1048576 allowed"), "{error}");
    let long = "x".repeat(1025);
    store.put_record("big", "ada", record(&long, b"")).await.expect_err("the key is too long");
    store.put_record("big", &long, record("a", b"")).await.expect_err("the owner is too long");
    store.put_record(&long, "ada", record("a", b"")).await.expect_err("the kind is too long");
    assert_eq!(keys(store, ("big", "ada"), 10).await, [""; 0]);
}
