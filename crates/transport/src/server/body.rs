//! Request bodies within a limit, and the one body type of all replies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::events::EventBody;

/// What a reply carries.
#[derive(Debug)]
pub enum ReplyBody {
    /// One piece, possibly empty.
    Full(Option<Bytes>),
    /// A stream of events.
    Events(EventBody),
    /// Something that another part of the server made.
    Other(OtherBody),
}

/// A body of another part of the server.
pub type OtherBody = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

/// Why a request body was not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// 413.
    #[error("the body is larger than the limit of {limit} bytes, set by `server.limits.body`")]
    TooLarge {
        /// Bytes.
        limit: usize,
    },
    /// 408.
    #[error("the body did not come within {limit:?}, set by `server.limits.request_timeout`")]
    TooSlow {
        /// From the end of the headers on.
        limit: Duration,
    },
    /// The client went away or broke the framing.
    #[error("the body could not be read")]
    Broken(#[source] hyper::Error),
}

/// What a client may send, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Bytes.
    pub size: usize,
    /// From the end of the headers on.
    pub time: Duration,
}

/// Bytes of a body after which others have their turn; they take about 100 µs to copy.
const PAUSE_EVERY: usize = 128 * 1024;

/// Reads a whole request body.
pub async fn read_body(
    headers: &HeaderMap,
    body: hyper::body::Incoming,
    limits: BodyLimits,
) -> Result<Bytes, BodyError> {
    tokio::select! {
        // Most bodies are there already: then no timer is set.
        biased;
        read = read_all(headers, body, limits.size) => read,
        () = tokio::time::sleep(limits.time) => Err(BodyError::TooSlow { limit: limits.time }),
    }
}

async fn read_all(
    headers: &HeaderMap,
    mut body: hyper::body::Incoming,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit });
    }
    // Most bodies come in one frame: then nothing is copied.
    let mut first = Bytes::new();
    let mut more: Option<BytesMut> = None;
    let mut without_pause = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        let so_far = more.as_ref().map_or(first.len(), BytesMut::len);
        if so_far + data.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        // A client that sends faster than it is read would have the thread to itself.
        without_pause += data.len();
        if without_pause > PAUSE_EVERY {
            without_pause = 0;
            tokio::task::yield_now().await;
        }
        match &mut more {
            Some(buffer) => buffer.extend_from_slice(&data),
            None if first.is_empty() => first = data,
            None => {
                let whole = announced.map_or(0, |length| usize::try_from(length).unwrap_or(0));
                let mut buffer = BytesMut::with_capacity(whole.max(first.len() + data.len()));
                buffer.extend_from_slice(&first);
                buffer.extend_from_slice(&data);
                more = Some(buffer);
            }
        }
    }
    Ok(more.map_or(first, BytesMut::freeze))
}

/// Which of the two answer types a client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepts {
    /// `application/json`.
    pub json: bool,
    /// `text/event-stream`.
    pub events: bool,
}

/// How most clients say that they take both.
const BOTH: &str = "application/json, text/event-stream";

/// Reads the `Accept` headers; without one, everything is taken (RFC 9110 section 12.5.1).
pub fn accepts(headers: &HeaderMap) -> Accepts {
    let mut accepts = Accepts { json: false, events: false };
    let mut any = false;
    for value in headers.get_all(ACCEPT) {
        any = true;
        // What the official clients send, to the byte.
        if value == BOTH {
            return Accepts { json: true, events: true };
        }
        let Ok(text) = value.to_str() else { continue };
        for range in text.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            let is = |name: &str| !refused && media.eq_ignore_ascii_case(name);
            accepts.json |= is("application/json") || is("application/*") || is("*/*");
            accepts.events |= is("text/event-stream") || is("text/*") || is("*/*");
        }
    }
    if any { accepts } else { Accepts { json: true, events: true } }
}

/// Makes a JSON reply.
pub fn full(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::Full(Some(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}

/// Makes a reply without a body.
pub fn empty(status: StatusCode) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::Full(None));
    *response.status_mut() = status;
    response
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Events(events) => {
                events.poll_next(context).map(|next| next.map(Frame::data).map(Ok))
            }
            Self::Other(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            Self::Events(_) => false,
            Self::Other(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Events(_) => SizeHint::default(),
            Self::Other(body) => body.size_hint(),
        }
    }
}
