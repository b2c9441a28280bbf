//! Places that cannot be written: calls go on until as much waits as may, then what is configured
//! happens, and when the place comes back everything is added in order.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{config, entries, is_event, is_whole, script, trail};
use crate::support::{
    client::{Client, Reply},
    gantry::Gantry,
    node,
    process::{self, Process},
    wait::eventually,
};

/// A folder that is away: what is in it cannot be renamed, so that no file can be begun anew.
struct Away {
    here: PathBuf,
    there: PathBuf,
}

impl Away {
    fn take(file: &Path) -> Self {
        let here = file.parent().expect("a file is in a folder").to_owned();
        let there = here.with_file_name("away");
        std::fs::rename(&here, &there).expect("a folder can be renamed");
        Self { here, there }
    }

    fn bring_back(self) {
        std::fs::rename(self.there, self.here).expect("a folder can be renamed");
    }
}

/// A gateway whose trail is begun anew after a few entries.
async fn gateway(audit: Value) -> (Gantry, crate::support::scripted::Scripted) {
    let upstream = script().start().await;
    let mut audit = audit;
    audit["rotation"] = json!({ "max_size": "1KiB", "max_files": 10_000 });
    let gantry = Gantry::start(&config(upstream.server(), audit).to_string()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    eventually("the server is there", async || {
        client.tool_names().await.contains(&"up__good".to_owned()).then_some(())
    })
    .await;
    (gantry, upstream)
}

pub(super) async fn call(gantry: &Gantry, number: usize) -> Reply {
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    client.call("up__good", json!({ "n": number, "filler": "x".repeat(200) })).await
}

/// What `/actuator/health/audit` says.
pub(super) async fn health(gantry: &Gantry) -> Value {
    let client = Client::modern(&gantry.url("/actuator/health/audit"), json!({}));
    let raw = client.bare("GET", &[]).await.finish().await.raw;
    serde_json::from_slice(&raw).expect("it is JSON")
}

/// A figure of `/metrics`.
pub(super) async fn figure(gantry: &Gantry, name: &str) -> u64 {
    let client = Client::modern(&gantry.url("/metrics"), json!({}));
    let raw = client.bare("GET", &[("accept", "*/*")]).await.finish().await.raw;
    let text = String::from_utf8_lossy(&raw).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name}: {text}"))
}

/// The numbers of the calls in the trail, with its older files, in order.
async fn numbers(gantry: &Gantry) -> Vec<u64> {
    let found = gantry
        .run(&["audit", "search", "--tool", "up__good", "--limit", "1000", "--format", "json"])
        .await;
    let found: Vec<Value> = serde_json::from_str(&found.stdout).expect("it is JSON");
    found.iter().rev().filter_map(|entry| entry["arguments"]["n"].as_u64()).collect()
}

#[tokio::test]
async fn calls_go_on_while_a_file_cannot_be_written_and_nothing_is_lost() {
    let (gantry, _upstream) = gateway(json!({})).await;
    for number in 0..10 {
        assert_eq!(call(&gantry, number).await.text(), "fine");
    }
    let away = Away::take(&trail(&gantry));
    for number in 10..60 {
        assert_eq!(call(&gantry, number).await.text(), "fine");
    }
    eventually("the health says so", async || {
        (health(&gantry).await["components"]["file"]["status"] == "DOWN").then_some(())
    })
    .await;
    assert_eq!(health(&gantry).await["status"], "UP", "calls are taken");
    assert!(gantry.log().contains("The audit trail cannot be written"), "{}", gantry.log());
    assert!(figure(&gantry, "gantry_audit_waiting_entries{sink=\"file\"}").await > 0);
    // Neither a restart nor a kill loses what waits.
    eventually("the last of it waits on the disk", async || {
        let spool = gantry.data().join("audit/file.spool");
        let text = std::fs::read_to_string(spool).unwrap_or_default();
        text.contains("\"n\":59").then_some(())
    })
    .await;
    away.bring_back();
    let gantry = gantry.killed_and_started().await;
    eventually("all of it is added", async || (numbers(&gantry).await.len() >= 60).then_some(()))
        .await;
    assert_eq!(numbers(&gantry).await, (0..60).collect::<Vec<u64>>(), "in order, each once");
    is_whole(&gantry).await;
}

#[tokio::test]
async fn calls_are_refused_once_no_more_may_wait_and_taken_again_later() {
    let (gantry, upstream) = gateway(json!({ "spool": "64KiB" })).await;
    let away = Away::take(&trail(&gantry));
    let mut done = 0;
    let refused = loop {
        let reply = call(&gantry, done).await;
        if reply.message["error"].is_object() {
            break reply;
        }
        done += 1;
        assert!(done < 1000, "more than fits into the spool was taken");
    };
    assert_eq!(refused.error()["data"]["code"], "E0515", "{refused:?}");
    let ran = upstream.seen_of("tools/call").len();
    assert_eq!(call(&gantry, 9999).await.error()["data"]["code"], "E0515");
    assert_eq!(upstream.seen_of("tools/call").len(), ran, "what is refused does not run");
    assert_eq!(health(&gantry).await["status"], "DOWN");
    let ready = Client::modern(&gantry.url("/ready"), json!({}));
    assert_eq!(ready.bare("GET", &[]).await.finish().await.status, 503);
    assert!(figure(&gantry, "gantry_audit_refused_total").await >= 2);
    // Whoever only looks is not refused.
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    assert!(client.tool_names().await.contains(&"up__good".to_owned()));

    away.bring_back();
    eventually("calls are taken again", async || {
        call(&gantry, 10_000).await.message["result"].is_object().then_some(())
    })
    .await;
    eventually("all of it is added", async || {
        (numbers(&gantry).await.last() == Some(&10_000)).then_some(())
    })
    .await;
    let mut expected: Vec<u64> = (0..done as u64).collect();
    let found = numbers(&gantry).await;
    expected.extend(found.iter().filter(|number| **number == 10_000));
    assert_eq!(found, expected, "each call that ran, once, in order");
    assert_eq!(health(&gantry).await["status"], "UP");
    is_whole(&gantry).await;
}

#[tokio::test]
async fn calls_go_on_unrecorded_where_that_is_configured() {
    let (gantry, _upstream) = gateway(json!({ "spool": "64KiB", "when_full": "drop" })).await;
    let _away = Away::take(&trail(&gantry));
    let mut number = 0;
    eventually("something is dropped", async || {
        for _ in 0..20 {
            assert_eq!(call(&gantry, number).await.text(), "fine");
            number += 1;
        }
        (figure(&gantry, "gantry_audit_dropped_total").await > 0).then_some(())
    })
    .await;
    assert_eq!(health(&gantry).await["status"], "UP", "calls are taken");
}

/// Holds the lock of a database as long as it lives.
async fn locker(database: &Path) -> Process {
    const PROGRAM: &str = "import sqlite3, sys\n\
        held = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n\
        held.execute('BEGIN IMMEDIATE')\n\
        print('held', flush=True)\n\
        sys.stdin.read()\n";
    let mut command = process::command(node::python());
    command.args(["-c", PROGRAM]).arg(database).stdin(std::process::Stdio::piped());
    let mut process = Process::start("the locker", command);
    let held = process.find_line(Duration::from_secs(30), |_, line| (line == "held").then_some(()));
    held.await.expect("the lock is held");
    process
}

/// The middle of the times that calls take.
async fn usual_time(gantry: &Gantry, numbers: std::ops::Range<usize>) -> Duration {
    let mut times = Vec::new();
    for number in numbers {
        let begun = Instant::now();
        assert_eq!(call(gantry, number).await.text(), "fine");
        times.push(begun.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
async fn a_database_that_hangs_makes_no_call_slower_and_loses_nothing() {
    let (gantry, _upstream) = gateway(json!({ "database": true })).await;
    let before = usual_time(&gantry, 0..100).await;
    let mut locker = locker(&gantry.data().join("gantry.db")).await;
    let meanwhile = usual_time(&gantry, 100..200).await;
    assert!(meanwhile < before * 3 + Duration::from_millis(5), "{before:?} {meanwhile:?}");
    eventually("it is noticed", async || {
        (health(&gantry).await["components"]["database"]["status"] == "DOWN").then_some(())
    })
    .await;
    assert_eq!(health(&gantry).await["components"]["file"]["status"], "UP", "the file goes on");
    locker.kill().await;
    eventually("all of it is added", async || {
        let found = gantry
            .run(&[
                "audit",
                "search",
                "--database",
                "--tool",
                "up__good",
                "--limit",
                "1000",
                "--format",
                "json",
            ])
            .await;
        let found: Vec<Value> = serde_json::from_str(&found.stdout).ok()?;
        (found.len() == 200).then_some(())
    })
    .await;
    is_whole(&gantry).await;
    let started = entries(&gantry).into_iter().filter(|entry| is_event(entry, "gateway.started"));
    assert!(started.count() <= 1);
}

#[tokio::test]
async fn a_gateway_that_could_not_record_does_not_start() {
    let upstream = script().start().await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "something else\n").expect("it can be written");
    for (file, reason) in [
        (file.clone(), "does not end like an audit trail"),
        (PathBuf::from("/dev/full"), "cannot write the audit trail"),
    ] {
        let config = config(upstream.server(), json!({ "file": file }));
        let setup = crate::support::gantry::Setup::new(&config.to_string());
        let said = setup.try_start().await.expect_err("it must not start");
        assert!(said.contains(reason) && said.contains("E0517"), "{said}");
    }
    let kept = std::fs::read_to_string(&file).expect("it can be read");
    assert_eq!(kept, "something else\n", "it is left alone");
}
