//! Kept answers, and calls that serve everybody who asks for the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{figure, gateway, modern, ready};
use crate::support::{
    beside,
    client::Client,
    gantry::Gantry,
    scripted::{Answer, Scripted, stdio::StdioScript},
    wait::eventually,
};

/// Counts its calls, and says which one it is.
fn counting(script: crate::support::scripted::Script) -> crate::support::scripted::Script {
    let count = AtomicUsize::new(0);
    script.tool("count", json!({}), move |_| {
        Answer::text((count.fetch_add(1, Ordering::Relaxed) + 1).to_string())
    })
}

fn kept(cache: Value) -> Value {
    json!({ "traffic": { "tools": { "*": { "cache": cache } } } })
}

async fn text(client: &Client, arguments: Value) -> String {
    client.call("up__count", arguments).await.text().to_owned()
}

#[tokio::test]
async fn an_answer_is_kept_for_whoever_asks_for_the_same() {
    let upstream = counting(Scripted::dual()).start().await;
    let gantry = gateway(&upstream, kept(json!({})), json!({})).await;
    let client = modern(&gantry);
    assert_eq!(text(&client, json!({ "a": 1, "b": [2] })).await, "1");
    assert_eq!(text(&client, json!({ "b": [2], "a": 1 })).await, "1");
    assert_eq!(text(&client, json!({ "a": 2, "b": [2] })).await, "2");
    // Told in each caller's own era.
    let legacy = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let reply = legacy.call("up__count", json!({ "a": 1, "b": [2] })).await;
    assert_eq!(reply.text(), "1");
    assert!(reply.result().get("resultType").is_none(), "{reply:?}");
    assert_eq!(upstream.seen_of("tools/call").len(), 2);
    let looks = |outcome: &str| {
        let series = format!(r#"gantry_cache_requests_total{{server="up",outcome="{outcome}"}}"#);
        let gantry = &gantry;
        async move { figure(gantry, &series).await }
    };
    assert_eq!((looks("hit").await, looks("miss").await), (Some(2), Some(2)));
    assert_eq!(figure(&gantry, "gantry_cache_entries").await, Some(2));
    assert_eq!(figure(&gantry, "mcp_cache_hits_total").await, Some(2));
    assert_eq!(figure(&gantry, "mcp_cache_misses_total").await, Some(2));
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_configured_and_no_failure_ever() {
    let bad = AtomicUsize::new(0);
    let upstream = counting(Scripted::modern())
        .tool("bad", json!({}), move |_| {
            let text = (bad.fetch_add(1, Ordering::Relaxed) + 1).to_string();
            let content = json!([{ "type": "text", "text": text }]);
            Answer::Result(json!({ "content": content, "isError": true }))
        })
        .start()
        .await;
    let only_bad = json!({ "traffic": { "tools": { "bad": { "cache": {} } } } });
    let gantry = gateway(&upstream, only_bad, json!({})).await;
    let client = modern(&gantry);
    for number in ["1", "2"] {
        assert_eq!(text(&client, json!({})).await, number);
        assert_eq!(client.call("up__bad", json!({})).await.text(), number);
    }
}

#[tokio::test]
async fn what_is_kept_grows_old() {
    let upstream = counting(Scripted::modern()).start().await;
    let gantry = gateway(&upstream, kept(json!({ "ttl": "100ms" })), json!({})).await;
    let client = modern(&gantry);
    assert_eq!(text(&client, json!({})).await, "1");
    eventually("a second call", async || (text(&client, json!({})).await == "2").then_some(()))
        .await;
}

#[tokio::test]
async fn principals_do_not_see_what_is_kept_for_others_unless_it_is_public() {
    for (scope, expected) in [("principal", "2"), ("public", "1")] {
        let upstream = counting(Scripted::modern()).start().await;
        let tokens = ["ada", "bob"].map(|name| json!({ "name": name, "token": token(name) }));
        let auth = json!({ "auth": { "tokens": tokens } });
        let config = super::config(&upstream, kept(json!({ "scope": scope })), auth);
        let gantry = Gantry::start(&config).await;
        ready(&gantry).await;
        let client = |name: &str| {
            modern(&gantry).with_header("authorization", &format!("Bearer {}", token(name)))
        };
        assert_eq!(text(&client("ada"), json!({})).await, "1");
        assert_eq!(text(&client("ada"), json!({})).await, "1");
        assert_eq!(text(&client("bob"), json!({})).await, expected, "{scope}");
    }
}

fn token(name: &str) -> String {
    format!("token-of-{name}-for-this-test")
}

#[tokio::test]
async fn a_changed_offer_ends_what_was_kept() {
    let upstream = counting(Scripted::legacy("2025-11-25")).start().await;
    let gantry = gateway(&upstream, kept(json!({ "ttl": "1h" })), json!({})).await;
    let client = modern(&gantry);
    assert_eq!(text(&client, json!({})).await, "1");
    assert_eq!(text(&client, json!({})).await, "1");
    upstream.change(|script| script.tool("more", json!({}), |_| Answer::text("more")));
    upstream.push("notifications/tools/list_changed", json!({})).await;
    eventually("the other offer", async || {
        client.tool_names().await.contains(&"up__more".to_owned()).then_some(())
    })
    .await;
    assert_eq!(text(&client, json!({})).await, "2");
}

#[tokio::test]
async fn a_server_that_starts_anew_has_said_nothing_yet() {
    let steps = json!([{ "result": { "content": [{ "type": "text", "text": "kept" }] } }]);
    let script = StdioScript::new("2025-11-25").tool("count", json!({}), steps);
    let mut server = script.server();
    super::merge(&mut server, kept(json!({ "ttl": "1h" })));
    let gantry = Gantry::start(&json!({ "servers": { "up": server } }).to_string()).await;
    ready(&gantry).await;
    let client = modern(&gantry);
    for _ in 0..3 {
        assert_eq!(text(&client, json!({})).await, "kept");
    }
    assert_eq!(script.seen_of("tools/call").len(), 1);
    let restarted = gantry.run(&["servers", "restart", "up"]).await;
    assert!(restarted.status.success(), "{restarted}");
    ready(&gantry).await;
    eventually("a second call", async || {
        text(&client, json!({})).await;
        (script.seen_of("tools/call").len() == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn many_who_ask_at_once_make_one_call_that_outlives_the_first_of_them() {
    let lets = Arc::new(Semaphore::new(0));
    let permits = Arc::clone(&lets);
    let upstream = Scripted::modern()
        .tool("count", json!({}), move |_| {
            let permits = Arc::clone(&permits);
            Answer::talk(async move |_| {
                permits.acquire().await.expect("it is never closed").forget();
                Answer::text("once")
            })
        })
        .start()
        .await;
    let gantry = gateway(&upstream, kept(json!({})), json!({})).await;
    let call = || {
        let client = modern(&gantry);
        beside(async move { text(&client, json!({})).await })
    };
    let first = call();
    upstream.wait_for("tools/call", 1).await;
    let others: Vec<_> = (0..10).map(|_| call()).collect();
    let joined = r#"gantry_cache_requests_total{server="up",outcome="joined"}"#;
    eventually("all to wait", async || figure(&gantry, joined).await.filter(|count| *count == 10))
        .await;
    // The first one goes away, and its connection with it.
    first.abort();
    let _ = first.await;
    lets.add_permits(1);
    for other in others {
        assert_eq!(other.await.expect("a call does not panic"), "once");
    }
    assert_eq!(upstream.seen_of("tools/call").len(), 1);
}

#[tokio::test]
async fn a_resource_is_kept_as_long_as_its_server_allows_it() {
    let upstream = Scripted::modern()
        .resource("test://long", json!({}), |_| {
            Answer::Result(json!({ "contents": [], "ttlMs": 60_000, "cacheScope": "public" }))
        })
        .resource("test://never", json!({}), |_| {
            Answer::Result(json!({ "contents": [], "ttlMs": 0, "cacheScope": "public" }))
        })
        .start()
        .await;
    let gantry = gateway(&upstream, json!({}), json!({})).await;
    let client = modern(&gantry);
    let read = async |uri: &str| {
        let reply = client.request("resources/read", json!({ "uri": uri })).await;
        reply.result()["ttlMs"].as_u64().expect("it is required")
    };
    assert_eq!(read("test://long").await, 60_000);
    let left = read("test://long").await;
    assert!(left <= 60_000 && left > 30_000, "{left}");
    assert_eq!(upstream.seen_of("resources/read").len(), 1);
    for _ in 0..2 {
        assert_eq!(read("test://never").await, 0);
    }
    assert_eq!(upstream.seen_of("resources/read").len(), 3);
}
