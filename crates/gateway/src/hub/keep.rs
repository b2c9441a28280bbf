//! Writes down what changed of sessions, behind the requests that changed it.
//!
//! A request only notes which session changed; a task writes the present facts of all that were noted
//! every [`INTERVAL`]. Being heard is written far less often. Sessions that end with their connection
//! are not written at all: nobody holds an id by which they could go on.
//!
//! Invariant: no request fails or waits for long because the store does. What cannot be written stays
//! noted and is tried again; what cannot be read goes on from its token, as far as that says enough.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gantry_core::session::{Remembered, SessionChange, SessionId, SessionStore};
use gantry_core::store::StoreError;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::session::Session;
use crate::Gateway;
use crate::metrics::Metrics;

/// What a crash of the process may cost: changes of the last moments.
const INTERVAL: Duration = Duration::from_millis(200);
/// The longest pause after a failure.
const MOST_PAUSE: Duration = Duration::from_secs(30);
/// Changes written at once.
const BATCH: usize = 256;
/// Noted sessions; more than may be open, because ended ones are noted too.
const MOST_NOTED: usize = 200_000;
/// How long a request waits for the store.
const READ_LIMIT: Duration = Duration::from_secs(2);

/// How long a token is believed alone, when the store knows nothing of its session; also how long a
/// store has to know that a session ended.
pub(crate) const REVIVAL: Duration = Duration::from_hours(7 * 24);

/// Keeps the store and the sessions in step.
#[derive(Debug)]
pub struct Keeper {
    store: Arc<dyn SessionStore>,
    noted: Mutex<HashSet<SessionId>>,
    wake: Notify,
    /// Whether the last use of the store failed, so that an outage is logged once.
    failing: AtomicBool,
    metrics: Arc<Metrics>,
}

impl Keeper {
    /// Makes a keeper; [`super::Hub::start`] starts its task.
    pub fn new(store: Arc<dyn SessionStore>, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            noted: Mutex::default(),
            wake: Notify::new(),
            failing: AtomicBool::new(false),
            metrics,
        }
    }

    /// Notes that something of a session changed, or that it ended.
    pub fn note(&self, session: &Session) {
        if !session.is_kept() {
            return;
        }
        let is_first = {
            let mut noted = self.noted.lock();
            if noted.len() >= MOST_NOTED {
                self.metrics.session_store_failures.inc();
                return;
            }
            noted.insert(session.id) && noted.len() == 1
        };
        if is_first {
            self.wake.notify_one();
        }
    }

    /// Returns what is known of a session that is not open here; `None` when the store fails.
    pub(crate) async fn recall(&self, id: SessionId) -> Option<Remembered> {
        match timeout(READ_LIMIT, self.store.get(id)).await {
            Ok(Ok(remembered)) => {
                self.worked();
                Some(remembered)
            }
            Ok(Err(error)) => {
                self.failed(1, &error);
                None
            }
            Err(_) => {
                let cause = format!("it takes longer than {READ_LIMIT:?}");
                self.failed(1, &StoreError { action: "read a session", cause });
                None
            }
        }
    }

    fn take(&self) -> Vec<SessionId> {
        let mut noted = self.noted.lock();
        if noted.len() <= BATCH {
            return std::mem::take(&mut *noted).into_iter().collect();
        }
        let some: Vec<SessionId> = noted.iter().take(BATCH).copied().collect();
        for id in &some {
            noted.remove(id);
        }
        some
    }

    fn failed(&self, changes: usize, error: &StoreError) {
        self.metrics.session_store_failures.inc_by(changes as u64);
        if !self.failing.swap(true, Ordering::Relaxed) {
            gantry_core::log::warn!(
                %error,
                "The store of sessions fails; sessions go on, and may not outlive this process."
            );
        }
    }

    fn worked(&self) {
        if self.failing.load(Ordering::Relaxed) && self.failing.swap(false, Ordering::Relaxed) {
            gantry_core::log::info!("The store of sessions works again.");
        }
    }
}

impl Gateway {
    /// Writes what is noted, until the gateway stops and all is written or has failed.
    pub(super) async fn keep_sessions(&self) {
        let stopping = self.tasks.stopping().clone();
        let mut pause = INTERVAL;
        while !stopping.is_cancelled() {
            tokio::select! {
                () = self.keeper.wake.notified() => {}
                () = stopping.cancelled() => break,
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopping.cancelled() => break,
            }
            if self.write_noted().await {
                pause = INTERVAL;
            } else {
                pause = (pause * 2).min(MOST_PAUSE);
                self.keeper.wake.notify_one();
            }
        }
        self.write_noted().await;
        self.write_heard(None).await;
    }

    /// Writes the present facts of everything noted; `false` when that failed, and it is noted
    /// still.
    async fn write_noted(&self) -> bool {
        loop {
            let ids = self.keeper.take();
            if ids.is_empty() {
                return true;
            }
            let now = self.clock.unix_seconds();
            let change = |id: &SessionId| match self.hub.session(*id) {
                Some(session) => SessionChange::Put(Box::new(session.record(now))),
                None => SessionChange::Ended(now),
            };
            let changes = ids.iter().map(|id| (*id, change(id))).collect();
            if !self.write(changes).await {
                self.keeper.noted.lock().extend(ids);
                return false;
            }
        }
    }

    /// Writes which sessions were heard since then; without a moment, all that are open.
    pub(super) async fn write_heard(&self, since: Option<Instant>) {
        let now = self.clock.unix_seconds();
        let mut changes = Vec::new();
        for session in self.hub.all_sessions() {
            if session.is_kept() && since.is_none_or(|since| session.heard_since(since)) {
                changes.push((session.id, SessionChange::Seen(session.seen_at(now))));
            }
            if changes.len() >= BATCH && !self.write(std::mem::take(&mut changes)).await {
                return;
            }
        }
        if !changes.is_empty() {
            self.write(changes).await;
        }
    }

    /// Ends and forgets in the store what was not heard for long.
    pub(super) async fn expire_sessions(&self, idle: Duration) {
        let now = self.clock.unix_seconds();
        let before = |time: Duration| now.saturating_sub(time.as_secs());
        match self.keeper.store.expire(before(idle), before(REVIVAL.max(idle))).await {
            Ok(_) => self.keeper.worked(),
            Err(error) => self.keeper.failed(1, &error),
        }
    }

    async fn write(&self, changes: Vec<(SessionId, SessionChange)>) -> bool {
        let count = changes.len();
        match self.keeper.store.write(changes).await {
            Ok(()) => {
                self.keeper.worked();
                true
            }
            Err(error) => {
                self.keeper.failed(count, &error);
                false
            }
        }
    }
}
