//! An upstream by Streamable HTTP, of whatever era: posts messages, opens event streams, ends
//! sessions.
//!
//! Bytes go out as they are given and come back as they were sent. Which headers a message needs is
//! said by the caller ([`McpHeaders`]), what the answer means is the caller's to judge ([`Posted`]).
//! Nothing is retried or followed here; connections are those of [`gantry_net`].
//!
//! Dropping a call or an [`EventStream`] closes its connection: that is how a modern upstream
//! learns that the call is cancelled.

use std::time::Duration;

use bytes::Bytes;
use gantry_net::{BodyError, Limits, Target};
use gantry_protocol::headers as names;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

mod events;
mod posted;

use crate::names::{LAST_EVENT_ID, METHOD, NAME, PROTOCOL_VERSION, SESSION_ID};

pub use events::{EventStream, StreamError};
pub use posted::{Posted, PostedKind};

/// Set by us on each message, so not to be configured.
const OURS: &[&str] = &[
    "accept",
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "expect",
    names::SESSION_ID,
    names::PROTOCOL_VERSION,
    names::METHOD,
    names::NAME,
    names::LAST_EVENT_ID,
];

/// An MCP endpoint. Cheap to share; calls do not wait for each other.
#[derive(Debug, Clone)]
pub struct HttpUpstream {
    target: Target,
    /// `User-Agent`, then what is configured; each call adds to a copy.
    base: HeaderMap,
    /// The same with what every message that is posted has.
    posting: HeaderMap,
    limits: HttpLimits,
}

/// Limits on what an upstream sends.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// A JSON body or the data of one event, in bytes.
    pub message: usize,
    /// Between two pieces of a JSON body.
    pub body_idle: Option<Duration>,
    /// Between two pieces of an event stream, comments included; `None` if it may be silent.
    pub stream_idle: Option<Duration>,
}

/// The MCP headers of one message. All absent is right for a legacy `initialize`.
#[derive(Debug, Clone, Copy, Default)]
pub struct McpHeaders<'a> {
    /// `MCP-Protocol-Version`.
    pub protocol_version: Option<&'static str>,
    /// `Mcp-Session-Id`.
    pub session_id: Option<&'a str>,
    /// `Mcp-Method`.
    pub method: Option<&'a str>,
    /// `Mcp-Name` in plain text; it is encoded here where a header could not carry it.
    pub name: Option<&'a str>,
    /// More headers: `Mcp-Param-*`, `traceparent`, credentials of the caller's grant. They replace
    /// configured ones of the same name.
    pub extra: &'a [(HeaderName, HeaderValue)],
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The request failed before the response's headers.
    #[error(transparent)]
    Request {
        /// The reason; it names the upstream.
        source: gantry_net::Error,
    },
    /// The response's body could not be read.
    #[error("the answer of {authority} cannot be read")]
    Body {
        /// The upstream's host and port.
        authority: String,
        /// The reason.
        #[source]
        source: BodyError,
    },
    /// A value holds characters that no header may have.
    #[error("the header `{name}` cannot carry the value given for it")]
    Header {
        /// Which header; the value may be a secret.
        name: HeaderName,
    },
    /// A header is configured that each message sets for itself.
    #[error("the header `{name}` is set by the gateway and cannot be configured")]
    Reserved {
        /// Which header.
        name: &'static str,
    },
    /// An event stream was asked for, and something else came.
    #[error("the upstream opened no event stream, it answered with status {}", .answer.status)]
    NoStream {
        /// What came: 405 is a server without such a stream, 401 has its challenge here.
        answer: Box<Posted>,
    },
}

impl HttpUpstream {
    /// Makes an upstream. The configured headers go with every message and are never shown.
    pub fn new(
        target: Target,
        configured: &HeaderMap,
        limits: HttpLimits,
    ) -> Result<Self, HttpError> {
        if let Some(name) = OURS.iter().find(|name| configured.contains_key(**name)) {
            return Err(HttpError::Reserved { name });
        }
        let mut base = HeaderMap::with_capacity(16);
        let agent = concat!("gantry/", env!("CARGO_PKG_VERSION"));
        base.insert(header::USER_AGENT, HeaderValue::from_static(agent));
        for name in configured.keys() {
            base.remove(name);
            for value in configured.get_all(name) {
                let mut value = value.clone();
                value.set_sensitive(true);
                base.append(name, value);
            }
        }
        let mut posting = base.clone();
        let both = HeaderValue::from_static("application/json, text/event-stream");
        posting.insert(header::ACCEPT, both);
        posting.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Self { target, base, posting, limits })
    }

    /// Posts one JSON-RPC message and returns what its response begins with: a JSON body is read
    /// whole, an event stream is handed over open.
    ///
    /// `head_limit` is how long the response's headers may take; `None` for calls that the caller
    /// ends by dropping the future, which closes the connection.
    pub async fn post(
        &self,
        body: Bytes,
        headers: &McpHeaders<'_>,
        head_limit: Option<Duration>,
    ) -> Result<Posted, HttpError> {
        let map = with_mcp(self.posting.clone(), headers)?;
        self.send(Method::POST, map, body, head_limit).await
    }

    /// Opens the stream of a legacy session by GET, or resumes one after `last_event_id`.
    pub async fn open_stream(
        &self,
        headers: &McpHeaders<'_>,
        last_event_id: Option<&str>,
        head_limit: Option<Duration>,
    ) -> Result<Box<EventStream>, HttpError> {
        let mut map = with_mcp(self.base.clone(), headers)?;
        map.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(id) = last_event_id {
            map.insert(LAST_EVENT_ID, value(&LAST_EVENT_ID, id)?);
        }
        let mut answer = self.send(Method::GET, map, Bytes::new(), head_limit).await?;
        match answer.kind {
            PostedKind::Stream(mut events) if answer.status == StatusCode::OK => {
                events.resume_after(last_event_id);
                Ok(events)
            }
            PostedKind::Stream(_) => {
                answer.kind = PostedKind::Accepted;
                Err(HttpError::NoStream { answer: Box::new(answer) })
            }
            _ => Err(HttpError::NoStream { answer: Box::new(answer) }),
        }
    }

    /// Ends a legacy session and returns the status; 405 is a server that keeps it.
    pub async fn delete(
        &self,
        headers: &McpHeaders<'_>,
        head_limit: Option<Duration>,
    ) -> Result<StatusCode, HttpError> {
        let mut map = with_mcp(self.base.clone(), headers)?;
        map.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.send(Method::DELETE, map, Bytes::new(), head_limit).await?;
        Ok(answer.status)
    }

    /// Returns the same upstream where a reference of its own leads: a redirect, or the address
    /// for messages of HTTP+SSE. `None` if that is another origin.
    pub fn at(&self, reference: &str) -> Option<Self> {
        let target = self.target.same_origin(reference)?;
        Some(Self { target, ..self.clone() })
    }

    /// Returns host and port, for messages.
    pub fn authority(&self) -> String {
        self.target.authority()
    }

    async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
        head_limit: Option<Duration>,
    ) -> Result<Posted, HttpError> {
        let limits = Limits { head: head_limit, body_idle: self.limits.body_idle };
        let response = self
            .target
            .send(method, headers, body, limits)
            .await
            .map_err(|source| HttpError::Request { source })?;
        posted::read(response, &self.limits)
            .await
            .map_err(|source| HttpError::Body { authority: self.authority(), source })
    }
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            message: 16 * 1024 * 1024,
            body_idle: Some(Duration::from_mins(1)),
            stream_idle: None,
        }
    }
}

impl HttpError {
    /// Returns whether nothing of the message can have reached the upstream, so that sending it
    /// again is safe whatever it does.
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Request { source } => source.is_unsent(),
            Self::Header { .. } | Self::Reserved { .. } => true,
            Self::Body { .. } | Self::NoStream { .. } => false,
        }
    }

    /// Returns whether the upstream was silent for too long.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Request { source } => matches!(source, gantry_net::Error::Timeout { .. }),
            Self::Body { source, .. } => matches!(source, BodyError::Idle { .. }),
            Self::Header { .. } | Self::Reserved { .. } | Self::NoStream { .. } => false,
        }
    }

    /// Returns whether the answer was larger than it may be.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Body { source: BodyError::TooLarge { .. }, .. })
    }
}

/// Adds the headers of one message.
fn with_mcp(mut map: HeaderMap, given: &McpHeaders<'_>) -> Result<HeaderMap, HttpError> {
    if let Some(version) = given.protocol_version {
        map.insert(PROTOCOL_VERSION, HeaderValue::from_static(version));
    }
    for (name, text) in [(SESSION_ID, given.session_id), (METHOD, given.method)] {
        if let Some(text) = text {
            let value = value(&name, text)?;
            map.insert(name, value);
        }
    }
    if let Some(name) = given.name {
        map.insert(NAME, value(&NAME, &names::encode_value(name))?);
    }
    for (name, value) in given.extra {
        map.insert(name.clone(), value.clone());
    }
    Ok(map)
}

fn value(name: &HeaderName, text: &str) -> Result<HeaderValue, HttpError> {
    HeaderValue::from_str(text).map_err(|_| HttpError::Header { name: name.clone() })
}

#[cfg(test)]
mod tests;
