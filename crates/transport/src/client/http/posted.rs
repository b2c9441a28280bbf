//! What an upstream answers to a POST: sorted by content type, not yet by meaning.

use std::time::Duration;

use bytes::Bytes;
use gantry_net::{BodyError, ResponseBody};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::events::EventStream;
use super::{HttpLimits, SESSION_ID};

/// Of a body that is no MCP message only so much is kept, for people to read.
const OTHER_LIMIT: usize = 64 * 1024;

/// An answer.
#[derive(Debug)]
pub struct Posted {
    /// Of any class: a 404 may be the JSON-RPC answer to an unknown method, or a session's end.
    pub status: StatusCode,
    /// As they came; the methods below read those that matter.
    pub headers: HeaderMap,
    /// What came behind the headers.
    pub kind: PostedKind,
}

/// What an answer holds.
#[derive(Debug)]
pub enum PostedKind {
    /// `application/json`, read whole.
    Json(Bytes),
    /// `text/event-stream`, open.
    Stream(Box<EventStream>),
    /// 202 or 204, or a success without a body: there is nothing to read.
    Accepted,
    /// Anything else.
    Other {
        /// As it was sent; empty if there was none.
        content_type: String,
        /// At most 64 KiB of it.
        body: Bytes,
    },
}

/// What a `Content-Type` promises, parameters aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Json,
    Events,
    Other,
    None,
}

impl Posted {
    /// Returns `Mcp-Session-Id`.
    pub fn session_id(&self) -> Option<&str> {
        self.text(&SESSION_ID)
    }

    /// Returns the challenges of `WWW-Authenticate`, in order.
    pub fn challenges(&self) -> impl Iterator<Item = &str> {
        let values = self.headers.get_all(header::WWW_AUTHENTICATE);
        values.into_iter().filter_map(|value| value.to_str().ok())
    }

    /// Returns `Retry-After` given in seconds; the form with a date is not used by these servers
    /// and would need a clock.
    pub fn retry_after(&self) -> Option<Duration> {
        self.text(&header::RETRY_AFTER)?.trim().parse().ok().map(Duration::from_secs)
    }

    /// Returns where a redirect leads, as it was sent.
    pub fn location(&self) -> Option<&str> {
        self.text(&header::LOCATION)
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Reads as much of a response as its kind wants read.
pub(super) async fn read(
    response: Response<ResponseBody>,
    limits: &HttpLimits,
) -> Result<Posted, BodyError> {
    let (head, body) = response.into_parts();
    let (status, headers) = (head.status, head.headers);
    let nothing = matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT);
    let kind = match content(&headers) {
        // Some servers send a word with their 202. It is read, so that the connection can be used
        // again; whether that succeeds changes nothing.
        _ if nothing => {
            let _ = body.collect_prefix(OTHER_LIMIT).await;
            PostedKind::Accepted
        }
        Content::Json => PostedKind::Json(body.collect(limits.message).await?),
        Content::Events => {
            let body = body.with_idle_limit(limits.stream_idle);
            PostedKind::Stream(Box::new(EventStream::new(body, limits.message)))
        }
        content => {
            let (body, _) = body.collect_prefix(OTHER_LIMIT).await?;
            if content == Content::None && body.is_empty() && status.is_success() {
                PostedKind::Accepted
            } else {
                let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
                let content_type = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
                PostedKind::Other { content_type, body }
            }
        }
    };
    Ok(Posted { status, headers, kind })
}

fn content(headers: &HeaderMap) -> Content {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Content::None };
    let bytes = value.as_bytes();
    let end = bytes.iter().position(|byte| *byte == b';').unwrap_or(bytes.len());
    let essence = bytes[..end].trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        Content::Json
    } else if essence.eq_ignore_ascii_case(b"text/event-stream") {
        Content::Events
    } else {
        Content::Other
    }
}
