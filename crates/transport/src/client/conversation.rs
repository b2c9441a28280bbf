//! One conversation in which answers come back on a line of their own: the pipe of a child, the event
//! stream of HTTP+SSE.
//!
//! It matches answers with the requests that await them, and hands everything else to its
//! [`Inbound`]. It knows neither eras nor methods, but for `ping`.
//!
//! Invariant: nothing here waits for anybody, so that one slow reader of one client does not hold up
//! what the others receive.

mod edges;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use gantry_protocol::message::{Body, Kind, failure, response};
use gantry_protocol::{Id, Message, ParseError, RpcError, method};
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Receives what an upstream says that answers no request.
pub trait Inbound: Send + Sync + std::fmt::Debug + 'static {
    /// A request or a notification. Must not block.
    fn receive(&self, message: Message);
}

/// What comes for a request.
pub type Answer = Result<Message, AnswerTooLarge>;

/// The answer was too large to be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerTooLarge {
    /// A line of a child.
    #[error("its answer of {length} bytes is larger than the limit of {limit}")]
    Line {
        /// The limit, in bytes.
        limit: usize,
        /// How long the line was, in bytes.
        length: u64,
    },
    /// An event, of which nothing was kept.
    #[error("its answer is larger than the limit of {limit} bytes")]
    Event {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// What to do with a message that was heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// Nothing is left to do.
    Done,
    /// This is to be sent.
    Reply(Bytes),
    /// It was no message.
    Rubbish(String),
}

/// The requests that are not answered, and who hears all else.
#[derive(Debug)]
pub(super) struct Conversation {
    name: Arc<str>,
    pending: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    inbound: Mutex<Option<Arc<dyn Inbound>>>,
}

impl Conversation {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), pending: Mutex::default(), inbound: Mutex::new(None) }
    }

    /// Returns the name of the upstream.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Says who receives what answers no request. What came before is lost.
    pub(super) fn attach(&self, inbound: Arc<dyn Inbound>) {
        *self.inbound.lock() = Some(inbound);
    }

    /// Announces a request.
    pub(super) fn expect(&self, id: u64) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.pending.lock().insert(id, sender);
        receiver
    }

    /// Gives up waiting for an answer.
    pub(super) fn forget(&self, id: u64) {
        self.pending.lock().remove(&id);
    }

    /// Ends the conversation: no answer will come, and nobody is told anything any more.
    pub(super) fn end(&self) {
        self.pending.lock().clear();
        *self.inbound.lock() = None;
    }

    /// Takes what the upstream said.
    pub(super) fn hear(&self, bytes: &Bytes) -> Vec<Heard> {
        match Body::parse(bytes.clone()) {
            Ok(Body::One(message)) => vec![self.dispatch(message)],
            Ok(Body::Batch(messages)) => {
                let heard = messages.into_iter().map(|message| match message {
                    Ok(message) => self.dispatch(message),
                    Err(error) => self.reject(&error, bytes),
                });
                heard.collect()
            }
            Err(error) => vec![self.reject(&error, bytes)],
        }
    }

    /// Fails the call that was answered by what was too large to be kept. If that cannot be told,
    /// the only open call is it; of several, none is guessed, and they wait for their time limit.
    pub(super) fn overflow(&self, error: AnswerTooLarge, head: &[u8], tail: &[u8]) {
        let mut pending = self.pending.lock();
        let id = match edges::read(head, tail) {
            edges::Line::Answer(id) => number(&id),
            edges::Line::Unknown if pending.len() == 1 => pending.keys().next().copied(),
            edges::Line::Unknown | edges::Line::Speech => None,
        };
        if let Some(waiting) = id.and_then(|id| pending.remove(&id)) {
            // A receiver that is gone gave up.
            let _ = waiting.send(Err(error));
        }
    }

    /// If what is no message was meant to answer a request, that one has failed: nothing else will
    /// come for it.
    fn reject(&self, error: &ParseError, bytes: &[u8]) -> Heard {
        let is_request = memchr::memmem::find(bytes, b"\"method\"").is_some();
        let id = error.id.as_ref().filter(|_| !is_request);
        let waiting = id.and_then(number).and_then(|id| self.pending.lock().remove(&id));
        if let (Some(id), Some(waiting)) = (id, waiting) {
            let text = format!("the answer of the server `{}` is no message: {error}", self.name);
            let answer = failure(Some(id), &RpcError::internal("bad_answer", text));
            if let Ok(answer) = Message::parse(answer) {
                let _ = waiting.send(Ok(answer));
            }
        }
        Heard::Rubbish(error.to_string())
    }

    fn dispatch(&self, message: Message) -> Heard {
        match message.kind() {
            Kind::Response | Kind::Error => {
                let waiting = message.id().and_then(number);
                if let Some(waiting) = waiting.and_then(|id| self.pending.lock().remove(&id)) {
                    // A receiver that is gone gave up: the answer is late.
                    let _ = waiting.send(Ok(message));
                }
            }
            Kind::Request if message.method() == method::PING => {
                return message.id().map_or(Heard::Done, |id| Heard::Reply(response(id, b"{}")));
            }
            Kind::Request | Kind::Notification => {
                let inbound = self.inbound.lock().clone();
                if let Some(inbound) = inbound {
                    inbound.receive(message);
                } else {
                    let method = message.method();
                    gantry_core::log::debug!(upstream = %self.name, method, "The upstream spoke too early.");
                }
            }
        }
        Heard::Done
    }
}

/// Reads an id of ours.
pub fn number(id: &Id) -> Option<u64> {
    match id {
        Id::Number(text) => text.parse().ok(),
        Id::String(_) => None,
    }
}
