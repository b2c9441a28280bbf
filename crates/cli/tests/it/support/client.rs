//! A raw MCP client: it sends what its test says, however wrong, and shows all of the answer.
//!
//! Over HTTP, in both eras; each request has a connection of its own, and dropping what reads an
//! answer closes it. On a pipe: [`pipe::PipeClient`]. It shares no code with the gateway.
//!
//! ```ignore
//! let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;  // handshakes
//! let client = Client::modern(&gantry.url("/mcp"), json!({}));                      // sends nothing
//! let reply = client.request("tools/list", json!({})).await;      // envelope and headers are added
//! let text = client.call("up__add", json!({ "a": 1 })).await.text();
//! assert_eq!(client.request("nonsense", json!({})).await.code(), -32601);
//!
//! // A request whose answer is read piece by piece; dropping it closes the connection.
//! let mut open = client.start("tools/call", json!({ "name": "up__slow" })).await;
//! let progress = open.next_message().await;
//! let reply = open.finish().await;
//!
//! let mut stream = client.get().await;                            // the GET stream of a session
//! let mut listen = client.listen(json!({ "toolsListChanged": true })).await;
//! // Callbacks: what `answering` returns is posted back, `{"result": ...}` or `{"error": ...}`.
//! let client = client.answering(|request| json!({ "result": { "action": "decline" } }));
//!
//! // Anything at all: no header is added but Content-Type, Accept and the client's own extra ones.
//! let reply = client.post(br#"[{}]"#.to_vec(), &[("mcp-session-id", "x")]).await;
//! ```

mod answer;
mod connection;
pub(crate) mod old;
pub(crate) mod pipe;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use serde_json::{Value, json};

pub(crate) use self::answer::{Open, Reply};

/// The modern revision.
pub(crate) const MODERN: &str = "2026-07-28";

/// The keys of the envelope.
pub(crate) const CLAIM: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";

type Answerer = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// A client of one endpoint. Clones are the same client: they share a session, if there is one.
#[derive(Clone)]
pub(crate) struct Client {
    url: Arc<str>,
    revision: Arc<str>,
    capabilities: Value,
    session: Option<Arc<str>>,
    /// Sent with every request.
    headers: Vec<(String, String)>,
    answerer: Option<Answerer>,
    next_id: Arc<AtomicU64>,
}

impl Client {
    /// A modern client.
    pub(crate) fn modern(url: &str, capabilities: Value) -> Self {
        Self::new(url, MODERN, capabilities)
    }

    /// A legacy client after its handshake.
    ///
    /// # Panics
    ///
    /// If the handshake does not end with a session at that revision.
    pub(crate) async fn legacy(url: &str, revision: &str, capabilities: Value) -> Self {
        Self::new(url, revision, capabilities).connect().await
    }

    /// A client of `revision` that has sent nothing yet.
    pub(crate) fn new(url: &str, revision: &str, capabilities: Value) -> Self {
        Self {
            url: url.into(),
            revision: revision.into(),
            capabilities,
            session: None,
            headers: Vec::new(),
            answerer: None,
            next_id: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Makes the legacy handshake, for a client that was given headers first.
    ///
    /// # Panics
    ///
    /// If it does not end with a session at this client's revision.
    pub(crate) async fn connect(mut self) -> Self {
        let reply = self.initialize().await;
        assert_eq!(reply.result()["protocolVersion"], *self.revision, "{reply:?}");
        self.session = Some(reply.session().expect("a handshake gives a session").into());
        assert_eq!(self.notify("notifications/initialized", json!({})).await.status, 202);
        self
    }

    /// Sends `initialize`, and nothing more.
    pub(crate) async fn initialize(&self) -> Reply {
        let params = json!({
            "protocolVersion": &*self.revision,
            "capabilities": self.capabilities,
            "clientInfo": client_info(),
        });
        let message = json!({
            "jsonrpc": "2.0", "id": self.fresh_id(), "method": "initialize", "params": params,
        });
        self.post(message.to_string(), &[]).await
    }

    /// The same client with one more header in every request.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same client, which answers requests of the server: with the members of a response.
    pub(crate) fn answering(
        mut self,
        answerer: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.answerer = Some(Arc::new(answerer));
        self
    }

    /// The same session with another endpoint, capability set or revision, for tests of what must
    /// not work.
    pub(crate) fn with_session(mut self, session: &str) -> Self {
        self.session = Some(session.into());
        self
    }

    /// The session id.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub(crate) fn session(&self) -> &str {
        self.session.as_deref().expect("a legacy client has a session after its handshake")
    }

    pub(crate) fn is_modern(&self) -> bool {
        &*self.revision >= MODERN
    }

    /// An id that this client has not used.
    pub(crate) fn fresh_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    // === requests ===

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn request(&self, method: &str, params: Value) -> Reply {
        self.start(method, params).await.finish().await
    }

    /// Calls a tool.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Reply {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The names of the tools on the first page.
    pub(crate) async fn tool_names(&self) -> Vec<String> {
        let reply = self.request("tools/list", json!({})).await;
        let tools = reply.result()["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    /// Sends a request; its answer is read as it comes.
    pub(crate) async fn start(&self, method: &str, params: Value) -> Open {
        let message = self.message(method, params);
        self.send(&message, &[]).await
    }

    /// Opens a `subscriptions/listen` stream.
    pub(crate) async fn listen(&self, filter: Value) -> Open {
        self.start("subscriptions/listen", json!({ "notifications": filter })).await
    }

    /// Sends a notification.
    pub(crate) async fn notify(&self, method: &str, params: Value) -> Reply {
        let mut message = self.message(method, params);
        message.as_object_mut().expect("a message is an object").shift_remove("id");
        self.send(&message, &[]).await.finish().await
    }

    /// A request of this client with a fresh id, as it would be sent; the envelope is in it if the
    /// client is modern. Change it and [`Self::send`] it.
    pub(crate) fn message(&self, method: &str, mut params: Value) -> Value {
        if self.is_modern() {
            let envelope = self.envelope();
            for (key, value) in envelope.as_object().into_iter().flatten() {
                if params["_meta"][key.as_str()].is_null() {
                    params["_meta"][key.as_str()] = value.clone();
                }
            }
        }
        json!({ "jsonrpc": "2.0", "id": self.fresh_id(), "method": method, "params": params })
    }

    /// The envelope of a modern request.
    pub(crate) fn envelope(&self) -> Value {
        json!({
            CLAIM: &*self.revision,
            CAPABILITIES: self.capabilities,
            CLIENT_INFO: client_info(),
        })
    }

    /// The headers that belong to a message.
    pub(crate) fn headers_of(&self, message: &Value) -> Vec<(String, String)> {
        let mut headers = vec![("mcp-protocol-version".to_owned(), self.revision.to_string())];
        if let Some(session) = &self.session {
            headers.push(("mcp-session-id".to_owned(), session.to_string()));
        }
        if self.is_modern() {
            let method = message["method"].as_str().unwrap_or_default();
            headers.push(("mcp-method".to_owned(), method.to_owned()));
            let name = match method {
                "tools/call" | "prompts/get" => message["params"]["name"].as_str(),
                "resources/read" => message["params"]["uri"].as_str(),
                _ => None,
            };
            headers.extend(name.map(|name| ("mcp-name".to_owned(), name.to_owned())));
        } else if &*self.revision < "2025-06-18" {
            headers.remove(0);
        }
        headers
    }

    /// Sends a message with the headers that belong to it; `headers` replace those, and an empty
    /// value takes one away.
    pub(crate) async fn send(&self, message: &Value, headers: &[(&str, &str)]) -> Open {
        let mut all = self.headers_of(message);
        all.retain(|(name, _)| headers.iter().all(|(other, _)| other != name));
        let given = headers.iter().filter(|(_, value)| !value.is_empty());
        all.extend(given.map(|&(name, value)| (name.to_owned(), value.to_owned())));
        self.exchange("POST", message.to_string().into(), all).await
    }

    /// Posts any body with no headers but these, `Content-Type`, `Accept`, and those of
    /// [`Self::with_header`].
    pub(crate) async fn post(&self, body: impl Into<Bytes>, headers: &[(&str, &str)]) -> Reply {
        self.open(body, headers).await.finish().await
    }

    /// Like [`Self::post`], but the answer is read as it comes.
    pub(crate) async fn open(&self, body: impl Into<Bytes>, headers: &[(&str, &str)]) -> Open {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        self.exchange("POST", body.into(), headers.collect()).await
    }

    /// Opens the GET stream of the session.
    pub(crate) async fn get(&self) -> Open {
        let headers = self.headers_of(&Value::Null);
        self.exchange("GET", Bytes::new(), headers).await
    }

    /// Goes on with a stream of the session after an event.
    pub(crate) async fn resume(&self, last_event_id: &str) -> Open {
        let mut headers = self.headers_of(&Value::Null);
        headers.push(("last-event-id".to_owned(), last_event_id.to_owned()));
        self.exchange("GET", Bytes::new(), headers).await
    }

    /// Ends the session.
    pub(crate) async fn delete(&self) -> Reply {
        let headers = self.headers_of(&Value::Null);
        self.exchange("DELETE", Bytes::new(), headers).await.finish().await
    }

    /// Sends any HTTP request without a body, with no headers but these.
    pub(crate) async fn bare(&self, verb: &str, headers: &[(&str, &str)]) -> Open {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        self.exchange(verb, Bytes::new(), headers.collect()).await
    }

    /// Answers a request of the server; `answer` has `result` or `error`.
    pub(crate) async fn answer(&self, request: &Value, mut answer: Value) -> Reply {
        answer["jsonrpc"] = "2.0".into();
        answer["id"] = request["id"].clone();
        self.send(&answer, &[]).await.finish().await
    }

    async fn exchange(&self, verb: &str, body: Bytes, headers: Vec<(String, String)>) -> Open {
        let mut all = self.headers.clone();
        all.extend(headers);
        let has = |name: &str| all.iter().any(|(other, _)| other == name);
        let accept =
            if verb == "GET" { "text/event-stream" } else { "application/json, text/event-stream" };
        let defaults = [("accept", accept), ("content-type", "application/json")];
        let defaults = defaults.into_iter().filter(|(name, _)| !has(name));
        let defaults: Vec<_> =
            defaults.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.extend(defaults);
        let response = connection::send(&self.url, verb, &all, body).await;
        Open::new(response, self.clone())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("url", &self.url)
            .field("revision", &self.revision)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Who this client says that it is.
pub(crate) fn client_info() -> Value {
    json!({ "name": "raw-client", "version": "1.0.0" })
}
