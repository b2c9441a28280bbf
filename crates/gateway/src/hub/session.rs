//! The live part of a legacy session: its standalone stream, its open calls, its questions.
//!
//! What must outlive the process is in the [`SessionRecord`]; this is what hangs on connections.
//! An idle session holds no buffers.
//!
//! Invariant: nothing here waits. The lock is held for moments, never across an `.await`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use gantry_core::session::{Lists, SessionId, SessionRecord};
use gantry_core::{CallContext, Caller, Delivery, ErrorCode, NoClient, Principal};
use gantry_protocol::capabilities::Profile;
use gantry_protocol::{Id, Message, Revision, RpcError, message, method};
use gantry_transport::server::EventBody;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::level::Level;
use super::sink::Sink;
use super::streams::{Reading, Replays, Streams};
use crate::causes;
use crate::census::SessionCensus;
use crate::dispatch::Subscription;
use crate::spec::ReplayLimits;

/// Requests that one session may have open.
const MAX_CALLS: usize = 256;
/// Messages kept for a session that has no stream.
const MAX_KEPT: usize = 64;
/// URIs that one session may be subscribed to.
const MAX_SUBSCRIPTIONS: usize = 1000;
/// No level was set.
const NO_LEVEL: u8 = u8::MAX;

/// A legacy session.
#[derive(Debug)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Whose it is.
    pub principal: Arc<Principal>,
    /// The endpoint it was opened on.
    pub view: Box<str>,
    /// Agreed at `initialize`.
    pub revision: Revision,
    lifetime: Lifetime,
    level: AtomicU8,
    /// As whom and from where the client came last: a later credential may grant something else.
    visitor: ArcSwap<Visitor>,
    state: Mutex<State>,
}

/// As whom a client came, and from where.
#[derive(Debug)]
struct Visitor {
    principal: Arc<Principal>,
    address: Option<IpAddr>,
}

/// How long a session can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// As long as the connection it was opened on.
    Connection,
    /// As long as its client is heard now and then, also by a later process.
    Kept,
}

#[derive(Debug)]
struct State {
    caller: Arc<Caller>,
    seen: Instant,
    /// The pipe it came by, or the one stream of the transport of 2024-11-05.
    pipe: Option<Sink>,
    /// Since the first event stream of Streamable HTTP.
    streams: Option<Arc<Streams>>,
    kept: Vec<Kept>,
    calls: Vec<OpenCall>,
    questions: HashMap<Box<str>, oneshot::Sender<Message>>,
    subscriptions: HashMap<Box<str>, Subscribed>,
    /// URIs that an earlier process was subscribed to for this session, and this one not yet.
    wanted: Vec<Box<str>>,
    lists: Lists,
    ended: bool,
    /// The gateway ends: calls are given up.
    ending: bool,
}

/// A message that waits for a stream.
#[derive(Debug)]
struct Kept {
    message: Bytes,
    /// Set for a question: it is withdrawn when nobody waits for the answer any more.
    question: Option<Box<str>>,
}

#[derive(Debug)]
struct OpenCall {
    number: u64,
    id: Id,
    cancelled: CancellationToken,
}

#[derive(Debug)]
struct Subscribed {
    subscription: Subscription,
    times: usize,
}

/// What became of an unsubscription.
#[derive(Debug)]
pub enum Unsubscribed {
    /// The last one: the upstream must be told.
    Last(Subscription),
    /// Others remain, or there was none.
    Nothing,
}

/// An open call; leaves the session's table when it is dropped.
#[derive(Debug)]
pub struct CallSlot {
    session: Arc<Session>,
    number: u64,
    /// Fires when the client cancels the call or ends the session.
    pub cancelled: CancellationToken,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Numbers streams, calls and listens; unique in the process.
pub(crate) fn next_number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Session {
    /// Makes the live part of the session that a record describes. What the record is subscribed
    /// to is yet to be subscribed.
    pub fn new(id: SessionId, record: &SessionRecord, lifetime: Lifetime) -> Arc<Self> {
        let level = record.log_level.as_deref().and_then(Level::parse);
        let caller = Caller {
            revision: record.revision,
            capabilities: record.capabilities.clone(),
            profile: Profile::read(&record.capabilities),
            info: Some(record.client_info.clone()),
            log_level: record.log_level.clone(),
            session: Some(id),
            param_headers: None,
        };
        let principal = Arc::new(record.principal.clone());
        Arc::new(Self {
            id,
            visitor: ArcSwap::from_pointee(Visitor {
                principal: Arc::clone(&principal),
                address: None,
            }),
            principal,
            view: record.view.clone(),
            revision: record.revision,
            lifetime,
            level: AtomicU8::new(level.map_or(NO_LEVEL, Level::rank)),
            state: Mutex::new(State {
                caller: Arc::new(caller),
                seen: Instant::now(),
                pipe: None,
                streams: None,
                kept: Vec::new(),
                calls: Vec::new(),
                questions: HashMap::new(),
                subscriptions: HashMap::new(),
                wanted: record.subscriptions.clone(),
                lists: record.lists,
                ended: false,
                ending: false,
            }),
        })
    }

    /// Returns what is to be remembered of the session; `now` is in unix seconds.
    pub fn record(&self, now: u64) -> SessionRecord {
        let state = self.state.lock();
        let held = state.subscriptions.keys();
        SessionRecord {
            revision: self.revision,
            principal: (*self.principal).clone(),
            capabilities: state.caller.capabilities.clone(),
            client_info: state.caller.info.clone().unwrap_or_else(|| Bytes::from_static(b"{}")),
            view: self.view.clone(),
            log_level: state.caller.log_level.clone(),
            subscriptions: held.chain(&state.wanted).cloned().collect(),
            lists: state.lists,
            seen_at: now.saturating_sub(state.seen.elapsed().as_secs()),
        }
    }

    /// Tells whether the session may outlive its connections.
    pub fn is_kept(&self) -> bool {
        self.lifetime == Lifetime::Kept
    }

    /// Tells whether the client was heard since then.
    pub(super) fn heard_since(&self, moment: Instant) -> bool {
        self.state.lock().seen >= moment
    }

    /// Returns the unix seconds at which the client was last heard; `now` is the present.
    pub(super) fn seen_at(&self, now: u64) -> u64 {
        now.saturating_sub(self.state.lock().seen.elapsed().as_secs())
    }

    /// Returns the URIs that are yet to be subscribed again.
    pub fn wanted(&self) -> Vec<Box<str>> {
        self.state.lock().wanted.clone()
    }

    /// Tells whether a URI is yet to be subscribed again.
    pub fn wants(&self, uri: &str) -> bool {
        self.state.lock().wanted.iter().any(|wanted| **wanted == *uri)
    }

    /// Returns how the client speaks, and notes that it was heard.
    pub fn caller(&self) -> Arc<Caller> {
        let mut state = self.state.lock();
        state.seen = Instant::now();
        state.flush();
        Arc::clone(&state.caller)
    }

    /// Tells what is open in it. Its id opens it, so that is not told.
    pub(crate) fn census(&self) -> SessionCensus {
        let state = self.state.lock();
        SessionCensus {
            principal: self.principal.subject.to_string(),
            view: self.view.to_string(),
            revision: self.revision.as_str(),
            idle_seconds: state.seen.elapsed().as_secs(),
            calls: state.calls.len(),
            questions: state.questions.len(),
            subscriptions: state.subscriptions.len(),
            kept_messages: state.kept.len(),
            stream: match &state.streams {
                Some(streams) => streams.fill(),
                None => state.pipe.as_ref().and_then(Sink::fill),
            },
        }
    }

    /// Notes as whom and from where the client comes now: by that it is decided what it is told
    /// outside of its requests.
    pub fn visited(&self, principal: &Arc<Principal>, address: Option<IpAddr>) {
        let last = self.visitor.load();
        if !Arc::ptr_eq(&last.principal, principal) || last.address != address {
            let principal = Arc::clone(principal);
            self.visitor.store(Arc::new(Visitor { principal, address }));
        }
    }

    /// Returns the context in which the session looks at lists when its client does not ask.
    pub fn context(&self) -> CallContext {
        let visitor = self.visitor.load();
        CallContext {
            request_id: Arc::from(""),
            principal: Arc::clone(&visitor.principal),
            address: visitor.address,
            caller: Arc::clone(&self.state.lock().caller),
            client: Arc::new(NoClient),
            trace: None,
            cancelled: CancellationToken::new(),
        }
    }

    /// Returns the least level of log messages that the client wants, if it said.
    pub fn level(&self) -> Option<Level> {
        Level::from_rank(self.level.load(Ordering::Relaxed))
    }

    /// Sets the level of log messages.
    pub fn set_level(&self, name: &str, level: Level) {
        self.level.store(level.rank(), Ordering::Relaxed);
        let mut state = self.state.lock();
        let mut caller = (*state.caller).clone();
        caller.log_level = Some(name.into());
        state.caller = Arc::new(caller);
    }

    /// Takes a request into the table of open calls; `None` when there are too many.
    pub fn open_call(self: &Arc<Self>, id: Id) -> Option<CallSlot> {
        let mut state = self.state.lock();
        if state.ended || state.calls.len() >= MAX_CALLS {
            return None;
        }
        let (number, cancelled) = (next_number(), CancellationToken::new());
        state.calls.push(OpenCall { number, id, cancelled: cancelled.clone() });
        Some(CallSlot { session: Arc::clone(self), number, cancelled })
    }

    /// Gives up every call, because the gateway ends.
    pub fn give_up_calls(&self) {
        let mut state = self.state.lock();
        state.ending = true;
        for call in &state.calls {
            call.cancelled.cancel();
        }
    }

    /// Tells whether calls are given up, because the gateway ends.
    pub fn is_ending(&self) -> bool {
        self.state.lock().ending
    }

    /// Cancels the open call of that id; tells whether there was one.
    pub fn cancel(&self, id: &Id) -> bool {
        let state = self.state.lock();
        let call = state.calls.iter().rev().find(|call| call.id == *id);
        call.inspect(|call| call.cancelled.cancel()).is_some()
    }

    /// Takes the way into use on which everything of the session goes.
    pub fn attach(&self, pipe: Sink) {
        let mut state = self.state.lock();
        state.seen = Instant::now();
        if !state.ended {
            state.pipe = Some(pipe);
            state.flush();
        }
    }

    /// Notes that the client was there until now.
    pub fn heard(&self) {
        self.state.lock().seen = Instant::now();
    }

    /// Returns the event streams, making them if there were none yet; `None` when the session has
    /// ended.
    pub fn streams(&self, replays: &Arc<Replays>, limits: ReplayLimits) -> Option<Arc<Streams>> {
        self.state.lock().streams(replays, limits)
    }

    /// Gives the standalone stream to a reader; what was kept for it comes first. An older
    /// reader's stream ends. `None` when the session has ended.
    pub fn read_standalone(&self, replays: &Arc<Replays>, reading: Reading) -> Option<EventBody> {
        let mut state = self.state.lock();
        let streams = state.streams(replays, reading.limits)?;
        state.seen = Instant::now();
        let kept: Vec<Bytes> = state.kept.drain(..).map(|kept| kept.message).collect();
        Some(streams.standalone(reading, &kept))
    }

    /// Sends a message on the standalone stream, or keeps it until there is one. The same message
    /// is kept once.
    pub fn tell(&self, message: Bytes) -> bool {
        let mut state = self.state.lock();
        if state.ended {
            return false;
        }
        if let Some(told) = state.streams.as_ref().and_then(|all| all.tell(&message, None)) {
            return told;
        }
        state.flush();
        state.offer(&message) || state.keep(message, None)
    }

    /// Sends that a resource changed. While nobody reads, the changes of one resource are one: what
    /// they were is left out, so that the message is the same and kept once.
    pub(super) fn tell_change(&self, notification: &Message) -> Delivery {
        let (is_read, ended) = {
            let state = self.state.lock();
            let reads = |all: &Arc<Streams>| all.fill().is_some();
            (state.pipe.is_some() || state.streams.as_ref().is_some_and(reads), state.ended)
        };
        if ended {
            return Delivery::Dropped;
        }
        if is_read {
            let told = self.tell(notification.bytes().clone());
            return if told { Delivery::Sent } else { Delivery::Dropped };
        }
        let uri = notification.param_string("uri").unwrap_or_default();
        let params = serde_json::json!({ "uri": uri }).to_string();
        let told = self.tell(message::notification(method::RESOURCES_UPDATED, params.as_bytes()));
        if told { Delivery::Merged } else { Delivery::Dropped }
    }

    /// Sends a message on the standalone stream if that is possible now, or soon.
    pub fn tell_now(&self, message: &Bytes) -> bool {
        let state = self.state.lock();
        state.streams.as_ref().is_some_and(|all| all.tell_now(message)) || state.offer(message)
    }

    /// Sends a question on the standalone stream, or keeps it until there is one.
    pub(super) fn put_question(&self, id: &str, message: Bytes) -> bool {
        let mut state = self.state.lock();
        if state.ended {
            return false;
        }
        if let Some(told) = state.streams.as_ref().and_then(|all| all.tell(&message, Some(id))) {
            return told;
        }
        state.offer(&message) || state.keep(message, Some(id.into()))
    }

    /// Tells whether a question still waits for a stream.
    pub(super) fn keeps_question(&self, id: &str) -> bool {
        let state = self.state.lock();
        state.kept.iter().any(|kept| kept.question.as_deref() == Some(id))
            || state.streams.as_ref().is_some_and(|all| all.holds_question(id))
    }

    /// Notes a question; `false` when there are too many.
    pub(super) fn open_question(&self, id: &str, answer: oneshot::Sender<Message>) -> bool {
        const MAX_QUESTIONS: usize = 64;
        let mut state = self.state.lock();
        if state.ended || state.questions.len() >= MAX_QUESTIONS {
            return false;
        }
        state.questions.insert(id.into(), answer);
        true
    }

    /// Forgets a question; tells whether the client has it and has not answered.
    pub(super) fn close_question(&self, id: &str) -> bool {
        let mut state = self.state.lock();
        let kept = state.kept.len();
        state.kept.retain(|kept| kept.question.as_deref() != Some(id));
        let withdrawn = state.streams.as_ref().is_some_and(|all| all.withdraw(id));
        let delivered = kept == state.kept.len() && !withdrawn;
        state.questions.remove(id).is_some() && delivered
    }

    /// Takes the client's answer to a question; `false` when there is no such question.
    pub fn answer(&self, message: Message) -> bool {
        let Some(Id::String(id)) = message.id() else { return false };
        let question = self.state.lock().questions.remove(id);
        question.is_some_and(|question| question.send(message).is_ok())
    }

    /// Gives up every question: the client can answer no more.
    pub fn give_up_questions(&self) {
        let questions = std::mem::take(&mut self.state.lock().questions);
        drop(questions);
    }

    /// Counts one more subscription to a URI that is subscribed already.
    pub fn subscribe_again(&self, uri: &str) -> bool {
        let mut state = self.state.lock();
        state.subscriptions.get_mut(uri).map(|held| held.times += 1).is_some()
    }

    /// Tells whether the session may subscribe to one more URI.
    pub fn may_subscribe(&self) -> bool {
        let state = self.state.lock();
        state.subscriptions.len() + state.wanted.len() < MAX_SUBSCRIPTIONS
    }

    /// Holds a new subscription; gives it back if the URI was subscribed meanwhile.
    pub fn subscribed(&self, uri: &str, subscription: Subscription) -> Option<Subscription> {
        let mut state = self.state.lock();
        if state.ended {
            return Some(subscription);
        }
        if let Some(held) = state.subscriptions.get_mut(uri) {
            held.times += 1;
            return Some(subscription);
        }
        state.wanted.retain(|wanted| **wanted != *uri);
        state.subscriptions.insert(uri.into(), Subscribed { subscription, times: 1 });
        None
    }

    /// Takes out every subscription that is `denied`, by its URI and upstream, whatever it was held
    /// for; returns what to end.
    pub fn revoke(&self, denied: impl Fn(&str, &str) -> bool) -> Vec<(Box<str>, Subscription)> {
        let mut state = self.state.lock();
        let held = &mut state.subscriptions;
        let taken = held.extract_if(|uri, held| denied(uri, &held.subscription.upstream));
        taken.map(|(uri, held)| (uri, held.subscription)).collect()
    }

    /// Counts one subscription less.
    pub fn unsubscribe(&self, uri: &str) -> Unsubscribed {
        let mut state = self.state.lock();
        let Some(held) = state.subscriptions.get_mut(uri) else {
            state.wanted.retain(|wanted| **wanted != *uri);
            return Unsubscribed::Nothing;
        };
        held.times -= 1;
        if held.times > 0 {
            return Unsubscribed::Nothing;
        }
        match state.subscriptions.remove(uri) {
            Some(held) => Unsubscribed::Last(held.subscription),
            None => Unsubscribed::Nothing,
        }
    }

    /// Returns which of the client's lists changed since it was last told, and notes the present
    /// digests.
    pub fn changed_lists(&self, lists: Lists) -> [bool; 3] {
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut state.lists, lists);
        std::array::from_fn(|at| before[at] != lists[at])
    }

    /// Tells whether nothing has been heard of the client for that long and nothing is open.
    pub fn is_idle(&self, limit: Duration) -> bool {
        let state = self.state.lock();
        let is_read =
            state.pipe.is_some() || state.streams.as_ref().is_some_and(|all| all.is_read());
        !is_read && state.calls.is_empty() && state.seen.elapsed() >= limit
    }

    /// Ends the standalone stream, and says when to come again; the session lives on.
    pub fn close_stream(&self, retry: Duration) {
        let streams = {
            let mut state = self.state.lock();
            state.pipe = None;
            state.streams.clone()
        };
        if let Some(streams) = streams {
            streams.say_farewell(retry);
        }
    }

    /// Ends the session: cancels its calls, gives up its questions, ends its stream. Returns the
    /// subscriptions to end; empty the second time.
    pub fn end(&self) -> Vec<(Box<str>, Subscription)> {
        let mut state = self.state.lock();
        state.ended = true;
        state.pipe = None;
        if let Some(streams) = state.streams.take() {
            streams.clear();
        }
        state.kept = Vec::new();
        state.questions = HashMap::new();
        state.wanted = Vec::new();
        for call in &state.calls {
            call.cancelled.cancel();
        }
        let held = std::mem::take(&mut state.subscriptions);
        held.into_iter().map(|(uri, held)| (uri, held.subscription)).collect()
    }

    /// Tells that the session has too many requests open.
    pub fn too_many_calls() -> RpcError {
        let text = format!("a session may have {MAX_CALLS} requests open; wait for answers");
        causes::with_code(RpcError::internal("overloaded", text), ErrorCode::Overloaded)
    }
}

impl State {
    fn streams(&mut self, replays: &Arc<Replays>, limits: ReplayLimits) -> Option<Arc<Streams>> {
        if self.ended {
            return None;
        }
        Some(Arc::clone(self.streams.get_or_insert_with(|| Streams::new(replays, limits))))
    }

    fn offer(&self, message: &Bytes) -> bool {
        self.pipe.as_ref().is_some_and(|pipe| pipe.offer(message.clone()))
    }

    /// Sends what was kept because a pipe was full.
    fn flush(&mut self) {
        while self.pipe.is_some() && !self.kept.is_empty() {
            let message = self.kept[0].message.clone();
            if !self.offer(&message) {
                return;
            }
            self.kept.remove(0);
        }
    }

    fn keep(&mut self, message: Bytes, question: Option<Box<str>>) -> bool {
        if self.kept.iter().any(|kept| kept.message == message) {
            return true;
        }
        if self.kept.len() >= MAX_KEPT {
            return false;
        }
        self.kept.push(Kept { message, question });
        true
    }
}

impl Drop for CallSlot {
    fn drop(&mut self) {
        self.session.state.lock().calls.retain(|call| call.number != self.number);
    }
}
