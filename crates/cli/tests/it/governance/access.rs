//! Who may do what, on the real binary: what is hidden, what is decided at the call, and how a
//! decision is explained.
//!
//! Two principals: `ada`, who may do everything, and `ci`, who may not.

mod approving;
mod changes;
mod explaining;
mod hiding;
mod keyed;
mod wording;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::gantry::Gantry;
use crate::support::scripted::{Answer, Script, Scripted};
use crate::support::wait::eventually;

const ADA: &str = "ada-ada-ada-ada-ada";
const CI: &str = "ci-ci-ci-ci-ci-ci-ci";

/// A server with something of every kind, some of which `ci` may not use.
fn server() -> Script {
    furnished(Scripted::dual())
}

fn furnished(script: Script) -> Script {
    let read = |_: &_| Answer::Result(json!({ "contents": [] }));
    let get = |_: &_| Answer::Result(json!({ "messages": [] }));
    script
        .tool("look", json!({}), |_| Answer::text("seen"))
        .tool("delete_all", json!({}), |_| Answer::text("gone"))
        .tool("write", json!({}), |seen| Answer::text(seen.arguments().to_string()))
        .resource("open://a", json!({}), read)
        .resource("closed://a", json!({}), read)
        .template(json!({ "uriTemplate": "closed://{x}", "name": "t" }))
        .prompt("hello", json!({}), get)
        .prompt("hidden", json!({}), get)
}

/// Rules by which `ci` may not use some of it.
fn rules() -> Value {
    let rule = |name: &str, more: Value| {
        let mut rule = json!({ "name": name, "effect": "deny", "principals": ["ci"] });
        for (key, value) in more.as_object().into_iter().flatten() {
            rule[key] = value.clone();
        }
        rule
    };
    json!([
        rule("no-deletes", json!({ "tools": ["*__delete_*"] })),
        rule("no-closed", json!({ "resources": ["closed://*"] })),
        rule("no-hidden", json!({ "prompts": ["*__hidden"] })),
        rule("no-secret", json!({ "servers": ["secret"] })),
        rule("no-inside", json!({ "views": ["inside"] })),
        rule(
            "tmp-only",
            json!({
                "tools": ["up__write"],
                "when": "!arguments.path.startsWith('/tmp/')",
            })
        ),
    ])
}

fn config(servers: &[(&str, &Scripted)], rules: &Value) -> String {
    let servers: serde_json::Map<_, _> =
        servers.iter().map(|(name, server)| ((*name).to_owned(), server.server())).collect();
    json!({
        "servers": servers,
        "views": { "some": ["up__*", "secret__*"], "inside": ["secret__*"] },
        "auth": { "tokens": [{ "name": "ada", "token": ADA }, { "name": "ci", "token": CI }] },
        "access": { "rules": rules },
    })
    .to_string()
}

/// A gateway in front of `up` and `secret`, both heard.
async fn gateway(rules: &Value) -> (Gantry, Scripted, Scripted) {
    gateway_of(server(), rules).await
}

async fn gateway_of(script: Script, rules: &Value) -> (Gantry, Scripted, Scripted) {
    let (up, secret) = (script.start().await, server().start().await);
    let gantry = Gantry::start(&config(&[("up", &up), ("secret", &secret)], rules)).await;
    let ada = modern(&gantry, "/mcp", ADA);
    eventually("both servers are ready", async || {
        let told = ada.call("gantry__list_servers", json!({})).await;
        let servers = told.result()["structuredContent"]["servers"].as_array().cloned();
        let servers = servers.unwrap_or_default();
        let is_ready = |server: &Value| server["state"] == "ready" && server["tools"] == 3;
        (servers.len() == 2 && servers.iter().all(is_ready)).then_some(())
    })
    .await;
    (gantry, up, secret)
}

fn modern(gantry: &Gantry, path: &str, token: &str) -> Client {
    Client::modern(&gantry.url(path), json!({})).with_header("authorization", &bearer(token))
}

async fn legacy(gantry: &Gantry, path: &str, token: &str) -> Client {
    let client = Client::new(&gantry.url(path), "2025-11-25", json!({}));
    client.with_header("authorization", &bearer(token)).connect().await
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Every name of a list, in order.
async fn listed(client: &Client, method: &str, key: &str, member: &str) -> Vec<String> {
    let reply = client.request(method, json!({})).await;
    let entries = reply.result()[key].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry[member].as_str().unwrap_or_default().to_owned()).collect()
}
