//! Sessions that go on in another process, those that must not, and a store that fails.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::BoxFuture;
use gantry_core::clock::FixedClock;
use gantry_core::seal::KeyRing;
use gantry_core::session::{MemorySessions, Remembered, SessionChange, SessionId, SessionStore};
use gantry_core::store::StoreError;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::gateway::{self, Running};
use crate::support::{PATIENCE, legacy};

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 24 * 60 * 60;

fn ping() -> Value {
    legacy(&json!(1), "ping", &json!({}))
}

/// A gateway at some time, on the sessions of the others in the test.
async fn at(now: u64, sessions: &Arc<MemorySessions>) -> Running {
    let keys = KeyRing::new(&[&[9; 32]]).unwrap();
    let clock = Arc::new(FixedClock(Duration::from_secs(now)));
    let sessions: Arc<dyn SessionStore> = Arc::clone(sessions) as _;
    gateway::with_sessions(Vec::new(), keys, sessions, clock).await
}

async fn end(running: &Running) {
    assert!(running.gateway.shut_down(PATIENCE).await, "it ends in time");
}

#[tokio::test]
async fn a_session_that_was_heard_within_its_time_goes_on() {
    let sessions = Arc::default();
    let first = at(NOW, &sessions).await;
    let session = Client::new(&first).initialize("2025-11-25", json!({})).await;
    end(&first).await;
    for day in 1..12 {
        let next = at(NOW + day * DAY, &sessions).await;
        assert_eq!(session.clone().moved_to(&next).send(&ping()).await.status, 200, "day {day}");
        end(&next).await;
    }
}

#[tokio::test]
async fn a_session_that_nobody_used_for_long_does_not_come_back() {
    let sessions = Arc::default();
    let first = at(NOW, &sessions).await;
    let session = Client::new(&first).initialize("2025-11-25", json!({})).await;
    end(&first).await;
    for later in [NOW + DAY + 1, NOW + 8 * DAY, NOW + 100 * DAY] {
        let next = at(later, &sessions).await;
        let session = session.clone().moved_to(&next);
        assert_eq!(session.send(&ping()).await.status, 404, "{later}");
        end(&next).await;
    }
}

#[tokio::test]
async fn a_session_that_its_client_ended_does_not_come_back() {
    let sessions = Arc::default();
    let first = at(NOW, &sessions).await;
    let session = Client::new(&first).initialize("2025-11-25", json!({})).await;
    assert_eq!(session.request("DELETE", "").await.status, 200);
    end(&first).await;
    let next = at(NOW + 60, &sessions).await;
    assert_eq!(session.moved_to(&next).send(&ping()).await.status, 404);
}

#[tokio::test]
async fn a_session_is_of_use_to_nobody_else_in_another_process_either() {
    let sessions = Arc::default();
    let first = at(NOW, &sessions).await;
    let session = Client::new(&first).initialize("2025-11-25", json!({})).await;
    end(&first).await;
    let next = at(NOW + 60, &sessions).await;
    let session = session.moved_to(&next);
    assert_eq!(session.clone().with("x-test-principal", "bob").send(&ping()).await.status, 404);
    assert_eq!(session.clone().at("/mcp/gantry").send(&ping()).await.status, 404);
    assert_eq!(session.send(&ping()).await.status, 200);
}

#[tokio::test]
async fn a_session_of_a_pipe_is_not_written_down() {
    let sessions: Arc<MemorySessions> = Arc::default();
    let running = at(NOW, &sessions).await;
    let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
    let (reader, writer) = tokio::io::split(theirs);
    let gateway = Arc::clone(&running.gateway);
    let principal = Arc::new(gantry_core::Principal::local());
    let serving = running.tasks.spawn("pipe", async move {
        gateway.serve_stream(tokio::io::BufReader::new(reader), writer, principal, "".into()).await;
    });
    let greeting = crate::support::greeting("2025-11-25", &json!({}));
    let line = format!("{}\n", legacy(&json!(0), "initialize", &greeting));
    tokio::io::AsyncWriteExt::write_all(&mut ours, line.as_bytes()).await.unwrap();
    let mut answer = [0; 1];
    crate::support::soon(tokio::io::AsyncReadExt::read_exact(&mut ours, &mut answer))
        .await
        .unwrap();
    drop(ours);
    crate::support::soon(serving).await.unwrap();
    end(&running).await;
    assert_eq!(format!("{sessions:?}"), format!("{:?}", MemorySessions::default()));
}

/// A store that does nothing but fail.
#[derive(Debug)]
struct Broken;

fn failed<T: Send + 'static>() -> BoxFuture<'static, Result<T, StoreError>> {
    let error = StoreError { action: "do anything", cause: "the disk is full".to_owned() };
    Box::pin(std::future::ready(Err(error)))
}

impl SessionStore for Broken {
    fn get(&self, _: SessionId) -> BoxFuture<'_, Result<Remembered, StoreError>> {
        failed()
    }

    fn write(&self, _: Vec<(SessionId, SessionChange)>) -> BoxFuture<'_, Result<(), StoreError>> {
        failed()
    }

    fn expire(&self, _: u64, _: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
        failed()
    }
}

#[tokio::test]
async fn a_store_that_fails_fails_no_request() {
    let keys = || KeyRing::new(&[&[9; 32]]).unwrap();
    let clock = |now| Arc::new(FixedClock(Duration::from_secs(now)));
    let first = gateway::with_sessions(Vec::new(), keys(), Arc::new(Broken), clock(NOW)).await;
    let session = Client::new(&first).initialize("2025-11-25", json!({})).await;
    let level = legacy(&json!(2), "logging/setLevel", &json!({ "level": "error" }));
    for message in [ping(), level, legacy(&json!(3), "tools/list", &json!({}))] {
        let mut answer = session.send(&message).await;
        assert_eq!(answer.status, 200);
        assert!(answer.json().await["result"].is_object());
    }
    end(&first).await;
    assert!(first.gateway.metrics.session_store_failures.get() >= 2, "they are counted");
    // What cannot be read goes on from its token.
    let next = gateway::with_sessions(Vec::new(), keys(), Arc::new(Broken), clock(NOW + 60)).await;
    let session = session.moved_to(&next);
    assert_eq!(session.send(&ping()).await.status, 200);
    assert_eq!(session.request("DELETE", "").await.status, 200);
    assert_eq!(session.send(&ping()).await.status, 404);
}
