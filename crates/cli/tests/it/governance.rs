//! What is decided about requests: who asks, who may do what, how much, and who did it.

mod access;
mod hooks;
mod jwt;
mod oauth;
mod refusals;
mod traffic;
mod validation;

use serde_json::{Value, json};

use crate::support::client::{Client, Open};
use crate::support::gantry::Gantry;
use crate::support::scripted::{Answer, Script, Scripted};

/// A server with a tool that changes nothing and one that may.
fn tools() -> Script {
    Scripted::dual()
        .tool("look", json!({ "annotations": { "readOnlyHint": true } }), |_| Answer::text("seen"))
        .tool("write", json!({}), |_| Answer::text("written"))
}

/// The entry of such a server, which is believed what it says of its tools.
fn believed(up: &Scripted) -> Value {
    let mut server = up.server();
    server["trust_annotations"] = true.into();
    server
}

/// What each door answers to a request with this credential, read to the head: a modern request, a
/// handshake, the stream of 2024-11-05, the HTTP API.
async fn doors(gantry: &Gantry, token: Option<&str>) -> Vec<(&'static str, Open)> {
    let with = |client: Client| match token {
        Some(token) => client.with_header("authorization", &format!("Bearer {token}")),
        None => client,
    };
    let modern = with(Client::modern(&gantry.url("/mcp"), json!({})));
    let legacy = with(Client::new(&gantry.url("/mcp"), "2025-11-25", json!({})));
    let info = json!({ "name": "door", "version": "1" });
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
    let old = with(Client::new(&gantry.url("/sse"), "2024-11-05", json!({})));
    let api = with(Client::modern(&gantry.url("/api/servers"), json!({})));
    vec![
        ("modern", modern.start("tools/list", json!({})).await),
        ("legacy", legacy.start("initialize", hello).await),
        ("sse", old.bare("GET", &[("accept", "text/event-stream")]).await),
        ("api", api.bare("GET", &[("accept", "application/json")]).await),
    ]
}

/// What a door says of a refusal: the status, our code, and the challenge.
async fn refusal(open: Open) -> (u16, String, Option<String>) {
    let reply = open.finish().await;
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let places = ["/error/data/code", "/error/details/code", "/error/code"];
    let code = places.iter().find_map(|place| body.pointer(place)?.as_str());
    let challenge = reply.header("www-authenticate").map(str::to_owned);
    (reply.status, code.unwrap_or_default().to_owned(), challenge)
}
