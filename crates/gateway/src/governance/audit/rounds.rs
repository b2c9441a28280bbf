//! The rounds of an `input_required` exchange (2026-07-28): the server gives a state, the client sends
//! it again with its answers, and so on until there is a result. For the audit trail that is one call.
//!
//! What was said in earlier rounds is kept here until the exchange goes on. One that nobody goes on
//! with is recorded as it stands, after a quarter of an hour, at the end of the process, or when there
//! are too many. Another gateway that serves a later round knows nothing of the earlier ones: there the
//! call has an entry at each.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use gantry_core::CallContext;
use gantry_core::audit::{Arguments, Audit, Entry};
use gantry_protocol::{Message, json};
use parking_lot::Mutex;
use tokio::time::Instant;

/// The member of a result and of the next request that names the exchange.
const STATE: &str = "requestState";
/// The most exchanges that are kept.
const MOST: usize = 4096;
/// The most bytes of arguments that are kept of each.
const MOST_ARGUMENTS: usize = 4096;
/// How long a client may take to answer, people included.
const PATIENCE: Duration = Duration::from_mins(15);

/// Names an exchange: who has it with which server, and its state.
pub(super) type Key = (String, String, String, String);

/// What is known of an exchange after a round.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) begun: Instant,
    pub(super) entry: Entry<'static>,
}

/// The exchanges that go on.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    open: Mutex<Open>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Open {
    /// By a hash of their names, which may be long.
    rounds: HashMap<u64, (Round, Instant)>,
    /// When each was kept, the oldest first; also those that went on meanwhile.
    order: VecDeque<(u64, Instant)>,
}

/// Returns the name of the exchange that a request goes on with.
pub(super) fn of_request(server: &str, context: &CallContext, message: &Message) -> Option<Key> {
    key(server, context, message.param(STATE)?)
}

/// Returns the name of the exchange that a result asks to go on with.
pub(super) fn of_result(server: &str, context: &CallContext, message: &Message) -> Option<Key> {
    key(server, context, message.result_member(STATE)?)
}

fn key(server: &str, context: &CallContext, raw: &[u8]) -> Option<Key> {
    // Decoded: a client may write the same text with other escapes.
    let state = json::string(raw)?.into_owned();
    let principal = &context.principal;
    Some((server.to_owned(), principal.issuer.to_string(), principal.subject.to_string(), state))
}

impl Rounds {
    /// Keeps what is known of an exchange until it goes on.
    pub(super) fn keep(&self, key: &Key, mut round: Round, audit: &Audit) {
        slim(&mut round.entry);
        let (hash, now) = (self.hasher.hash_one(key), Instant::now());
        let mut over = Vec::new();
        {
            let mut open = self.open.lock();
            over.extend(open.rounds.insert(hash, (round, now)).map(|(round, _)| round.entry));
            open.order.push_back((hash, now));
            // The order also has those that went on, so it is what is bounded.
            while open.order.len() > MOST {
                over.extend(open.oldest());
            }
        }
        for entry in over {
            record(audit, entry);
        }
    }

    /// Takes what is known of an exchange that goes on.
    pub(super) fn take(&self, key: &Key) -> Option<Round> {
        let hash = self.hasher.hash_one(key);
        self.open.lock().rounds.remove(&hash).map(|(round, _)| round)
    }

    /// Records the exchanges that nobody goes on with; with `all`, every one.
    pub(crate) fn sweep(&self, audit: &Audit, all: bool) {
        let over = {
            let mut open = self.open.lock();
            let mut over = Vec::new();
            while let Some((_, kept)) = open.order.front()
                && (all || kept.elapsed() >= PATIENCE)
            {
                over.extend(open.oldest());
            }
            over
        };
        for entry in over {
            record(audit, entry);
        }
    }
}

/// Records an exchange as it stands.
fn record(audit: &Audit, entry: Entry<'static>) {
    audit.record(entry.event, |_| entry);
}

/// Keeps no more of an entry than may wait for a person.
fn slim(entry: &mut Entry<'_>) {
    entry.arguments = match std::mem::take(&mut entry.arguments) {
        Arguments::Raw(raw) if raw.len() > MOST_ARGUMENTS => Arguments::TooLarge(raw.len()),
        other => other,
    };
}

impl Open {
    /// Takes out the one that was kept first, unless it has gone on.
    fn oldest(&mut self) -> Option<Entry<'static>> {
        let (hash, kept) = self.order.pop_front()?;
        let is_this = self.rounds.get(&hash).is_some_and(|(_, at)| *at == kept);
        if !is_this {
            return None;
        }
        self.rounds.remove(&hash).map(|(round, _)| round.entry)
    }
}
