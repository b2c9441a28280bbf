//! How many calls may be under way, and how long one may be silent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;

use super::{code, figure, gateway, modern};
use crate::support::beside;
use crate::support::scripted::{Answer, Script, Scripted};
use crate::support::wait::soon;

/// A tool that answers when the test lets it.
fn held(script: Script, lets: &Arc<Semaphore>) -> Script {
    let lets = Arc::clone(lets);
    script.tool("held", json!({}), move |_| {
        let lets = Arc::clone(&lets);
        Answer::talk(async move |_| {
            lets.acquire().await.expect("it is never closed").forget();
            Answer::text("held")
        })
    })
}

#[tokio::test]
async fn a_full_server_lets_some_wait_and_refuses_the_rest() {
    let lets = Arc::new(Semaphore::new(0));
    let script = held(Scripted::modern(), &lets);
    let upstream = script.tool("other", json!({}), |_| Answer::text("o")).start().await;
    let room = json!({ "max": 1, "queue": 1, "wait": "1h" });
    let server = json!({ "traffic": { "tools": { "held": { "concurrency": room } } } });
    let gantry = gateway(&upstream, server, json!({})).await;
    let client = modern(&gantry);
    let call = || {
        let client = modern(&gantry);
        beside(async move { client.call("up__held", json!({})).await })
    };
    let first = call();
    upstream.wait_for("tools/call", 1).await;
    // A probe below may be in its place for a while.
    let second = beside({
        let client = modern(&gantry);
        async move {
            loop {
                let reply = client.call("up__held", json!({})).await;
                if reply.status != 503 {
                    return reply;
                }
            }
        }
    });
    // Whoever finds the queue full is refused at once; until the second one waits, one more may.
    let third = soon("a refusal", async {
        loop {
            let probe = beside({
                let client = modern(&gantry);
                async move { client.call("up__held", json!({})).await }
            });
            if let Ok(reply) = tokio::time::timeout(Duration::from_millis(500), probe).await {
                return reply.expect("a call does not panic");
            }
        }
    })
    .await;
    assert_eq!(third.refusal(), (503, -32603), "{third:?}");
    assert_eq!(code(third.error()), "E0432");
    assert_eq!(third.header("retry-after"), Some("1"));
    assert_eq!(client.call("up__other", json!({})).await.text(), "o");
    assert!(figure(&gantry, r#"gantry_upstream_full_total{server="up"}"#).await >= Some(1));
    assert_eq!(upstream.seen_of("tools/call").len(), 2, "one call and the other tool's");
    lets.add_permits(9);
    assert_eq!(first.await.expect("a call does not panic").text(), "held");
    assert_eq!(second.await.expect("a call does not panic").text(), "held");
}

#[tokio::test]
async fn who_waits_in_vain_is_told() {
    let lets = Arc::new(Semaphore::new(0));
    let upstream = held(Scripted::modern(), &lets).start().await;
    let room = json!({ "concurrency": { "max": 1, "wait": "50ms" } });
    let gantry = gateway(&upstream, json!({}), json!({ "traffic": room })).await;
    let client = modern(&gantry);
    let first = beside({
        let client = modern(&gantry);
        async move { client.call("up__held", json!({})).await }
    });
    upstream.wait_for("tools/call", 1).await;
    let reply = client.call("up__held", json!({})).await;
    assert_eq!(code(reply.error()), "E0432", "{reply:?}");
    assert!(reply.error()["message"].as_str().unwrap().contains("50ms"), "{reply:?}");
    lets.add_permits(1);
    assert_eq!(first.await.expect("a call does not panic").text(), "held");
    // A place that a client left is free again.
    lets.add_permits(1);
    assert_eq!(client.call("up__held", json!({})).await.text(), "held");
}

#[tokio::test]
async fn a_full_gateway_sheds_what_comes() {
    let lets = Arc::new(Semaphore::new(0));
    let upstream = held(Scripted::modern(), &lets).start().await;
    let most = json!({ "max_in_flight": 2, "max_waiting": 0 });
    let gantry = gateway(&upstream, json!({}), json!({ "traffic": most })).await;
    let client = modern(&gantry);
    let calls: Vec<_> = (0..2)
        .map(|_| {
            let client = modern(&gantry);
            beside(async move { client.call("up__held", json!({})).await })
        })
        .collect();
    upstream.wait_for("tools/call", 2).await;
    let reply = client.call("up__held", json!({})).await;
    assert_eq!(reply.refusal(), (503, -32603), "{reply:?}");
    assert_eq!((code(reply.error()), reply.header("retry-after")), ("E0309", Some("1")));
    assert_eq!(figure(&gantry, "gantry_shed_total").await, Some(1));
    lets.add_permits(2);
    for call in calls {
        assert_eq!(call.await.expect("a call does not panic").text(), "held");
    }
}

#[tokio::test]
async fn a_tool_has_a_time_limit_of_its_own_in_both_eras() {
    for script in [Scripted::modern(), Scripted::legacy("2025-11-25")] {
        let upstream = script
            .tool("hangs", json!({}), |_| Answer::Hang)
            .tool("long", json!({}), |_| {
                Answer::talk(async |talk| {
                    for _ in 0..6 {
                        tokio::time::sleep(Duration::from_millis(150)).await;
                        talk.progress(0.1).await;
                    }
                    Answer::text("long")
                })
            })
            .start()
            .await;
        let limit = json!({ "timeout": "500ms" });
        let server = json!({ "traffic": { "tools": { "*": limit } } });
        let gantry = gateway(&upstream, server, json!({})).await;
        let begun = Instant::now();
        let reply = modern(&gantry).call("up__hangs", json!({})).await;
        assert_eq!(code(reply.error()), "E0210", "{reply:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "the server's own limit is a minute");
        // Progress begins it anew.
        let call = json!({ "name": "up__long", "_meta": { "progressToken": 1 } });
        assert_eq!(modern(&gantry).request("tools/call", call).await.text(), "long");
    }
}
