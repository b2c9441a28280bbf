//! The ways in, and what each says when it refuses.

use hyper::HeaderMap;
use serde_json::{Value, json};

use super::cases::Stage;
use crate::support::client::{Client, Reply, old::Connection, pipe::PipeClient};

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Modern,
    Legacy,
    Old,
    Api,
    Pipe,
}

/// What was answered.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The HTTP status; 0 on a pipe.
    pub(super) status: u16,
    /// The number of the JSON-RPC error, or the word of the HTTP API.
    pub(super) number: String,
    /// The gateway's own code.
    pub(super) code: String,
    /// Headers that tell a client what to do.
    pub(super) headers: Vec<String>,
}

impl Door {
    pub(super) const ALL: [Self; 5] =
        [Self::Modern, Self::Legacy, Self::Old, Self::Api, Self::Pipe];

    /// Calls the tool of the stage and returns how that was refused.
    pub(super) async fn ask(self, stage: &Stage) -> Told {
        match self {
            Self::Modern => {
                let reply = stage.with_credentials(client(stage, "/mcp", "2026-07-28"));
                of_reply(&reply.call(&stage.tool, stage.arguments.clone()).await)
            }
            Self::Legacy => legacy(stage).await,
            Self::Old => old(stage).await,
            Self::Api => {
                let path = format!("/api/tools/{}", stage.tool);
                let client = stage.with_credentials(client(stage, &path, "2026-07-28"));
                let arguments = stage.arguments.to_string();
                of_api(&client.post(arguments, &[("content-type", "application/json")]).await)
            }
            Self::Pipe => {
                let mut pipe = PipeClient::attach(&stage.gantry);
                let call = json!({ "name": stage.tool, "arguments": stage.arguments });
                of_message(&pipe.modern("tools/call", call).await, 0, &HeaderMap::new())
            }
        }
    }
}

fn client(stage: &Stage, path: &str, revision: &str) -> Client {
    Client::new(&stage.gantry.url(path), revision, json!({}))
}

async fn legacy(stage: &Stage) -> Told {
    let client = stage.with_credentials(client(stage, "/mcp", "2025-11-25"));
    let first = client.initialize().await;
    let Some(session) = first.session().map(str::to_owned) else { return of_reply(&first) };
    let client = client.with_session(&session);
    client.notify("notifications/initialized", json!({})).await;
    of_reply(&client.call(&stage.tool, stage.arguments.clone()).await)
}

async fn old(stage: &Stage) -> Told {
    let at = |path: &str| stage.with_credentials(client(stage, path, "2024-11-05"));
    let stream = at("/sse").bare("GET", &[("accept", "text/event-stream")]).await;
    if stream.status != 200 {
        return of_reply(&stream.finish().await);
    }
    let mut old = Connection::begin(stream, &at).await;
    old.initialize("2024-11-05", json!({})).await;
    let call = json!({ "name": stage.tool, "arguments": stage.arguments });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call });
    let posted = old.post(&message).await;
    if posted.status != 202 {
        return of_reply(&posted);
    }
    of_message(&old.stream.next_message().await, posted.status, &posted.headers)
}

fn of_reply(reply: &Reply) -> Told {
    of_message(&reply.message, reply.status, &reply.headers)
}

fn of_api(reply: &Reply) -> Told {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let error = &body["error"];
    let code = error["details"]["code"].as_str().unwrap_or_default();
    let failed = |place: &&str| body.pointer(place) == Some(&Value::Bool(true));
    let word = match error["code"].as_str() {
        Some(word) => word,
        None if ["/isError", "/result/isError"].iter().any(failed) => "isError",
        None => panic!("this is no refusal: HTTP {} {body}", reply.status),
    };
    Told {
        status: reply.status,
        number: word.to_owned(),
        code: code.to_owned(),
        headers: telling(&reply.headers),
    }
}

fn of_message(message: &Value, status: u16, headers: &HeaderMap) -> Told {
    let error = &message["error"];
    let number = match error["code"].as_i64() {
        Some(number) => number.to_string(),
        None if message["result"]["isError"] == true => "isError".to_owned(),
        None => panic!("this is no refusal: HTTP {status} {message}"),
    };
    let code = error["data"]["code"].as_str().unwrap_or_default().to_owned();
    Told { status, number, code, headers: telling(headers) }
}

/// The headers that matter, without values that differ each time.
fn telling(headers: &HeaderMap) -> Vec<String> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let challenge = value("www-authenticate").map(|value| format!("WWW-Authenticate: {value}"));
    let plain =
        ["retry-after", "x-ratelimit-remaining"].into_iter().zip(["Retry-After", "X-RateLimit-*"]);
    let plain =
        plain.filter(|(name, _)| headers.contains_key(*name)).map(|(_, name)| name.to_owned());
    challenge.into_iter().chain(plain).collect()
}
