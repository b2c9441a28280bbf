//! A reply that is a stream of server-sent events.
//!
//! The queue is bounded. Who feeds it never waits for the reader unless it says so: log and
//! progress are dropped when the queue is full, results and requests are awaited.
//! While nothing is sent, a comment every so often keeps load balancers from closing the stream.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::body::ReplyBody;

/// Events that may wait for a slow reader, per stream.
const QUEUE: usize = 64;

/// The feeding end of a stream. The stream ends when every sender is gone.
#[derive(Debug, Clone)]
pub struct EventSender {
    queue: mpsc::Sender<Bytes>,
}

/// Room for one event in the queue of a stream.
#[derive(Debug)]
pub struct EventRoom(mpsc::OwnedPermit<Bytes>);

/// The end that the HTTP connection reads; dropped when the client goes away.
#[derive(Debug)]
pub struct EventBody {
    queue: mpsc::Receiver<Bytes>,
    keep_alive: Duration,
    idle: Pin<Box<Sleep>>,
    guard: Option<Guard>,
}

struct Guard(#[expect(dead_code, reason = "held for its drop alone")] Box<dyn Send>);

impl std::fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Guard")
    }
}

/// Makes a stream; a comment is sent after each `keep_alive` of silence.
pub fn event_stream(keep_alive: Duration) -> (EventSender, EventBody) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let idle = Box::pin(tokio::time::sleep(keep_alive));
    (EventSender { queue: sender }, EventBody { queue, keep_alive, idle, guard: None })
}

impl EventSender {
    /// Sends an encoded event, waiting for room; `false` when the reader is gone.
    ///
    /// Cancel safe: dropped before it returns, the event was not sent.
    pub async fn send(&self, event: Bytes) -> bool {
        self.queue.send(event).await.is_ok()
    }

    /// Waits for room for one event; `None` when the reader is gone.
    ///
    /// Cancel safe.
    pub async fn reserve(&self) -> Option<EventRoom> {
        self.queue.clone().reserve_owned().await.ok().map(EventRoom)
    }

    /// Sends an encoded event if there is room now.
    pub fn offer(&self, event: Bytes) -> bool {
        self.queue.try_send(event).is_ok()
    }

    /// Returns how many events wait, and how many may.
    pub fn fill(&self) -> (usize, usize) {
        let most = self.queue.max_capacity();
        (most - self.queue.capacity(), most)
    }

    /// Tells whether the reader is gone.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Resolves when the reader is gone.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }
}

impl EventRoom {
    /// Sends an encoded event there.
    pub fn send(self, event: Bytes) {
        self.0.send(event);
    }
}

impl EventBody {
    /// Ties something to the life of the stream, beside what is tied to it already: it is dropped
    /// when the client goes away.
    #[must_use]
    pub fn holding(mut self, guard: impl Send + 'static) -> Self {
        self.guard = Some(match self.guard.take() {
            Some(held) => Guard(Box::new((held, guard))),
            None => Guard(Box::new(guard)),
        });
        self
    }

    /// Makes the reply.
    pub fn into_response(self) -> Response<ReplyBody> {
        let mut response = Response::new(ReplyBody::Events(self));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Poll::Ready(event) = self.queue.poll_recv(context) {
            self.idle.as_mut().reset(Instant::now() + self.keep_alive);
            return Poll::Ready(event);
        }
        if self.idle.as_mut().poll(context).is_ready() {
            self.idle.as_mut().reset(Instant::now() + self.keep_alive);
            // Registers the timer anew; the comment itself is ready now.
            let _ = self.idle.as_mut().poll(context);
            return Poll::Ready(Some(Bytes::from_static(b": keep-alive\n\n")));
        }
        Poll::Pending
    }
}
