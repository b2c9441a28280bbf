//! Who is at the other end: what of an upstream's answer to `initialize` and `server/discover`
//! reaches a client, and what of a client's `initialize` reaches the upstream
//! (`docs/differences.md`, greeting).

use serde_json::{Value, json};

use super::{LEGACY, json::raw};
use crate::{
    eras::config,
    support::{
        client::{Client, MODERN},
        gantry::Gantry,
        scripted::{Answer, Scripted},
    },
};

const INFO: &str = r#"{"name":"odd","version":"1.0","title":"T \u00e9","icons":[],"n":1.0,"big":123456789012345678901234567890}"#;

fn capabilities() -> Value {
    json!({
        "tools": {}, "prompts": { "listChanged": false }, "logging": {},
        "resources": { "subscribe": true },
        "completions": {}, "experimental": { "x": { "a": [1] } },
        "extensions": { "io.modelcontextprotocol/ui": { "mimeTypes": ["text/html"] } },
        "tasks": { "list": {} }, "com.example/other": { "b": null },
    })
}

/// What Gantry offers in front of such an upstream: its own lists may always change, and tasks
/// are not carried.
fn offered() -> Value {
    json!({
        "tools": { "listChanged": true }, "prompts": { "listChanged": true }, "logging": {},
        "resources": { "listChanged": true, "subscribe": true },
        "completions": {}, "experimental": { "x": { "a": [1] } },
        "extensions": { "io.modelcontextprotocol/ui": { "mimeTypes": ["text/html"] } },
        "com.example/other": { "b": null },
    })
}

#[tokio::test]
async fn a_legacy_client_is_told_who_the_upstream_is() {
    let upstream = Scripted::legacy(LEGACY[0])
        .tool("t", json!({}), |_| Answer::text("t"))
        .on("initialize", |_| {
            let capabilities = capabilities();
            Answer::RawResult(format!(
                r#"{{"protocolVersion":"2025-11-25","capabilities":{capabilities},"serverInfo":{INFO},"instructions":"be kind: \u00e9","_meta":{{"a":1}}}}"#
            ))
        })
        .start()
        .await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let client = Client::new(&gantry.url("/mcp/up"), LEGACY[0], json!({}));
    let reply = client.initialize().await;
    let text = String::from_utf8_lossy(&reply.raw).into_owned();
    assert_eq!(raw(&text, &["result", "serverInfo"]), Some(INFO), "to the byte");
    assert_eq!(reply.result()["instructions"], "be kind: é");
    assert_eq!(reply.result()["capabilities"], offered());
    assert_eq!(reply.result()["protocolVersion"], LEGACY[0]);
}

#[tokio::test]
async fn a_modern_client_is_told_who_the_upstream_is() {
    let upstream = Scripted::modern()
        .tool("t", json!({}), |_| Answer::text("t"))
        .on("server/discover", |_| {
            let capabilities = capabilities();
            Answer::RawResult(format!(
                r#"{{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{capabilities},"instructions":"be kind","_meta":{{"io.modelcontextprotocol/serverInfo":{INFO}}},"ttlMs":1000,"cacheScope":"public"}}"#
            ))
        })
        .start()
        .await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let client = Client::modern(&gantry.url("/mcp/up"), json!({}));
    let reply = client.request("server/discover", json!({})).await;
    let text = String::from_utf8_lossy(&reply.raw).into_owned();
    let path = ["result", "_meta", "io.modelcontextprotocol/serverInfo"];
    assert_eq!(raw(&text, &path), Some(INFO), "to the byte");
    assert_eq!(reply.result()["instructions"], "be kind");
    assert_eq!(reply.result()["capabilities"], offered());
    assert_eq!(reply.result()["supportedVersions"][0], MODERN);
}

/// A session of its own is told exactly what the client said, tasks left out; a shared one is
/// Gantry's.
#[tokio::test]
async fn an_upstream_is_told_who_the_client_is_where_the_session_is_its_own() {
    let upstream =
        Scripted::legacy(LEGACY[0]).tool("t", json!({}), |_| Answer::text("t")).start().await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let declared = json!({
        "roots": { "listChanged": true }, "elicitation": { "form": {}, "x": 1 },
        "experimental": { "y": {} }, "tasks": { "list": {} },
    });
    let client = Client::legacy(&gantry.url("/mcp/up"), LEGACY[0], declared).await;
    assert_eq!(client.call("t", json!({})).await.text(), "t");
    let greetings = upstream.wait_for("initialize", 2).await;
    let own = greetings.iter().find(|seen| seen.params()["clientInfo"]["name"] == "raw-client");
    let own = own.expect("the session of the client was opened for it");
    let expected = json!({
        "roots": { "listChanged": true }, "elicitation": { "form": {}, "x": 1 },
        "experimental": { "y": {} },
    });
    assert_eq!(own.params()["capabilities"], expected);
    let shared = greetings.iter().find(|seen| seen.params()["clientInfo"]["name"] == "gantry");
    assert_eq!(shared.expect("the first session is Gantry's").params()["capabilities"], json!({}));
}
