//! Where messages for one client go: an event stream, or a pipe.
//!
//! Both are bounded queues. [`Sink::offer`] never waits; [`Sink::send`] is for what must arrive.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gantry_core::seal::random;
use gantry_protocol::sse;
use gantry_transport::server::{EventBody, EventSender, event_stream};
use tokio::sync::mpsc;

use crate::census::Fill;

/// The feeding end of the way to one client. Cheap to clone; the way ends with the last one.
#[derive(Debug, Clone)]
pub struct Sink {
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Events { sender: EventSender, numbering: Option<Arc<Numbering>> },
    Pipe(mpsc::Sender<Bytes>),
}

/// Gives the events of one stream their ids: nobody can guess those of another stream.
#[derive(Debug)]
struct Numbering {
    stream: u64,
    next: AtomicU64,
}

impl Sink {
    /// Makes an event stream. Legacy streams are `numbered`: their events have ids.
    pub fn events(keep_alive: Duration, numbered: bool) -> (Self, EventBody) {
        let (sender, body) = event_stream(keep_alive);
        let numbering = numbered.then(|| Arc::new(Numbering::new()));
        (Self { way: Way::Events { sender, numbering } }, body)
    }

    /// Makes a pipe of whole messages: what reads the other end writes them as lines.
    pub fn pipe(capacity: usize) -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self { way: Way::Pipe(sender) }, receiver)
    }

    /// Tells whether other conversations use the same way, so that it cannot be ended for one.
    pub fn is_pipe(&self) -> bool {
        matches!(self.way, Way::Pipe(_))
    }

    /// Sends what a stream begins with, in one piece: with `primed` an event without data, whose
    /// id is where a client may resume; then the messages.
    pub fn begin(&self, primed: bool, messages: &[Bytes]) -> bool {
        let Way::Events { sender, numbering } = &self.way else {
            return messages.iter().all(|message| self.offer(message.clone()));
        };
        let mut first = Vec::new();
        if let (true, Some(numbering)) = (primed, numbering) {
            first.extend_from_slice(&sse::primer(&numbering.id(), None));
        }
        for message in messages {
            first.extend_from_slice(&encode(numbering.as_deref(), message));
        }
        first.is_empty() || sender.offer(first.into())
    }

    /// Sends a message if there is room now.
    pub fn offer(&self, message: Bytes) -> bool {
        match &self.way {
            Way::Events { sender, numbering } => {
                sender.offer(encode(numbering.as_deref(), &message))
            }
            Way::Pipe(sender) => sender.try_send(message).is_ok(),
        }
    }

    /// Sends a message, waiting for room; `false` when the reader is gone.
    ///
    /// Cancel safe: dropped before it returns, the message was not sent.
    pub async fn send(&self, message: Bytes) -> bool {
        match &self.way {
            Way::Events { sender, numbering } => {
                sender.send(encode(numbering.as_deref(), &message)).await
            }
            Way::Pipe(sender) => sender.send(message).await.is_ok(),
        }
    }

    /// Tells how full its queue is.
    pub fn fill(&self) -> Fill {
        let (waiting, most) = match &self.way {
            Way::Events { sender, .. } => sender.fill(),
            Way::Pipe(sender) => {
                let most = sender.max_capacity();
                (most - sender.capacity(), most)
            }
        };
        Fill { waiting, most }
    }

    /// Resolves when the reader is gone.
    pub async fn closed(&self) {
        match &self.way {
            Way::Events { sender, .. } => sender.closed().await,
            Way::Pipe(sender) => sender.closed().await,
        }
    }
}

impl Numbering {
    fn new() -> Self {
        // Without randomness the ids are still unique within the stream, which is what is needed
        // as long as nothing is replayed by them.
        let stream = random::<8>().map_or(0, u64::from_be_bytes);
        Self { stream, next: AtomicU64::new(0) }
    }

    fn id(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(24);
        let _ = write!(id, "{:016x}-{number}", self.stream);
        id
    }
}

fn encode(numbering: Option<&Numbering>, message: &[u8]) -> Bytes {
    let id = numbering.map(Numbering::id);
    sse::event(message, id.as_deref(), None)
}
