//! What upstreams say outside of calls, and who hears it: the sessions of legacy clients and the
//! listen streams of modern ones.
//!
//! The upstream side knows the [`Outlet`] alone. Whether a changed offer changes what one client
//! sees is decided by [`announce`]; a message here is never guessed to belong to somebody.
//!
//! Invariant: nothing here waits for a client.

mod announce;
mod keep;
mod level;
mod listen;
mod question;
mod session;
mod sink;
mod streams;

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use gantry_core::session::SessionId;
use gantry_core::{BoxFuture, Delivery, Principal};
use gantry_protocol::{Message, RpcError, meta, method};
use parking_lot::Mutex;

pub use announce::lists_of;
pub use keep::Keeper;
pub use level::Level;
pub use listen::{Listen, ListenFilter, ListenParts, Subscriptions};
pub use question::{Question, Way, gone};
pub use session::{CallSlot, Lifetime, Session, Unsubscribed};
pub use sink::Sink;
pub use streams::{EventId, Reading, Replays, StreamKind, Streams};

pub(crate) use keep::REVIVAL;
pub(crate) use session::next_number;

use crate::census::{HubCounts, SessionCensus};
use crate::dispatch::Subscription;
use crate::metrics::Metrics;
use crate::spec::LegacySpec;
use crate::upstream::scope::LaneKey;

/// Sessions that may be open at once.
const MAX_SESSIONS: usize = 100_000;
/// Ended sessions remembered.
const MAX_ENDED: usize = 4096;
/// Listen streams that one principal may have open at once.
const MAX_LISTENS: usize = 64;

/// Where an upstream's words go that belong to no open call. The [`Hub`](self) implements it; the
/// upstream side knows no more of the clients than this.
pub trait Outlet: Send + Sync + Debug + 'static {
    /// A resource changed. `lane` is the one it was heard on, `None` for a modern upstream's listen
    /// stream.
    fn resource_updated(&self, upstream: &str, lane: Option<&LaneKey>, notification: &Message);

    /// A notification for one legacy session, on its standalone stream (or its pipe).
    fn to_session(&self, session: SessionId, notification: &Message);

    /// A log message of an upstream, whosever call it is about; only operators may hear it here.
    fn logged(&self, upstream: &str, notification: &Message);

    /// A callback for one legacy session on its standalone stream.
    fn ask_session<'a>(
        &'a self,
        session: SessionId,
        request: &'a Message,
    ) -> BoxFuture<'a, Result<Message, RpcError>>;
}

/// Everybody who can be told something outside of a call.
#[derive(Debug)]
pub struct Hub {
    sessions: Mutex<HashMap<SessionId, Arc<Session>>>,
    listens: Mutex<HashMap<u64, Arc<Listen>>>,
    /// How many of them hear logs, so that a log costs nothing while nobody does.
    log_hearers: AtomicUsize,
    /// By upstream.
    watches: Mutex<HashMap<Box<str>, Vec<Watch>>>,
    /// Who holds a subscription to what this process announces, by its number.
    own: Mutex<HashMap<u64, Hearer>>,
    /// Unix seconds at which this process began to keep sessions; 0 before that.
    began: AtomicU64,
    /// Sessions that ended here, the last few: their ids must not revive them.
    ended: Mutex<VecDeque<SessionId>>,
    /// What is kept of the streams of sessions.
    pub(crate) replays: Arc<Replays>,
    metrics: Arc<Metrics>,
}

/// Somebody who is subscribed to a resource.
#[derive(Debug)]
struct Watch {
    lane: Option<LaneKey>,
    uri: Box<str>,
    hearer: Hearer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearer {
    Session(SessionId),
    Listen(u64),
}

impl Hub {
    /// Makes a hub that nobody listens to yet.
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            sessions: Mutex::default(),
            listens: Mutex::default(),
            log_hearers: AtomicUsize::new(0),
            watches: Mutex::default(),
            own: Mutex::default(),
            began: AtomicU64::new(0),
            ended: Mutex::default(),
            replays: Replays::new(LegacySpec::default().replay.total),
            metrics,
        })
    }

    /// Notes when this process began to keep sessions.
    pub(crate) fn begin(&self, unix_seconds: u64) {
        self.began.store(unix_seconds, Ordering::Relaxed);
    }

    /// Tells whether a session was opened by an earlier process, not too long ago, and not ended by
    /// this one: if nothing is remembered of it, it was lost, and its client is not to blame.
    pub(crate) fn was_lost(&self, id: SessionId, issued: u64) -> bool {
        let began = self.began.load(Ordering::Relaxed);
        let is_recent = issued >= began.saturating_sub(REVIVAL.as_secs());
        issued < began && is_recent && !self.has_ended(id)
    }

    /// Tells whether a session ended here lately.
    pub(crate) fn has_ended(&self, id: SessionId) -> bool {
        self.ended.lock().contains(&id)
    }

    /// Tells what is open, `most` sessions at most.
    pub(crate) fn census(&self, most: usize) -> (Vec<SessionCensus>, HubCounts) {
        let sessions = self.sessions.lock();
        let counts = HubCounts {
            sessions: sessions.len(),
            listen_streams: self.listens.lock().len(),
            subscriptions: self.watches.lock().values().map(Vec::len).sum(),
        };
        (sessions.values().take(most).map(|session| session.census()).collect(), counts)
    }

    /// Returns a live session.
    pub fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        self.sessions.lock().get(&id).cloned()
    }

    /// Sends a notification to every session of a principal; returns how many could be told.
    pub(crate) fn tell_sessions(&self, principal: &Principal, notification: &Message) -> usize {
        let sessions: Vec<_> = self.sessions.lock().values().cloned().collect();
        let own = sessions.iter().filter(|session| *session.principal == *principal);
        own.filter(|session| session.tell_now(notification.bytes())).count()
    }

    /// Takes in a session; the one that is there if another request was faster, `None` when there
    /// are too many.
    pub fn add_session(&self, session: Arc<Session>) -> Option<Arc<Session>> {
        let mut sessions = self.sessions.lock();
        if let Some(there) = sessions.get(&session.id) {
            return Some(Arc::clone(there));
        }
        if sessions.len() >= MAX_SESSIONS {
            return None;
        }
        sessions.insert(session.id, Arc::clone(&session));
        self.metrics.sessions.inc();
        Some(session)
    }

    /// Forgets a session; returns what it was subscribed to.
    pub fn remove_session(&self, session: &Session) -> Vec<(Box<str>, Subscription)> {
        if self.sessions.lock().remove(&session.id).is_some() {
            self.metrics.sessions.dec();
        }
        {
            let mut ended = self.ended.lock();
            if ended.len() >= MAX_ENDED {
                ended.pop_front();
            }
            ended.push_back(session.id);
        }
        let subscriptions = session.end();
        for (uri, subscription) in &subscriptions {
            self.unwatch_session(session.id, subscription, uri);
        }
        subscriptions
    }

    /// Lets a session hear of a resource.
    pub fn watch_session(&self, session: SessionId, subscription: &Subscription, uri: &str) {
        self.watch(Hearer::Session(session), subscription, uri);
    }

    /// Lets a session hear of a resource no more.
    pub fn unwatch_session(&self, session: SessionId, subscription: &Subscription, uri: &str) {
        self.unwatch(Hearer::Session(session), subscription, uri);
    }

    /// Takes in a listen stream and sends its acknowledgement, before anything else can be sent
    /// on it; `false` when its principal has too many.
    pub fn add_listen(&self, listen: Arc<Listen>) -> bool {
        let mut listens = self.listens.lock();
        let own = listens.values().filter(|other| other.principal() == listen.principal());
        if own.count() >= MAX_LISTENS {
            return false;
        }
        listen.acknowledge();
        for (uri, subscription) in listen.subscriptions.iter() {
            self.watch(Hearer::Listen(listen.number), subscription, uri);
        }
        listens.insert(listen.number, listen);
        true
    }

    /// Forgets a listen stream, which ends it. Who opened it ends its subscriptions.
    pub fn remove_listen(&self, number: u64) {
        self.take_listen(number);
    }

    /// Lets a listen stream hear what the server of its endpoint logs. For operators alone: a log
    /// may be about anybody's call.
    pub(crate) fn hear_log(&self, number: u64) {
        // Under the lock, so that a stream that ends meanwhile is counted once and taken back once.
        let listens = self.listens.lock();
        if listens.get(&number).is_some_and(|listen| listen.hear_log()) {
            self.log_hearers.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends a listen stream with the result of its request, if it is still open.
    pub fn conclude_listen(&self, number: u64) {
        if let Some(listen) = self.take_listen(number) {
            listen.conclude();
        }
    }

    fn take_listen(&self, number: u64) -> Option<Arc<Listen>> {
        let listen = self.listens.lock().remove(&number)?;
        if listen.hears_log() {
            self.log_hearers.fetch_sub(1, Ordering::Relaxed);
        }
        for (uri, subscription) in listen.subscriptions.iter() {
            self.unwatch(Hearer::Listen(number), subscription, uri);
        }
        Some(listen)
    }

    fn all_sessions(&self) -> Vec<Arc<Session>> {
        self.sessions.lock().values().cloned().collect()
    }

    fn all_listens(&self) -> Vec<Arc<Listen>> {
        self.listens.lock().values().cloned().collect()
    }

    fn watch(&self, hearer: Hearer, subscription: &Subscription, uri: &str) {
        if let Some(number) = subscription.own() {
            self.own.lock().insert(number, hearer);
        }
        let watch = Watch { lane: subscription.lane().cloned(), uri: uri.into(), hearer };
        self.watches.lock().entry(subscription.upstream.clone()).or_default().push(watch);
    }

    fn unwatch(&self, hearer: Hearer, subscription: &Subscription, uri: &str) {
        if let Some(number) = subscription.own() {
            self.own.lock().remove(&number);
        }
        let mut watches = self.watches.lock();
        let Some(all) = watches.get_mut(&subscription.upstream) else { return };
        all.retain(|watch| watch.hearer != hearer || *watch.uri != *uri);
        if all.is_empty() {
            watches.remove(&subscription.upstream);
        }
    }

    /// Returns who is subscribed to a resource or to one above it; each once.
    fn hearers(&self, upstream: &str, lane: Option<&LaneKey>, uri: &str) -> Vec<Hearer> {
        let watches = self.watches.lock();
        let mut hearers = Vec::new();
        for watch in watches.get(upstream).into_iter().flatten() {
            let heard = watch.lane.as_ref() == lane && covers(&watch.uri, uri);
            if heard && !hearers.contains(&watch.hearer) {
                hearers.push(watch.hearer);
            }
        }
        hearers
    }
}

impl Hub {
    /// Tells the holder of a subscription to what this process announces; never waits.
    ///
    /// A change is told to both eras. To a session that nobody reads now it is told once, in the
    /// shortest form, and without what it was. Whatever else is said may be lost; on listen streams
    /// it has no place (2026-07-28 `basic/utilities/subscriptions`), which have their own sign of
    /// life.
    pub(crate) fn tell_subscriber(&self, number: u64, notification: &Message) -> Delivery {
        let Some(hearer) = self.own.lock().get(&number).copied() else { return Delivery::Dropped };
        let is_change = notification.method() == method::RESOURCES_UPDATED;
        let delivery = match hearer {
            Hearer::Session(id) => match self.session(id) {
                Some(session) if is_change => session.tell_change(notification),
                Some(session) => sent(session.tell_now(notification.bytes())),
                None => Delivery::Dropped,
            },
            Hearer::Listen(_) if !is_change => return Delivery::Merged,
            Hearer::Listen(number) => {
                let listen = self.listens.lock().get(&number).cloned();
                let told = listen.is_some_and(|listen| listen.tell(notification));
                if !told {
                    // As for an upstream's: who does not read knows by the end that it missed
                    // something.
                    self.remove_listen(number);
                }
                sent(told)
            }
        };
        if delivery == Delivery::Dropped {
            self.metrics.dropped.inc();
        }
        delivery
    }
}

impl Outlet for Hub {
    fn resource_updated(&self, upstream: &str, lane: Option<&LaneKey>, notification: &Message) {
        let Some(uri) = notification.param_string("uri") else { return };
        for hearer in self.hearers(upstream, lane, &uri) {
            match hearer {
                Hearer::Session(id) => {
                    let legacy = meta::with_meta(notification, meta::SUBSCRIPTION_ID, None);
                    if let Some(session) = self.session(id)
                        && !session.tell(legacy)
                    {
                        self.metrics.dropped.inc();
                    }
                }
                Hearer::Listen(number) => {
                    let listen = self.listens.lock().get(&number).cloned();
                    if let Some(listen) = listen
                        && !listen.tell(notification)
                    {
                        // The client did not read; without its stream it knows that it missed
                        // something.
                        self.remove_listen(number);
                    }
                }
            }
        }
    }

    fn to_session(&self, session: SessionId, notification: &Message) {
        let Some(session) = self.session(session) else { return };
        let bytes = notification.bytes().clone();
        let heard = match notification.method() {
            method::MESSAGE => {
                let wanted = session.level().is_none_or(|level| level.admits(notification));
                !wanted || session.tell_now(&bytes)
            }
            method::PROGRESS => session.tell_now(&bytes),
            _ => session.tell(bytes),
        };
        if !heard {
            self.metrics.dropped.inc();
        }
    }

    fn logged(&self, upstream: &str, notification: &Message) {
        if self.log_hearers.load(Ordering::Relaxed) == 0 {
            return;
        }
        let is_hearer = |listen: &Listen| listen.hears_log() && *listen.view == *upstream;
        for listen in self.all_listens().into_iter().filter(|listen| is_hearer(listen)) {
            // A log may be lost where a change may not: a slow reader keeps its stream.
            if !listen.tell(notification) {
                self.metrics.dropped.inc();
            }
        }
    }

    fn ask_session<'a>(
        &'a self,
        session: SessionId,
        request: &'a Message,
    ) -> BoxFuture<'a, Result<Message, RpcError>> {
        Box::pin(async move {
            let session = self.session(session).ok_or_else(gone)?;
            Question::ask_standalone(&session, request).await
        })
    }
}

fn sent(told: bool) -> Delivery {
    if told { Delivery::Sent } else { Delivery::Dropped }
}

/// Tells whether who is subscribed to one URI hears of a change of another: the same, or one
/// below it (`schema`, `ResourceUpdatedNotification`).
fn covers(subscribed: &str, changed: &str) -> bool {
    let Some(rest) = changed.strip_prefix(subscribed) else { return false };
    rest.is_empty() || subscribed.ends_with('/') || rest.starts_with(['/', '?', '#'])
}

#[cfg(test)]
mod tests;
