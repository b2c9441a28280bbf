//! What is sent again, and what never is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{figure, gateway, modern};
use crate::support::{
    gantry::Gantry,
    scripted::{Answer, Scripted},
};

/// An upstream whose tools fail so often before they work: one that says it only reads, and one that
/// says nothing.
async fn upstream(failures: usize) -> Scripted {
    let fail = move |count: &Arc<AtomicUsize>| count.fetch_add(1, Ordering::Relaxed) < failures;
    let [reads, silent] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let read_only = json!({ "annotations": { "readOnlyHint": true } });
    Scripted::modern()
        .tool(
            "reads",
            read_only,
            move |_| {
                if fail(&reads) { Answer::Reset } else { Answer::text("read") }
            },
        )
        .tool("silent", json!({}), move |_| {
            if fail(&silent) { Answer::Reset } else { Answer::text("silent") }
        })
        .start()
        .await
}

fn retry(more: Value) -> Value {
    let mut retry = json!({ "attempts": 3, "backoff": "1ms", "budget": 1 });
    super::merge(&mut retry, more);
    json!({ "traffic": { "retry": retry } })
}

async fn text(gantry: &Gantry, tool: &str) -> Option<String> {
    let reply = modern(gantry).call(tool, json!({})).await;
    reply.message["result"]["content"][0]["text"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn only_what_a_trusted_server_says_may_run_twice_is_sent_again() {
    let upstream = upstream(2).await;
    let mut server = retry(json!({}));
    server["trust_annotations"] = true.into();
    let gantry = gateway(&upstream, server, json!({})).await;
    assert_eq!(text(&gantry, "up__reads").await.as_deref(), Some("read"));
    assert_eq!(upstream.seen_of("tools/call").len(), 3);
    assert_eq!(figure(&gantry, r#"gantry_retries_total{server="up"}"#).await, Some(2));
    assert_eq!(text(&gantry, "up__silent").await, None);
    assert_eq!(upstream.seen_of("tools/call").len(), 4);
}

#[tokio::test]
async fn the_word_of_a_server_that_is_not_trusted_counts_for_nothing() {
    let upstream = upstream(1).await;
    let gantry = gateway(&upstream, retry(json!({})), json!({})).await;
    assert_eq!(text(&gantry, "up__reads").await, None);
    assert_eq!(upstream.seen_of("tools/call").len(), 1);
}

#[tokio::test]
async fn the_configuration_may_say_so_of_any_tool() {
    let upstream = upstream(1).await;
    let tools = json!({ "silent": retry(json!({ "repeat": "always" }))["traffic"] });
    let server = json!({ "traffic": { "tools": tools } });
    let gantry = gateway(&upstream, server, json!({})).await;
    assert_eq!(text(&gantry, "up__silent").await.as_deref(), Some("silent"));
    assert_eq!(text(&gantry, "up__reads").await, None);
    assert_eq!(upstream.seen_of("tools/call").len(), 3);
}

#[tokio::test]
async fn nothing_is_sent_again_once_the_client_heard_of_it() {
    let heard = Arc::new(Semaphore::new(0));
    let until = Arc::clone(&heard);
    let upstream = Scripted::modern()
        .tool("speaks", json!({}), move |_| {
            let until = Arc::clone(&until);
            Answer::talk(async move |talk| {
                talk.progress(0.5).await;
                // A reset takes along what was not read yet.
                until.acquire().await.expect("it is never closed").forget();
                Answer::Reset
            })
        })
        .start()
        .await;
    let gantry = gateway(&upstream, retry(json!({ "repeat": "always" })), json!({})).await;
    let call = json!({ "name": "up__speaks", "_meta": { "progressToken": "p" } });
    let mut open = modern(&gantry).start("tools/call", call).await;
    assert_eq!(open.next_message().await["method"], "notifications/progress");
    heard.add_permits(9);
    open.finish().await.error();
    assert_eq!(upstream.seen_of("tools/call").len(), 1);
}

#[tokio::test]
async fn a_budget_keeps_repetitions_a_part_of_the_calls() {
    let upstream = upstream(usize::MAX).await;
    let few = retry(json!({ "repeat": "always", "budget": 0.1, "attempts": 2 }));
    let gantry = gateway(&upstream, few, json!({})).await;
    for _ in 0..60 {
        assert_eq!(text(&gantry, "up__silent").await, None);
    }
    // Ten to begin with, and one for every ten calls.
    let calls = upstream.seen_of("tools/call").len();
    assert!((60 + 10..=60 + 16).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_retry_that_is_switched_off_sends_nothing_again() {
    let upstream = upstream(1).await;
    let off = json!({ "trust_annotations": true, "traffic": { "retry": { "enabled": false } } });
    let gantry = gateway(&upstream, off, json!({})).await;
    assert_eq!(text(&gantry, "up__reads").await, None);
    assert_eq!(upstream.seen_of("tools/call").len(), 1);
}
