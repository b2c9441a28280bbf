//! Where messages for one client go: an event stream, or a pipe.
//!
//! Both are bounded queues. [`Sink::offer`] never waits; [`Sink::send`] is for what must arrive.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_protocol::sse;
use gantry_transport::server::{EventBody, EventSender, event_stream};
use tokio::sync::mpsc;

use super::streams::{Feed, Streams};
use crate::census::Fill;

/// The feeding end of the way to one client. Cheap to clone; the way ends with the last one.
#[derive(Debug, Clone)]
pub struct Sink {
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    /// A stream that is over when its reader goes; with `all` it carries everything of a
    /// connection.
    Events {
        sender: EventSender,
        all: bool,
    },
    /// A numbered stream, whose reader may come again.
    Feed(Arc<Feed>),
    Pipe(mpsc::Sender<Bytes>),
}

impl Sink {
    /// Makes an event stream for one reader.
    pub fn events(keep_alive: Duration) -> (Self, EventBody) {
        let (sender, body) = event_stream(keep_alive);
        (Self { way: Way::Events { sender, all: false } }, body)
    }

    /// Makes the event stream of the transport of 2024-11-05, on which everything comes: the first
    /// event says where to post to.
    pub fn one_stream(keep_alive: Duration, endpoint: &str) -> (Self, EventBody) {
        let (sender, body) = event_stream(keep_alive);
        sender.offer(sse::event(endpoint.as_bytes(), None, Some("endpoint")));
        (Self { way: Way::Events { sender, all: true } }, body)
    }

    /// Makes the way to a stream that can be resumed.
    pub fn feed(feed: Feed) -> Self {
        Self { way: Way::Feed(Arc::new(feed)) }
    }

    /// Makes a pipe of whole messages: what reads the other end writes them as lines.
    pub fn pipe(capacity: usize) -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self { way: Way::Pipe(sender) }, receiver)
    }

    /// Tells whether other conversations use the same way, so that it cannot be ended for one.
    pub fn is_pipe(&self) -> bool {
        matches!(self.way, Way::Pipe(_) | Way::Events { all: true, .. })
    }

    /// Returns the stream that can be resumed, if it is one.
    pub fn place(&self) -> Option<(Arc<Streams>, u64)> {
        match &self.way {
            Way::Feed(feed) => Some(feed.place()),
            Way::Events { .. } | Way::Pipe(_) => None,
        }
    }

    /// Sends a message if there is room now.
    pub fn offer(&self, message: Bytes) -> bool {
        match &self.way {
            Way::Events { sender, .. } => sender.offer(sse::event(&message, None, None)),
            Way::Feed(feed) => feed.offer(&message),
            Way::Pipe(sender) => sender.try_send(message).is_ok(),
        }
    }

    /// Sends a message, waiting for room; `false` when the reader is gone and will not come again.
    ///
    /// Cancel safe: dropped before it returns, the message was not sent.
    pub async fn send(&self, message: Bytes) -> bool {
        match &self.way {
            Way::Events { sender, .. } => sender.send(sse::event(&message, None, None)).await,
            Way::Feed(feed) => feed.send(&message).await,
            Way::Pipe(sender) => sender.send(message).await.is_ok(),
        }
    }

    /// Tells how full its queue is; `None` for a stream whose reader may come again.
    pub fn fill(&self) -> Option<Fill> {
        let (waiting, most) = match &self.way {
            Way::Events { sender, .. } => sender.fill(),
            Way::Feed(_) => return None,
            Way::Pipe(sender) => {
                let most = sender.max_capacity();
                (most - sender.capacity(), most)
            }
        };
        Some(Fill { waiting, most })
    }

    /// Sends what a stream begins with, in one piece.
    pub fn begin(&self, messages: &[Bytes]) -> bool {
        let Way::Events { sender, .. } = &self.way else {
            return messages.iter().all(|message| self.offer(message.clone()));
        };
        let first: Vec<u8> =
            messages.iter().flat_map(|message| sse::event(message, None, None)).collect();
        first.is_empty() || sender.offer(first.into())
    }
}
