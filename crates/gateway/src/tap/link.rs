//! What a running call says to its client, and what upstreams say outside of calls: the ways are
//! wrapped, so that neither side knows of the tap.

use std::sync::Arc;

use gantry_core::session::SessionId;
use gantry_core::{BoxFuture, CallContext, ClientLink, Principal};
use gantry_policy::hooks::Secrecy;
use gantry_protocol::{Message, RpcError};

use super::{Direction, Side, Tap, Whose};
use crate::governance::traffic::Traffic;
use crate::hub::Outlet;
use crate::upstream::scope::LaneKey;

/// The way back to a client, watched.
#[derive(Debug)]
struct WatchedLink {
    inner: Arc<dyn ClientLink>,
    tap: Arc<Tap>,
    server: Arc<str>,
    /// Whether nobody may be shown what is said.
    is_secret: bool,
}

/// What upstreams say outside of calls, watched.
#[derive(Debug)]
pub(crate) struct WatchedOutlet {
    pub(crate) inner: Arc<dyn Outlet>,
    pub(crate) tap: Arc<Tap>,
    /// Keeps what servers said, until they say that it changed.
    pub(crate) traffic: Arc<Traffic>,
}

impl Tap {
    /// Returns a call's context whose way back to the client is watched.
    pub(crate) fn watched(
        self: &Arc<Self>,
        context: &CallContext,
        server: &str,
        is_secret: bool,
    ) -> CallContext {
        let link = WatchedLink {
            inner: Arc::clone(&context.client),
            tap: Arc::clone(self),
            server: server.into(),
            is_secret,
        };
        CallContext { client: Arc::new(link), ..context.clone() }
    }

    /// Notes a question of an upstream to a client, and what becomes of it.
    async fn asked(
        self: &Arc<Self>,
        (server, is_secret): (Option<&str>, bool),
        request: &Message,
        answer: BoxFuture<'_, Result<Message, RpcError>>,
    ) -> Result<Message, RpcError> {
        let pending = self.is_watched().then(|| {
            let mut event = self.event(Side::Client, Direction::Out, None, request);
            if is_secret {
                event.body = self.veiled(request.bytes(), &["params"]);
            }
            self.begin(super::Event { server: server.map(Arc::from), ..event }, is_secret)
        });
        let answer = answer.await;
        if let Some(pending) = pending {
            pending.replied(&answer);
        }
        answer
    }
}

impl ClientLink for WatchedLink {
    fn wants_progress(&self) -> bool {
        self.inner.wants_progress()
    }

    fn notify(&self, notification: &Message) {
        let (side, direction) = (Side::Upstream, Direction::In);
        if self.is_secret {
            self.tap.passed_unseen(side, direction, &self.server, notification);
        } else {
            self.tap.passed(side, direction, Some(&self.server), notification);
        }
        self.inner.notify(notification);
    }

    fn ask<'a>(&'a self, request: &'a Message) -> BoxFuture<'a, Result<Message, RpcError>> {
        let answer = self.inner.ask(request);
        Box::pin(self.tap.asked((Some(&self.server), self.is_secret), request, answer))
    }
}

impl Outlet for WatchedOutlet {
    fn resource_updated(&self, upstream: &str, lane: Option<&LaneKey>, notification: &Message) {
        self.tap.passed(Side::Upstream, Direction::In, Some(upstream), notification);
        // Before anybody is told, who might ask at once.
        self.traffic.resource_changed(upstream);
        self.inner.resource_updated(upstream, lane, notification);
    }

    fn to_session(&self, session: SessionId, notification: &Message) {
        self.tap.passed(Side::Client, Direction::Out, None, notification);
        self.inner.to_session(session, notification);
    }

    fn logged(&self, upstream: &str, notification: &Message) {
        // The tap hears it on its way to whomever it is for.
        self.inner.logged(upstream, notification);
    }

    fn ask_session<'a>(
        &'a self,
        session: SessionId,
        request: &'a Message,
    ) -> BoxFuture<'a, Result<Message, RpcError>> {
        let answer = self.inner.ask_session(session, request);
        Box::pin(self.tap.asked((None, false), request, answer))
    }
}

impl<'a> Whose<'a> {
    /// The request that a call's context belongs to.
    pub(crate) fn of(context: &'a CallContext) -> Self {
        Self::from((&*context.principal, &context.request_id))
    }

    /// Says what of it nobody may be shown.
    pub(crate) fn with(self, secrecy: Secrecy) -> Self {
        Self { secrecy, ..self }
    }
}

impl<'a> From<(&'a Principal, &'a Arc<str>)> for Whose<'a> {
    fn from((principal, request_id): (&'a Principal, &'a Arc<str>)) -> Self {
        Self { principal, request_id, secrecy: Secrecy::default() }
    }
}
