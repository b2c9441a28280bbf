//! HTTP responses: messages, refusals, and the few that are neither.

use std::sync::Arc;

use bytes::Bytes;
use gantry_core::ErrorCode;
use gantry_protocol::headers::{Refusal, session_gone};
use gantry_protocol::{Id, RpcError, code, message, sse};
use gantry_transport::server::body::{self, Accepts};
use gantry_transport::server::{ReplyBody, full};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

use crate::Gateway;
use crate::causes;
use crate::dispatch::Reply;
use crate::metrics::Metrics;

/// A message as the whole answer. A client that takes event streams alone gets it as one event.
pub(super) fn answer(accepts: Accepts, status: u16, bytes: Bytes) -> Response<ReplyBody> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    if accepts.json || status != StatusCode::OK {
        return full(status, bytes);
    }
    let mut response = full(status, sse::event(&bytes, None, None));
    let events = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, events);
    response
}

/// The reply to a carried request, and when to come again if there was no room for it.
pub(super) fn carried(accepts: Accepts, reply: Reply) -> Response<ReplyBody> {
    let mut response = answer(accepts, reply.status, reply.bytes);
    if let Some(waiting) = reply.waiting {
        waiting.write(response.headers_mut());
    }
    response
}

/// A result or an error of our own.
pub(super) fn own(
    accepts: Accepts,
    id: &Id,
    result: Result<Bytes, RpcError>,
) -> Response<ReplyBody> {
    answer(accepts, 200, own_message(id, result))
}

/// The same as a message.
pub(super) fn own_message(id: &Id, result: Result<Bytes, RpcError>) -> Bytes {
    match result {
        Ok(result) => message::response(id, &result),
        Err(error) => causes::failure(Some(id), &error),
    }
}

/// Taken; there is nothing to say.
pub(super) fn accepted() -> Response<ReplyBody> {
    body::empty(StatusCode::ACCEPTED)
}

/// The method is not for this; `allow` says which are.
pub(super) fn not_allowed(allow: &'static str) -> Response<ReplyBody> {
    let error = RpcError::invalid_request(format!("use {allow} here"));
    let mut response = full(StatusCode::METHOD_NOT_ALLOWED, causes::failure(None, &error));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// An error that has a code and a page of its own.
pub(super) fn coded(which: ErrorCode, text: impl Into<String>) -> Refusal {
    let data = serde_json::json!({ "code": which.code() });
    let error = RpcError::new(which.json_rpc().unwrap_or(code::INTERNAL_ERROR), text);
    Refusal { status: which.http().unwrap_or(400), error: error.with_data(data) }
}

/// The one answer for a session that is unknown, expired, or of somebody else.
pub(super) fn unknown_session() -> Refusal {
    let Refusal { status, error } = session_gone();
    Refusal { status, error: causes::with_code(error, ErrorCode::UnknownSession) }
}

/// The gateway ends, and a call has not.
pub(super) fn ending() -> RpcError {
    let text = "the gateway is ending, and the call was given up; how far it came is not known";
    causes::with_code(RpcError::internal("gateway_ending", text), ErrorCode::GatewayEnding)
}

/// What came is no message.
pub(super) fn malformed(error: RpcError) -> RpcError {
    causes::with_code(error, ErrorCode::MalformedMessage)
}

impl Gateway {
    /// Answers a message that is not served, and counts it.
    pub(super) fn refuse(&self, id: Option<&Id>, refusal: &Refusal) -> Response<ReplyBody> {
        self.metrics.refused.inc();
        self.tap.refused("", id, &refusal.error.message);
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        full(status, causes::failure(id, &causes::explained(refusal.error.clone())))
    }
}

/// The client takes no type that the answer could have.
pub(super) fn not_acceptable(needed: &str) -> Refusal {
    let text = format!("the answer is {needed}, which the header Accept does not name");
    Refusal { status: 406, error: RpcError::invalid_request(text) }
}

/// Counts an open stream until it is dropped.
#[derive(Debug)]
pub(super) struct StreamCount(Arc<Metrics>);

impl Gateway {
    pub(super) fn count_stream(&self) -> StreamCount {
        self.metrics.streams.inc();
        StreamCount(Arc::clone(&self.metrics))
    }
}

impl Drop for StreamCount {
    fn drop(&mut self) {
        self.0.streams.dec();
    }
}
