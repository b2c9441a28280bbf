//! Streamable HTTP of every revision: one request in, one response out.
//!
//! The order of the checks is decided here and nowhere else: endpoint, method, content type, size,
//! JSON, era (`docs/eras.md`, detection), session, `Accept`. Reading a message comes before its
//! era, because the body decides and the headers only confirm.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::{ErrorCode, NotComputed};
use gantry_protocol::headers::{ClientEra, PostHeaders, Refusal, check_batch, classify_post};
use gantry_protocol::message::{Body, Kind, ParseError};
use gantry_protocol::{Message, Revision, RpcError};
use gantry_transport::names;
use gantry_transport::server::body::{self, Accepts};
use gantry_transport::server::{BodyError, BodyLimits, ReplyBody, accepts, read_body};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use super::errand::Errand;
use super::reply::{self, coded};
use super::sessions::unknown_view;
use super::{HttpRequest, Origin, legacy, modern, standalone};
use crate::Gateway;
use crate::hub::{Lifetime, Reading, Session};
use crate::snapshot::Snapshot;
use crate::spec::LegacySpec;
use crate::traces;

/// The methods of the endpoint, for those that have a session.
const METHODS: &str = "GET, POST, DELETE";
/// A body of so many bytes takes about 200 µs to read, and is read elsewhere.
const LARGE: usize = 64 * 1024;

/// An HTTP request whose body was read or that has none.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) origin: Origin,
    pub(super) headers: HeaderMap,
    pub(super) accepts: Accepts,
    /// Silence on a stream after which a comment is sent.
    pub(super) keep_alive: Duration,
    /// What legacy clients are given beyond their answers.
    pub(super) legacy: LegacySpec,
}

/// A request to an MCP endpoint whose body was read.
#[derive(Debug)]
pub struct ReadRequest {
    arrival: Arrival,
    snapshot: Arc<Snapshot>,
    bytes: Bytes,
    /// The body as a message, once somebody looked.
    body: Option<Result<Body, ParseError>>,
}

impl ReadRequest {
    /// Returns the body if it is no message of MCP.
    pub fn foreign(&mut self) -> Option<&Bytes> {
        let body = self.body.get_or_insert_with(|| Body::parse(self.bytes.clone()));
        body.is_err().then_some(&self.bytes)
    }

    /// Returns the endpoint, and the way to make a request there as whoever asks.
    pub fn errand(&self) -> (&str, Errand) {
        let Origin { view, principal, address, request_id, .. } = &self.arrival.origin;
        let (principal, request_id) = (Arc::clone(principal), Arc::clone(request_id));
        (view, Errand { principal, address: *address, request_id })
    }
}

impl Gateway {
    /// Serves one HTTP request to an MCP endpoint.
    ///
    /// Dropping the future cancels a modern request; a legacy one runs on.
    pub async fn serve_http(self: &Arc<Self>, request: HttpRequest) -> Response<ReplyBody> {
        match self.read_http(request).await {
            Ok(read) => self.serve_read(read).await,
            Err(answer) => *answer,
        }
    }

    /// Reads the body of one HTTP request to an MCP endpoint, for somebody who may have another use
    /// for it than [`Gateway::serve_read`].
    ///
    /// # Errors
    ///
    /// The answer to a request that has no body, or none that can be read.
    pub async fn read_http(
        self: &Arc<Self>,
        request: HttpRequest,
    ) -> Result<ReadRequest, Box<Response<ReplyBody>>> {
        let snapshot = self.registry.snapshot();
        let HttpRequest { parts, body, view, principal, address, request_id } = request;
        if !self.registry.has_view(&view, &principal, address) {
            return Err(Box::new(self.refuse(None, &unknown_view(&view))));
        }
        let arrival = Arrival {
            accepts: accepts(&parts.headers),
            origin: Origin {
                view,
                principal,
                address,
                request_id,
                trace: traces::of_headers(self, &parts.headers),
                by_http: true,
            },
            headers: parts.headers,
            keep_alive: snapshot.spec.keep_alive,
            legacy: snapshot.spec.legacy,
        };
        match parts.method {
            Method::POST => {}
            Method::GET | Method::DELETE => {
                return Err(Box::new(Box::pin(self.without_body(arrival, &parts.method)).await));
            }
            _ => return Err(Box::new(reply::not_allowed(METHODS))),
        }
        if !is_json(&arrival.headers) {
            let error =
                RpcError::invalid_request("the header Content-Type must say application/json");
            return Err(Box::new(self.refuse(None, &Refusal { status: 415, error })));
        }
        let limits = BodyLimits { size: snapshot.spec.max_body, time: snapshot.spec.body_timeout };
        match read(&arrival.headers, body, limits).await {
            Ok(bytes) => match self.understand(&bytes).await {
                Ok(body) => Ok(ReadRequest { arrival, snapshot, bytes, body }),
                Err(refusal) => Err(Box::new(self.refuse(None, &refusal))),
            },
            Err(refusal) => Err(Box::new(self.refuse(None, &refusal))),
        }
    }

    /// Makes messages of a body if it is so large that nobody should have to wait for it. That is done
    /// on threads of its own, and not on those that compute what calls ask for.
    pub(super) async fn understand(
        &self,
        bytes: &Bytes,
    ) -> Result<Option<Result<Body, ParseError>>, Refusal> {
        if bytes.len() < LARGE {
            return Ok(None);
        }
        let bytes = bytes.clone();
        let read = self.reading.run(move || Body::parse(bytes)).await;
        read.map(Some).map_err(|error| match error {
            NotComputed::Full => coded(ErrorCode::Overloaded, error.to_string()),
            NotComputed::Broken => coded(ErrorCode::Internal, error.to_string()),
        })
    }

    /// Serves a request whose body was read.
    ///
    /// Dropping the future cancels as it does for [`Gateway::serve_http`].
    pub async fn serve_read(self: &Arc<Self>, read: ReadRequest) -> Response<ReplyBody> {
        let ReadRequest { arrival, snapshot, bytes, body } = read;
        match body.unwrap_or_else(|| Body::parse(bytes)) {
            Ok(Body::One(message)) => self.post(arrival, &snapshot, message).await,
            Ok(batch @ Body::Batch(_)) => Box::pin(self.post_batch(arrival, batch)).await,
            Err(error) => {
                let refusal = Refusal { status: 400, error: reply::malformed(error.error) };
                self.refuse(error.id.as_ref(), &refusal)
            }
        }
    }

    /// GET opens the standalone stream of a session, DELETE ends a session.
    async fn without_body(
        self: &Arc<Self>,
        arrival: Arrival,
        method: &Method,
    ) -> Response<ReplyBody> {
        let Some(id) = arrival.header(names::SESSION_ID) else {
            return reply::not_allowed("POST");
        };
        let Some(session) = self.find_session(&arrival.origin, &id).await else {
            return self.refuse(None, &reply::unknown_session());
        };
        if *method == Method::GET {
            return standalone::open(self, &arrival, &session);
        }
        self.end_session(&session).await;
        body::empty(StatusCode::OK)
    }

    async fn post(
        self: &Arc<Self>,
        arrival: Arrival,
        snapshot: &Snapshot,
        message: Message,
    ) -> Response<ReplyBody> {
        let version = arrival.header(names::PROTOCOL_VERSION);
        let name = arrival.header(names::NAME);
        let method = arrival.header(names::METHOD);
        let post = PostHeaders {
            protocol_version: version.as_deref(),
            mcp_method: method.as_deref(),
            mcp_name: name.as_deref(),
            has_session: arrival.headers.contains_key(names::SESSION_ID),
        };
        // Methods of extensions are routed where there is no question to whom.
        let is_served =
            |_: &str| snapshot.view(&arrival.origin.view).is_some_and(|view| view.single);
        let request_id = message.id().filter(|_| message.kind() == Kind::Request);
        let era = match classify_post(&message, &post, is_served) {
            Ok(era) => era,
            Err(refusal) => return self.refuse(request_id, &refusal),
        };
        let takes_nothing = !arrival.accepts.json && !arrival.accepts.events;
        if message.kind() == Kind::Request && takes_nothing {
            let needed = "application/json or text/event-stream";
            return self.refuse(request_id, &reply::not_acceptable(needed));
        }
        drop((version, name, method));
        match era {
            ClientEra::Modern(revision) => modern::post(self, arrival, revision, message).await,
            ClientEra::ModernNotification => reply::accepted(),
            // Behind pointers: what is rare must not make every connection's future larger.
            ClientEra::Initialize(revision) => {
                Box::pin(self.initialize(&arrival, revision, &message)).await
            }
            ClientEra::Session => match self.session_of(&arrival).await {
                Some(session) => {
                    Box::pin(legacy::post(self, arrival, session, Body::One(message))).await
                }
                None => self.refuse(request_id, &reply::unknown_session()),
            },
        }
    }

    async fn post_batch(self: &Arc<Self>, arrival: Arrival, batch: Body) -> Response<ReplyBody> {
        if !arrival.headers.contains_key(names::SESSION_ID) {
            let Body::Batch(elements) = &batch else { return reply::accepted() };
            let refusal = check_batch(elements, None).err().unwrap_or_else(reply::unknown_session);
            return self.refuse(None, &refusal);
        }
        match self.session_of(&arrival).await {
            Some(session) => legacy::post(self, arrival, session, batch).await,
            None => self.refuse(None, &reply::unknown_session()),
        }
    }

    async fn initialize(
        &self,
        arrival: &Arrival,
        revision: Revision,
        message: &Message,
    ) -> Response<ReplyBody> {
        let Some(id) = message.id() else { return reply::accepted() };
        let _span = traces::begin(self, arrival.origin.came(), revision, message);
        let opened = self.open_session(&arrival.origin, revision, message, Lifetime::Kept).await;
        let opened = match opened {
            Ok(opened) => opened,
            Err(refusal) => return self.refuse(Some(id), &refusal),
        };
        let mut response = reply::own(arrival.accepts, id, Ok(opened.result));
        let token = HeaderValue::try_from(opened.token)
            .expect("a sealed token is base64url, which any header may hold");
        response.headers_mut().insert(names::SESSION_ID, token);
        response
    }

    async fn session_of(self: &Arc<Self>, arrival: &Arrival) -> Option<Arc<Session>> {
        let id = arrival.header(names::SESSION_ID)?;
        self.find_session(&arrival.origin, &id).await
    }
}

impl Arrival {
    /// Returns how streams are given to a legacy client of that revision.
    pub(super) fn reading(&self, revision: Revision) -> Reading {
        let is_primed = revision == Revision::V2025_11_25;
        Reading {
            keep_alive: self.keep_alive,
            primer: is_primed.then_some(self.legacy.retry),
            limits: self.legacy.replay,
        }
    }

    /// Returns a header; one that was sent several times comes joined by commas, so that it equals
    /// nothing.
    pub(super) fn header(&self, name: HeaderName) -> Option<Cow<'_, str>> {
        let mut values = self.headers.get_all(name).iter();
        let mut text = String::from_utf8_lossy(values.next()?.as_bytes());
        for value in values {
            let whole = text.to_mut();
            whole.push_str(", ");
            whole.push_str(&String::from_utf8_lossy(value.as_bytes()));
        }
        Some(text)
    }
}

/// Reads a body, or says why it cannot be.
pub(super) async fn read(
    headers: &HeaderMap,
    body: hyper::body::Incoming,
    limits: BodyLimits,
) -> Result<Bytes, Refusal> {
    read_body(headers, body, limits).await.map_err(|error| match &error {
        BodyError::TooLarge { .. } => coded(ErrorCode::BodyTooLarge, error.to_string()),
        BodyError::TooSlow { .. } => {
            let refusal = coded(ErrorCode::MalformedMessage, error.to_string());
            Refusal { status: 408, ..refusal }
        }
        BodyError::Broken(_) => coded(ErrorCode::MalformedMessage, error.to_string()),
    })
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = value.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use crate::Gateway;

    fn size_of_future<A, B, F>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_future_of_a_request_is_small() {
        // Every connection holds room for one.
        let size = size_of_future(Gateway::serve_http);
        assert!(size <= 8 * 1024, "{size}");
    }
}
