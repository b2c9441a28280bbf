//! The transport of 2024-11-05: one event stream for everything that the server says, and a path to
//! which the client posts, each message answered by 202 alone.
//!
//! The stream begins with an `endpoint` event, which names that path. In its query stands a random
//! handle: a name for the connection, of use to the principal that opened it and to nobody else. What
//! is posted is served like a line on a pipe, but for the modern era, which has no such transport. The
//! end of the stream is the end of the session: the transport has no way to come back.

use std::collections::HashMap;
use std::sync::Arc;

use gantry_core::seal::random;
use gantry_core::{ErrorCode, Principal};
use gantry_protocol::RpcError;
use gantry_protocol::headers::Refusal;
use gantry_protocol::message::Body;
use gantry_transport::server::{BodyLimits, ReplyBody, accepts};
use http::{Method, Response};
use parking_lot::Mutex;
use url::form_urlencoded;

use super::HttpRequest;
use super::http::is_json;
use super::reply::{self, coded};
use super::sessions::unknown_view;
use super::stdio::{Connection, Eras};
use crate::Gateway;
use crate::hub::Sink;
use crate::snapshot::Snapshot;

/// Where messages are posted to.
const MESSAGES: &str = "/messages";
/// The handle in the query of [`MESSAGES`], by the name that clients of the time expect.
const HANDLE: &str = "sessionId";
/// Connections of this transport.
const MOST: usize = 10_000;

/// The open connections, by their handles.
#[derive(Debug, Default)]
pub struct Handles {
    open: Mutex<HashMap<Box<str>, Arc<Connection>>>,
}

/// Held by the body of a stream; dropped when the client goes away.
struct Opened {
    gateway: Arc<Gateway>,
    handle: Box<str>,
}

impl Handles {
    fn find(&self, handle: &str, principal: &Principal) -> Option<Arc<Connection>> {
        let open = self.open.lock();
        open.get(handle).filter(|connection| connection.is_of(principal)).cloned()
    }

    /// Counts the calls that are being carried out.
    fn n_calls(&self) -> usize {
        self.open.lock().values().map(|connection| connection.n_calls()).sum()
    }
}

impl Gateway {
    /// Serves a request to `/sse` or `/sse/NAME`: opens a connection of this transport.
    pub fn serve_sse(self: &Arc<Self>, request: &HttpRequest) -> Response<ReplyBody> {
        let HttpRequest { parts, view, principal, address, .. } = request;
        let snapshot = self.registry.snapshot();
        if let Err(refusal) = is_served(&snapshot) {
            return self.refuse(None, &refusal);
        }
        if parts.method != Method::GET {
            // Clients of two transports post first, and take this for a sign to use the older one.
            return reply::not_allowed("GET");
        }
        if !self.registry.has_view(view, principal, *address) {
            return self.refuse(None, &unknown_view(view));
        }
        if !accepts(&parts.headers).events {
            return self.refuse(None, &reply::not_acceptable("text/event-stream"));
        }
        let handle = match random::<32>() {
            Ok(bytes) => hex(&bytes),
            Err(error) => {
                return self.refuse(None, &coded(ErrorCode::Internal, error.to_string()));
            }
        };
        let endpoint = format!("{MESSAGES}?{HANDLE}={handle}");
        let (sink, body) = Sink::one_stream(snapshot.spec.keep_alive, &endpoint);
        let connection = Connection::new(
            Arc::clone(self),
            Arc::clone(principal),
            view.clone(),
            sink,
            Eras::Legacy,
        )
        .at(*address);
        {
            let mut open = self.handles.open.lock();
            if open.len() >= MOST {
                let text = "too many connections of the HTTP+SSE transport are open";
                return self.refuse(None, &coded(ErrorCode::Overloaded, text));
            }
            open.insert(handle.clone(), Arc::new(connection));
        }
        let opened = Opened { gateway: Arc::clone(self), handle };
        body.holding((opened, self.count_stream())).into_response()
    }

    /// Serves a request to `/messages`: takes what a client of this transport says.
    pub async fn serve_messages(self: &Arc<Self>, request: HttpRequest) -> Response<ReplyBody> {
        match self.hear_message(request).await {
            Ok(()) => reply::accepted(),
            Err(Heard::Refused(refusal)) => self.refuse(None, &refusal),
            Err(Heard::WrongMethod) => reply::not_allowed("POST"),
        }
    }

    async fn hear_message(&self, request: HttpRequest) -> Result<(), Heard> {
        let HttpRequest { parts, body, principal, .. } = request;
        let snapshot = self.registry.snapshot();
        is_served(&snapshot)?;
        if parts.method != Method::POST {
            return Err(Heard::WrongMethod);
        }
        // Before the body is read: a stranger cannot make us read one.
        let query = parts.uri.query().unwrap_or_default();
        let handle = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == HANDLE);
        let handle = handle.map(|(_, handle)| handle).unwrap_or_default();
        let connection = self.handles.find(&handle, &principal);
        let connection = connection.ok_or_else(|| {
            let text = "no open stream has this `sessionId`; open one with GET on `/sse`";
            coded(ErrorCode::UnknownSession, text)
        })?;
        if !is_json(&parts.headers) {
            let error =
                RpcError::invalid_request("the header Content-Type must say application/json");
            return Err(Refusal { status: 415, error }.into());
        }
        let limits = BodyLimits { size: snapshot.spec.max_body, time: snapshot.spec.body_timeout };
        let bytes = super::http::read(&parts.headers, body, limits).await?;
        let body = self
            .understand(&bytes)
            .await?
            .unwrap_or_else(|| Body::parse(bytes))
            .map_err(|error| Refusal { status: 400, error: reply::malformed(error.error) })?;
        connection.visited(&principal);
        Box::pin(connection.hear_body(body)).await;
        Ok(())
    }

    /// Counts the calls whose answers go to another response than that of their request, so that
    /// the end of the gateway can wait for them.
    pub fn calls_apart(&self) -> usize {
        self.handles.n_calls()
    }

    /// Ends every connection once its calls are answered.
    pub(crate) fn end_sse(&self) {
        let open = std::mem::take(&mut *self.handles.open.lock());
        for connection in open.into_values() {
            self.tasks.spawn("end-sse", async move { connection.wind_up().await });
        }
    }
}

/// Why a message was not heard.
enum Heard {
    Refused(Refusal),
    WrongMethod,
}

impl From<Refusal> for Heard {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // The connection ends its session when it is dropped, outside of the lock.
        let connection = self.gateway.handles.open.lock().remove(&self.handle);
        drop(connection);
    }
}

fn is_served(snapshot: &Snapshot) -> Result<(), Refusal> {
    if snapshot.spec.legacy.sse {
        return Ok(());
    }
    let text = "the HTTP+SSE transport is switched off, by `legacy_sse`; use `/mcp`";
    Err(coded(ErrorCode::UnknownServer, text))
}

fn hex(bytes: &[u8]) -> Box<str> {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}
