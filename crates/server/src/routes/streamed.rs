//! Answers of routes that are streams of events: they go out as they come, and not as a whole.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use gantry_transport::server::ReplyBody;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::Frame;
use http_body_util::BodyExt as _;

/// Tells whether an answer is a stream of events.
pub(super) fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Passes a stream on.
pub(super) fn pass_on(body: Body) -> ReplyBody {
    ReplyBody::Other(Streamed(body).boxed_unsync())
}

/// A body that ends where it breaks: the headers are out, and nothing else can be said.
struct Streamed(Body);

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = std::task::ready!(Pin::new(&mut self.get_mut().0).poll_frame(context));
        Poll::Ready(frame.and_then(Result::ok).map(Ok))
    }
}
