//! HTTP/1.1 by hand, so that a test can send what no client library would.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::LIMIT;

/// A request, one connection each.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn new(line: &str) -> Self {
        Self { line: line.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(&format!("GET {path} HTTP/1.1")).header("host", "localhost")
    }

    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut request = Self::new(&format!("POST {path} HTTP/1.1"))
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("content-length", &body.len().to_string());
        request.body = body;
        request
    }

    /// A request with a method of the HTTP API and a body of JSON.
    pub(crate) fn json(method: &str, path: &str, body: &Value) -> Self {
        let mut request = Self::post(path, body.to_string());
        request.line = format!("{method} {path} HTTP/1.1");
        request
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new(&format!("DELETE {path} HTTP/1.1")).header("host", "localhost")
    }

    pub(crate) fn modern(path: &str, method: &str, mut params: Value) -> Self {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let name = params["name"].as_str().map(str::to_owned);
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Self::post(path, message.to_string())
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method);
        match name {
            Some(name) => request.header("mcp-name", &name),
            None => request,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends the request and reads the answer to its end.
    pub(crate) async fn send(self, address: SocketAddr) -> Answer {
        let mut stream = self.header("connection", "close").open(address).await;
        let mut bytes = Vec::new();
        tokio::time::timeout(LIMIT, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
        Answer::read(&String::from_utf8_lossy(&bytes))
    }

    /// Sends the request and reads the answer: its head alone where the rest is a stream of events,
    /// which has no end.
    pub(crate) async fn send_for_head(self, address: SocketAddr) -> Answer {
        let mut stream = self.header("connection", "close").open(address).await;
        let mut bytes = Vec::new();
        let reading = async {
            while stream.read_buf(&mut bytes).await.unwrap() > 0 {
                let text = String::from_utf8_lossy(&bytes);
                if text.contains("text/event-stream") && text.contains("\r\n\r\n") {
                    break;
                }
            }
        };
        tokio::time::timeout(LIMIT, reading).await.unwrap();
        Answer::read(&String::from_utf8_lossy(&bytes))
    }

    /// Sends the request and leaves the answer to be read.
    pub(crate) async fn open(&self, address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(self.head().as_bytes()).await.unwrap();
        // A request that is refused early may find its connection closed.
        let _ = stream.write_all(&self.body).await;
        stream
    }
}

impl Request {
    /// The whole request, for a stream that is none of TCP.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head().as_bytes(), &self.body].concat()
    }

    fn head(&self) -> String {
        let mut head = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head + "\r\n"
    }
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        Self { status: status.parse().unwrap(), headers, body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as JSON, which only bodies of a known length can be.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of a refusal, in the form of the MCP endpoints, of the HTTP API or of the others.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let error = &self.json()["error"];
        let places = [&error["data"]["code"], &error["details"]["code"], &error["code"]];
        places.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The status, and the code by which the HTTP API names the kind of a refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let error = &body["error"];
        assert_eq!(error["request_id"].as_str(), self.header("x-request-id"), "{body}");
        assert!(error["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{body}");
        assert!(error["message"].is_string() && error["details"].is_object(), "{body}");
        (self.status, error["code"].as_str().unwrap_or_default().to_owned())
    }
}
