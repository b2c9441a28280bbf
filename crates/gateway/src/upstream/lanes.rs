//! The lanes of one upstream: which one a call takes, and when they end.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gantry_core::session::SessionId;
use gantry_core::{CallContext, ProviderError};
use gantry_protocol::capabilities::Profile;
use gantry_protocol::{Era, Revision};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::lane::Lane;
use super::lane::open::{Introduction, OpenError};
use super::learned::Narrowing;
use super::offers::{Stale, Why};
use super::probe::{open_failed, start};
use super::scope::{LaneKey, Scope};
use super::shared::Shared;
use crate::spec::{Connection, SessionMode};

/// Lanes with different capabilities per scope; a caller beyond them gets the best subset.
const MAX_PROFILES: usize = 8;
/// Lanes per upstream; the longest idle one makes room.
const MAX_LANES: usize = 256;
/// Idle lanes that are not shared by all are closed after this.
pub(super) const IDLE: Duration = Duration::from_mins(10);

/// Numbers the lanes of single calls.
static NEXT_CALL: AtomicU64 = AtomicU64::new(1);

type Slot = Arc<OnceCell<Arc<Lane>>>;

/// The open lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    open: Mutex<HashMap<LaneKey, Slot>>,
    /// The lane that each legacy session last used.
    settled: Mutex<HashMap<SessionId, LaneKey>>,
}

impl Lanes {
    /// Chooses the lane for a call; `docs/eras.md`, "Shared lane or own lane".
    pub(super) fn choose(
        &self,
        shared: &Shared,
        revision: Revision,
        context: &CallContext,
    ) -> LaneKey {
        let profile = context.caller.profile.project(revision);
        let scope = match shared.spec.session {
            SessionMode::Shared => return LaneKey::shared(),
            SessionMode::Call => Scope::Call(NEXT_CALL.fetch_add(1, Ordering::Relaxed)),
            SessionMode::Client => LaneKey::client_scope(context),
            SessionMode::Principal => Scope::Principal(Arc::clone(&context.principal)),
            SessionMode::Auto => {
                let scope = widest(shared, context, &profile);
                if let Some(settled) = self.settled(context, &scope) {
                    return settled;
                }
                scope
            }
        };
        self.fit(LaneKey { scope, profile })
    }

    /// Notes which lane a legacy session uses: its state is there from now on.
    pub(super) fn settle(&self, context: &CallContext, key: &LaneKey) {
        let Some(session) = context.caller.session else { return };
        let mut settled = self.settled.lock();
        if settled.get(&session) != Some(key) && !matches!(key.scope, Scope::Call(_)) {
            settled.insert(session, key.clone());
        }
    }

    /// Returns the lane that a legacy session has state in, if that is still there and another one
    /// than its calls would take by what was learned since.
    fn settled(&self, context: &CallContext, scope: &Scope) -> Option<LaneKey> {
        let session = context.caller.session?;
        let key = self.settled.lock().get(&session).filter(|key| key.scope != *scope)?.clone();
        self.find(&key).map(|_| key)
    }

    /// Puts a caller whose capabilities nobody had before into an existing lane, once there are
    /// many: one whose upstream was told less, never more.
    fn fit(&self, key: LaneKey) -> LaneKey {
        let open = self.open.lock();
        if open.contains_key(&key) {
            return key;
        }
        let profiles = || open.keys().filter(|other| other.scope == key.scope).map(|k| &k.profile);
        if profiles().count() < MAX_PROFILES {
            return key;
        }
        let best = profiles()
            .filter(|profile| profile.is_subset_of(&key.profile))
            .max_by_key(|profile| profile.bits().count_ones())
            .cloned();
        match best {
            Some(profile) => LaneKey { scope: key.scope, profile },
            None => LaneKey::shared(),
        }
    }

    /// Puts the first lane, made when the era was found out, in its place.
    pub(super) fn adopt(&self, lane: &Arc<Lane>) {
        let slot = Arc::new(OnceCell::new_with(Some(Arc::clone(lane))));
        self.open.lock().insert(lane.key.clone(), slot);
    }

    /// Returns the lane of a key, open.
    pub(super) async fn get(
        &self,
        shared: &Arc<Shared>,
        key: &LaneKey,
        introduction: &Introduction,
    ) -> Result<Arc<Lane>, ProviderError> {
        let slot = self.slot(key);
        let opened = slot.get_or_try_init(|| open(shared, key.clone(), introduction)).await;
        match opened {
            Ok(lane) if lane.is_over() => {
                self.remove(key, lane);
                // One more try: the lane died since its last call.
                let slot = self.slot(key);
                slot.get_or_try_init(|| open(shared, key.clone(), introduction)).await.cloned()
            }
            Ok(lane) => Ok(Arc::clone(lane)),
            Err(error) => {
                let mut open = self.open.lock();
                if open.get(key).is_some_and(|kept| Arc::ptr_eq(kept, &slot)) {
                    open.remove(key);
                }
                Err(error)
            }
        }
    }

    fn slot(&self, key: &LaneKey) -> Slot {
        let mut open = self.open.lock();
        if !open.contains_key(key) && open.len() >= MAX_LANES {
            let idle = |slot: &Slot| slot.get().and_then(|lane| lane.idle_since());
            let oldest = open
                .iter()
                .filter(|(key, _)| key.scope != Scope::Shared)
                .filter_map(|(key, slot)| Some((idle(slot)?, key.clone())))
                .min_by_key(|(since, _)| *since);
            if let Some((_, key)) = oldest
                && let Some(lane) = open.remove(&key).and_then(|slot| slot.get().cloned())
            {
                lane.close();
            }
        }
        Arc::clone(open.entry(key.clone()).or_default())
    }

    /// Returns the lane of a key if it is open.
    pub(super) fn find(&self, key: &LaneKey) -> Option<Arc<Lane>> {
        self.open.lock().get(key)?.get().filter(|lane| !lane.is_over()).cloned()
    }

    /// Returns any open lane that the predicate admits.
    pub(super) fn any(&self, admits: impl Fn(&LaneKey) -> bool) -> Option<Arc<Lane>> {
        let open = self.open.lock();
        let mut lanes =
            open.iter().filter(|(key, _)| admits(key)).filter_map(|(_, slot)| slot.get());
        lanes.find(|lane| !lane.is_over()).cloned()
    }

    /// Returns the lanes that a legacy session may be heard on.
    pub(super) fn all(&self) -> Vec<Arc<Lane>> {
        self.open.lock().values().filter_map(|slot| slot.get().cloned()).collect()
    }

    /// Forgets a lane, if it still is the one in its place.
    pub(super) fn remove(&self, key: &LaneKey, lane: &Arc<Lane>) {
        let mut open = self.open.lock();
        let is_it = |slot: &Slot| slot.get().is_some_and(|kept| Arc::ptr_eq(kept, lane));
        if open.get(key).is_some_and(is_it) {
            open.remove(key);
        }
    }

    /// Closes the lanes that belong to one legacy session.
    pub(super) fn close_session(&self, session: SessionId) {
        self.settled.lock().remove(&session);
        self.close_where(|key| key.scope == Scope::Session(session));
    }

    /// Closes the lanes that nobody used for long, and forgets those that ended.
    pub(super) fn sweep(&self, is_needed: impl Fn(&LaneKey) -> bool) {
        let mut open = self.open.lock();
        open.retain(|key, slot| {
            let Some(lane) = slot.get() else { return true };
            let idle =
                !is_needed(key) && lane.idle_since().is_some_and(|since| since.elapsed() > IDLE);
            if idle {
                lane.close();
            }
            !idle && !lane.is_over()
        });
    }

    /// Closes one lane.
    pub(super) fn close(&self, key: &LaneKey) {
        self.close_where(|other| other == key);
    }

    /// Closes everything.
    pub(super) fn close_all(&self) {
        self.close_where(|_| true);
    }

    fn close_where(&self, doomed: impl Fn(&LaneKey) -> bool) {
        let mut open = self.open.lock();
        open.retain(|key, slot| {
            if !doomed(key) {
                return true;
            }
            if let Some(lane) = slot.get() {
                lane.close();
            }
            false
        });
    }
}

/// Returns the widest scope that a caller may have with `session: auto`.
fn widest(shared: &Shared, context: &CallContext, profile: &Profile) -> Scope {
    let one_stream = matches!(shared.spec.connection, Connection::Stdio { .. }) || shared.by_sse();
    let is_asked = !profile.asks_nothing();
    let legacy = context.caller.era() == Era::Legacy;
    let roots =
        profile.asks_roots() && (legacy || shared.learned.asked_roots.load(Ordering::Relaxed));
    let narrowing = shared.narrowing();
    // One stream for all says of no message where it belongs; roots are those of one client.
    if is_asked && (one_stream || roots) || narrowing.is_some_and(Narrowing::is_by_client) {
        return LaneKey::client_scope(context);
    }
    // What cannot be asked back, and is the same for all, needs no lane of its own.
    if is_asked || narrowing.is_some() {
        return Scope::Principal(Arc::clone(&context.principal));
    }
    Scope::Shared
}

async fn open(
    shared: &Arc<Shared>,
    key: LaneKey,
    introduction: &Introduction,
) -> Result<Arc<Lane>, ProviderError> {
    let unavailable = |message: String| ProviderError::Unavailable {
        reason: "upstream_unreachable",
        message,
        unsent: true,
    };
    let opened = match shared.spec.connection {
        Connection::Stdio { .. } => {
            let pipe = start(shared).await.map_err(|state| unavailable(state.to_string()))?;
            // Whoever wanted the lane may go away before it is open: then nobody wants the child.
            let guard = pipe.close_on_drop();
            let opened = Lane::open_stdio(shared, key, introduction, pipe).await;
            if opened.is_ok() {
                guard.disarm();
            }
            opened
        }
        Connection::Http { .. } => {
            let upstream = shared.endpoint().map_err(unavailable)?;
            Lane::open_at(shared, key, introduction, upstream).await
        }
    };
    if let Ok(lane) = &opened
        && is_worth_a_look(shared, lane)
    {
        shared.offers.refresh(Stale { key: lane.key.clone(), why: Why::Opened });
    }
    opened.map_err(|error| match error {
        OpenError::Failed(error) => error,
        error => {
            // What is known of its era is wrong, or it is another server now.
            shared.suspect.notify_one();
            unavailable(open_failed(error).to_string())
        }
    })
}

/// Tells whether the lists of a new lane may say something that is not known: other principals may
/// be offered other things, and so may a session to which nothing was done yet.
fn is_worth_a_look(shared: &Shared, lane: &Lane) -> bool {
    match lane.key.scope {
        Scope::Principal(_) => true,
        Scope::Session(_) => shared.learned.keeps_state(),
        Scope::Shared | Scope::Call(_) => false,
    }
}
