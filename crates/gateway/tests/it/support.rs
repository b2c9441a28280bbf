//! What the tests share: a gateway on a port, a client that sees every byte, an upstream that does
//! as it is told.

pub(crate) mod client;
pub(crate) mod gateway;
pub(crate) mod upstream;

use std::time::Duration;

use serde_json::{Value, json};

/// No step of a test takes longer unless something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for a future that must end.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it ends in time")
}

/// A modern request.
pub(crate) fn modern(id: &Value, method: &str, params: Value) -> Value {
    let mut params = params;
    let meta = params["_meta"].as_object().cloned().unwrap_or_default();
    params["_meta"] = Value::Object(meta);
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// A legacy request.
pub(crate) fn legacy(id: &Value, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// A notification.
pub(crate) fn notification(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

/// The params of `initialize`.
pub(crate) fn greeting(revision: &str, capabilities: &Value) -> Value {
    json!({
        "protocolVersion": revision,
        "capabilities": capabilities,
        "clientInfo": { "name": "test", "version": "0" },
    })
}
