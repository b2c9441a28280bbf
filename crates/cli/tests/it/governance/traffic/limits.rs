//! Limits of rates on every way in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{admin, ask, call_by_api, code, config, figure, gateway, modern, ready};
use crate::support::{
    client::{Client, Reply, pipe::PipeClient},
    gantry::{Gantry, Setup},
    scripted::{Answer, Script, Scripted},
    wait::eventually,
};

fn plain(script: Script) -> Script {
    script
        .tool("t", json!({}), |_| Answer::text("t"))
        .tool("other", json!({}), |_| Answer::text("o"))
}

/// A window that does not end while a test runs.
fn window(requests: u32) -> Value {
    json!({ "requests": requests, "per": "1h", "algorithm": "fixed_window" })
}

#[track_caller]
fn is_refused(reply: &Reply) {
    assert_eq!(reply.status, 429, "{reply:?}");
    let wait = reply.header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
    let wait = wait.unwrap_or_default();
    assert!((1..=3600).contains(&wait), "{reply:?}");
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"), "{reply:?}");
    assert_eq!(reply.header("x-ratelimit-window"), Some("3600"), "{reply:?}");
}

#[tokio::test]
async fn a_limit_is_told_with_every_answer_and_refuses_when_it_is_reached() {
    let upstream = plain(Scripted::modern()).start().await;
    let limits = json!({ "limits": { "per_principal": window(3) } });
    let gantry = gateway(&upstream, json!({}), limits).await;
    let client = modern(&gantry);
    for left in ["2", "1", "0"] {
        let reply = client.call("up__t", json!({})).await;
        assert_eq!(reply.text(), "t");
        assert_eq!(reply.header("x-ratelimit-limit"), Some("3"));
        assert_eq!(reply.header("x-ratelimit-remaining"), Some(left));
        assert!(reply.header("x-ratelimit-reset").unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    }
    let reply = client.call("up__t", json!({})).await;
    is_refused(&reply);
    assert_eq!(reply.code(), -32603);
    assert_eq!(code(reply.error()), "E0430");
    assert!(reply.error()["data"]["retryAfter"].as_u64().unwrap() > 0);
    assert_eq!(upstream.seen_of("tools/call").len(), 3);

    // On every other way in by HTTP as well, each in its own form.
    let legacy = Client::new(&gantry.url("/mcp"), "2025-11-25", json!({})).initialize().await;
    is_refused(&legacy);
    assert_eq!(code(legacy.error()), "E0430");
    is_refused(&ask(&gantry, "GET", "/sse", &[]).await.0);
    let (reply, body) = call_by_api(&gantry, "up__t").await;
    is_refused(&reply);
    assert_eq!(body["error"]["code"], "RATE_LIMIT_EXCEEDED", "{body}");
    assert_eq!(code(&body["error"]), "E0430");

    // The administrator can look why, and probes are not requests.
    let token = admin(&gantry);
    let servers = ask(&gantry, "GET", "/api/servers", &[("authorization", &token)]).await.0;
    assert_eq!(servers.status, 200);
    assert_eq!(ask(&gantry, "GET", "/health", &[]).await.0.status, 200);
    let refused = figure(&gantry, r#"gantry_rate_limited_total{limit="per_principal"}"#).await;
    assert_eq!(refused, Some(4));
}

#[tokio::test]
async fn a_limit_of_a_tool_stops_its_calls_and_no_others() {
    let upstream = plain(Scripted::dual()).start().await;
    let limits = json!({ "limits": { "tools": { "up__t*": window(1) } } });
    let gantry = gateway(&upstream, json!({}), limits).await;
    let client = modern(&gantry);
    assert_eq!(client.call("up__t", json!({})).await.text(), "t");
    let reply = client.call("up__t", json!({})).await;
    is_refused(&reply);
    assert_eq!(code(reply.error()), "E0430");
    assert!(reply.error()["message"].as_str().unwrap().contains("`limits.tools`"), "{reply:?}");
    assert_eq!(client.call("up__other", json!({})).await.text(), "o");

    // A legacy client always gets 200, and the rest in the error.
    let legacy = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let reply = legacy.call("up__t", json!({})).await;
    assert_eq!((reply.status, code(reply.error())), (200, "E0430"));
    assert!(reply.error()["data"]["retryAfter"].as_u64().unwrap() > 0);
    let (reply, body) = call_by_api(&gantry, "up__t").await;
    is_refused(&reply);
    assert_eq!(body["error"]["code"], "RATE_LIMIT_EXCEEDED", "{body}");
    // The same tool under its own name is the same tool.
    let own = Client::modern(&gantry.url("/mcp/up"), json!({}));
    is_refused(&own.call("t", json!({})).await);
    assert_eq!(upstream.seen_of("tools/call").len(), 2);
}

#[tokio::test]
async fn a_pipe_has_limits_too() {
    let upstream = plain(Scripted::modern()).start().await;
    let limits = json!({ "limits": { "per_principal": window(2) } });
    let mut client = PipeClient::start(&config(&upstream, json!({}), limits));
    for _ in 0..2 {
        let answer = client.modern("tools/list", json!({})).await;
        assert!(answer["result"].is_object(), "{answer}");
    }
    let answer = client.modern("tools/list", json!({})).await;
    assert_eq!(code(&answer["error"]), "E0430", "{answer}");
    assert!(answer["error"]["data"]["retryAfter"].as_u64().unwrap() > 0, "{answer}");
}

#[tokio::test]
async fn exactly_as_many_as_allowed_of_a_crowd_pass() {
    const CROWD: u32 = 3000;
    const ALLOWED: u32 = 1234;
    let upstream = plain(Scripted::modern()).start().await;
    let limits = json!({ "limits": { "global": window(ALLOWED) } });
    let gantry = gateway(&upstream, json!({}), limits).await;
    let passed = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..30 {
        let (client, passed) = (modern(&gantry), Arc::clone(&passed));
        clients.spawn(async move {
            for _ in 0..CROWD / 30 {
                let reply = client.request("tools/list", json!({})).await;
                assert!(matches!(reply.status, 200 | 429), "{reply:?}");
                passed.fetch_add(u32::from(reply.status == 200), Ordering::Relaxed);
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    assert_eq!(passed.load(Ordering::Relaxed), ALLOWED);
    let refused = figure(&gantry, r#"gantry_rate_limited_total{limit="global"}"#).await;
    assert_eq!(refused, Some(u64::from(CROWD - ALLOWED)));
}

#[tokio::test]
async fn the_rounds_of_one_exchange_count_once() {
    let upstream = Scripted::modern()
        .tool("t", json!({}), |seen| match seen.params()["requestState"].as_str() {
            Some("2") => Answer::text("done"),
            state => Answer::Result(json!({
                "resultType": "input_required",
                "requestState": if state.is_some() { "2" } else { "1" },
            })),
        })
        .start()
        .await;
    let limits = json!({ "limits": { "global": window(2), "tools": { "*": window(2) } } });
    let gantry = gateway(&upstream, json!({}), limits).await;
    let client = modern(&gantry);
    for _ in 0..2 {
        let mut params = json!({ "name": "up__t" });
        for round in 0..3 {
            let reply = client.request("tools/call", params.clone()).await;
            assert_eq!(reply.status, 200, "round {round}: {reply:?}");
            params["requestState"] = reply.result()["requestState"].clone();
        }
    }
    is_refused(&client.call("up__t", json!({})).await);
    // A state that nobody gave out makes nothing free.
    let forged = json!({ "name": "up__t", "requestState": "2" });
    is_refused(&client.request("tools/call", forged).await);
    assert_eq!(upstream.seen_of("tools/call").len(), 6);
}

#[tokio::test]
async fn the_answer_to_a_question_in_the_middle_of_a_call_is_free() {
    let destructive = json!({ "annotations": { "destructiveHint": true } });
    let upstream = Scripted::dual().tool("t", destructive, |_| Answer::text("t")).start().await;
    let more = json!({
        "limits": { "per_principal": window(100) },
        "access": { "approval": { "destructive": "ask" } },
    });
    let gantry = gateway(&upstream, json!({}), more).await;
    let asks = json!({ "elicitation": {} });
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", asks).await;
    let questions = Arc::new(AtomicU32::new(0));
    let asked = Arc::clone(&questions);
    let client = client.answering(move |_| {
        asked.fetch_add(1, Ordering::Relaxed);
        json!({ "result": { "action": "accept", "content": {} } })
    });
    let left = async || {
        let reply = client.request("ping", json!({})).await;
        reply.header("x-ratelimit-remaining").unwrap().parse::<u32>().unwrap()
    };
    let before = left().await;
    assert_eq!(client.call("up__t", json!({})).await.text(), "t");
    assert_eq!(questions.load(Ordering::Relaxed), 1);
    // The call and the look, and not the answer between them.
    assert_eq!(left().await, before - 2);
    // Whoever was not asked pays.
    let unasked = json!({ "jsonrpc": "2.0", "id": 77, "result": {} }).to_string();
    client.post(unasked, &[]).await;
    assert_eq!(left().await, before - 4);
}

#[tokio::test]
async fn what_was_counted_outlives_a_reload_that_does_not_change_the_limit() {
    let upstream = plain(Scripted::modern()).start().await;
    let limits = json!({ "limits": { "global": window(1) } });
    let gantry = gateway(&upstream, json!({}), limits).await;
    let client = modern(&gantry);
    assert_eq!(client.call("up__t", json!({})).await.status, 200);
    let starts = upstream.seen_of("server/discover").len();
    let more = json!({ "limits": { "global": window(1) }, "list_ttl": "7s" });
    rewrite(&gantry, &config(&upstream, json!({}), more)).await;
    is_refused(&client.call("up__t", json!({})).await);
    let more = json!({ "limits": { "global": window(2) } });
    let room = json!({ "traffic": { "concurrency": { "max": 7 } } });
    rewrite(&gantry, &config(&upstream, room, more)).await;
    assert_eq!(client.call("up__t", json!({})).await.status, 200);
    // How a server is asked is no reason to start it anew.
    assert!(!gantry.log().contains(" changed=up"), "{}", gantry.log());
    assert!(upstream.seen_of("server/discover").len() <= starts + 2);
}

async fn rewrite(gantry: &Gantry, config: &str) {
    let reloads = r#"gantry_config_reloads_total{outcome="applied"}"#;
    let before = figure(gantry, reloads).await.unwrap_or_default();
    std::fs::write(gantry.config(), config).expect("the file is ours");
    eventually("the new configuration", async || {
        figure(gantry, reloads).await.filter(|now| *now > before)
    })
    .await;
}

#[tokio::test]
async fn variables_of_other_systems_limit_each_client() {
    let upstream = plain(Scripted::modern()).start().await;
    let setup = Setup::new(&config(&upstream, json!({}), json!({})));
    let setup = setup.variable("RATE_LIMIT_REQUESTS", "2").variable("RATE_LIMIT_WINDOW", "3600");
    let gantry = setup.start().await;
    ready(&gantry).await;
    let client = modern(&gantry);
    for _ in 0..2 {
        assert_eq!(client.call("up__t", json!({})).await.status, 200);
    }
    let reply = client.call("up__t", json!({})).await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.header("x-ratelimit-limit"), Some("2"));
    assert_eq!(reply.header("x-ratelimit-window"), Some("3600"));
}
