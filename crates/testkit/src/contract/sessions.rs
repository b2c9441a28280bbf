//! What every store of sessions must do.

use bytes::Bytes;
use futures_util::future::join_all;
use gantry_core::Principal;
use gantry_core::session::{Remembered, SessionChange, SessionId, SessionRecord, SessionStore};
use gantry_protocol::Revision;

/// Checks a store of sessions that was empty.
pub async fn session_store(store: &dyn SessionStore) {
    what_was_never_written_is_unknown(store).await;
    a_record_comes_back_as_it_was(store).await;
    the_last_record_wins(store).await;
    being_heard_changes_that_alone(store).await;
    an_ended_session_stays_ended(store).await;
    one_write_is_one_order(store).await;
    concurrent_writes_are_all_kept(store).await;
    what_is_not_heard_ends_and_what_ended_is_forgotten(store).await;
}

fn id(number: u16) -> SessionId {
    let mut id = [0xA5; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    id
}

fn record(subject: &str) -> SessionRecord {
    SessionRecord {
        revision: Revision::V2025_06_18,
        principal: Principal::new("https://id.example.com/", subject),
        capabilities: Bytes::from_static(br#"{"roots":{},"x":"\u00e9"}"#),
        client_info: Bytes::from_static(br#"{"name":"c","version":"1"}"#),
        view: "".into(),
        log_level: None,
        subscriptions: Vec::new(),
        lists: [0, 1, u64::MAX],
        seen_at: 1_800_000_000,
    }
}

async fn put(store: &dyn SessionStore, id: SessionId, record: &SessionRecord) {
    write(store, id, SessionChange::Put(Box::new(record.clone()))).await;
}

async fn write(store: &dyn SessionStore, id: SessionId, change: SessionChange) {
    store.write(vec![(id, change)]).await.expect("a write");
}

async fn get(store: &dyn SessionStore, id: SessionId) -> Remembered {
    store.get(id).await.expect("a read")
}

fn open(record: &SessionRecord) -> Remembered {
    Remembered::Open(Box::new(record.clone()))
}

async fn what_was_never_written_is_unknown(store: &dyn SessionStore) {
    assert_eq!(get(store, id(1)).await, Remembered::Unknown);
    store.write(Vec::new()).await.expect("writing nothing");
    write(store, id(1), SessionChange::Seen(1_800_000_000)).await;
    assert_eq!(get(store, id(1)).await, Remembered::Unknown, "being heard makes no session");
}

async fn a_record_comes_back_as_it_was(store: &dyn SessionStore) {
    for (number, revision) in (10..).zip(Revision::ALL) {
        let mut record = record("ann");
        record.revision = revision;
        record.view = "coding".into();
        record.log_level = Some("warning".into());
        record.subscriptions = vec!["file:///a b\"c".into(), "x://\u{e9}".into(), "".into()];
        record.capabilities = Bytes::from(vec![b'x'; 16 * 1024]);
        record.seen_at = u64::from(u32::MAX) + 7;
        put(store, id(number), &record).await;
        assert_eq!(get(store, id(number)).await, open(&record));
    }
}

async fn the_last_record_wins(store: &dyn SessionStore) {
    let mut record = record("bob");
    put(store, id(2), &record).await;
    record.log_level = Some("debug".into());
    record.subscriptions = vec!["a://x".into()];
    record.lists = [7, 8, 9];
    record.seen_at += 60;
    put(store, id(2), &record).await;
    assert_eq!(get(store, id(2)).await, open(&record));
}

async fn being_heard_changes_that_alone(store: &dyn SessionStore) {
    let mut record = record("cid");
    put(store, id(3), &record).await;
    record.seen_at += 600;
    write(store, id(3), SessionChange::Seen(record.seen_at)).await;
    assert_eq!(get(store, id(3)).await, open(&record));
}

async fn an_ended_session_stays_ended(store: &dyn SessionStore) {
    put(store, id(4), &record("dan")).await;
    write(store, id(4), SessionChange::Ended(1_800_000_100)).await;
    assert_eq!(get(store, id(4)).await, Remembered::Ended);
    put(store, id(4), &record("dan")).await;
    write(store, id(4), SessionChange::Seen(1_800_000_200)).await;
    assert_eq!(get(store, id(4)).await, Remembered::Ended);
    // It may end before its record was ever written.
    write(store, id(5), SessionChange::Ended(1_800_000_100)).await;
    assert_eq!(get(store, id(5)).await, Remembered::Ended);
}

async fn one_write_is_one_order(store: &dyn SessionStore) {
    let mut last = record("eve");
    last.log_level = Some("error".into());
    let put = |record: &SessionRecord| SessionChange::Put(Box::new(record.clone()));
    let changes = vec![
        (id(6), put(&record("eve"))),
        (id(7), put(&last)),
        (id(6), put(&last)),
        (id(7), SessionChange::Ended(1_800_000_000)),
    ];
    store.write(changes).await.expect("a write");
    assert_eq!(get(store, id(6)).await, open(&last));
    assert_eq!(get(store, id(7)).await, Remembered::Ended);
}

async fn concurrent_writes_are_all_kept(store: &dyn SessionStore) {
    let numbers: Vec<u16> = (1000..1500).collect();
    let named = |number: u16| record(&format!("subject-{number}"));
    join_all(numbers.iter().map(|&number| async move {
        put(store, id(number), &named(number)).await;
    }))
    .await;
    for number in numbers {
        assert_eq!(get(store, id(number)).await, open(&named(number)));
    }
}

async fn what_is_not_heard_ends_and_what_ended_is_forgotten(store: &dyn SessionStore) {
    const OLD: u64 = 1_000_000;
    let (mut idle, mut heard) = (record("fay"), record("gus"));
    (idle.seen_at, heard.seen_at) = (OLD, OLD + 100);
    put(store, id(8), &idle).await;
    put(store, id(9), &heard).await;
    assert_eq!(store.expire(OLD, 0).await.expect("an expiry"), 0, "the limit itself is not over");
    assert_eq!(store.expire(OLD + 1, 0).await.expect("an expiry"), 1);
    assert_eq!(get(store, id(8)).await, Remembered::Ended);
    assert_eq!(get(store, id(9)).await, open(&heard));
    store.expire(OLD + 1, OLD + 1).await.expect("an expiry");
    assert_eq!(get(store, id(8)).await, Remembered::Unknown, "it is too old to come back");
    assert_eq!(get(store, id(9)).await, open(&heard));
}
