//! What both load balancers are tried with: gateways that know the proxy's name, and clients.

use std::time::Duration;

use serde_json::json;

use super::{TOKEN, gateway};
use crate::support::{
    client::Client,
    gantry::Gantry,
    scripted::{Answer, Scripted},
};

/// A gateway for a proxy that serves `gantry.example.com`, with time to leave.
pub(super) async fn behind_a_proxy(upstream: &Scripted, drain: &str) -> Gantry {
    let more = json!({
        "server": {
            "allowed_hosts": ["gantry.example.com"],
            "limits": { "drain": drain },
        },
        "auth": { "tokens": [{ "name": "test", "token": TOKEN }] },
    });
    gateway(upstream, &more).await
}

/// A client that comes through the proxy at `url`.
pub(super) fn client(url: &str) -> Client {
    let client = Client::modern(&format!("{url}/mcp"), json!({}));
    client
        .with_header("authorization", &format!("Bearer {TOKEN}"))
        .with_header("host", "gantry.example.com")
}

/// An upstream whose tool tells progress at once and its result only after that was read: `let_go`
/// is called by the test.
pub(super) async fn progressing() -> (Scripted, std::sync::Arc<tokio::sync::Notify>) {
    let let_go = std::sync::Arc::new(tokio::sync::Notify::new());
    let gate = std::sync::Arc::clone(&let_go);
    let script = Scripted::modern().tool("good", json!({}), |_| Answer::text("fine"));
    let script = script.tool("slow", json!({}), move |_| {
        let gate = std::sync::Arc::clone(&gate);
        Answer::talk(async move |talk| {
            talk.progress(0.5).await;
            gate.notified().await;
            Answer::text("done")
        })
    });
    (script.start().await, let_go)
}

/// Calls the slow tool, and lets it end only when its progress has come through the proxy: one
/// that gathers before it passes on would wait for ever.
pub(super) async fn progress_comes_before_the_result(
    client: &Client,
    let_go: &tokio::sync::Notify,
) {
    let params = json!({ "name": "up__slow", "_meta": { "progressToken": 7 } });
    let mut open = client.start("tools/call", params).await;
    let first = open.next_message().await;
    assert_eq!(first["method"], "notifications/progress", "{first}");
    let_go.notify_one();
    assert_eq!(open.finish().await.text(), "done");
}

/// Calls one after the other until told to stop; returns how many went well.
///
/// # Panics
///
/// At the first that does not.
pub(super) async fn call_until(
    client: Client,
    mut stop: tokio::sync::oneshot::Receiver<()>,
) -> u32 {
    let mut calls = 0;
    while stop.try_recv().is_err() {
        let reply = client.call("up__good", json!({})).await;
        assert_eq!(reply.status, 200, "call {calls}: {}", String::from_utf8_lossy(&reply.raw));
        assert_eq!(reply.text(), "fine");
        calls += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    calls
}
