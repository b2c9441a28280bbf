//! How verbosely the upstream is to log on a lane: as the most verbose of those who use it wants.
//!
//! A legacy session wants its level for as long as it lives, a modern request for as long as it is
//! open. When the last of them is gone the level stays: nobody hears the messages, and the level
//! that the upstream began with has no name.

use std::collections::HashMap;
use std::sync::Arc;

use gantry_core::session::SessionId;
use gantry_core::{CallContext, Caller};
use gantry_protocol::method;
use parking_lot::Mutex;

use super::super::offers::Asker as _;
use super::Lane;
use crate::hub::Level;
use crate::snapshot::declares;

/// Who wants what, and what the upstream was told.
#[derive(Debug, Default)]
pub(super) struct Levels {
    wanted: Mutex<Wanted>,
    /// Held while the upstream is told: a call that went ahead would miss its first messages.
    told: tokio::sync::Mutex<Option<Level>>,
}

#[derive(Debug, Default)]
struct Wanted {
    sessions: HashMap<SessionId, Level>,
    /// How many open requests want each level, by its rank.
    requests: [usize; Level::COUNT],
}

/// An open request that wants a level of its own.
#[derive(Debug)]
pub(super) struct Verbose<'a> {
    lane: &'a Arc<Lane>,
    level: Level,
}

// === impl Levels ===

impl Levels {
    /// Returns the most verbose level that anybody wants.
    fn most_verbose(&self) -> Option<Level> {
        let wanted = self.wanted.lock();
        let requests = wanted.requests.iter().position(|count| *count > 0);
        let requests = requests.and_then(|rank| u8::try_from(rank).ok()).and_then(Level::from_rank);
        wanted.sessions.values().copied().chain(requests).min()
    }

    /// Returns the level of a caller's session, or of its request.
    fn of(caller: &Caller) -> Option<Level> {
        caller.log_level.as_deref().and_then(Level::parse)
    }
}

// === impl Lane ===

impl Lane {
    /// Sees to it that the upstream logs as this caller wants while its call runs.
    pub(super) async fn heed<'a>(
        self: &'a Arc<Self>,
        context: &CallContext,
    ) -> Option<Verbose<'a>> {
        let level = Levels::of(&context.caller)?;
        if !self.logs() {
            return None;
        }
        if let Some(session) = context.caller.session {
            self.levels.wanted.lock().sessions.insert(session, level);
            self.tell_level().await;
            return None;
        }
        self.levels.wanted.lock().requests[usize::from(level.rank())] += 1;
        let verbose = Verbose { lane: self, level };
        self.tell_level().await;
        Some(verbose)
    }

    /// Takes note of a level that a session set.
    pub(in crate::upstream) async fn set_level(self: &Arc<Self>, session: SessionId, level: &str) {
        let Some(level) = Level::parse(level).filter(|_| self.logs()) else { return };
        self.levels.wanted.lock().sessions.insert(session, level);
        self.tell_level().await;
    }

    /// Wants nothing for a session any more.
    pub(in crate::upstream) fn forget_level(self: &Arc<Self>, session: SessionId) {
        if self.levels.wanted.lock().sessions.remove(&session).is_some() {
            self.tell_level_soon();
        }
    }

    fn logs(&self) -> bool {
        declares(&self.greeting.capabilities, "logging")
    }

    /// Tells the upstream the level that is wanted, if that is another one than it knows.
    async fn tell_level(self: &Arc<Self>) {
        let mut told = self.levels.told.lock().await;
        let Some(wanted) = self.levels.most_verbose().filter(|level| *told != Some(*level)) else {
            return;
        };
        let params = serde_json::json!({ "level": wanted.name() }).to_string().into_bytes();
        if let Err(error) = self.ask(method::LOGGING_SET_LEVEL, params).await {
            gantry_core::log::debug!(upstream = %self.shared.spec.name, %error, "Setting the level failed.");
        }
        *told = Some(wanted);
    }

    fn tell_level_soon(self: &Arc<Self>) {
        if self.is_over() {
            return;
        }
        let lane = Arc::clone(self);
        self.shared.tasks.spawn_until_stop("lane-level", async move { lane.tell_level().await });
    }
}

// === impl Verbose ===

impl Drop for Verbose<'_> {
    fn drop(&mut self) {
        self.lane.levels.wanted.lock().requests[usize::from(self.level.rank())] -= 1;
        self.lane.tell_level_soon();
    }
}
