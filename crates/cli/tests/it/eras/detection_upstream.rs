//! The era of an upstream, how it is found out and when it is doubted: cases 14 to 27.

mod doubt;
mod expiry;
mod sse;
mod stdio;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{config, in_front_of, ready, wait_for_state};
use crate::support::{
    client::{Client, MODERN},
    gantry::Gantry,
    scripted::{Answer, Script, Scripted, Seen},
};

const LEGACY: &str = "2025-11-25";

/// What a probe is answered.
type ProbeAnswer = fn(&Seen) -> Answer;

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

/// *->L: the probe is answered in each of the ways of deployed legacy servers.
#[tokio::test]
async fn case_14_any_other_answer_to_the_probe_means_legacy() {
    let answers: [(&str, ProbeAnswer); 12] = [
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

/// *->L: legacy servers of every revision, without sessions, without a GET stream.
#[tokio::test]
async fn case_14_legacy_upstreams_of_every_kind_work() {
    let mut upstreams = Vec::new();
    for revision in [LEGACY, "2025-06-18", "2025-03-26", "2024-11-05"] {
        let whole = Scripted::legacy(revision);
        let bare = Scripted::legacy(revision).without_sessions();
        let mute = Scripted::legacy(revision).without_get_stream();
        for (name, script) in [("whole", whole), ("bare", bare), ("mute", mute)] {
            let upstream = with_echo(script).start().await;
            upstreams.push((format!("{name}-{revision}"), revision, upstream));
        }
    }
    let servers = upstreams.iter().map(|(name, _, upstream)| (name.as_str(), upstream.server()));
    let gantry = Gantry::start(&config(&servers.collect::<Vec<_>>())).await;
    for (name, revision, upstream) in &upstreams {
        let status = wait_for_state(&gantry, name, "ready").await;
        assert_eq!(status["revision"], *revision, "{name}: {status}");
        works(&gantry, name).await;
        let calls = upstream.seen_of("tools/call");
        assert_eq!(calls.len(), 2, "{name}: {calls:?}");
        let version = (*revision >= "2025-06-18").then_some(*revision);
        for call in calls {
            assert_eq!(call.session().is_some(), !name.starts_with("bare"), "{name}: {call:?}");
            assert_eq!(call.header("mcp-protocol-version"), version, "{name}: {call:?}");
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
