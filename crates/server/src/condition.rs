//! How the gateway is: the one judgement behind `/health`, `/ready` and `/actuator/health`, so that
//! they never disagree.
//!
//! Three questions with an answer each. Is the process of use, or should it be started again? The
//! database decides. Should requests be sent here? Also what `ready.require` names, whether calls are refused
//! because they cannot be recorded, and whether the gateway is leaving. Has it started? Once the first offers are in. Servers behind the gateway
//! decide nothing else: one that is down costs its own tools, and a restart would not bring it back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gantry_core::store::OfferStore as _;
use gantry_gateway::upstream::UpstreamStatus;

use crate::audit::TrailState;
use crate::shared::Shared;

/// A database that takes longer for one row is not there.
const STORAGE_LIMIT: Duration = Duration::from_secs(2);

/// How the gateway is at a moment.
#[derive(Debug)]
pub(crate) struct Condition {
    /// Whether the database answers.
    pub(crate) has_storage: bool,
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
            has_storage: storage_answers(shared).await,
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
        self.has_storage && self.missing.is_empty() && !self.is_draining && !refuses
    }
}

/// Reads a row that need not be there.
async fn storage_answers(shared: &Shared) -> bool {
    let read = shared.store.verdict("");
    matches!(tokio::time::timeout(STORAGE_LIMIT, read).await, Ok(Ok(_)))
}
