//! Legacy sessions: opened by `initialize`, found by their sealed id.
//!
//! A session id is a name, never a credential: it is looked at only for the principal it was given
//! to, on the endpoint it was opened on. One that is unknown, expired or somebody else's gets the
//! same answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::ErrorCode;
use gantry_core::seal::random;
use gantry_core::session::{Remembered, SessionRecord};
use gantry_protocol::capabilities::Profile;
use gantry_protocol::headers::Refusal;
use gantry_protocol::{Message, Revision, RpcError, json, message, method};

use super::Origin;
use super::greeting::initialize_result;
use super::reply::{coded, own_message};
use super::token::SessionToken;
use crate::Gateway;
use crate::causes;
use crate::governance::audit;
use crate::hub::{Lifetime, Session, lists_of};
use crate::tap::Whose;

/// Largest `capabilities` and `clientInfo` that are kept for a session, bytes.
const MAX_KEPT: usize = 16 * 1024;
/// The longest pause before an upstream is asked for a subscription again.
const MOST_PAUSE: Duration = Duration::from_mins(1);

/// A session that was just opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) session: Arc<Session>,
    /// The session's id as the client gets it.
    pub(super) token: String,
    /// The raw result of `initialize`.
    pub(super) result: Bytes,
}

impl Gateway {
    /// Carries out `initialize`.
    pub(super) async fn open_session(
        &self,
        origin: &Origin,
        revision: Revision,
        message: &Message,
        lifetime: Lifetime,
    ) -> Result<Opened, Refusal> {
        let whose = Whose::from((&*origin.principal, &origin.request_id));
        let watched = self.tap.from_client(whose, message, None);
        let opened = self.open_unwatched_session(origin, revision, message, lifetime).await;
        if let (Some(watched), Some(id)) = (watched, message.id()) {
            let answer = opened.as_ref().map(|opened| opened.result.clone());
            watched.answered(&own_message(id, answer.map_err(|refusal| refusal.error.clone())));
        }
        opened
    }

    async fn open_unwatched_session(
        &self,
        origin: &Origin,
        revision: Revision,
        message: &Message,
        lifetime: Lifetime,
    ) -> Result<Opened, Refusal> {
        let id = random::<16>().map_err(|error| coded(ErrorCode::Internal, error.to_string()))?;
        let record = SessionRecord {
            revision,
            principal: (*origin.principal).clone(),
            capabilities: object(message, "capabilities")?,
            client_info: object(message, "clientInfo")?,
            view: origin.view.clone(),
            log_level: None,
            subscriptions: Vec::new(),
            lists: [0; 3],
            seen_at: self.clock.unix_seconds(),
        };
        let session = Session::new(id, &record, lifetime);
        session.visited(&origin.principal, origin.address);
        let context = session.context();
        let view = self
            .registry
            .view_for(&origin.view, &context, true)
            .await
            .ok_or_else(|| unknown_view(&origin.view))?;
        session.changed_lists(lists_of(&view));
        let token = SessionToken {
            id,
            revision,
            profile: context.caller.profile.bits(),
            principal: origin.principal.fingerprint(),
            issued: self.clock.unix_seconds(),
        };
        let token = token
            .seal(&self.keys)
            .map_err(|error| coded(ErrorCode::Internal, error.to_string()))?;
        let session = self.hub.add_session(session).ok_or_else(|| {
            coded(ErrorCode::Overloaded, "the gateway has too many open sessions; try again later")
        })?;
        self.keeper.note(&session);
        audit::session_created(self, &session, &origin.request_id);
        Ok(Opened { session, token, result: initialize_result(&view, revision) })
    }

    /// Finds the session of that id for who asks.
    pub(super) async fn find_session(
        self: &Arc<Self>,
        origin: &Origin,
        id: &str,
    ) -> Option<Arc<Session>> {
        let token = SessionToken::open(&self.keys, id, &origin.principal)?;
        let session = match self.hub.session(token.id) {
            Some(session) => session,
            None => self.revive_session(origin, &token).await?,
        };
        let own = *session.principal == *origin.principal && session.view == origin.view;
        if !own {
            return None;
        }
        session.visited(&origin.principal, origin.address);
        Some(session)
    }

    /// Brings a session of an earlier process back to life: from what was remembered of it, else
    /// from its id alone.
    async fn revive_session(
        self: &Arc<Self>,
        origin: &Origin,
        token: &SessionToken,
    ) -> Option<Arc<Session>> {
        let record = self.recall_session(origin, token).await?;
        if record.principal != *origin.principal || record.view != origin.view {
            return None;
        }
        let session = Session::new(token.id, &record, Lifetime::Kept);
        session.visited(&origin.principal, origin.address);
        let context = session.context();
        let view = self.registry.view_for(&record.view, &context, false).await?;
        let session = self.hub.add_session(session)?;
        if record.lists == [0; 3] {
            session.changed_lists(lists_of(&view));
        } else {
            // The lists may be others than those of the earlier process.
            self.tell_changes(&session, &view);
        }
        self.keeper.note(&session);
        if !record.subscriptions.is_empty() {
            let (gateway, session) = (Arc::clone(self), Arc::clone(&session));
            self.tasks.spawn_until_stop("subscribe-again", async move {
                gateway.subscribe_again(&session).await;
            });
        }
        Some(session)
    }

    async fn recall_session(
        &self,
        origin: &Origin,
        token: &SessionToken,
    ) -> Option<Box<SessionRecord>> {
        if self.hub.has_ended(token.id) {
            return None;
        }
        let now = self.clock.unix_seconds();
        match self.keeper.recall(token.id).await {
            Some(Remembered::Open(record)) => {
                let idle = self.registry.snapshot().spec.legacy.session_idle;
                (record.seen_at.saturating_add(idle.as_secs()) >= now).then_some(record)
            }
            Some(Remembered::Ended) => None,
            Some(Remembered::Unknown) | None => {
                self.hub.was_lost(token.id, token.issued).then(|| {
                    let profile = Profile::from_bits(token.profile);
                    Box::new(SessionRecord {
                        revision: token.revision,
                        principal: (*origin.principal).clone(),
                        capabilities: profile.to_capabilities(token.revision).into(),
                        client_info: Bytes::from_static(b"{}"),
                        view: origin.view.clone(),
                        log_level: None,
                        subscriptions: Vec::new(),
                        lists: [0; 3],
                        seen_at: now,
                    })
                })
            }
        }
    }

    /// Subscribes to what an earlier process was subscribed to for a session, as soon as the
    /// upstreams allow. Each resource is announced once, because it may have changed meanwhile.
    async fn subscribe_again(&self, session: &Arc<Session>) {
        let mut changes = self.registry.changes();
        let mut pause = Duration::from_secs(1);
        loop {
            changes.mark_unchanged();
            let context = session.context();
            for uri in session.wanted() {
                match self.subscribe_session(session, &context, &uri).await {
                    Ok(()) => {
                        session.tell(updated(&uri));
                    }
                    Err(error) => {
                        gantry_core::log::debug!(%uri, %error, "A resource is not subscribed again yet.");
                    }
                }
            }
            if session.wanted().is_empty() {
                return;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(MOST_PAUSE);
        }
    }

    /// Subscribes a session to a resource.
    pub(super) async fn subscribe_session(
        &self,
        session: &Arc<Session>,
        context: &gantry_core::CallContext,
        uri: &str,
    ) -> Result<(), RpcError> {
        if session.subscribe_again(uri) {
            return Ok(());
        }
        if !session.may_subscribe() {
            let error = RpcError::internal("overloaded", "the session has too many subscriptions");
            return Err(causes::with_code(error, ErrorCode::Overloaded));
        }
        let view = self
            .registry
            .view_for(&session.view, context, false)
            .await
            .ok_or_else(|| unknown_view(&session.view).error)?;
        let subscription = crate::dispatch::subscribe(self, &view, context, uri).await?;
        self.hub.watch_session(session.id, &subscription, uri);
        if let Some(surplus) = session.subscribed(uri, subscription) {
            // Somebody was faster, or the session ended; what is there already is enough.
            if self.hub.session(session.id).is_none() {
                self.hub.unwatch_session(session.id, &surplus, uri);
            }
            crate::dispatch::unsubscribe(self, &surplus, uri).await;
        }
        Ok(())
    }
}

/// Says that a resource may have changed.
fn updated(uri: &str) -> Bytes {
    let uri = json::quote(uri);
    let params = [b"{\"uri\":", &uri[..], b"}"].concat();
    message::notification(method::RESOURCES_UPDATED, &params)
}

/// Refuses an endpoint that there is none of, or no more.
pub(super) fn unknown_view(name: &str) -> Refusal {
    coded(ErrorCode::UnknownServer, format!("no server or view has the name `{name}`"))
}

/// Copies an object out of the params of `initialize`: the request itself is not kept.
fn object(message: &Message, name: &str) -> Result<Bytes, Refusal> {
    let refuse = |text: String| Err(Refusal { status: 400, error: RpcError::invalid_params(text) });
    match message.param(name) {
        None => Ok(Bytes::from_static(b"{}")),
        Some(raw) if !raw.starts_with(b"{") => refuse(format!("`params.{name}` must be an object")),
        Some(raw) if raw.len() > MAX_KEPT => {
            refuse(format!("`params.{name}` is longer than {MAX_KEPT} bytes"))
        }
        Some(raw) => Ok(Bytes::copy_from_slice(raw)),
    }
}
