//! The port that carries everything: a source of MCP features.

use std::sync::Arc;
use std::time::Duration;

use gantry_protocol::{Message, Revision, RpcError, message};

use crate::BoxFuture;
use crate::context::CallContext;
use crate::offer::OfferCell;

/// A source of MCP features: an upstream server, the declared tools, a built-in service, the
/// optimizer, a catalogue.
pub trait Provider: Send + Sync + std::fmt::Debug + 'static {
    /// What it offers, and how fresh that is. Names are local. The gateway never waits for it.
    fn offer(&self) -> &OfferCell;

    /// Carries out one request addressed to it.
    ///
    /// Cancel safe: dropping the future cancels the call at the provider.
    fn handle<'a>(
        &'a self,
        context: &'a CallContext,
        request: Request,
    ) -> BoxFuture<'a, Result<Outcome, ProviderError>>;

    /// Begins to announce changes of a resource to whom the context names; it ends when nobody
    /// holds the subscription any more. `None` if changes of that resource are not announced.
    fn announce(&self, _: &CallContext, _: &str) -> Option<Arc<dyn Announced>> {
        None
    }
}

/// A subscription to a resource of a provider of this process; dropped, it ends.
pub trait Announced: Send + Sync + std::fmt::Debug {
    /// Returns what the provider calls it; unique in the process.
    fn number(&self) -> u64;
}

/// What became of a notification that may not wait for its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is on its way.
    Sent,
    /// Nobody reads now: whoever reads next is told once that something changed.
    Merged,
    /// There was no room for it, or nobody it was for.
    Dropped,
}

/// A request on its way to a provider.
#[derive(Debug, Clone)]
pub struct Request {
    /// The client's own message.
    pub message: Message,
    /// The provider's name of what is asked for, where that differs from the one in the message.
    pub local_name: Option<Arc<str>>,
    /// How long the provider may be silent, where it is not what holds for all its requests.
    pub timeout: Option<Duration>,
}

/// The era-neutral answer: the provider's own bytes.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The request is carried out.
    Complete(RawResult),
    /// The provider wants to be called again with answers (2026-07-28, `input_required`).
    NeedsInput(RawResult),
}

/// A response message as the provider sent it; its id means nothing here.
#[derive(Debug, Clone)]
pub struct RawResult {
    /// The whole message.
    pub message: Message,
    /// The revision it is written in.
    pub revision: Revision,
}

/// Why a call has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProviderError {
    /// The provider answered with an error; it goes to the client as it came.
    #[error("the provider answered with an error")]
    Answered {
        /// The whole message.
        message: Box<Message>,
        /// The revision it is written in.
        revision: Revision,
    },
    /// The request cannot be sent on; nothing ran.
    #[error("{0}")]
    Refused(RpcError),
    /// The provider could not be reached, or was lost on the way.
    #[error("{message}")]
    Unavailable {
        /// A short name that a program can act on.
        reason: &'static str,
        /// For people.
        message: String,
        /// Whether the call surely did not run, so that the client may send it again.
        unsent: bool,
    },
    /// No answer in time.
    #[error("no answer within {after:?}")]
    TimedOut {
        /// The limit that passed.
        after: Duration,
    },
    /// The client took the call back.
    #[error("cancelled by the client")]
    Cancelled,
}

impl RawResult {
    /// Wraps a result of our own making.
    pub fn own(result: &[u8]) -> Self {
        let bytes = message::response(&gantry_protocol::Id::from(0), result);
        let message = Message::parse(bytes).expect("a response around valid JSON is a message");
        Self { message, revision: Revision::LATEST_LEGACY }
    }

    /// Returns the raw `result`.
    pub fn result(&self) -> &[u8] {
        self.message.result().unwrap_or(b"{}")
    }
}
