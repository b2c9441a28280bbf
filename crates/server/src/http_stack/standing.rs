//! Ends streams whose client would not be let in any more: its key was revoked or has expired, its
//! token was taken out of the configuration, its address is on a list now, or a first key was made and nobody is anonymous now.
//!
//! A stream may be open for days, so that being let in once is not enough.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use gantry_core::Principal;
use gantry_policy::Shown;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Right;
use super::gate::Asking;
use super::via::Peer;
use crate::identity::resource::Resource;
use crate::shared::Shared;

/// How often it is looked. A key that was revoked opens nothing a second later.
const LOOK: Duration = Duration::from_millis(500);

/// What a client was let in with.
#[derive(Clone)]
pub(super) struct Standing {
    principal: Arc<Principal>,
    peer: Peer,
    authorization: Option<HeaderValue>,
    key: Option<HeaderValue>,
    resource: Option<Resource>,
}

/// Looks again and again.
pub(super) struct Guard {
    standing: Standing,
    shared: Arc<Shared>,
    shown: Shown,
    ticks: Interval,
}

// === impl Standing ===

impl Standing {
    /// Returns what has to hold as long as the client's streams are open; `None` for those who need
    /// no credential whatever happens.
    pub(super) fn of(
        shared: &Shared,
        right: &Right,
        peer: Peer,
        (headers, resource): (&HeaderMap, Option<&Resource>),
    ) -> Option<Self> {
        let principal = match right {
            Right::Client(principal) => principal,
            Right::Api(caller) if caller.no_admin.is_some() => caller.principal.as_ref()?,
            Right::Api(_) | Right::Details | Right::Nothing => return None,
        };
        if principal.is_local() {
            return None;
        }
        let key = headers.get(&shared.live.load().config.auth.api_key_header).cloned();
        let authorization = headers.get(AUTHORIZATION).cloned();
        let (principal, resource) = (Arc::clone(principal), resource.cloned());
        Some(Self { principal, peer, authorization, key, resource })
    }

    /// Begins to look.
    pub(super) fn guard(self, shared: &Arc<Shared>) -> Guard {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Guard { standing: self, shared: Arc::clone(shared), shown: Shown::default(), ticks }
    }

    /// Tells whether the client would be let in now, as whom it was.
    fn holds(&self, shared: &Shared, shown: &Shown) -> bool {
        let live = shared.live.load();
        if self.peer.address().is_some_and(|address| live.addresses.may_come(address).is_err()) {
            return false;
        }
        let mut headers = HeaderMap::new();
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(key) = &self.key {
            headers.insert(&live.config.auth.api_key_header, key.clone());
        }
        let (keys, admin) = (&shared.keys, &shared.admin);
        let (peer, resource) = (self.peer, self.resource.as_ref());
        let asking = Asking { live: &live, keys, admin, peer, headers: &headers, shown, resource };
        asking.client().is_ok_and(|principal| principal == self.principal)
    }
}

// === impl Guard ===

impl Guard {
    /// Tells whether the stream has to end; wakes whoever polls when it is time to look again.
    pub(super) fn poll_ended(&mut self, context: &mut Context<'_>) -> bool {
        while self.ticks.poll_tick(context).is_ready() {
            if !self.standing.holds(&self.shared, &self.shown) {
                gantry_core::log::info!(
                    principal = &*self.standing.principal.subject,
                    "A stream ends, because its client would not be let in any more."
                );
                return true;
            }
        }
        false
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Guard")
            .field("principal", &self.standing.principal)
            .finish_non_exhaustive()
    }
}
