//! The bodies of a scripted upstream's responses, and how each of them ended.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::{
    Response,
    body::{Body, SizeHint},
};
use tokio::{sync::mpsc, task::AbortHandle};

use super::log::{End, Seen};

/// A piece of an event stream; an error breaks it in the middle.
pub(super) type Frame = Result<Bytes, Broken>;

/// The connection ends here, because the script says so.
#[derive(Debug)]
pub(super) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("broken as scripted")
    }
}

impl std::error::Error for Broken {}

/// One event with a message.
pub(super) fn event(message: &str) -> Bytes {
    Bytes::from(format!("event: message\ndata: {message}\n\n"))
}

pub(super) fn plain(status: u16, guard: Guard) -> Response<Reply> {
    let mut response = Response::new(Reply { content: Content::Whole(Some(Bytes::new())), guard });
    *response.status_mut() = status.try_into().expect("a script has a real status");
    if status == 405 {
        response.headers_mut().insert("allow", "POST".parse().expect("a constant"));
    }
    response
}

pub(super) fn stream(frames: mpsc::Receiver<Frame>, guard: Guard) -> Response<Reply> {
    let mut response = Response::new(Reply { content: Content::Frames(frames), guard });
    let media = "text/event-stream".parse().expect("a constant");
    response.headers_mut().insert("content-type", media);
    response
}

/// The body of a response.
pub(super) struct Reply {
    pub(super) content: Content,
    guard: Guard,
}

/// What is sent.
pub(super) enum Content {
    Whole(Option<Bytes>),
    Frames(mpsc::Receiver<Frame>),
}

/// Notes how a request ended, and ends who talks on its stream.
pub(super) struct Guard {
    pub(super) seen: Arc<Seen>,
    pub(super) talk: Option<AbortHandle>,
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Broken>>> {
        let next = match &mut self.content {
            Content::Whole(whole) => Poll::Ready(whole.take().map(Ok)),
            Content::Frames(frames) => frames.poll_recv(context),
        };
        let is_over = matches!(next, Poll::Ready(None))
            || matches!((&next, &self.content), (Poll::Ready(_), Content::Whole(_)));
        if is_over {
            self.guard.seen.end.send_replace(End::Answered);
        }
        next.map(|next| next.map(|next| next.map(hyper::body::Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Content::Whole(None) => SizeHint::with_exact(0),
            Content::Frames(_) => SizeHint::default(),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(talk) = &self.talk {
            talk.abort();
        }
        self.seen.end.send_if_modified(|end| {
            let is_open = *end == End::Open;
            if is_open {
                *end = End::Abandoned;
            }
            is_open
        });
    }
}
