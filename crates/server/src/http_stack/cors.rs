//! What a browser needs to let a page of an allowed origin read our answers (Fetch standard, CORS).
//!
//! Whether an origin is allowed was decided before, by the host policy; a refused one gets no
//! header at all, so that its page cannot even read the refusal.

use std::fmt::Display;

use gantry_transport::server::{ReplyBody, body};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::config;

/// Asked for when the browser names none: it always does, so this is for people with `curl`.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id, x-request-id, x-correlation-id, traceparent, tracestate, baggage",
);
/// What every page may read: headers that the gateway itself writes for its clients.
const EXPOSED: &str = "mcp-session-id, mcp-protocol-version, www-authenticate, x-request-id, \
                       x-correlation-id, retry-after, x-ratelimit-limit, x-ratelimit-remaining, \
                       x-ratelimit-reset, x-ratelimit-window";

/// What pages of allowed origins may do, as it is written into answers.
#[derive(Debug, Clone)]
pub(crate) struct Cors {
    is_any: bool,
    methods: HeaderValue,
    /// Set where not every header may be sent.
    headers: Option<HeaderValue>,
    exposed: HeaderValue,
    /// Seconds that a browser may keep the answer to a preflight.
    max_age: HeaderValue,
    has_credentials: bool,
}

impl Cors {
    pub(crate) fn new(config: &config::Cors) -> Self {
        let expose = config.expose.iter().map(http::HeaderName::as_str);
        Self {
            is_any: config.is_any,
            methods: list(config.methods.iter()),
            headers: (!config.headers.is_empty()).then(|| list(config.headers.iter())),
            exposed: list([EXPOSED].into_iter().chain(expose)),
            max_age: HeaderValue::from(config.max_age.as_secs()),
            has_credentials: config.credentials,
        }
    }

    /// Answers a preflight of an allowed origin; `None` for everything else.
    pub(super) fn preflight(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Option<Response<ReplyBody>> {
        let is_preflight = method == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return None;
        }
        let mut response = body::empty(StatusCode::NO_CONTENT);
        let answer = response.headers_mut();
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        // Tools name headers of their own (`Mcp-Param-*`), so what is asked for is allowed unless the
        // configuration says otherwise: the origin is trusted, and no header opens a door that the
        // token does not.
        let wanted = || headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(HEADERS);
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone().unwrap_or_else(wanted));
        answer.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        Some(response)
    }

    /// Lets the page of an allowed origin read the response.
    pub(super) fn allow(&self, origin: HeaderValue, response: &mut HeaderMap) {
        response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
        if self.is_any {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            return;
        }
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.append(VARY, HeaderValue::from_static("origin"));
        if self.has_credentials {
            let yes = HeaderValue::from_static("true");
            response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
    }
}

fn list(parts: impl Iterator<Item = impl Display>) -> HeaderValue {
    let parts: Vec<_> = parts.map(|part| part.to_string()).collect();
    HeaderValue::from_str(&parts.join(", ")).expect("methods and names of headers are a header")
}
