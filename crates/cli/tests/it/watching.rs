//! What watches a gateway and what stands before it: a real Prometheus, HAProxy and nginx, with the
//! files of `deploy` and with the expressions and checks that people bring along.

mod balancing;
mod haproxy;
mod nginx;
mod programs;
mod prometheus;

use serde_json::{Value, json};

use crate::support::{
    client::Client,
    gantry::Gantry,
    scripted::{Answer, Scripted},
};

/// A token of a client of these gateways, which have one because a proxy stands before them.
const TOKEN: &str = "0123456789abcdef-watching";

/// An upstream with tools that work and one that says that it failed.
async fn upstream() -> Scripted {
    let failed = || {
        let content = json!([{ "type": "text", "text": "it did not work" }]);
        Answer::Result(json!({ "content": content, "isError": true }))
    };
    Scripted::modern()
        .tool("good", json!({}), |_| Answer::text("fine"))
        .tool("kept", json!({}), |_| Answer::text("kept"))
        .tool("bad", json!({}), move |_| failed())
        .start()
        .await
}

/// A gateway with that upstream and more in its configuration.
async fn gateway(upstream: &Scripted, more: &Value) -> Gantry {
    let mut config = json!({ "servers": { "up": upstream.server() } });
    join(&mut config, more);
    Gantry::start(&config.to_string()).await
}

/// Puts into a value what another one has more, at every depth.
fn join(there: &mut Value, more: &Value) {
    match (there, more) {
        (Value::Object(there), Value::Object(more)) => {
            for (name, value) in more {
                join(there.entry(name).or_insert(Value::Null), value);
            }
        }
        (there, value) => *there = value.clone(),
    }
}

/// Status and body of a GET.
async fn get(url: &str) -> (u16, String) {
    let client = Client::modern(url, json!({}));
    let reply = client.bare("GET", &[("accept", "*/*")]).await.finish().await;
    (reply.status, String::from_utf8_lossy(&reply.raw).into_owned())
}
