//! A legacy client whose connection breaks in a call: case 60.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    super::{in_front_of, ready},
    start,
};
use crate::support::{
    client::Client,
    scripted::{Answer, End, Script, Scripted},
};

/// A server whose tool `t` tells progress, waits, tells more, and ends.
fn waiting(script: Script, go_on: &Arc<Semaphore>) -> Script {
    let go_on = Arc::clone(go_on);
    script.tool("t", json!({}), move |_| {
        let go_on = Arc::clone(&go_on);
        Answer::talk(async move |talk| {
            talk.progress(0.25).await;
            let _ = go_on.acquire().await;
            talk.progress(0.75).await;
            Answer::text("done")
        })
    })
}

/// L->M, and L->L: the client goes away in the middle of a call.
async fn goes_away(script: Script, revision: &str) {
    let go_on = Arc::new(Semaphore::new(0));
    let upstream = waiting(script, &go_on).start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::legacy(&gantry.url("/mcp"), revision, json!({})).await;
    // Another call of the same session, whose events are not to be heard.
    let mut other = start(&client, &json!("other")).await;
    assert_eq!(other.next_message().await["params"]["progressToken"], "other");
    let mut open = start(&client, &json!("own")).await;
    let last = loop {
        let event = open.next_event().await.expect("progress comes first");
        if !event.data.is_empty() {
            break event.id.expect("events of a legacy stream have ids");
        }
    };
    drop(open);
    let calls = upstream.wait_for("tools/call", 2).await;
    assert!(calls.iter().all(|call| call.end() == End::Open), "nobody cancels: {calls:?}");
    go_on.add_permits(1);
    let mut heard: Vec<Value> = Vec::new();
    let mut again = client.resume(&last).await;
    while let Some(message) = again.next_or_end().await {
        heard.push(message);
    }
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard[0]["params"]["progressToken"], "own", "{heard:?}");
    assert_eq!(heard[0]["params"]["progress"], 0.75, "{heard:?}");
    assert_eq!(heard[1]["result"]["content"][0]["text"], "done", "{heard:?}");
    assert_eq!(other.finish().await.text(), "done");
    assert!(upstream.seen_of("notifications/cancelled").is_empty());
    assert_eq!(upstream.seen_of("tools/call").len(), 2, "nothing ran twice");
}

#[tokio::test]
async fn case_60_a_client_that_comes_again_gets_the_result_and_that_stream_alone() {
    goes_away(Scripted::modern(), "2025-11-25").await;
    goes_away(Scripted::modern(), "2025-03-26").await;
}

#[tokio::test]
async fn case_60_the_same_with_a_legacy_server() {
    goes_away(Scripted::legacy("2025-11-25"), "2025-11-25").await;
}
