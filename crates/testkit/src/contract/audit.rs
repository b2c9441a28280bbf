//! What every store of audit trails must do.

use std::sync::Arc;

use gantry_core::audit::{AuditStore, Query, StoredLine};

/// Checks a store of audit trails that was empty.
pub async fn audit_store(store: &dyn AuditStore) {
    what_was_never_written_is_absent(store).await;
    lines_come_back_in_order_and_byte_for_byte(store).await;
    a_line_that_is_there_stays(store).await;
    what_is_looked_for_is_found_the_youngest_first(store).await;
    the_last_line_is_never_forgotten(store).await;
    an_entry_that_is_sealed_again_has_its_new_line(store).await;
}

fn line(seq: u64, at: u64, principal: &str, name: &str) -> StoredLine {
    StoredLine {
        seq,
        at,
        event: "tool.executed".to_owned(),
        outcome: if seq.is_multiple_of(2) { "ok" } else { "tool_error" }.to_owned(),
        principal: principal.to_owned(),
        name: name.to_owned(),
        request_id: format!("r-{seq}"),
        line: format!("{{\"seq\":{seq},\"text\":\"'é\\u0000;--\",\"by\":\"{principal}\"}}"),
    }
}

async fn append(store: &dyn AuditStore, trail: &str, lines: Vec<StoredLine>) {
    store.append(trail, Arc::from(lines), true).await.expect("lines can be stored");
}

async fn what_was_never_written_is_absent(store: &dyn AuditStore) {
    assert_eq!(store.last("nobody").await.expect("a read"), None);
    assert!(store.lines_after("nobody", 0, 10).await.expect("a read").is_empty());
    assert_eq!(store.find(&Query::default(), 0, 10).await.expect("a read"), (Vec::new(), 0));
}

async fn lines_come_back_in_order_and_byte_for_byte(store: &dyn AuditStore) {
    let lines: Vec<_> = (1..=30).map(|seq| line(seq, 1000 + seq, "ann", "git__log")).collect();
    append(store, "one", lines[..10].to_vec()).await;
    append(store, "other", vec![line(1, 5, "bob", "x")]).await;
    append(store, "one", lines[10..].to_vec()).await;
    let texts: Vec<_> = lines.iter().map(|line| line.line.clone()).collect();
    assert_eq!(store.lines_after("one", 0, 100).await.expect("a read"), texts);
    assert_eq!(store.lines_after("one", 12, 3).await.expect("a read"), texts[12..15]);
    assert_eq!(store.last("one").await.expect("a read").as_ref(), texts.last());
}

async fn a_line_that_is_there_stays(store: &dyn AuditStore) {
    let forged = StoredLine { line: "forged".to_owned(), ..line(30, 1, "eve", "x") };
    append(store, "one", vec![forged, line(31, 1031, "ann", "git__log")]).await;
    let lines = store.lines_after("one", 29, 10).await.expect("a read");
    assert_eq!(lines.len(), 2);
    assert!(!lines.contains(&"forged".to_owned()));
}

async fn what_is_looked_for_is_found_the_youngest_first(store: &dyn AuditStore) {
    let found =
        async |query: Query, skip, limit| store.find(&query, skip, limit).await.expect("a search");
    let (lines, total) = found(Query::default(), 0, 2).await;
    assert_eq!((lines.len(), total), (2, 32));
    assert!(lines[0].contains("\"seq\":31,") && lines[1].contains("\"seq\":30,"), "{lines:?}");
    let (lines, total) = found(Query::default(), 31, 10).await;
    assert_eq!((lines.len(), total), (1, 32), "the oldest is on the last page");
    let bob = Query { principal: Some("bob".to_owned()), ..Query::default() };
    assert_eq!(found(bob, 0, 10).await.1, 1);
    let moments = Query { since: Some(1003), until: Some(1006), ..Query::default() };
    assert_eq!(found(moments, 0, 10).await.1, 3);
    let request = Query { request_id: Some("r-7".to_owned()), ..Query::default() };
    assert_eq!(found(request, 0, 10).await.1, 1);
    let all = Query {
        since: Some(1),
        until: Some(2000),
        principal: Some("ann".to_owned()),
        name: Some("git__log".to_owned()),
        event: Some("tool.executed".to_owned()),
        outcome: Some("ok".to_owned()),
        request_id: None,
    };
    assert_eq!(found(all, 0, 100).await.1, 15);
    let nothing = Query { name: Some("git__%".to_owned()), ..Query::default() };
    assert_eq!(found(nothing, 0, 10).await.1, 0);
}

async fn the_last_line_is_never_forgotten(store: &dyn AuditStore) {
    while store.forget(1020, 7).await.expect("old lines can be removed") >= 7 {}
    let left = store.lines_after("one", 0, 100).await.expect("a read");
    assert_eq!(left.len(), 12, "20 to 31");
    assert_eq!(store.lines_after("other", 0, 10).await.expect("a read").len(), 1);
    while store.forget(u64::MAX, 100).await.expect("old lines can be removed") >= 100 {}
    let left = store.lines_after("one", 0, 100).await.expect("a read");
    assert_eq!(left.len(), 1);
    assert!(left[0].contains("\"seq\":31,"), "{left:?}");
}

async fn an_entry_that_is_sealed_again_has_its_new_line(store: &dyn AuditStore) {
    let again = |seq, text: &str| StoredLine {
        line: text.to_owned(),
        ..line(seq, 1000 + seq, "carl", "sealed")
    };
    append(store, "again", vec![again(1, "first"), again(2, "first, sealed")]).await;
    let longer = vec![again(1, "second"), again(2, "second"), again(3, "second, sealed")];
    append(store, "again", longer).await;
    let lines = store.lines_after("again", 0, 10).await.expect("a read");
    assert_eq!(lines, ["second", "second", "second, sealed"]);
    assert_eq!(store.last("again").await.expect("a read").as_deref(), Some("second, sealed"));
}
