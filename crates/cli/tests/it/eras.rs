//! How the two eras of MCP meet: every case of the era tables, by its number, on the real binary
//! between a raw client and a scripted upstream.
//!
//! `L` is a legacy peer, `M` a modern one; `L->M` is a legacy client with a modern upstream. The
//! doc comment of a test is its stimulus.

mod capabilities;
mod detection_client;
mod detection_upstream;
mod harness;
mod lanes;
mod lists_results;
mod notifications;
mod old_transport;

use serde_json::{Map, Value, json};

use crate::support::{
    client::Client,
    gantry::{Gantry, Setup},
    wait::eventually,
};

/// A configuration with these servers and nothing else.
pub(crate) fn config(servers: &[(&str, Value)]) -> String {
    let servers: Map<_, _> =
        servers.iter().map(|(name, server)| ((*name).to_owned(), server.clone())).collect();
    json!({ "servers": servers }).to_string()
}

/// A gateway in front of one server, `up`.
#[track_caller]
pub(crate) fn in_front_of(server: Value) -> impl Future<Output = Gantry> {
    Setup::new(&config(&[("up", server)])).start()
}

/// What the gateway says of one of its servers: `state`, `era`, `revision`, `tools`, ...
pub(crate) async fn status(gantry: &Gantry, name: &str) -> Value {
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let reply = client.call("gantry__list_servers", json!({})).await;
    let servers = reply.result()["structuredContent"]["servers"].as_array().cloned();
    let mut servers = servers.unwrap_or_default().into_iter();
    servers.find(|server| server["name"] == name).unwrap_or_default()
}

/// Waits until a server is in a state, and returns all that is said of it.
#[track_caller]
pub(crate) fn wait_for_state(
    gantry: &Gantry,
    name: &str,
    state: &str,
) -> impl Future<Output = Value> {
    let what = format!("`{name}` is {state}");
    let state = state.to_owned();
    eventually(&what, async move || {
        let status = status(gantry, name).await;
        (status["state"] == *state).then_some(status)
    })
}

/// Waits until the server `up` is ready, and returns all that is said of it.
#[track_caller]
pub(crate) fn ready(gantry: &Gantry) -> impl Future<Output = Value> {
    wait_for_state(gantry, "up", "ready")
}
