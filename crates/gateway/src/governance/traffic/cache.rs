//! Answers that are kept, and calls that serve everybody who asks for the same meanwhile.
//!
//! What is kept is what the server said, before it is told in a caller's own era. An entry holds as
//! long as its time and the server's offer: a server that was lost, was started anew or announced a
//! change has another offer, and nothing that it said before is given any more.
//!
//! A call whose answer may be kept is made for nobody in particular: whoever asks for the same waits
//! for it, the first one too, and it is taken back when nobody waits any more. It has no way back to a
//! client, so its server is told that the client can do nothing and asks nothing.

mod kept;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};
use gantry_core::{
    BoxFuture, CallContext, Caller, NoClient, Offer, Outcome, Provider, ProviderError, RawResult,
    Request,
};
use gantry_policy::cache_key::{Key, KeyBuilder};
use gantry_protocol::capabilities::Profile;
use gantry_protocol::message::response;
use gantry_protocol::{Era, Id, Message, ObjectEdit, json, meta, method};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::kept::Kept;
use super::limits::is_later_round;
use super::spec::CacheScope;
use crate::metrics::{CacheLabels, Metrics};

/// Longest time that a server may let a resource be kept; its clock need not be ours.
const MOST_TTL: Duration = Duration::from_hours(1);
/// Largest resource that is kept because its server lets it be.
const MOST_BYTES: usize = 1 << 20;
/// The members of `_meta` that say how an answer travels, and not what is asked for.
const TRAVELLING: [&str; 8] = [
    meta::PROTOCOL_VERSION,
    meta::CLIENT_CAPABILITIES,
    meta::CLIENT_INFO,
    meta::LOG_LEVEL,
    meta::PROGRESS_TOKEN,
    meta::TRACEPARENT,
    "tracestate",
    "baggage",
];

type Ended = Result<Outcome, ProviderError>;
type Call = BoxFuture<'static, Ended>;

/// Every kept answer, and every call that several may wait for.
#[derive(Debug)]
pub(super) struct Cache {
    kept: Mutex<Kept<Answer>>,
    flights: Mutex<HashMap<Key, (u64, WeakShared<Call>)>>,
    numbers: AtomicU64,
    metrics: Arc<Metrics>,
}

/// One kept answer.
#[derive(Debug, Clone)]
struct Answer {
    result: RawResult,
    /// What the server offered when it said so; compared by address, which a weak pointer keeps.
    offer: Weak<Offer>,
    /// How often the server had announced changes of resources.
    epoch: u64,
}

/// Whose answers these are, and whether they still hold.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    pub(super) server: &'a str,
    /// The server's own name of what is asked for.
    pub(super) local: &'a str,
    pub(super) provider: &'a Arc<dyn Provider>,
    /// How often it announced changes of resources.
    pub(super) epoch: &'a Arc<AtomicU64>,
}

/// One call that several wait for.
#[derive(Debug)]
pub(crate) struct Flight {
    call: Shared<Call>,
    is_first: bool,
}

/// Takes a call out of the table when it ends or nobody waits for it any more.
struct Landing {
    cache: Arc<Cache>,
    key: Key,
    number: u64,
}

// === impl Cache ===

impl Cache {
    pub(super) fn new(most: usize, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::new(Kept::new(most)),
            flights: Mutex::default(),
            numbers: AtomicU64::new(0),
            metrics,
        })
    }

    pub(super) fn resize(&self, most: usize) {
        self.kept.lock().resize(most);
        self.note_size();
    }

    /// Returns a kept answer.
    pub(super) fn get(&self, key: &Key, source: &Source<'_>) -> Option<Outcome> {
        let found = self.kept.lock().get(key, Instant::now());
        let (answer, until) = found?;
        let offer = source.provider.offer().load();
        let is_same = std::ptr::eq(answer.offer.as_ptr(), Arc::as_ptr(&offer));
        if !is_same || answer.epoch != source.epoch.load(Ordering::Relaxed) {
            self.kept.lock().remove(key);
            self.note_size();
            return None;
        }
        Some(Outcome::Complete(with_remaining_time(answer.result, until)))
    }

    /// Counts what a look gave.
    pub(super) fn count(&self, server: &str, outcome: &'static str) {
        let labels = CacheLabels { server: server.to_owned(), outcome };
        self.metrics.traffic.cache_requests.get_or_create(&labels).inc();
    }

    /// Joins a call that is under way, or begins it by `begin`.
    pub(super) fn fly(self: &Arc<Self>, key: Key, begin: impl FnOnce() -> Call) -> Flight {
        let mut flights = self.flights.lock();
        let under_way = flights.get(&key).and_then(|(_, call)| call.upgrade());
        // One that is over has landed, or is about to; it serves nobody who comes now.
        if let Some(call) = under_way.filter(|call| call.peek().is_none()) {
            return Flight { call, is_first: false };
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let landing = Landing { cache: Arc::clone(self), key, number };
        let call = begin();
        let call: Call = Box::pin(async move {
            let _landing = landing;
            call.await
        });
        let call = call.shared();
        if let Some(weak) = call.downgrade() {
            flights.insert(key, (number, weak));
        }
        Flight { call, is_first: true }
    }

    /// Keeps what may be kept of an answer to a call whose tool is configured so.
    pub(super) fn keep(
        &self,
        key: Key,
        (ttl, max_bytes): (Duration, usize),
        held: &Held,
        outcome: &Ended,
    ) {
        if let Ok(Outcome::Complete(result)) = outcome
            && is_final(&result.message)
        {
            self.insert(key, result, held, (ttl, max_bytes));
        }
    }

    /// Keeps an answer that its server lets be kept; `keys` are those for one principal and for all.
    pub(super) fn keep_by_hint(&self, keys: [Key; 2], held: &Held, outcome: &Ended) {
        let Ok(Outcome::Complete(result)) = outcome else { return };
        let Some((ttl, scope)) = hint_of(&result.message) else { return };
        if is_final(&result.message) {
            let key = keys[usize::from(scope == CacheScope::Public)];
            self.insert(key, result, held, (ttl, MOST_BYTES));
        }
    }

    fn insert(&self, key: Key, result: &RawResult, held: &Held, (ttl, most): (Duration, usize)) {
        let bytes = result.message.bytes().len();
        if bytes > most || !held.is_same() {
            return;
        }
        let answer = Answer {
            // The bytes may be a piece of a larger buffer, which would stay in memory as a whole.
            result: owned(result),
            offer: Arc::downgrade(&held.offer),
            epoch: held.epoch,
        };
        self.kept.lock().insert(key, answer, bytes, Instant::now() + ttl);
        self.note_size();
    }

    fn note_size(&self) {
        let (entries, bytes) = self.kept.lock().size();
        let number = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        self.metrics.traffic.cache_entries.set(number(entries));
        self.metrics.traffic.cache_bytes.set(number(bytes));
    }
}

/// What was true of the server when it was asked: what it says later than a change is not kept
/// under what was true before.
#[derive(Debug, Clone)]
pub(super) struct Held {
    provider: Arc<dyn Provider>,
    offer: Arc<Offer>,
    now: Arc<AtomicU64>,
    epoch: u64,
}

impl Held {
    pub(super) fn now(source: &Source<'_>) -> Self {
        Self {
            provider: Arc::clone(source.provider),
            offer: source.provider.offer().load(),
            now: Arc::clone(source.epoch),
            epoch: source.epoch.load(Ordering::Relaxed),
        }
    }

    fn is_same(&self) -> bool {
        Arc::ptr_eq(&self.offer, &self.provider.offer().load())
            && self.epoch == self.now.load(Ordering::Relaxed)
    }
}

// === impl Flight ===

impl Flight {
    /// Waits for the end; `None` if it is of no use to this caller, who must ask alone: the server
    /// asks back, and it asked the first one.
    pub(crate) async fn landed(self) -> Option<Ended> {
        let ended = self.call.await;
        let asks = matches!(ended, Ok(Outcome::NeedsInput(_)));
        (self.is_first || !asks).then_some(ended)
    }

    pub(super) fn is_first(&self) -> bool {
        self.is_first
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = self.cache.flights.lock();
        if flights.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            flights.remove(&self.key);
        }
    }
}

/// Returns what stands for a request; `None` if its answer must not be kept, or if it is not clear
/// what it says.
pub(super) fn key_of(
    source: &Source<'_>,
    scope: CacheScope,
    context: &CallContext,
    request: &Request,
) -> Option<Key> {
    let message = &request.message;
    if is_later_round(message) || asks_for_task(message) {
        return None;
    }
    let mut key = KeyBuilder::default().text(source.server).text(message.method());
    key = key.text(source.local);
    let arguments = message.param("arguments").unwrap_or(b"{}");
    // What is left out and what is empty is the same to whoever reads arguments.
    key = key.json(if arguments == b"null" { b"{}" } else { arguments }).ok()?;
    if let Some(meta) = message.meta() {
        let bytes = message.bytes();
        let mut own: Vec<_> = meta
            .members
            .iter()
            .filter(|member| !TRAVELLING.contains(&&*member.name))
            .map(|member| (&*member.name, bytes.get(member.value.clone()).unwrap_or_default()))
            .collect();
        own.sort_unstable();
        for (name, value) in own {
            key = key.text(name).json(value).ok()?;
        }
    }
    key = match scope {
        CacheScope::Public => key.text("public"),
        CacheScope::Principal => {
            let principal = &context.principal;
            key.text("principal").text(&principal.issuer).text(&principal.subject)
        }
    };
    Some(key.finish())
}

/// The same for a resource that its server may let be kept: what the caller can do counts, because
/// nobody was asked whether the answer depends on it.
pub(super) fn keys_of_resource(
    source: &Source<'_>,
    context: &CallContext,
    request: &Request,
) -> Option<[Key; 2]> {
    if request.message.method() != method::RESOURCES_READ
        || source.provider.offer().load().revision.era() == Era::Legacy
    {
        return None;
    }
    let with_profile = |scope| {
        let key = key_of(source, scope, context, request)?;
        let capabilities = &context.caller.capabilities;
        let both = KeyBuilder::default().text(&format!("{key:02x?}"));
        Some(both.json(capabilities).ok()?.finish())
    };
    Some([with_profile(CacheScope::Principal)?, with_profile(CacheScope::Public)?])
}

/// Returns the context of a call that is made for whoever asks.
pub(super) fn for_anybody(context: &CallContext) -> CallContext {
    let caller = Caller {
        capabilities: Bytes::from_static(b"{}"),
        profile: Profile::EMPTY,
        param_headers: context.caller.param_headers.clone(),
        info: context.caller.info.clone(),
        log_level: None,
        session: None,
        revision: context.caller.revision,
    };
    CallContext {
        caller: Arc::new(caller),
        client: Arc::new(NoClient),
        cancelled: CancellationToken::new(),
        ..context.clone()
    }
}

/// Tells whether a result is whole and good: no failure of a tool, no question, no task.
fn is_final(answer: &Message) -> bool {
    let kind = answer.result_member("resultType");
    answer.result_object().is_some()
        && answer.result_member("isError") != Some(b"true")
        && kind.is_none_or(|kind| kind == br#""complete""#)
        && answer.result_member("task").is_none()
}

fn asks_for_task(request: &Message) -> bool {
    request.param("task").is_some()
}

/// How long its server lets an answer be kept, and for whom (2026-07-28, `server/utilities/caching`).
fn hint_of(answer: &Message) -> Option<(Duration, CacheScope)> {
    let ttl: u64 = std::str::from_utf8(answer.result_member("ttlMs")?).ok()?.parse().ok()?;
    let scope = answer.result_member("cacheScope").and_then(json::string);
    let scope = match scope.as_deref() {
        Some("public") => CacheScope::Public,
        _ => CacheScope::Principal,
    };
    (ttl > 0).then(|| (Duration::from_millis(ttl).min(MOST_TTL), scope))
}

/// Says of an answer with a time to live how much of it is left.
fn with_remaining_time(result: RawResult, until: Instant) -> RawResult {
    if result.message.result_member("ttlMs").is_none() {
        return result;
    }
    let raw = result.message.result().unwrap_or(b"{}");
    let Some(mut edit) = ObjectEdit::read(raw) else { return result };
    let left = until.saturating_duration_since(Instant::now()).as_millis();
    edit.set("ttlMs", left.to_string().into_bytes());
    let bytes = response(&Id::from(0), &edit.finish());
    match Message::parse(bytes) {
        Ok(message) => RawResult { message, revision: result.revision },
        Err(_) => result,
    }
}

fn owned(result: &RawResult) -> RawResult {
    let bytes = Bytes::copy_from_slice(result.message.bytes());
    let message = Message::parse(bytes).unwrap_or_else(|_| result.message.clone());
    RawResult { message, revision: result.revision }
}

#[cfg(test)]
mod tests;
