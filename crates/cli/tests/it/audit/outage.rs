//! A trail in PostgreSQL, whose server goes away: calls go on as long as their entries have room to wait, then what
//! is configured happens, and when it is there again it gets every entry that waited.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gantry_testkit::postgres::PostgresServer;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::failing::{call, figure, health};
use super::{is_whole, script};
use crate::support::{
    client::Client,
    gantry::{Gantry, Setup},
    scripted::Scripted,
    wait::eventually,
};

const DATABASE: &str = "gantry";
/// How long the server is away.
const OUTAGE: Duration = Duration::from_secs(10);
/// How long calls are made before that, and after it.
const AROUND: Duration = Duration::from_secs(1);
/// Who calls at the same time.
const CALLERS: usize = 8;
/// Between two calls of one of them.
const PAUSE: Duration = Duration::from_millis(10);
/// A call that takes longer has waited for the database.
const SLOW: Duration = Duration::from_secs(2);

struct Scene {
    server: PostgresServer,
    upstream: Scripted,
    gantry: Gantry,
}

impl Scene {
    async fn start(mut audit: Value) -> Self {
        let (server, upstream) = (PostgresServer::start(), script().start().await);
        server.create_database(DATABASE);
        audit["database"] = json!(true);
        let config = json!({
            "servers": { "up": upstream.server() },
            "storage": { "url": "${DB}", "pool": { "acquire_timeout": "2s" } },
            "audit": audit,
        });
        let setup = Setup::new(&config.to_string()).variable("DB", server.url(DATABASE));
        let gantry = setup.start().await;
        assert_eq!(call(&gantry, 0).await.text(), "fine");
        Self { server, upstream, gantry }
    }

    /// How many calls ran.
    fn ran(&self) -> usize {
        self.upstream.seen_of("tools/call").len()
    }

    /// How many entries of calls the database has, after it was looked that none is there twice.
    fn entries(&self) -> usize {
        let counts = self.server.sql(
            DATABASE,
            "SELECT count(*), count(DISTINCT line::json -> 'arguments' ->> 'n') FROM gantry.audit \
             WHERE event = 'tool.executed'",
        );
        let (all, distinct) = counts.split_once('|').expect("two columns");
        assert_eq!(all, distinct, "an entry is there twice");
        all.parse().expect("a number")
    }

    async fn is_added(&self, expected: usize) {
        eventually(&format!("{expected} entries are in the database"), async || {
            (self.entries() == expected).then_some(())
        })
        .await;
        is_whole(&self.gantry).await;
    }
}

#[tokio::test]
async fn ten_seconds_without_the_server_lose_no_entry_and_fail_no_call() {
    let mut scene = Scene::start(json!({})).await;
    let (next, is_over) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let client = Client::modern(&scene.gantry.url("/mcp"), json!({}));
        let (next, is_over) = (Arc::clone(&next), Arc::clone(&is_over));
        callers.spawn(async move {
            let mut slowest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let begun = Instant::now();
                assert_eq!(client.call("up__good", json!({ "n": n })).await.text(), "fine");
                slowest = slowest.max(begun.elapsed());
                tokio::time::sleep(PAUSE).await;
            }
            slowest
        });
    }
    tokio::time::sleep(AROUND).await;
    scene.server.crash();
    let (down, before) = (Instant::now(), next.load(Ordering::Relaxed));
    eventually("the health says so", async || {
        (health(&scene.gantry).await["components"]["database"]["status"] == "DOWN").then_some(())
    })
    .await;
    assert_eq!(health(&scene.gantry).await["status"], "UP", "calls are taken");
    tokio::time::sleep(OUTAGE.saturating_sub(down.elapsed())).await;
    let meanwhile = next.load(Ordering::Relaxed) - before;
    scene.server.resume();
    tokio::time::sleep(AROUND).await;
    is_over.store(true, Ordering::Relaxed);
    let slowest = callers.join_all().await.into_iter().max().unwrap_or_default();
    let all = next.load(Ordering::Relaxed);
    println!("{meanwhile} of {all} calls without the server, the slowest took {slowest:?}");
    assert!(slowest < SLOW, "a call waited for the database: {slowest:?}");
    scene.is_added(all).await;
}

#[tokio::test]
async fn where_it_stays_away_calls_are_refused_and_later_taken_again() {
    let mut scene = Scene::start(json!({ "spool": "64KiB" })).await;
    scene.server.crash();
    let mut done = 1;
    let refused = loop {
        let reply = call(&scene.gantry, done).await;
        if reply.message["error"].is_object() {
            break reply;
        }
        done += 1;
        assert!(done < 1000, "more than fits into the spool was taken");
    };
    assert_eq!(refused.error()["data"]["code"], "E0515", "{refused:?}");
    assert_eq!(scene.ran(), done, "what is refused does not run");
    assert!(figure(&scene.gantry, "gantry_audit_refused_total").await >= 1);
    assert_eq!(health(&scene.gantry).await["status"], "DOWN");

    scene.server.resume();
    eventually("calls are taken again", async || {
        call(&scene.gantry, done).await.message["result"].is_object().then_some(())
    })
    .await;
    scene.is_added(done + 1).await;
    assert_eq!(scene.ran(), done + 1);
}

#[tokio::test]
async fn where_it_stays_away_calls_go_on_unrecorded_if_that_is_configured() {
    let mut scene = Scene::start(json!({ "spool": "64KiB", "when_full": "drop" })).await;
    scene.server.crash();
    let mut done = 1;
    let dropped = "gantry_audit_dropped_total";
    eventually("something is dropped", async || {
        for _ in 0..20 {
            assert_eq!(call(&scene.gantry, done).await.text(), "fine");
            done += 1;
        }
        (figure(&scene.gantry, dropped).await > 0).then_some(())
    })
    .await;
    scene.server.resume();
    assert_eq!(scene.ran(), done);
    let dropped = usize::try_from(figure(&scene.gantry, dropped).await).expect("not that many");
    scene.is_added(done - dropped).await;
}
