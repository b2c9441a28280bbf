//! The everything server over HTTP+SSE, the transport of 2024-11-05.

use std::time::Duration;

use serde_json::json;

use crate::{
    eras::{in_front_of, ready},
    support::{
        client::Client,
        node,
        process::{self, Process},
    },
};

/// Servers from npm take their time on a busy machine.
const START: Duration = Duration::from_secs(30);

/// Makes it listen on a free port of the loopback and say which; by itself it takes a port of every
/// interface.
const LISTEN: &str = "const { Server } = require('node:net');
const listen = Server.prototype.listen;
Server.prototype.listen = function (...given) {
  this.once('listening', () => console.error(`port ${this.address().port}`));
  return listen.call(this, { port: 0, host: '127.0.0.1' }, ...given.slice(1));
};
";

#[tokio::test]
async fn the_everything_server_works_over_http_sse() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let preload = folder.path().join("listen.cjs");
    std::fs::write(&preload, LISTEN).expect("a file can be written in one's own folder");
    let mut command = process::command(node::node());
    command.arg("--require").arg(&preload);
    let main = node::package("@modelcontextprotocol/server-everything", "dist/index.js");
    command.arg(main).arg("sse");
    let mut server = Process::start("server-everything", command);
    let port = server.find_line(START, |_, line| line.strip_prefix("port ")?.parse::<u16>().ok());
    let port = port.await.unwrap_or_else(|reason| panic!("{reason}"));

    let url = format!("http://127.0.0.1:{port}/sse");
    let gantry = in_front_of(json!({ "url": url, "timeout": "10s" })).await;
    let state = ready(&gantry).await;
    assert_eq!(state["transport"], "sse", "{state}");
    assert_eq!(state["era"], "legacy", "{state}");
    let url = gantry.url("/mcp");
    let modern = Client::modern(&url, json!({}));
    let reply = modern.call("up__echo", json!({ "message": "hello" })).await;
    assert_eq!(reply.text(), "Echo: hello");
    let legacy = Client::legacy(&url, "2025-11-25", json!({ "sampling": {} })).await;
    let legacy = legacy.answering(|request| {
        assert_eq!(request["method"], "sampling/createMessage");
        let content = json!({ "type": "text", "text": "Paris" });
        json!({ "result": { "role": "assistant", "model": "test", "content": content } })
    });
    let question = json!({ "prompt": "A capital, please", "maxTokens": 10 });
    let reply = legacy.call("up__trigger-sampling-request", question).await;
    assert!(reply.text().contains("Paris"), "{reply:?}");
    let meta = json!({ "progressToken": "t" });
    let long = json!({ "name": "up__trigger-long-running-operation", "_meta": meta,
        "arguments": { "duration": 0.2, "steps": 2 } });
    let reply = modern.request("tools/call", long).await;
    assert_eq!(reply.notifications("notifications/progress").len(), 2, "{reply:?}");
}
