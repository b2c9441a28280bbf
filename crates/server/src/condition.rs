//! How the gateway is: the one judgement behind `/health`, `/ready` and `/actuator/health`, so that
//! they never disagree.
//!
//! Three questions with an answer each. Is the process of use, or should it be started again? The
//! database in the data folder decides. Should requests be sent here? Also what `ready.require`
//! names, whether calls are refused because they cannot be recorded, and whether the gateway is
//! leaving. Has it started? Once the first offers are in. Servers behind the gateway decide nothing
//! else: one that is down costs its own tools, and a restart would not bring it back. Neither does a
//! database server that is away: calls go on without it, and who took every gateway away because of
//! it would make an outage of a lack.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gantry_gateway::upstream::UpstreamStatus;
use gantry_storage::Kind;

use crate::audit::TrailState;
use crate::shared::Shared;

/// A file that takes longer for one row is of no use.
const FILE_LIMIT: Duration = Duration::from_secs(2);
/// A server that takes longer is away; whoever asks for it may not wait for more than a second.
const SERVER_LIMIT: Duration = Duration::from_millis(500);

/// How the gateway is at a moment.
#[derive(Debug)]
pub(crate) struct Condition {
    /// Whether the database answers.
    pub(crate) storage: Storage,
    /// What `ready.require` names and is not ready.
    pub(crate) missing: Vec<String>,
    /// Whether the gateway was told to end, and answers what still comes.
    pub(crate) is_draining: bool,
    /// Whether every server was heard once, or found down, or `startup.first_offer_wait` is over.
    pub(crate) has_started: bool,
    /// How the audit trail is; `None` if nothing is recorded.
    pub(crate) trail: Option<TrailState>,
    /// Every server.
    pub(crate) upstreams: Vec<UpstreamStatus>,
}

/// How the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Storage {
    /// Which one it is.
    pub(crate) kind: Kind,
    /// Whether it answers.
    pub(crate) answers: bool,
}

impl Storage {
    /// Whether the gateway is of no use like this: what is on this machine does not come back by
    /// itself.
    pub(crate) fn is_lost(self) -> bool {
        !self.answers && self.kind == Kind::Sqlite
    }
}

impl Condition {
    /// Looks how the gateway is.
    pub(crate) async fn of(shared: &Shared) -> Self {
        let live = shared.live.load_full();
        let upstreams = shared.gateway.status();
        let is_ready = |name: &String| {
            upstreams.iter().any(|upstream| upstream.name == *name && upstream.state == "ready")
        };
        let required = live.config.ready_require.iter();
        let missing = required.filter(|name| !is_ready(name)).cloned().collect();
        let wait = live.config.gateway.first_offer_wait;
        let is_settled = upstreams.iter().all(|upstream| upstream.state != "starting");
        Self {
            storage: storage(shared).await,
            missing,
            is_draining: shared.is_draining.load(Ordering::Relaxed),
            has_started: is_settled || shared.started.elapsed() >= wait,
            trail: shared.trail.state(),
            upstreams,
        }
    }

    /// Whether requests should be sent here.
    pub(crate) fn is_ready(&self) -> bool {
        let refuses = self.trail.as_ref().is_some_and(|trail| trail.refuses);
        !self.storage.is_lost() && self.missing.is_empty() && !self.is_draining && !refuses
    }
}

/// Reads a row that need not be there.
async fn storage(shared: &Shared) -> Storage {
    let kind = shared.store.kind();
    let limit = match kind {
        Kind::Sqlite => FILE_LIMIT,
        Kind::Postgres => SERVER_LIMIT,
    };
    let read = tokio::time::timeout(limit, shared.store.verdict("")).await;
    Storage { kind, answers: matches!(read, Ok(Ok(_))) }
}
