//! What a tap tells, and what it keeps to itself.

use bytes::Bytes;
use gantry_core::clock::FixedClock;

use super::*;

fn tap() -> Arc<Tap> {
    Tap::new(Arc::new(FixedClock(std::time::Duration::from_secs(1))))
}

fn message(text: &str) -> Message {
    Message::parse(Bytes::from(text.to_owned())).unwrap()
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"git__log","arguments":{"password":"x"}}}"#;

fn call(tap: &Arc<Tap>) -> Option<Pending> {
    let (principal, request_id) = (Principal::local(), Arc::from("r1"));
    let whose = Whose::from((&principal, &request_id));
    tap.from_client(whose, &message(CALL), Some(&"git".into()))
}

#[track_caller]
fn event(seen: Option<Seen>) -> Event {
    match seen {
        Some(Seen::Event(event)) => (*event).clone(),
        other => panic!("an event was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn nothing_is_made_while_nobody_watches() {
    let tap = tap();
    assert!(call(&tap).is_none());
    drop(tap.watch(true));
    assert!(call(&tap).is_none());
}

#[tokio::test]
async fn a_request_and_its_answer_are_seen() {
    let tap = tap();
    let mut watcher = tap.watch(false);
    call(&tap).unwrap().answered(br#"{"jsonrpc":"2.0","id":7,"result":{"isError":true}}"#);
    let request = event(watcher.next().await);
    assert_eq!((request.kind, request.direction), ("request", Direction::In));
    assert_eq!((request.name.as_deref(), request.id.as_deref()), (Some("git__log"), Some("7")));
    assert_eq!((request.server.as_deref(), request.body), (Some("git"), None));
    let answer = event(watcher.next().await);
    assert_eq!((answer.kind, answer.direction), ("answer", Direction::Out));
    assert_eq!((answer.outcome, answer.micros.is_some()), (Some("tool_error"), true));
}

#[tokio::test]
async fn a_request_that_is_dropped_was_cancelled() {
    let tap = tap();
    let mut watcher = tap.watch(false);
    drop(call(&tap));
    event(watcher.next().await);
    assert_eq!(event(watcher.next().await).outcome, Some("cancelled"));
}

#[tokio::test]
async fn bodies_are_made_for_those_who_want_them_without_secrets() {
    let tap = tap();
    tap.hide(Rules::for_showing(&[], Secrets::new(["s3cret-value".to_owned()])));
    let mut watcher = tap.watch(true);
    call(&tap).unwrap().answered(br#"{"jsonrpc":"2.0","id":7,"result":{"a":"s3cret-value"}}"#);
    let (request, answer) = (event(watcher.next().await), event(watcher.next().await));
    let (request, answer) = (request.body.unwrap(), answer.body.unwrap());
    assert!(request.contains(r#""password":"[redacted]""#), "{request}");
    assert!(answer.contains(r#""a":"[redacted]""#), "{answer}");
}

#[tokio::test]
async fn a_slow_watcher_is_told_how_much_it_lost() {
    let tap = tap();
    let mut watcher = tap.watch(false);
    for _ in 0..KEPT {
        drop(call(&tap));
    }
    assert_eq!(watcher.next().await, Some(Seen::Lost(KEPT as u64)));
    assert_eq!(event(watcher.next().await).method, "tools/call");
}
