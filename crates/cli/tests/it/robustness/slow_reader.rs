//! A client that does not read what it asked for: others on the same upstream do not wait for it,
//! and what is kept for it is bounded.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bystander, assert_calm, resident};
use crate::{
    eras::config,
    support::{
        client::Client,
        gantry::Gantry,
        relay::{Child, Relay},
        scripted::{Answer, Scripted},
        wait::eventually,
    },
};

/// Messages that a flood consists of, and the bytes of each: far more than any buffer on the way.
const MESSAGES: usize = 4000;
const SIZE: usize = 10_000;
/// What the gateway may need more while a flood is not read.
const ROOM: u64 = 24 * 1024 * 1024;
/// The longest that anybody else may wait.
const LIMIT: Duration = Duration::from_secs(2);

fn progress(token: &Value, number: usize) -> String {
    let params = json!({ "progressToken": token, "progress": number, "message": "x".repeat(SIZE) });
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }).to_string()
}

/// A child with two tools: `flood` says much before it answers, `good` answers.
async fn flooding_child(revision: &'static str) -> Relay {
    Relay::start(move |line, child: Child| async move {
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        let result = match (message["method"].as_str(), message["params"]["name"].as_str()) {
            (Some("initialize"), _) => json!({
                "protocolVersion": revision, "capabilities": { "tools": {} },
                "serverInfo": { "name": "flooding", "version": "1" },
            }),
            (Some("server/discover"), _) if revision == "2026-07-28" => json!({
                "resultType": "complete", "supportedVersions": [revision],
                "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "private",
            }),
            (Some("tools/list"), _) => {
                let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
                json!({ "resultType": "complete", "tools": [tool("flood"), tool("good")] })
            }
            (Some("tools/call"), Some("flood")) => {
                let token = &message["params"]["_meta"]["progressToken"];
                for number in 0..MESSAGES {
                    child.say(&progress(token, number)).await;
                }
                json!({ "resultType": "complete", "content": [{ "type": "text", "text": "flooded" }] })
            }
            (Some("tools/call"), _) => {
                json!({ "resultType": "complete", "content": [{ "type": "text", "text": "fine" }] })
            }
            (Some("ping"), _) => json!({}),
            _ if message["id"].is_null() => return,
            _ => {
                let error = json!({ "code": -32601, "message": "no" });
                let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "error": error });
                child.say(&answer.to_string()).await;
                return;
            }
        };
        let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        child.say(&answer.to_string()).await;
    })
    .await
}

/// The same over HTTP.
async fn flooding_server() -> Scripted {
    let flood = |seen: &crate::support::scripted::Seen| {
        let token = seen.meta()["progressToken"].clone();
        Answer::talk(async move |talk| {
            for number in 0..MESSAGES {
                talk.raw(format!("data: {}\n\n", progress(&token, number))).await;
            }
            Answer::text("flooded")
        })
    };
    let script = Scripted::legacy("2025-11-25").tool("flood", json!({}), flood);
    script.tool("good", json!({}), |_| Answer::text("fine")).start().await
}

/// One asks for a flood and does not read it; another works with the same upstream.
async fn one_does_not_read(server: Value, lazy: fn(&Gantry) -> Client, legacy: bool) {
    let mut gantry = Gantry::start(&config(&[("up", server)])).await;
    let pid = gantry.process().id().expect("it runs");
    let other = Client::modern(&gantry.url("/mcp"), json!({}));
    eventually("the tools are there", async || {
        (other.tool_names().await.iter().any(|name| name == "up__flood")).then_some(())
    })
    .await;
    let lazy = if legacy {
        Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await
    } else {
        lazy(&gantry)
    };
    let before = resident(pid);
    let params = json!({ "name": "up__flood", "_meta": { "progressToken": "p" } });
    let mut open = lazy.start("tools/call", params).await;
    assert!(open.is_stream(), "{open:?}");
    let bystander = Bystander::start(other, "up__good");
    let mut most = before;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        most = most.max(resident(pid));
    }
    bystander.noticed_nothing(LIMIT).await;
    let more = most.saturating_sub(before);
    assert!(more < ROOM, "{more} bytes are kept for a client that does not read");

    // What is read late is what was not dropped, in order, and the answer.
    let mut last = -1.0;
    let answer = loop {
        let message = open.next_message().await;
        if message["method"].is_null() {
            break message;
        }
        let progress = message["params"]["progress"].as_f64().unwrap_or_default();
        assert!(progress > last, "{progress} after {last}");
        last = progress;
    };
    assert_eq!(answer["result"]["content"][0]["text"], "flooded", "{answer}");
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}");
    assert_calm(&log);
}

fn modern(gantry: &Gantry) -> Client {
    Client::modern(&gantry.url("/mcp"), json!({}))
}

#[tokio::test]
async fn a_legacy_child_is_not_held_up_by_a_client_that_does_not_read() {
    let upstream = flooding_child("2025-11-25").await;
    one_does_not_read(upstream.server(), modern, true).await;
}

#[tokio::test]
async fn a_modern_child_is_not_held_up_by_a_client_that_does_not_read() {
    let upstream = flooding_child("2026-07-28").await;
    one_does_not_read(upstream.server(), modern, false).await;
}

#[tokio::test]
async fn a_legacy_server_is_not_held_up_by_a_client_that_does_not_read() {
    let upstream = flooding_server().await;
    one_does_not_read(upstream.server(), modern, true).await;
}

/// The GET stream of one session is full; what others are told comes all the same.
#[tokio::test]
async fn a_stream_that_nobody_reads_does_not_hold_up_what_others_are_told() {
    let upstream = Scripted::legacy("2025-11-25")
        .resource("test://a", json!({}), |_| Answer::Result(json!({ "contents": [] })))
        .tool("good", json!({}), |_| Answer::text("fine"))
        .start()
        .await;
    let mut gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let pid = gantry.process().id().expect("it runs");
    let url = gantry.url("/mcp");
    let lazy = Client::legacy(&url, "2025-11-25", json!({})).await;
    let eager = Client::legacy(&url, "2025-11-25", json!({})).await;
    let _unread = lazy.get().await;
    let mut read = eager.get().await;
    for client in [&lazy, &eager] {
        client.request("resources/subscribe", json!({ "uri": "test://a" })).await.result();
    }
    let before = resident(pid);
    for number in 0..MESSAGES {
        let params = json!({ "uri": "test://a", "number": number, "text": "x".repeat(SIZE) });
        upstream.push("notifications/resources/updated", params).await;
        let told = read.next_message().await;
        assert_eq!(told["params"]["number"], number, "{}", told["method"]);
    }
    let more = resident(pid).saturating_sub(before);
    assert!(more < ROOM, "{more} bytes are kept for a stream that nobody reads");
    assert_eq!(lazy.call("up__good", json!({})).await.text(), "fine", "the session lives on");
}
