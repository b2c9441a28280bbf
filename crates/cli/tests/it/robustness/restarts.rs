//! Upstreams that come back: clients need no restart of the gateway for it, and as few of their
//! calls fail as can be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;

use super::{assert_calm, gate::Gate, upstream};
use crate::{
    eras::config,
    support::{
        client::{Client, Reply},
        gantry::Gantry,
        scripted::{Answer, Script, Scripted, stdio::StdioScript},
        wait::eventually,
    },
};

/// Callers at once.
const CALLERS: usize = 4;
/// How often the child is killed, and how long it lives before: who does not live that long has
/// failed to start.
const KILLS: usize = 5;
const LIFE: Duration = Duration::from_millis(250);

fn succeeded(reply: &Reply) -> bool {
    !reply.message["result"]["content"].is_null() && reply.message["result"]["isError"] != true
}

fn legacy() -> Script {
    Scripted::legacy("2025-11-25").tool("good", json!({}), |_| Answer::text("fine"))
}

/// The sessions are forgotten under callers: each call succeeds, in a new session.
#[tokio::test]
async fn an_upstream_that_forgets_its_sessions_is_not_noticed() {
    let server = legacy().start().await;
    let gantry = Gantry::start(&config(&[("up", server.server())])).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let modern = Client::modern(&gantry.url("/mcp"), json!({}));
    assert_eq!(client.call("up__good", json!({})).await.text(), "fine");
    for _ in 0..3 {
        server.expire_sessions();
        let mut calls = JoinSet::new();
        for number in 0..CALLERS {
            let client = if number % 2 == 0 { client.clone() } else { modern.clone() };
            calls.spawn(async move { client.call("up__good", json!({})).await });
        }
        while let Some(reply) = calls.join_next().await {
            let reply = reply.expect("a call does not panic");
            assert!(succeeded(&reply), "{reply:?}");
        }
    }
    let state = upstream(&gantry, "up").await["state"].clone();
    assert_eq!(state, "ready", "it was never lost");
}

/// Down for a second: calls fail at once with a reason, and succeed again soon after.
async fn down_for_a_second(script: Script) {
    let server = script.start().await;
    let mut gate = Gate::before(&server.url()).await;
    let mut entry = server.server();
    entry["url"] = gate.url().into();
    let gantry = Gantry::start(&config(&[("up", entry)])).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    assert_eq!(client.call("up__good", json!({})).await.text(), "fine");
    let mut stream = client.get().await;

    gate.close();
    server.expire_sessions();
    let down = Instant::now();
    let mut refused = 0;
    while down.elapsed() < Duration::from_secs(1) {
        let begun = Instant::now();
        let reply = client.call("up__good", json!({})).await;
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "a call of a server that is down took {took:?}");
        if !succeeded(&reply) {
            refused += 1;
            let reason = reply.message.to_string();
            assert!(reason.contains("`up`"), "the server is not named: {reason}");
        }
        assert!(client.tool_names().await.contains(&"up__good".to_owned()), "the list is kept");
    }
    assert!(refused > 0, "the gate was closed");
    gate.open().await;
    let up = Instant::now();
    eventually("a call succeeds again", async || {
        succeeded(&client.call("up__good", json!({})).await).then_some(())
    })
    .await;
    let took = up.elapsed();
    assert!(took < Duration::from_secs(4), "it was back for {took:?} before it was found");
    for _ in 0..10 {
        let reply = client.call("up__good", json!({})).await;
        assert!(succeeded(&reply), "{reply:?}");
    }
    // The client's own stream is not the upstream's.
    server.change(|script| script.tool("more", json!({}), |_| Answer::text("more")));
    server.push("notifications/tools/list_changed", json!({})).await;
    loop {
        let told = stream.next_message().await;
        assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
        if client.tool_names().await.contains(&"up__more".to_owned()) {
            break;
        }
    }
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}");
    assert_calm(&log);
}

#[tokio::test]
async fn a_legacy_server_that_is_down_for_a_second_is_found_again() {
    down_for_a_second(legacy()).await;
}

#[tokio::test]
async fn a_modern_server_that_is_down_for_a_second_is_found_again() {
    let script = Scripted::modern().tool("good", json!({}), |_| Answer::text("fine"));
    down_for_a_second(script).await;
}

/// A child is killed again and again under callers. At each kill no more calls may fail than were
/// under way.
async fn killed_under_callers(revision: &str) {
    let text = json!({ "content": [{ "type": "text", "text": "fine" }] });
    let script = StdioScript::new(revision).tool(
        "good",
        json!({}),
        json!([{ "delay_ms": 5 }, { "result": text }]),
    );
    let gantry = Gantry::start(&config(&[("up", script.server())])).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    eventually("the tool works", async || {
        succeeded(&client.call("up__good", json!({})).await).then_some(())
    })
    .await;
    let failures = Arc::new(AtomicUsize::new(0));
    let successes = Arc::new(AtomicUsize::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (client, failures) = (client.clone(), Arc::clone(&failures));
        let (successes, is_over) = (Arc::clone(&successes), Arc::clone(&is_over));
        callers.spawn(async move {
            let mut reasons = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let reply = client.call("up__good", json!({})).await;
                if succeeded(&reply) {
                    successes.fetch_add(1, Ordering::Relaxed);
                } else {
                    failures.fetch_add(1, Ordering::Relaxed);
                    reasons.push(reply.message.to_string());
                }
            }
            reasons
        });
    }
    for kill in 1..=KILLS {
        let before = successes.load(Ordering::Relaxed);
        eventually("calls succeed", async || {
            (successes.load(Ordering::Relaxed) >= before + 10).then_some(())
        })
        .await;
        // Somewhere in the middle of what the callers do.
        let moment = Duration::from_millis(7) * u32::try_from(kill).unwrap_or_default();
        tokio::time::sleep(LIFE + moment).await;
        let status = upstream(&gantry, "up").await;
        let pid = status["pid"].as_u64().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.and_then(rustix::process::Pid::from_raw);
        let pid = pid.unwrap_or_else(|| panic!("no process id at kill {kill}: {status}"));
        rustix::process::kill_process(pid, rustix::process::Signal::KILL)
            .expect("it can be killed");
    }
    let before = successes.load(Ordering::Relaxed);
    eventually("calls succeed after the last kill", async || {
        (successes.load(Ordering::Relaxed) >= before + 10).then_some(())
    })
    .await;
    is_over.store(true, Ordering::Relaxed);
    let reasons = callers.join_all().await.concat();
    let failed = failures.load(Ordering::Relaxed);
    assert!(failed <= KILLS * CALLERS, "{failed} calls failed: {reasons:#?}");
    assert!(
        reasons.iter().all(|reason| reason.contains("ended") || reason.contains("killed")),
        "{reasons:#?}"
    );
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}");
    assert_calm(&log);
}

#[tokio::test]
async fn a_legacy_child_that_is_killed_fails_no_more_than_the_calls_under_way() {
    killed_under_callers("2025-11-25").await;
}

#[tokio::test]
async fn a_modern_child_that_is_killed_fails_no_more_than_the_calls_under_way() {
    killed_under_callers("2026-07-28").await;
}

/// An answer that is cut in the middle concerns the one who asked.
#[tokio::test]
async fn a_stream_that_is_cut_in_the_middle_is_an_error_for_the_one_concerned() {
    for script in [legacy(), Scripted::modern().tool("good", json!({}), |_| Answer::text("fine"))] {
        let server = script
            .tool("cut", json!({}), |_| {
                Answer::talk(async |talk| {
                    talk.progress(0.5).await;
                    talk.raw("data: {\"jsonrpc\":\"2.0\",\"id\":").await;
                    Answer::Reset
                })
            })
            .start()
            .await;
        let gantry = Gantry::start(&config(&[("up", server.server())])).await;
        let client = Client::modern(&gantry.url("/mcp"), json!({}));
        client.tool_names().await;
        let bystander = super::Bystander::start(client.clone(), "up__good");
        for _ in 0..10 {
            let params = json!({ "name": "up__cut", "_meta": { "progressToken": 1 } });
            let reply = client.request("tools/call", params).await;
            let reason = reply.message.to_string();
            assert!(reason.contains("broke") && reason.contains("up"), "{reply:?}");
        }
        bystander.noticed_nothing(Duration::from_secs(2)).await;
        let (_, log) = gantry.stop().await;
        assert_calm(&log);
    }
}
