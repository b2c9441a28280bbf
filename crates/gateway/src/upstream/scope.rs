//! How widely a lane is shared, and how that is chosen (`docs/eras.md`, lanes).

use std::sync::Arc;

use gantry_core::session::SessionId;
use gantry_core::{CallContext, Principal};
use gantry_protocol::capabilities::Profile;

/// Who shares a lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everybody.
    Shared,
    /// One principal.
    Principal(Arc<Principal>),
    /// One legacy session.
    Session(SessionId),
    /// One call; the number is unique in the process.
    Call(u64),
}

/// Names a lane within its upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LaneKey {
    /// Who shares it.
    pub scope: Scope,
    /// The client capabilities that it declares to the upstream.
    pub profile: Profile,
}

impl LaneKey {
    /// The lane that everybody may share: it declares nothing, so nothing is asked back.
    pub fn shared() -> Self {
        Self { scope: Scope::Shared, profile: Profile::EMPTY }
    }

    /// Returns the widest scope narrower than [`Scope::Shared`] that the caller can have.
    pub fn client_scope(context: &CallContext) -> Scope {
        match context.caller.session {
            Some(session) => Scope::Session(session),
            None => Scope::Principal(Arc::clone(&context.principal)),
        }
    }
}
