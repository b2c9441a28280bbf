//! How much may pass, and how servers are asked: limits of rates, breakers, repetitions, room, time
//! limits and kept answers, with real upstreams that fail, hang and come back.

mod breakers;
mod cache;
mod limits;
mod repetitions;
mod room;

use serde_json::{Value, json};

use crate::support::{
    client::{Client, Reply},
    gantry::Gantry,
    scripted::Scripted,
    wait::eventually,
};

/// A gateway in front of `up`, once it is ready; `more` are further keys of the configuration, and
/// `server` further keys of the server.
pub(super) async fn gateway(upstream: &Scripted, server: Value, more: Value) -> Gantry {
    let gantry = Gantry::start(&config(upstream, server, more)).await;
    ready(&gantry).await;
    gantry
}

/// Waits until `up` is ready, without a request that a limit counts.
pub(super) async fn ready(gantry: &Gantry) {
    eventually("`up` is ready", async || {
        let (_, body) = ask(gantry, "GET", "/ready", &[]).await;
        let mut upstreams = body["upstreams"].as_array()?.iter();
        upstreams.any(|up| up["name"] == "up" && up["state"] == "ready").then_some(())
    })
    .await;
}

fn config(upstream: &Scripted, server: Value, more: Value) -> String {
    let mut entry = upstream.server();
    merge(&mut entry, server);
    let mut config = json!({ "servers": { "up": entry } });
    merge(&mut config, more);
    config.to_string()
}

pub(super) fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { return };
    for (key, value) in more {
        into[key] = value;
    }
}

pub(super) fn modern(gantry: &Gantry) -> Client {
    Client::modern(&gantry.url("/mcp"), json!({}))
}

/// Asks for what is no MCP; the body is JSON.
async fn ask(gantry: &Gantry, verb: &str, path: &str, headers: &[(&str, &str)]) -> (Reply, Value) {
    let client = Client::modern(&gantry.url(path), json!({}));
    let reply = client.bare(verb, headers).await.finish().await;
    let body = serde_json::from_slice(&reply.body).unwrap_or_default();
    (reply, body)
}

/// Calls a tool over the HTTP API.
async fn call_by_api(gantry: &Gantry, tool: &str) -> (Reply, Value) {
    let client = Client::modern(&gantry.url(&format!("/api/tools/{tool}")), json!({}));
    let reply = client.post("{}", &[("content-type", "application/json")]).await;
    let body = serde_json::from_slice(&reply.body).unwrap_or_default();
    (reply, body)
}

/// What the administrator shows.
fn admin(gantry: &Gantry) -> String {
    let token = std::fs::read_to_string(gantry.data().join("admin.token"));
    format!("Bearer {}", token.expect("a gateway that serves has an admin token").trim())
}

/// One figure of `/metrics`, by its name and labels as they are written.
async fn figure(gantry: &Gantry, series: &str) -> Option<u64> {
    let client = Client::modern(&gantry.url("/metrics"), json!({}));
    let reply = client.bare("GET", &[("accept", "text/plain")]).await.finish().await;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

/// The code of the cause, wherever the form has it.
fn code(error: &Value) -> &str {
    let code = error["data"]["code"].as_str().or_else(|| error["details"]["code"].as_str());
    code.unwrap_or_default()
}
