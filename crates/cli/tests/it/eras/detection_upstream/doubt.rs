//! An upstream that cannot be asked, or is not what it was: cases 19, 25 and 26.

use std::time::Duration;

use serde_json::json;

use super::{LEGACY, with_echo, works};
use crate::{
    eras::{config, in_front_of, ready, status, wait_for_state},
    support::{
        client::{Client, MODERN},
        gantry::Gantry,
        scripted::{Answer, Script, Scripted},
        wait::eventually,
    },
};

/// How an upstream fails.
type Failure = fn() -> Answer;

/// *->*: 503, 429, no answer, a reset: at the first probe.
#[tokio::test]
async fn case_19_an_upstream_that_is_down_gets_no_verdict_and_time_to_recover() {
    let failures: [(&str, Failure); 4] = [
        ("busy", || Answer::status(503)),
        ("limited", || Answer::status(429)),
        ("silent", || Answer::Hang),
        ("reset", || Answer::Reset),
    ];
    let mut upstreams = Vec::new();
    for (name, failure) in failures {
        let script = with_echo(Scripted::modern()).first(move |_| Some(failure()));
        upstreams.push((name, script.start().await));
    }
    let servers = upstreams.iter().map(|(name, upstream)| {
        let mut server = upstream.server();
        server["probe_timeout"] = "200ms".into();
        (*name, server)
    });
    let gantry = Gantry::start(&config(&servers.collect::<Vec<_>>())).await;
    for (name, upstream) in &upstreams {
        wait_for_state(&gantry, name, "unreachable").await;
        upstream.wait_for("server/discover", 2).await;
        assert_eq!(upstream.seen_of("initialize").len(), 0, "{name}: that is not the sign of L");
        upstream.turn_into(with_echo(Scripted::modern()));
    }
    for (name, upstream) in &upstreams {
        let state = wait_for_state(&gantry, name, "ready").await;
        assert_eq!(state["era"], "modern", "{name}: {state}");
        assert_eq!(upstream.seen_of("initialize").len(), 0, "{name}");
        works(&gantry, name).await;
    }
}

/// *->*: 503, no answer, a reset: of an upstream whose era is known.
#[tokio::test]
async fn case_19_the_verdict_of_an_upstream_that_goes_down_is_kept() {
    let failures: [(&str, Failure); 3] = [
        ("busy", || Answer::status(503)),
        ("silent", || Answer::Hang),
        ("reset", || Answer::Reset),
    ];
    let mut upstreams = Vec::new();
    for (name, failure) in failures {
        for era in ["legacy", "modern"] {
            let script =
                if era == "modern" { Scripted::modern() } else { Scripted::legacy(LEGACY) };
            let upstream = with_echo(script.clone()).start().await;
            upstreams.push((format!("{name}-{era}"), era, failure, script, upstream));
        }
    }
    let servers = upstreams.iter().map(|(name, .., upstream)| {
        let mut server = upstream.server();
        server["probe_timeout"] = "300ms".into();
        server["timeout"] = "300ms".into();
        (name.as_str(), server)
    });
    let gantry = Gantry::start(&config(&servers.collect::<Vec<_>>())).await;
    for (name, .., upstream) in &upstreams {
        wait_for_state(&gantry, name, "ready").await;
        upstream.forget();
    }
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    for (name, _, failure, _, upstream) in &upstreams {
        let failure = *failure;
        upstream.change(|script| script.first(move |_| Some(failure())));
        upstream.break_streams();
        let tool = format!("{name}__echo");
        let reply = client.call(&tool, json!({})).await;
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
        let failed = reply.message["error"]["code"] == -32603 || reply.is_error();
        assert!(failed, "{name}: {reply:?}");
    }
    for (name, _, _, script, upstream) in &upstreams {
        wait_for_state(&gantry, name, "unreachable").await;
        upstream.turn_into(with_echo(script.clone()));
    }
    for (name, era, .., upstream) in &upstreams {
        let state = wait_for_state(&gantry, name, "ready").await;
        assert_eq!(state["era"], *era, "{name}: {state}");
        let foreign = if *era == "modern" { "initialize" } else { "server/discover" };
        assert_eq!(upstream.seen_of(foreign).len(), 0, "{name}: the verdict was kept");
        works(&gantry, name).await;
    }
}

/// *->L: the upstream is replaced by one that speaks both eras; its sessions are gone, so that the
/// next call needs a new one. One call is open all the while, in its old session.
#[tokio::test]
async fn case_25_a_legacy_upstream_that_becomes_dual_is_found_out_and_no_call_is_lost() {
    let slow = |script: Script| {
        with_echo(script).tool("slow", json!({}), |_| {
            Answer::talk(async |talk| {
                tokio::time::sleep(Duration::from_millis(800)).await;
                talk.progress(1.0).await;
                Answer::text("slow")
            })
        })
    };
    let upstream = slow(Scripted::legacy(LEGACY)).start().await;
    let gantry = in_front_of(upstream.server()).await;
    assert_eq!(ready(&gantry).await["era"], "legacy");
    let client = Client::legacy(&gantry.url("/mcp"), LEGACY, json!({})).await;
    let open = client.start("tools/call", json!({ "name": "up__slow", "arguments": {} }));
    let (open, ()) = tokio::join!(async { open.await.finish().await }, async {
        upstream.wait_for("tools/call", 1).await;
        upstream.turn_into(slow(Scripted::dual()));
        upstream.expire_sessions();
        for _ in 0..3 {
            assert_eq!(client.call("up__echo", json!({})).await.text(), "echoed");
        }
        let what = "the upstream is known to be dual";
        eventually(what, async || {
            let status = status(&gantry, "up").await;
            let called = client.call("up__echo", json!({})).await;
            assert_eq!(called.text(), "echoed", "no call is lost");
            (status["era"] == "dual").then_some(())
        })
        .await;
    });
    assert_eq!(open.text(), "slow", "{open:?}");
    works(&gantry, "up").await;
    let last = upstream.wait_until("an enveloped call", |seen| {
        let mut calls = seen.iter().filter(|seen| seen.method() == "tools/call");
        calls.find(|seen| seen.claim().is_some()).cloned()
    });
    assert_eq!(last.await.claim(), Some(MODERN));
}

/// *->L: the same without any sign of it, when the configuration is read anew.
#[tokio::test]
async fn case_25_a_legacy_verdict_is_looked_at_again_when_the_gateway_reloads() {
    let upstream = with_echo(Scripted::legacy(LEGACY)).start().await;
    let mut gantry = in_front_of(upstream.server()).await;
    assert_eq!(ready(&gantry).await["era"], "legacy");
    upstream.turn_into(with_echo(Scripted::dual()));
    works(&gantry, "up").await;
    assert_eq!(status(&gantry, "up").await["era"], "legacy", "a dual server answers as before");
    let id = gantry.process().id().expect("it runs").cast_signed();
    let id = rustix::process::Pid::from_raw(id).expect("a process has a number");
    rustix::process::kill_process(id, rustix::process::Signal::HUP).expect("it is our child");
    eventually("the upstream is known to be dual", async || {
        (status(&gantry, "up").await["era"] == "dual").then_some(())
    })
    .await;
    works(&gantry, "up").await;
}

/// *->L: the upstream is replaced by one that is modern alone, and knows of no session.
#[tokio::test]
async fn case_25_a_legacy_upstream_that_becomes_modern_alone_is_found_out() {
    let upstream = with_echo(Scripted::legacy(LEGACY)).start().await;
    let gantry = in_front_of(upstream.server()).await;
    assert_eq!(ready(&gantry).await["era"], "legacy");
    upstream.turn_into(with_echo(Scripted::modern()));
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    eventually("the upstream is known to be modern", async || {
        let _ = client.call("up__echo", json!({})).await;
        (status(&gantry, "up").await["era"] == "modern").then_some(())
    })
    .await;
    works(&gantry, "up").await;
}

/// *->M: the upstream is replaced by a legacy one.
#[tokio::test]
async fn case_26_a_modern_upstream_that_becomes_legacy_is_believed_at_the_second_look() {
    let upstream = with_echo(Scripted::modern()).start().await;
    let gantry = in_front_of(upstream.server()).await;
    assert_eq!(ready(&gantry).await["era"], "modern");
    upstream.forget();
    upstream.turn_into(with_echo(Scripted::legacy(LEGACY)));
    upstream.break_streams();
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let mut refused = 0;
    // Calls fail, in a way that says that they may be repeated, until there is a lane.
    eventually("a call works again", async || {
        let reply = client.call("up__echo", json!({})).await;
        if reply.message["error"].is_null() && !reply.is_error() {
            return Some(());
        }
        refused += 1;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.code(), -32603, "{reply:?}");
        let reason = reply.error()["data"]["reason"].as_str().unwrap_or_default();
        assert!(["upstream_changed", "unreachable"].contains(&reason), "{reply:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        None
    })
    .await;
    assert!(refused > 0, "the first call met a server of the other era");
    let handshake = upstream.wait_for("initialize", 1).await[0].number;
    let probes = upstream.seen_of("server/discover");
    let before: Vec<_> = probes.iter().filter(|probe| probe.number < handshake).collect();
    assert!(before.len() >= 2, "{probes:?}");
    let apart = before[before.len() - 1].at.duration_since(before[0].at);
    assert!(apart >= Duration::from_secs(5), "one odd answer is no evidence: {apart:?}");
    assert_eq!(ready(&gantry).await["era"], "legacy");
    works(&gantry, "up").await;
}
