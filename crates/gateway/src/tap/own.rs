//! What the gateway asks its upstreams for itself: greetings, lists, pings.

use std::sync::Arc;

use bytes::Bytes;
use gantry_core::{ProviderError, RawResult};
use gantry_protocol::Message;

use super::{Direction, Event, Pending, Side, Tap, outcome_of};

/// A request of the gateway's own, until it is answered; nothing if nobody watches.
#[derive(Debug)]
pub(crate) struct Own(Option<Pending>);

impl Tap {
    /// Notes a request to an upstream that no client asked for.
    pub(crate) fn own(self: &Arc<Self>, server: &str, request: &Bytes) -> Own {
        if !self.is_watched() {
            return Own(None);
        }
        let Ok(message) = Message::parse(request.clone()) else { return Own(None) };
        let event = self.event(Side::Upstream, Direction::Out, None, &message);
        let event = Event { own: true, server: Some(Arc::from(server)), id: None, ..event };
        let mut pending = self.begin(event, false);
        pending.unanswered = "unavailable";
        Own(Some(pending))
    }
}

impl Own {
    /// Notes the answer, a whole message.
    pub(crate) fn answered(self, answer: &[u8]) {
        if let Some(pending) = self.0 {
            pending.answered(answer);
        }
    }

    /// Notes the answer, or why there is none.
    pub(crate) fn ended(self, answer: &Result<RawResult, ProviderError>) {
        let Some(mut pending) = self.0 else { return };
        match answer {
            Ok(result) => {
                pending.end(outcome_of(&result.message), Some(result.message.bytes()));
            }
            Err(ProviderError::Answered { message, .. }) => {
                pending.end("error", Some(message.bytes()));
            }
            Err(ProviderError::TimedOut { .. }) => pending.end("timeout", None),
            Err(_) => pending.end("unavailable", None),
        }
    }
}
