//! A legacy upstream (2025-11-25, Streamable HTTP) that does as its tools' names say.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::Tasks;
use gantry_protocol::sse;
use gantry_transport::server::{BodyLimits, EventSender, ReplyBody, event_stream, full, read_body};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::PATIENCE;

/// The upstream, and what it saw.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) url: String,
    state: Arc<State>,
    seen: tokio::sync::Mutex<mpsc::Receiver<Value>>,
}

#[derive(Debug)]
struct State {
    tasks: Tasks,
    tools: Mutex<Vec<&'static str>>,
    streams: Mutex<Vec<EventSender>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    seen: mpsc::Sender<Value>,
}

impl Upstream {
    pub(crate) async fn start(tasks: &Tasks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let (sender, seen) = mpsc::channel(256);
        let state = Arc::new(State {
            tasks: tasks.clone(),
            tools: Mutex::new(vec!["echo", "report", "ask", "hang", "slow"]),
            streams: Mutex::default(),
            waiting: Mutex::default(),
            seen: sender,
        });
        let serving = Arc::clone(&state);
        tasks.spawn_until_stop("upstream", async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&serving);
                let tasks = state.tasks.clone();
                let service = service_fn(move |request| {
                    let state = Arc::clone(&state);
                    async move { Ok::<_, Infallible>(state.serve(request).await) }
                });
                tasks.spawn("upstream-connection", async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { url, state, seen: tokio::sync::Mutex::new(seen) }
    }

    /// Waits until the upstream got a message with this method.
    pub(crate) async fn saw(&self, method: &str) -> Value {
        let wait = async {
            let mut seen = self.seen.lock().await;
            loop {
                let message = seen.recv().await.expect("the upstream runs");
                if message["method"] == method {
                    return message;
                }
            }
        };
        let seen = tokio::time::timeout(PATIENCE, wait).await;
        seen.unwrap_or_else(|_| panic!("the upstream never got `{method}`"))
    }

    /// Offers one more tool, and says so.
    pub(crate) fn grow(&self, tool: &'static str) {
        self.state.tools.lock().push(tool);
        self.announce(&json!({
            "jsonrpc": "2.0", "method": "notifications/tools/list_changed",
        }));
    }

    /// Says something on every standalone stream.
    pub(crate) fn announce(&self, message: &Value) {
        for stream in &*self.state.streams.lock() {
            stream.offer(sse::event(message.to_string().as_bytes(), None, None));
        }
    }
}

impl State {
    async fn serve(self: Arc<Self>, request: hyper::Request<Incoming>) -> Response<ReplyBody> {
        let (head, body) = request.into_parts();
        if head.method == hyper::Method::GET {
            let (sender, body) = event_stream(PATIENCE);
            self.streams.lock().push(sender);
            return body.into_response();
        }
        if head.method == hyper::Method::DELETE {
            return full(StatusCode::OK, Bytes::new());
        }
        let limits = BodyLimits { size: 1024 * 1024, time: PATIENCE };
        let bytes = read_body(&head.headers, body, limits).await.unwrap();
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        let _ = self.seen.try_send(message.clone());
        match (message["method"].as_str(), message.get("id")) {
            (None, Some(id)) => {
                let waiting = self.waiting.lock().remove(id.as_str().unwrap());
                if let Some(waiting) = waiting {
                    let _ = waiting.send(message);
                }
                full(StatusCode::ACCEPTED, Bytes::new())
            }
            (Some(method), Some(id)) => self.answer(method, id.clone(), &message["params"]),
            _ => full(StatusCode::ACCEPTED, Bytes::new()),
        }
    }

    fn answer(self: &Arc<Self>, method: &str, id: Value, params: &Value) -> Response<ReplyBody> {
        let result = match method {
            "initialize" => {
                let result = json!({
                    "protocolVersion": "2025-11-25",
                    "capabilities": {
                        "tools": { "listChanged": true },
                        "resources": { "subscribe": true, "listChanged": true },
                        "logging": {},
                    },
                    "serverInfo": { "name": "scripted", "version": "1" },
                    "instructions": "Use it well.",
                });
                let mut response = json_reply(&id, &result);
                response.headers_mut().insert("mcp-session-id", "scripted".parse().unwrap());
                return response;
            }
            "tools/list" => {
                let tools = self.tools.lock().clone();
                let tools: Vec<_> = tools.into_iter().map(tool).collect();
                json!({ "tools": tools })
            }
            "resources/list" => {
                json!({ "resources": [{ "uri": "test://thing", "name": "thing" }] })
            }
            "resources/templates/list" => json!({ "resourceTemplates": [] }),
            "tools/call" => return self.call(id, params),
            "resources/subscribe" | "resources/unsubscribe" | "logging/setLevel" | "ping" => {
                json!({})
            }
            _ => {
                let error = json!({ "code": -32601, "message": "no such method" });
                let body = json!({ "jsonrpc": "2.0", "id": id, "error": error });
                return full(StatusCode::OK, body.to_string().into());
            }
        };
        json_reply(&id, &result)
    }

    fn call(self: &Arc<Self>, id: Value, params: &Value) -> Response<ReplyBody> {
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        if name == "echo" {
            return json_reply(&id, &text(&params["arguments"].to_string()));
        }
        let token = params["_meta"]["progressToken"].clone();
        let (sender, body) = event_stream(PATIENCE);
        let state = Arc::clone(self);
        self.tasks.spawn_until_stop("upstream-call", async move {
            let say = async |message: Value| {
                sender.send(sse::event(message.to_string().as_bytes(), None, None)).await
            };
            match name.as_str() {
                "report" => {
                    for step in 1..=2 {
                        let params = json!({ "progressToken": token, "progress": step });
                        say(notice("notifications/progress", &params)).await;
                    }
                    for level in ["debug", "error"] {
                        let params = json!({ "level": level, "data": "x" });
                        say(notice("notifications/message", &params)).await;
                    }
                    say(answer(&id, &text("reported"))).await;
                }
                "ask" => {
                    let (asked, reply) = oneshot::channel();
                    state.waiting.lock().insert("q".to_owned(), asked);
                    let params = json!({
                        "message": "who?",
                        "requestedSchema": { "type": "object", "properties": {} },
                    });
                    say(json!({
                        "jsonrpc": "2.0", "id": "q",
                        "method": "elicitation/create", "params": params,
                    }))
                    .await;
                    let reply = reply.await.unwrap();
                    say(answer(&id, &text(&reply["result"].to_string()))).await;
                }
                "slow" => {
                    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
                    say(answer(&id, &text("slow"))).await;
                }
                _ => sender.closed().await,
            }
        });
        body.into_response()
    }
}

fn tool(name: &str) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object" } })
}

fn text(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}

fn notice(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

fn answer(id: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn json_reply(id: &Value, result: &Value) -> Response<ReplyBody> {
    full(StatusCode::OK, answer(id, result).to_string().into())
}
