//! The upstream is told the most verbose level that anybody on the lane wants, and a less verbose
//! one when that one is gone.

use serde_json::{Value, json};

use super::LEGACY;
use crate::{
    eras::{in_front_of, ready},
    support::{
        client::Client,
        scripted::{Answer, Script, Scripted},
        wait::eventually,
    },
};

const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

fn logging() -> Script {
    Scripted::legacy(LEGACY)
        .capabilities(json!({ "tools": {}, "logging": {} }))
        .tool("t", json!({}), |_| Answer::text("done"))
        .tool("wait", json!({}), |_| {
            Answer::talk(async |talk| {
                talk.progress(0.5).await;
                Answer::Hang
            })
        })
}

/// The levels that the upstream was told so far.
fn told(upstream: &Scripted) -> Vec<Value> {
    let seen = upstream.seen_of("logging/setLevel");
    seen.iter().map(|seen| seen.params()["level"].clone()).collect()
}

async fn wait_for_levels(upstream: &Scripted, expected: &[&str]) {
    eventually(&format!("the levels {expected:?}"), async || {
        (told(upstream) == expected).then_some(())
    })
    .await;
}

async fn set(client: &Client, level: &str) {
    client.request("logging/setLevel", json!({ "level": level })).await.result();
    assert_eq!(client.call("up__t", json!({})).await.text(), "done");
}

#[tokio::test]
async fn a_level_is_lowered_when_the_session_that_wanted_more_says_so_or_ends() {
    let upstream = logging().start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let url = gantry.url("/mcp");
    let (loud, quiet) = (
        Client::legacy(&url, LEGACY, json!({})).await,
        Client::legacy(&url, LEGACY, json!({})).await,
    );
    set(&loud, "debug").await;
    set(&quiet, "error").await;
    wait_for_levels(&upstream, &["debug"]).await;
    set(&loud, "critical").await;
    wait_for_levels(&upstream, &["debug", "error"]).await;
    set(&loud, "info").await;
    wait_for_levels(&upstream, &["debug", "error", "info"]).await;
    loud.delete().await;
    wait_for_levels(&upstream, &["debug", "error", "info", "error"]).await;
    let lanes = upstream.seen_of("initialize").len();
    assert_eq!(lanes, 1, "all of them share one lane");
}

#[tokio::test]
async fn a_level_stays_while_a_request_is_open_that_wanted_it() {
    let upstream = logging().start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let url = gantry.url("/mcp");
    let session = Client::legacy(&url, LEGACY, json!({})).await;
    set(&session, "error").await;
    let client = Client::modern(&url, json!({}));
    let wait = |level: &str, token: &str| {
        let meta = json!({ LOG_LEVEL: level, "progressToken": token });
        client.start("tools/call", json!({ "name": "up__wait", "arguments": {}, "_meta": meta }))
    };
    let (debug, info) = (wait("debug", "a").await, wait("info", "b").await);
    // What the session sets in between is less than both want.
    set(&session, "warning").await;
    wait_for_levels(&upstream, &["error", "debug"]).await;
    drop(debug);
    wait_for_levels(&upstream, &["error", "debug", "info"]).await;
    drop(info);
    wait_for_levels(&upstream, &["error", "debug", "info", "warning"]).await;
}
