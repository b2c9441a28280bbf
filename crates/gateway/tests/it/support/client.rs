//! A client of the gateway's HTTP endpoint that hides nothing.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use gantry_core::Tasks;
use gantry_protocol::sse::Parser;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::gateway::Running;
use super::{greeting, legacy, notification, soon};

/// One principal at one endpoint; each request has a connection of its own.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    path: String,
    tasks: Tasks,
    headers: Vec<(String, String)>,
}

/// A response whose body is still to be read. Dropped, its connection is closed.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    parser: Parser,
    /// Ids of the events so far.
    pub(crate) ids: Vec<String>,
    messages: VecDeque<Value>,
}

impl Client {
    pub(crate) fn new(running: &Running) -> Self {
        Self {
            address: running.address,
            path: "/mcp".to_owned(),
            tasks: running.tasks.clone(),
            headers: vec![
                ("content-type".into(), "application/json".into()),
                ("accept".into(), "application/json, text/event-stream".into()),
            ],
        }
    }

    pub(crate) fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The same client at another gateway.
    pub(crate) fn moved_to(mut self, running: &Running) -> Self {
        self.address = running.address;
        self
    }

    /// Sets a header, or takes it away if the value is empty.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Opens a legacy session; what comes back has its id.
    pub(crate) async fn initialize(&self, revision: &str, capabilities: Value) -> Self {
        let greeting = greeting(revision, &capabilities);
        let mut answer = self.send(&legacy(&json!(0), "initialize", &greeting)).await;
        assert_eq!(answer.status, 200);
        let session = answer.headers["mcp-session-id"].to_str().unwrap().to_owned();
        assert_eq!(answer.json().await["result"]["protocolVersion"], revision);
        let client = self.clone().with("mcp-session-id", &session);
        let accepted = client.send(&notification("notifications/initialized", &json!({}))).await;
        assert_eq!(accepted.status, 202);
        client
    }

    /// Sends a modern request with the headers it needs.
    pub(crate) async fn modern(&self, message: &Value) -> Answer {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let params = &message["params"];
        let version = text(&params["_meta"]["io.modelcontextprotocol/protocolVersion"]);
        let name = if params["name"].is_string() { &params["name"] } else { &params["uri"] };
        let client = self
            .clone()
            .with("mcp-protocol-version", &version)
            .with("mcp-method", &text(&message["method"]))
            .with("mcp-name", &text(name));
        client.send(message).await
    }

    pub(crate) async fn send(&self, message: &Value) -> Answer {
        self.request("POST", message.to_string()).await
    }

    pub(crate) async fn get(&self) -> Answer {
        self.request("GET", String::new()).await
    }

    pub(crate) async fn request(&self, method: &str, body: impl Into<Bytes>) -> Answer {
        soon(async {
            let stream = TcpStream::connect(self.address).await.unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            self.tasks.spawn("client", async move {
                let _ = connection.await;
            });
            let mut request = Request::builder().method(method).uri(&self.path).header("host", "x");
            for (name, value) in &self.headers {
                request = request.header(name, value);
            }
            let request = request.body(Full::new(body.into())).unwrap();
            Answer::of(sender.send_request(request).await.unwrap())
        })
        .await
    }
}

impl Answer {
    fn of(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            parser: Parser::new(1024 * 1024),
            ids: Vec::new(),
            messages: VecDeque::new(),
        }
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.headers["content-type"] == "text/event-stream"
    }

    /// Reads the whole body as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        let whole = soon((&mut self.body).collect()).await.unwrap().to_bytes();
        serde_json::from_slice(&whole).unwrap()
    }

    /// Returns the next message of an event stream; `None` at its end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        assert!(self.is_stream(), "the answer is no stream");
        while self.messages.is_empty() {
            let data = soon(self.body.frame()).await?.unwrap().into_data().unwrap_or_default();
            self.parser.push(&data);
            for event in self.parser.by_ref() {
                let event = event.unwrap();
                self.ids.extend(event.id);
                if !event.data.is_empty() {
                    self.messages.push_back(serde_json::from_slice(&event.data).unwrap());
                }
            }
        }
        self.messages.pop_front()
    }

    /// Returns every message that is still to come.
    pub(crate) async fn rest(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(message) = self.next().await {
            all.push(message);
        }
        all
    }
}
