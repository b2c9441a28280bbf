//! What a browser needs to let a page of an allowed origin read our answers (Fetch standard, CORS).
//!
//! Whether an origin is allowed was decided before, by the host policy; a refused one gets no
//! header at all, so that its page cannot even read the refusal.

use gantry_transport::server::{ReplyBody, body};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
/// Asked for when the browser names none: it always does, so this is for people with `curl`.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id, x-request-id, x-correlation-id, traceparent, tracestate, baggage",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "mcp-session-id, mcp-protocol-version, www-authenticate, x-request-id, x-correlation-id",
);
/// Seconds that a browser may keep the answer to a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Answers a preflight of an allowed origin; `None` for everything else.
pub(super) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response<ReplyBody>> {
    let is_preflight = method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight {
        return None;
    }
    let mut response = body::empty(StatusCode::NO_CONTENT);
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    // Tools name headers of their own (`Mcp-Param-*`), so what is asked for is allowed: the origin
    // is trusted, and no header opens a door that the token does not.
    let wanted = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(HEADERS);
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    Some(response)
}

/// Lets the page of an allowed origin read the response.
pub(super) fn allow(origin: HeaderValue, response: &mut HeaderMap) {
    response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    response.append(VARY, HeaderValue::from_static("origin"));
}
