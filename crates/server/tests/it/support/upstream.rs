//! A modern upstream over HTTP that counts what it is asked.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::Tasks;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// It offers `echo`, which answers, `wait`, which answers once it is let go, `fail`, which says that
/// it failed, and `boom`, which is answered with an error; a resource and a prompt.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    address: SocketAddr,
    seen: Arc<Mutex<HashMap<String, usize>>>,
    gate: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
}

impl Upstream {
    /// Starts it; it ends with the test.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            gate: Arc::new(watch::Sender::new(false)),
            waiting: Arc::new(watch::Sender::new(0)),
        };
        let (tasks, served) = (Tasks::new(), upstream.clone());
        let connections = tasks.clone();
        tasks.spawn("upstream", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                let service = service_fn(move |request| served.clone().answer(request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn("upstream-connection", async move {
                    // A test that ends leaves connections behind.
                    let _ = connection.await;
                });
            }
        });
        upstream
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// How often a method was asked for.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.seen.lock().get(method).copied().unwrap_or_default()
    }

    /// Waits until that many calls of `wait` have come.
    pub(crate) async fn until_waiting(&self, calls: usize) {
        let mut waiting = self.waiting.subscribe();
        let come = waiting.wait_for(|count| *count >= calls);
        tokio::time::timeout(super::LIMIT, come).await.unwrap().unwrap();
    }

    /// Lets every call of `wait` be answered.
    pub(crate) fn let_go(&self) {
        self.gate.send_replace(true);
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let body = request.into_body().collect().await.map(Collected::to_bytes);
        let message: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        *self.seen.lock().entry(method.clone()).or_default() += 1;
        let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
        let kept = json!({ "resultType": "complete", "ttlMs": 3_600_000, "cacheScope": "public" });
        let mut result = kept;
        match method.as_str() {
            "server/discover" => {
                result["supportedVersions"] = json!(["2026-07-28"]);
                result["capabilities"] = json!({ "tools": {}, "resources": {}, "prompts": {} });
                result["instructions"] = json!("Count.");
                result["serverInfo"] = json!({ "name": "counting", "version": "1" });
            }
            "tools/list" => {
                result["tools"] = json!(["echo", "wait", "fail", "boom"].map(tool));
            }
            "resources/list" => {
                result["resources"] = json!([{ "uri": "note://1", "name": "one" }]);
            }
            "resources/templates/list" => {
                let template = json!({ "uriTemplate": "note://{n}", "name": "notes" });
                result["resourceTemplates"] = json!([template]);
            }
            "prompts/list" => result["prompts"] = json!([{ "name": "greet" }]),
            "resources/read" if message["params"]["uri"] == "note://1" => {
                result["contents"] = json!([{ "uri": "note://1", "text": "first" }]);
            }
            "resources/read" => {
                let data = json!({ "uri": message["params"]["uri"] });
                return Ok(refusal(&message, (-32602, "no such note"), &data));
            }
            "tools/call" if message["params"]["name"] == "boom" => {
                return Ok(refusal(&message, (-32000, "it blew up"), &json!({ "fuse": 1 })));
            }
            "tools/call" if message["params"]["name"] == "fail" => {
                result = json!({
                    "resultType": "complete", "isError": true,
                    "content": [{ "type": "text", "text": "no" }],
                });
            }
            "tools/call" => {
                if message["params"]["name"] == "wait" {
                    self.waiting.send_modify(|count| *count += 1);
                    let _ = self.gate.subscribe().wait_for(|open| *open).await;
                }
                let text = message["params"]["arguments"]["text"].as_str().unwrap_or("done");
                result = json!({
                    "resultType": "complete", "content": [{ "type": "text", "text": text }],
                });
            }
            _ => {
                let error = json!({ "code": -32601, "message": "unknown" });
                let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "error": error });
                return Ok(reply(404, &answer));
            }
        }
        Ok(reply(200, &json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })))
    }
}

fn refusal(message: &Value, (code, text): (i64, &str), data: &Value) -> Response<Full<Bytes>> {
    let error = json!({ "code": code, "message": text, "data": data });
    reply(200, &json!({ "jsonrpc": "2.0", "id": message["id"], "error": error }))
}

fn reply(status: u16, value: &Value) -> Response<Full<Bytes>> {
    let body = Full::new(Bytes::from(value.to_string()));
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body)
        .expect("a status and a header make a response")
}
