//! The era of an upstream, how it is found out and when it is doubted: cases 14 to 19 and 21 to 27.
//!
//! Case 20, HTTP+SSE, comes with that transport.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::{config, in_front_of, ready, status, wait_for_state};
use crate::support::{
    client::{Client, MODERN},
    gantry::Gantry,
    scripted::{Answer, Script, Scripted, Seen, stdio::StdioScript},
    wait::eventually,
};

const LEGACY: &str = "2025-11-25";

/// The tool by which a test sees that an upstream works.
fn with_echo(script: Script) -> Script {
    script.tool("echo", json!({}), |_| Answer::text("echoed"))
}

/// Answers the first `count` times, and then does what is plain.
fn at_first(
    count: usize,
    answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Answer + Send + Sync + 'static {
    let times = AtomicUsize::new(0);
    move |seen| {
        let is_one_of_the_first = times.fetch_add(1, Ordering::Relaxed) < count;
        if is_one_of_the_first { answer(seen) } else { Answer::Default }
    }
}

/// Panics unless clients of both eras can call the tool of `server`.
async fn works(gantry: &Gantry, server: &str) {
    let (url, tool) = (gantry.url("/mcp"), format!("{server}__echo"));
    let modern = Client::modern(&url, json!({}));
    assert_eq!(modern.call(&tool, json!({})).await.text(), "echoed", "{}", gantry.log());
    let legacy = Client::legacy(&url, LEGACY, json!({})).await;
    assert_eq!(legacy.call(&tool, json!({})).await.text(), "echoed", "{}", gantry.log());
}

fn echo_on_stdio(revision: &str) -> StdioScript {
    let text = json!({ "content": [{ "type": "text", "text": "echoed by $start" }] });
    StdioScript::new(revision).tool("echo", json!({}), json!([{ "result": text }]))
}

/// *->L: the probe is answered in each of the ways of deployed legacy servers.
#[tokio::test]
async fn case_14_any_other_answer_to_the_probe_means_legacy() {
    let answers: [(&str, fn(&Seen) -> Answer); 12] = [
        ("ok-32601", |_| Answer::error(-32601, "method not found")),
        ("ok-32602", |_| Answer::error(-32602, "invalid params")),
        ("ok-32600", |_| Answer::error(-32600, "initialize first")),
        ("ok-result", |_| Answer::Result(json!({}))),
        ("bad-empty", |_| Answer::status(400)),
        ("bad-html", |_| Answer::body(400, "text/html", "<h1>Bad Request</h1>")),
        ("bad-32000", |seen| Answer::refused(400, seen, -32000, "Bad Request: no session")),
        ("bad-32001", |seen| Answer::refused(400, seen, -32001, "Session not found")),
        ("bad-32020-twice", |seen| Answer::refused(400, seen, -32020, "header mismatch")),
        ("found-32601", |seen| Answer::refused(404, seen, -32601, "method not found")),
        ("not-acceptable", |_| Answer::status(406)),
        ("bare-32022", |_| Answer::error(-32022, "unsupported")),
    ];
    let mut upstreams = Vec::new();
    for (name, answer) in answers {
        let script = with_echo(Scripted::legacy("2025-06-18"));
        upstreams.push((name, script.on("server/discover", answer).start().await));
    }
    let servers: Vec<_> =
        upstreams.iter().map(|(name, upstream)| (*name, upstream.server())).collect();
    let gantry = Gantry::start(&config(&servers)).await;
    for (name, upstream) in &upstreams {
        let status = wait_for_state(&gantry, name, "ready").await;
        assert_eq!(status["era"], "legacy", "{name}: {status}");
        assert_eq!(status["revision"], "2025-06-18", "{name}: {status}");
        works(&gantry, name).await;
        let probes = upstream.seen_of("server/discover");
        let expected = if name.ends_with("-twice") { 2 } else { 1 };
        assert_eq!(probes.len(), expected, "{name}: {probes:?}");
        let probe = &probes[0];
        assert_eq!(probe.header("mcp-protocol-version"), Some(MODERN), "{probe:?}");
        assert_eq!(probe.header("mcp-method"), Some("server/discover"), "{probe:?}");
        assert_eq!(probe.claim(), Some(MODERN), "{probe:?}");
        assert!(probe.capabilities().is_object(), "{probe:?}");
        let opened = &upstream.seen_of("initialize")[0];
        assert_eq!(opened.params()["protocolVersion"], LEGACY, "{opened:?}");
        for call in upstream.seen_of("tools/call") {
            assert!(call.session().is_some(), "{call:?}");
            assert_eq!(call.header("mcp-protocol-version"), Some("2025-06-18"), "{call:?}");
            assert_eq!(call.header("mcp-method"), None, "{call:?}");
            assert_eq!(call.claim(), None, "{call:?}");
        }
    }
}

/// *->M: -32022 that names a revision which Gantry speaks, with status 400 and with 200.
#[tokio::test]
async fn case_15_an_unsupported_revision_is_probed_again_at_a_mutual_one() {
    for status in [400, 200] {
        let refusal = move |seen: &Seen| {
            let data = json!({ "supported": ["2027-01-01", MODERN], "requested": "?" });
            let error = json!({ "code": -32022, "message": "unsupported", "data": data });
            let body = json!({ "jsonrpc": "2.0", "id": seen.id(), "error": error });
            Answer::body(status, "application/json", body.to_string())
        };
        let script = with_echo(Scripted::modern()).on("server/discover", at_first(1, refusal));
        let upstream = script.start().await;
        let gantry = in_front_of(upstream.server()).await;
        let state = ready(&gantry).await;
        assert_eq!(state["era"], "modern", "{state}");
        assert_eq!(state["revision"], MODERN, "{state}");
        works(&gantry, "up").await;
        assert_eq!(upstream.seen_of("server/discover").len(), 2);
        assert_eq!(upstream.seen_of("initialize").len(), 0);
    }
}

/// *->M: -32022, or a `DiscoverResult`, with only modern revisions that Gantry lacks.
#[tokio::test]
async fn case_16_an_upstream_of_unknown_modern_revisions_is_a_version_mismatch() {
    let supported = json!(["2031-01-01", "2030-01-01"]);
    let data = json!({ "supported": supported, "requested": MODERN });
    let result = json!({ "supportedVersions": supported, "capabilities": {} });
    let refusing = Scripted::modern()
        .on("server/discover", move |_| Answer::error_with(-32022, "unsupported", data.clone()));
    let offering =
        Scripted::modern().on("server/discover", move |_| Answer::Result(result.clone()));
    for script in [refusing, offering] {
        let upstream = script.start().await;
        let gantry = in_front_of(upstream.server()).await;
        let state = wait_for_state(&gantry, "up", "version_mismatch").await;
        let detail = state["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("2031-01-01") && detail.contains("2030-01-01"), "{state}");
        assert_eq!(upstream.seen_of("initialize").len(), 0);
        // The reason reaches whoever calls it.
        let client = Client::modern(&gantry.url("/mcp"), json!({}));
        let reply = client.call("gantry__explain_tool", json!({ "name": "up__echo" })).await;
        assert!(reply.text().contains("version_mismatch"), "{reply:?}");
    }
}

/// *->L: a `DiscoverResult`, or -32022, with legacy revisions alone.
#[tokio::test]
async fn case_17_an_upstream_that_names_legacy_revisions_alone_is_legacy() {
    let supported = json!(["2025-06-18", "2025-03-26"]);
    let data = json!({ "supported": supported, "requested": MODERN });
    let result = json!({ "supportedVersions": supported, "capabilities": { "tools": {} },
        "resultType": "complete", "ttlMs": 0, "cacheScope": "private" });
    let refusing = Scripted::legacy("2025-06-18")
        .on("server/discover", move |_| Answer::error_with(-32022, "unsupported", data.clone()));
    let offering = Scripted::legacy("2025-06-18")
        .on("server/discover", move |_| Answer::Result(result.clone()));
    for script in [refusing, offering] {
        let upstream = with_echo(script).start().await;
        let gantry = in_front_of(upstream.server()).await;
        let state = ready(&gantry).await;
        assert_eq!(state["era"], "legacy", "{state}");
        works(&gantry, "up").await;
        assert_eq!(upstream.seen_of("server/discover").len(), 1);
    }
}

/// *->*: 401 without a token; then the configuration is given one.
#[tokio::test]
async fn case_18_without_credentials_there_is_no_verdict() {
    for script in [Scripted::modern(), Scripted::legacy(LEGACY)] {
        let expected = if script.is_modern_alone() { "modern" } else { "legacy" };
        let guarded = with_echo(script).first(|seen| {
            let known = seen.header("authorization") == Some("Bearer right");
            (!known).then(|| Answer::body(401, "text/plain", "who are you?"))
        });
        let upstream = guarded.start().await;
        let gantry = in_front_of(upstream.server()).await;
        wait_for_state(&gantry, "up", "unauthorized").await;
        assert_eq!(upstream.seen_of("initialize").len(), 0, "401 is not the sign of any era");
        let mut server = upstream.server();
        server["headers"] = json!({ "Authorization": "Bearer right" });
        std::fs::write(gantry.config(), config(&[("up", server)]))
            .expect("the configuration can be written");
        let state = ready(&gantry).await;
        assert_eq!(state["era"], expected, "{state}");
        let probes = upstream.seen_of("server/discover");
        let authorised = probes.iter().filter(|seen| seen.header("authorization").is_some());
        assert_eq!(authorised.count(), 1, "the second probe decides: {probes:?}");
        works(&gantry, "up").await;
    }
}

/// *->*: 503, 429, no answer, a reset: at the first probe.
#[tokio::test]
async fn case_19_an_upstream_that_is_down_gets_no_verdict_and_time_to_recover() {
    let failures: [(&str, fn() -> Answer); 4] = [
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
    let failures: [(&str, fn() -> Answer); 3] = [
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

/// *->M: `server/discover` is answered 404/-32601, `initialize` too, and an enveloped list works.
#[tokio::test]
async fn case_21_a_modern_upstream_may_lack_discover() {
    let missing = |seen: &Seen| Answer::refused(404, seen, -32601, "method not found");
    let script = Scripted::modern().on("server/discover", missing).on("initialize", missing);
    let upstream = with_echo(script).start().await;
    let gantry = in_front_of(upstream.server()).await;
    let state = ready(&gantry).await;
    assert_eq!(state["era"], "modern", "{state}");
    works(&gantry, "up").await;
    for call in upstream.seen_of("tools/call") {
        assert_eq!(call.claim(), Some(MODERN), "{call:?}");
    }
    // What is no server of either era is said to be none.
    let neither = Scripted::modern()
        .on("server/discover", missing)
        .on("initialize", missing)
        .on("tools/list", missing);
    let upstream = neither.start().await;
    let gantry = in_front_of(upstream.server()).await;
    wait_for_state(&gantry, "up", "not_mcp").await;
}

/// *->L stdio: the child exits when it is probed.
#[tokio::test]
async fn case_22_a_child_that_exits_on_the_probe_is_started_once_more_and_is_legacy() {
    let script = echo_on_stdio(LEGACY).on("server/discover", json!([{ "exit": 1 }]));
    let gantry = in_front_of(script.server()).await;
    let state = ready(&gantry).await;
    assert_eq!(state["era"], "legacy", "{state}");
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    assert_eq!(client.call("up__echo", json!({})).await.text(), "echoed by 1");
    assert_eq!(script.starts(), 2, "{:?}", script.seen());
    assert_hears_initialize_first(&script, 1);
}

#[track_caller]
fn assert_hears_initialize_first(script: &StdioScript, start: u64) {
    let lines = script.seen();
    let first = lines.iter().find(|line| line.start == start);
    let first = first.unwrap_or_else(|| panic!("nothing was sent to child {start}: {lines:?}"));
    assert_eq!(first.message["method"], "initialize", "{lines:?}");
    let probes = lines.iter().filter(|line| line.message["method"] == "server/discover");
    assert!(probes.clone().all(|line| line.start == 0), "{lines:?}");
    assert_eq!(probes.count(), 1, "{lines:?}");
}

/// *->L stdio: the child says nothing to the probe, or answers when it is too late.
#[tokio::test]
async fn case_23_a_child_that_is_silent_is_replaced_and_its_late_answer_changes_nothing() {
    let discovered = json!({ "supportedVersions": [MODERN], "capabilities": { "tools": {} } });
    let late = json!([{ "delay_ms": 500 }, { "result": discovered }]);
    for steps in [json!([{ "silence": true }]), late] {
        let script = echo_on_stdio(LEGACY).on("server/discover", steps);
        let mut server = script.server();
        server["probe_timeout"] = "300ms".into();
        let gantry = in_front_of(server).await;
        let state = ready(&gantry).await;
        assert_eq!(state["era"], "legacy", "{state}");
        // Past the time of the late answer.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let client = Client::modern(&gantry.url("/mcp"), json!({}));
        assert_eq!(client.call("up__echo", json!({})).await.text(), "echoed by 1");
        assert_eq!(status(&gantry, "up").await["era"], "legacy");
        assert_eq!(script.starts(), 2, "{:?}", script.seen());
        assert_hears_initialize_first(&script, 1);
    }
}

/// *->M: the probe is lost; the `initialize` of the fallback is answered -32022.
#[tokio::test]
async fn case_24_a_fallback_that_is_refused_as_too_old_leads_back_to_modern() {
    let lost = at_first(1, |_| Answer::status(400));
    let script = with_echo(Scripted::modern()).on("server/discover", lost);
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    let state = ready(&gantry).await;
    assert_eq!(state["era"], "modern", "{state}");
    let handshakes = upstream.seen_of("initialize");
    assert_eq!(handshakes.len(), 1, "{handshakes:?}");
    assert_eq!(upstream.seen_of("server/discover").len(), 2);
    works(&gantry, "up").await;
    // On stdio too: there the probe is answered with an error that says nothing.
    let nothing = json!([{ "error": { "code": -32603, "message": "not yet" } }]);
    let script = echo_on_stdio(MODERN).once("server/discover", nothing);
    let gantry = in_front_of(script.server()).await;
    let state = ready(&gantry).await;
    assert_eq!(state["era"], "modern", "{state} {:?}", script.seen());
    assert_eq!(script.starts(), 1, "{:?}", script.seen());
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

/// L->dual and M->dual within the same minute.
#[tokio::test]
async fn case_27_of_an_upstream_of_both_eras_each_client_uses_its_own() {
    let upstream = with_echo(Scripted::dual()).start().await;
    let gantry = in_front_of(upstream.server()).await;
    assert_eq!(ready(&gantry).await["era"], "dual");
    assert_eq!(upstream.seen_of("initialize").len(), 0, "nobody needs a session yet");
    let modern = Client::modern(&gantry.url("/mcp"), json!({}));
    let legacy = Client::legacy(&gantry.url("/mcp"), LEGACY, json!({})).await;
    for _ in 0..2 {
        assert_eq!(modern.call("up__echo", json!({ "era": "modern" })).await.text(), "echoed");
        assert_eq!(legacy.call("up__echo", json!({ "era": "legacy" })).await.text(), "echoed");
    }
    for call in upstream.seen_of("tools/call") {
        let is_modern = call.arguments()["era"] == "modern";
        assert_eq!(call.claim().is_some(), is_modern, "{call:?}");
        assert_eq!(call.session().is_some(), !is_modern, "{call:?}");
        assert_eq!(call.header("mcp-method").is_some(), is_modern, "{call:?}");
    }
    let handshakes = upstream.seen_of("initialize");
    assert_eq!(handshakes.len(), 1, "{handshakes:?}");
    assert_eq!(handshakes[0].claim(), None);
    assert_eq!(handshakes[0].params()["_meta"], Value::Null);
}
