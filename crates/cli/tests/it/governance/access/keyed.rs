//! Keys with scopes and tiers, through every door: what they show, what they may call, and which limit
//! counts for whom.

use serde_json::{Value, json};

use super::{bearer, furnished};
use crate::support::client::{Client, Open, Reply};
use crate::support::gantry::Gantry;
use crate::support::scripted::Scripted;
use crate::support::wait::eventually;

const READER: &str = "reader-reader-reader";
const LOOKER: &str = "looker-looker-looker";
const WRITER: &str = "writer-writer-writer";

fn key(name: &str, secret: &str, more: Value) -> Value {
    let mut key = json!({ "name": name, "key": secret });
    for (member, value) in more.as_object().into_iter().flatten() {
        key[member] = value.clone();
    }
    key
}

fn keys() -> Value {
    json!([
        key("reader", READER, json!({ "scopes": ["mcp:read"], "tier": "free" })),
        key("looker", LOOKER, json!({ "scopes": ["tools:up__look:call"] })),
        key("writer", WRITER, json!({ "tier": "gold" })),
    ])
}

/// A gateway in front of `up`, heard, with these keys and more of the configuration.
async fn gateway(keys: Value, more: Value) -> (Gantry, Scripted) {
    let up = furnished(Scripted::dual()).start().await;
    let mut config = json!({ "servers": { "up": up.server() }, "auth": { "api_keys": keys } });
    for (member, value) in more.as_object().into_iter().flatten() {
        config[member] = value.clone();
    }
    let gantry = Gantry::start(&config.to_string()).await;
    eventually("`up` is ready", async || {
        let client = Client::modern(&gantry.url("/ready"), json!({}));
        let reply = client.bare("GET", &[("accept", "*/*")]).await.finish().await;
        let body: Value = serde_json::from_slice(&reply.raw).ok()?;
        let mut upstreams = body["upstreams"].as_array()?.iter();
        upstreams.any(|up| up["name"] == "up" && up["state"] == "ready").then_some(())
    })
    .await;
    (gantry, up)
}

fn client(gantry: &Gantry, path: &str, revision: &str, secret: &str) -> Client {
    let client = Client::new(&gantry.url(path), revision, json!({}));
    client.with_header("authorization", &bearer(secret))
}

/// The HTTP API, asked with a key.
async fn api(gantry: &Gantry, verb: &str, path: &str, secret: &str) -> (Reply, Value) {
    let client = client(gantry, path, "2025-11-25", secret);
    let reply = match verb {
        "POST" => client.post("{}", &[]).await,
        verb => client.bare(verb, &[]).await.finish().await,
    };
    let body = serde_json::from_slice(&reply.raw).unwrap_or_default();
    (reply, body)
}

/// One conversation over the transport of 2024-11-05.
struct Old {
    stream: Open,
    posting: Client,
}

impl Old {
    async fn open(gantry: &Gantry, secret: &str) -> Self {
        let reading = client(gantry, "/sse", "2024-11-05", secret);
        let mut stream = reading.bare("GET", &[("accept", "text/event-stream")]).await;
        let first = stream.next_event().await.expect("the stream begins with an event");
        let posting = client(gantry, &first.data, "2024-11-05", secret);
        let mut old = Self { stream, posting };
        let params = json!({
            "protocolVersion": "2024-11-05", "capabilities": {},
            "clientInfo": { "name": "old", "version": "1" },
        });
        old.ask("initialize", params).await;
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(old.posting.post(initialized.to_string(), &[]).await.status, 202);
        old
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        assert_eq!(self.posting.post(message.to_string(), &[]).await.status, 202);
        self.stream.next_message().await
    }
}

/// The names in a list of tools, but for those about the gateway itself.
fn own(tools: &Value) -> Vec<String> {
    let tools = tools.as_array().cloned().unwrap_or_default();
    let names = tools.iter().filter_map(|tool| tool["name"].as_str());
    names.filter(|name| !name.starts_with("gantry__")).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_key_sees_and_calls_what_its_scopes_grant_by_every_door() {
    let (gantry, up) = gateway(keys(), json!({})).await;
    let everything = vec!["up__look", "up__delete_all", "up__write"];
    for (secret, expected) in
        [(LOOKER, vec!["up__look"]), (READER, Vec::new()), (WRITER, everything)]
    {
        let modern = client(&gantry, "/mcp", "2026-07-28", secret);
        let legacy = client(&gantry, "/mcp", "2025-11-25", secret).connect().await;
        for client in [&modern, &legacy] {
            let reply = client.request("tools/list", json!({})).await;
            assert_eq!(own(&reply.result()["tools"]), expected, "{client:?}");
        }
        let mut old = Old::open(&gantry, secret).await;
        let list = old.ask("tools/list", json!({})).await;
        assert_eq!(own(&list["result"]["tools"]), expected, "over HTTP+SSE");
        let (_, list) = api(&gantry, "GET", "/api/tools", secret).await;
        assert_eq!(own(&list["tools"]), expected, "over the HTTP API");

        for tool in ["up__look", "up__write"] {
            let may = expected.contains(&tool);
            up.forget();
            for client in [&modern, &legacy] {
                let reply = client.call(tool, json!({})).await;
                assert_eq!(reply.message["result"].is_object(), may, "{tool} {reply:?}");
                if !may {
                    assert_eq!(reply.error()["data"]["code"], "E0302", "as if there were none");
                }
            }
            let params = json!({ "name": tool, "arguments": {} });
            let told = old.ask("tools/call", params).await;
            assert_eq!(told["result"].is_object(), may, "{tool} over HTTP+SSE: {told}");
            let (reply, _) = api(&gantry, "POST", &format!("/api/tools/{tool}"), secret).await;
            assert_eq!(reply.status == 200, may, "{tool} over the HTTP API: {reply:?}");
            assert_eq!(up.seen_of("tools/call").len(), if may { 4 } else { 0 }, "{tool}");
        }
    }
}

#[tokio::test]
async fn a_trusted_tool_that_only_reads_is_within_the_scope_to_read() {
    let up = Scripted::dual()
        .tool("look", json!({ "annotations": { "readOnlyHint": true } }), |_| {
            crate::support::scripted::Answer::text("seen")
        })
        .tool("write", json!({}), |_| crate::support::scripted::Answer::text("written"))
        .start()
        .await;
    let mut server = up.server();
    server["trust_annotations"] = json!(true);
    let config = json!({ "servers": { "up": server }, "auth": { "api_keys": keys() } });
    let gantry = Gantry::start(&config.to_string()).await;
    let reader = client(&gantry, "/mcp", "2026-07-28", READER);
    let names = eventually("`up` is heard", async || {
        let reply = reader.request("tools/list", json!({})).await;
        Some(own(&reply.result()["tools"])).filter(|names| !names.is_empty())
    })
    .await;
    assert_eq!(names, ["up__look"]);
    assert_eq!(reader.call("up__look", json!({})).await.text(), "seen");
    let refused = reader.call("up__write", json!({})).await;
    assert_eq!(refused.error()["data"]["code"], "E0302");
}

/// A window that does not end while a test runs.
fn window(requests: u32) -> Value {
    json!({ "requests": requests, "per": "1h", "algorithm": "fixed_window" })
}

/// How many of these calls were let through.
async fn passed(gantry: &Gantry, secret: &str, n: usize) -> usize {
    let client = client(gantry, "/mcp", "2026-07-28", secret);
    let mut passed = 0;
    for _ in 0..n {
        let reply = client.request("ping", json!({})).await;
        passed += usize::from(reply.status != 429);
    }
    passed
}

#[tokio::test]
async fn a_tier_has_its_own_limit_instead_of_that_of_a_credential() {
    let limits = json!({ "tiers": { "free": window(2) }, "per_credential": window(4) });
    let (gantry, _up) = gateway(keys(), json!({ "limits": limits })).await;
    assert_eq!(passed(&gantry, READER, 6).await, 2, "its tier has a limit");
    assert_eq!(passed(&gantry, WRITER, 6).await, 4, "its tier has none");
    assert_eq!(passed(&gantry, LOOKER, 6).await, 4, "it has no tier");
    // Each credential of a tier for itself, and by the HTTP API too.
    let (reply, _) = api(&gantry, "GET", "/api/tools", READER).await;
    assert_eq!(reply.status, 429);
}

#[tokio::test]
async fn keys_of_one_principal_share_its_limit_and_not_that_of_a_credential() {
    let (first, second) = ("first-first-first-1", "second-second-second");
    let keys = json!([key("bot", first, json!({})), key("bot", second, json!({}))]);
    let limits = json!({ "per_credential": window(3) });
    let (gantry, _up) = gateway(keys.clone(), json!({ "limits": limits })).await;
    assert_eq!(passed(&gantry, first, 5).await, 3);
    assert_eq!(passed(&gantry, second, 5).await, 3);
    let limits = json!({ "per_principal": window(3) });
    let (gantry, _up) = gateway(keys, json!({ "limits": limits })).await;
    assert_eq!(passed(&gantry, first, 2).await, 2);
    assert_eq!(passed(&gantry, second, 5).await, 1);
}

#[tokio::test]
async fn a_call_that_scopes_refuse_uses_up_no_limit_of_its_tool() {
    let limits = json!({ "tools": { "up__write": window(1) } });
    let (gantry, _up) = gateway(keys(), json!({ "limits": limits })).await;
    let call = async |secret: &str| {
        let client = client(&gantry, "/mcp", "2026-07-28", secret);
        client.call("up__write", json!({})).await
    };
    for _ in 0..3 {
        assert_eq!(call(LOOKER).await.error()["data"]["code"], "E0302");
    }
    assert!(call(WRITER).await.message["result"].is_object());
    assert_eq!(call(WRITER).await.error()["data"]["code"], "E0430");
}
