//! What a scripted upstream was sent.

use std::{fmt, fmt::Write as _, panic::Location, sync::Arc, time::Instant};

use bytes::Bytes;
use hyper::HeaderMap;
use serde_json::Value;
use tokio::sync::watch;

use crate::support::wait::{LIMIT, soon};

/// One HTTP request.
pub(crate) struct Seen {
    /// Its place in the order of arrival.
    pub(crate) number: usize,
    /// When it came.
    pub(crate) at: Instant,
    /// `POST`, `GET` or `DELETE`.
    pub(crate) verb: String,
    /// What was asked for: the path with its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The bytes of the body.
    pub(crate) body: Bytes,
    /// The body as JSON; null if it is none.
    pub(crate) message: Value,
    pub(super) end: watch::Sender<End>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has not.
    Open,
    /// Its answer was sent whole.
    Answered,
    /// The client closed the connection before that.
    Abandoned,
}

impl Seen {
    /// The method of the message; empty for a response, a GET or a DELETE.
    pub(crate) fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }

    /// The id of the message; null for a notification.
    pub(crate) fn id(&self) -> &Value {
        &self.message["id"]
    }

    pub(crate) fn params(&self) -> &Value {
        &self.message["params"]
    }

    /// `params._meta`.
    pub(crate) fn meta(&self) -> &Value {
        &self.params()["_meta"]
    }

    /// `params.name`.
    pub(crate) fn name(&self) -> &str {
        self.params()["name"].as_str().unwrap_or_default()
    }

    /// `params.arguments`.
    pub(crate) fn arguments(&self) -> &Value {
        &self.params()["arguments"]
    }

    /// The revision that its envelope claims, if it has one.
    pub(crate) fn claim(&self) -> Option<&str> {
        self.meta()["io.modelcontextprotocol/protocolVersion"].as_str()
    }

    /// The capabilities that its envelope declares.
    pub(crate) fn capabilities(&self) -> &Value {
        &self.meta()["io.modelcontextprotocol/clientCapabilities"]
    }

    /// One header; the name is lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("headers of MCP are ASCII"))
    }

    /// `Mcp-Session-Id`.
    pub(crate) fn session(&self) -> Option<&str> {
        self.header("mcp-session-id")
    }

    /// How it has ended so far.
    pub(crate) fn end(&self) -> End {
        *self.end.borrow()
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn ended(&self) -> impl Future<Output = End> + use<> {
        let mut end = self.end.subscribe();
        soon(&format!("the end of {self:?}"), async move {
            let ended = end.wait_for(|end| *end != End::Open).await;
            *ended.expect("the request holds its own sender")
        })
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:3} {} {}", self.number, self.verb, self.path)?;
        for name in ["mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"] {
            if let Some(value) = self.headers.get(name) {
                write!(formatter, " {name}={value:?}")?;
            }
        }
        write!(formatter, " {} ({:?})", String::from_utf8_lossy(&self.body), self.end())
    }
}

/// The requests in order of arrival.
#[derive(Debug)]
pub(super) struct Log {
    seen: watch::Sender<Vec<Arc<Seen>>>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { seen: watch::Sender::new(Vec::new()) }
    }

    pub(super) fn add(&self, seen: Arc<Seen>) {
        self.seen.send_modify(|all| all.push(seen));
    }

    pub(super) fn clear(&self) {
        self.seen.send_modify(Vec::clear);
    }

    pub(super) fn all(&self) -> Vec<Arc<Seen>> {
        self.seen.borrow().clone()
    }

    #[track_caller]
    pub(super) fn wait_until<T, L: FnMut(&[Arc<Seen>]) -> Option<T>>(
        &self,
        what: &str,
        mut look: L,
    ) -> impl Future<Output = T> + use<T, L> {
        let caller = Location::caller();
        let what = what.to_owned();
        let mut seen = self.seen.subscribe();
        async move {
            let mut found = None;
            let waiting = seen.wait_for(|seen| {
                found = look(seen);
                found.is_some()
            });
            let waited = tokio::time::timeout(LIMIT, waiting).await.map(drop);
            match found {
                Some(found) if waited.is_ok() => found,
                _ => {
                    let mut all = String::new();
                    for seen in seen.borrow().iter() {
                        let _ = writeln!(all, "{seen:?}");
                    }
                    panic!(
                        "the test at {caller} waited in vain for: {what}; the upstream saw\n{all}"
                    )
                }
            }
        }
    }
}
