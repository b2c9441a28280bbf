//! A lane: one open session with a legacy upstream.
//!
//! Whatever the upstream says on it is told apart here: answers, what belongs to a call, what
//! belongs to everybody (`docs/eras.md`, "Whose notification is it?"). A callback that cannot be
//! given to exactly one caller is refused, never guessed: it would show one user's question to
//! another.

mod callback;
pub(super) mod exchange;
mod level;
pub(super) mod open;
mod stream;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gantry_core::session::SessionId;
use gantry_core::{BoxFuture, CallContext, NoClient, ProviderError, RawResult, Request};
use gantry_protocol::message::{Kind, notification};
use gantry_protocol::{Id, Message, Revision, json, message, method};
use gantry_transport::client::http::{HttpUpstream, McpHeaders};
use gantry_transport::client::sse::SseLink;
use gantry_transport::client::stdio::Pipe;
use gantry_transport::client::{Inbound, number};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::level::Levels;
use super::flight::{Flight, Flights, next_id};
use super::offers::{Asker, Greeting, Stale, Why};
use super::scope::{LaneKey, Scope};
use super::shared::Shared;
use crate::census::{LaneCensus, fill};

/// Out-of-band elicitations remembered per lane, to know whose completion is announced.
const MAX_ELICITATIONS: usize = 256;

/// A change of lists this soon after a call is taken for its effect.
const AFTERMATH: Duration = Duration::from_secs(1);

/// A session that is given up is not waited for longer.
const DELETE_LIMIT: Duration = Duration::from_secs(5);

/// An open session.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) key: LaneKey,
    pub(super) greeting: Greeting,
    shared: Arc<Shared>,
    wire: Wire,
    flights: Flights,
    /// One call at a time, where a callback could not be given to one of several.
    exclusive: Option<Semaphore>,
    callbacks: Mutex<HashMap<Id, CancellationToken>>,
    elicitations: Mutex<HashMap<String, SessionId>>,
    levels: Levels,
    last_used: Mutex<Instant>,
    /// When the last call of a client ended.
    last_call: Mutex<Option<Instant>>,
    /// How often its lists changed right after a call.
    changes: AtomicU32,
    closed: CancellationToken,
    /// Fires before `closed` does when the upstream does not know the session any more.
    forgotten: CancellationToken,
}

/// What carries the lane.
#[derive(Debug)]
enum Wire {
    Stdio(Arc<Pipe>),
    Sse(Arc<SseLink>),
    Http(Box<HttpWire>),
}

#[derive(Debug)]
struct HttpWire {
    upstream: Arc<HttpUpstream>,
    /// Servers of before 2025-06-18 do not know the header.
    version: Option<&'static str>,
    session: Option<String>,
}

impl HttpWire {
    fn headers(&self) -> McpHeaders<'_> {
        McpHeaders {
            protocol_version: self.version,
            session_id: self.session.as_deref(),
            ..McpHeaders::default()
        }
    }
}

/// Why a call on a lane has no result.
#[derive(Debug)]
pub(super) enum LaneError {
    /// The upstream does not know the session any more; nothing ran.
    SessionGone,
    /// Everything else.
    Failed(ProviderError),
}

impl Lane {
    /// Tells what is open on it.
    pub(super) fn census(&self) -> LaneCensus {
        let scope = match &self.key.scope {
            Scope::Shared => "shared".to_owned(),
            Scope::Principal(principal) => format!("principal {}", principal.subject),
            // Its id opens it.
            Scope::Session(_) => "session".to_owned(),
            Scope::Call(_) => "call".to_owned(),
        };
        LaneCensus {
            scope,
            capabilities: self.key.profile.to_string(),
            idle_seconds: self.last_used.lock().elapsed().as_secs(),
            calls: self.flights.census(),
            queue: self.pipe().map(|pipe| fill(pipe)),
        }
    }

    /// Carries out a client's request.
    pub(super) async fn call(
        self: &Arc<Self>,
        context: &CallContext,
        request: &Request,
    ) -> Result<RawResult, LaneError> {
        let carrier = method::is_carrier(request.message.method());
        let _turn = match &self.exclusive {
            Some(turns) if carrier => Some(turns.acquire().await.map_err(|_| self.lost())?),
            _ => None,
        };
        let _verbose = self.heed(context).await;
        let id = next_id();
        let bytes = Self::outgoing(context, request, id);
        let flight = Flight {
            id,
            link: Arc::clone(&context.client),
            session: context.caller.session,
            of_client: true,
            request_id: Some(Arc::clone(&context.request_id)),
            carrier,
            patience: super::flight::Patience::new(
                request.timeout.unwrap_or(self.shared.spec.timeout),
            ),
        };
        let answer = self.exchange(flight, bytes, &context.cancelled).await;
        let now = Instant::now();
        *self.last_used.lock() = now;
        *self.last_call.lock() = Some(now);
        answer
    }

    fn outgoing(context: &CallContext, request: &Request, id: u64) -> Bytes {
        use gantry_protocol::meta::{EnvelopeChange, Outgoing, TokenChange};
        let token = id.to_string();
        let mut outgoing = Outgoing::new(&request.message);
        outgoing.id = Some(Id::from(id));
        outgoing.progress_token = TokenChange::Set(token.as_bytes());
        outgoing.envelope = match context.caller.era() {
            gantry_protocol::Era::Legacy => EnvelopeChange::WithinLegacy,
            gantry_protocol::Era::Modern => EnvelopeChange::ToLegacy,
        };
        outgoing.name = request.local_name.as_deref().map(|name| ("name", name));
        let span = context.trace.as_ref().map(|span| span.context().to_string());
        outgoing.traceparent = span.as_deref();
        outgoing.to_bytes()
    }

    /// Asks to be told of changes of a resource, or not to be told any more.
    pub(super) async fn watch(self: &Arc<Self>, on: bool, uri: &str) -> Result<(), ProviderError> {
        let method = if on { method::RESOURCES_SUBSCRIBE } else { method::RESOURCES_UNSUBSCRIBE };
        let params = serde_json::json!({ "uri": uri }).to_string().into_bytes();
        self.ask(method, params).await.map(drop)
    }

    /// Passes a notification of the client on, on a lane of its own.
    pub(super) async fn tell(&self, message: Bytes) {
        if let Err(error) = self.deliver(message).await {
            gantry_core::log::debug!(upstream = %self.shared.spec.name, %error, "A notification was lost.");
        }
    }

    /// Returns the revision spoken on this lane.
    pub(super) fn revision(&self) -> Revision {
        self.greeting.revision
    }

    /// Tells whether nothing is under way and nothing was for a while.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        self.flights.is_empty().then(|| *self.last_used.lock())
    }

    /// Tells whether a call is open, or just ended: what the upstream says may come of it.
    fn was_just_called(&self) -> bool {
        let lately = self.last_call.lock().is_some_and(|at| at.elapsed() < AFTERMATH);
        lately || self.flights.any_of_client()
    }

    /// Counts one more change of the lists right after a call; returns how many there were.
    pub(super) fn count_change(&self) -> u32 {
        self.changes.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Ends the session.
    pub(super) fn close(self: &Arc<Self>) {
        if self.closed.is_cancelled() {
            return;
        }
        self.closed.cancel();
        match &self.wire {
            Wire::Stdio(pipe) => pipe.close(),
            Wire::Sse(link) => link.close(),
            Wire::Http(_) => {
                let lane = Arc::clone(self);
                self.shared.deps.tasks.spawn("lane-delete", async move {
                    let Wire::Http(http) = &lane.wire else { return };
                    // An upstream that keeps sessions for ever answers 405, and that is fine.
                    let _ = http.upstream.delete(&http.headers(), Some(DELETE_LIMIT)).await;
                });
            }
        }
    }

    /// Resolves when the session is over, whoever ended it.
    pub(super) async fn ended(&self) {
        match &self.wire {
            Wire::Stdio(pipe) => pipe.closed().await,
            Wire::Sse(link) => tokio::select! {
                () = link.closed() => {}
                () = self.closed.cancelled() => {}
            },
            Wire::Http(_) => self.closed.cancelled().await,
        }
    }

    /// Tells whether the session is over.
    pub(super) fn is_over(&self) -> bool {
        match &self.wire {
            Wire::Stdio(pipe) => pipe.is_closed() || self.closed.is_cancelled(),
            Wire::Sse(link) => link.is_closed() || self.closed.is_cancelled(),
            Wire::Http(_) => self.closed.is_cancelled(),
        }
    }

    /// Tells whether the session is over because the upstream does not know it any more.
    pub(super) fn was_forgotten(&self) -> bool {
        self.forgotten.is_cancelled()
    }

    /// Notes that the upstream does not know the session any more.
    fn forgotten(&self) {
        self.forgotten.cancel();
        self.closed.cancel();
        if let Wire::Sse(link) = &self.wire {
            link.close();
        }
    }

    /// Returns how many calls of clients are open on it.
    pub(super) fn n_calls(&self) -> usize {
        self.flights.n_of_clients()
    }

    /// Returns the child that carries the lane.
    pub(super) fn pipe(&self) -> Option<&Arc<Pipe>> {
        match &self.wire {
            Wire::Stdio(pipe) => Some(pipe),
            Wire::Sse(_) | Wire::Http(_) => None,
        }
    }

    /// Tells how the session ended.
    pub(super) fn why(&self) -> String {
        match &self.wire {
            Wire::Stdio(pipe) => pipe.why().why,
            Wire::Sse(link) => link.why(),
            Wire::Http(_) => "the session was ended by the upstream".to_owned(),
        }
    }

    fn lost(&self) -> LaneError {
        LaneError::Failed(ProviderError::Unavailable {
            reason: "upstream_lost",
            message: self.why(),
            unsent: false,
        })
    }

    /// Sorts a request or notification of the upstream; `flight` is the call on whose stream it
    /// came, if it came on one.
    fn hear(self: &Arc<Self>, flight: Option<&Arc<Flight>>, message: Message) {
        match message.kind() {
            Kind::Request => self.hear_request(flight, message),
            Kind::Notification => self.hear_notification(flight, &message),
            Kind::Response | Kind::Error => {}
        }
    }

    fn hear_notification(self: &Arc<Self>, flight: Option<&Arc<Flight>>, message: &Message) {
        match message.method() {
            method::PROGRESS => {
                let token = message.param("progressToken").and_then(Id::read);
                let Some(flight) =
                    token.as_ref().and_then(number).and_then(|id| self.flights.get(id))
                else {
                    return;
                };
                flight.patience.renew();
                flight.link.notify(message);
            }
            method::MESSAGE => self.hear_log(flight, message),
            method::RESOURCES_UPDATED => {
                let lane = Some(&self.key);
                self.shared.deps.outlet.resource_updated(&self.shared.spec.name, lane, message);
            }
            method::TOOLS_LIST_CHANGED
            | method::PROMPTS_LIST_CHANGED
            | method::RESOURCES_LIST_CHANGED => {
                let why = if self.was_just_called() { Why::AfterCall } else { Why::Announced };
                let stale = Stale { key: self.key.clone(), why };
                self.shared.offers.changed(message.method(), stale);
            }
            method::CANCELLED => {
                let asked = message.param("requestId").and_then(Id::read);
                if let Some(asked) = asked.and_then(|id| self.callbacks.lock().remove(&id)) {
                    asked.cancel();
                }
            }
            method::ELICITATION_COMPLETE => {
                let id = message.param_string("elicitationId").map(Cow::into_owned);
                let session = id.and_then(|id| self.elicitations.lock().remove(&id));
                if let Some(session) = session {
                    self.shared.deps.outlet.to_session(session, message);
                }
            }
            _ => match (flight, &self.key.scope) {
                (Some(flight), _) => flight.link.notify(message),
                (None, Scope::Session(session)) => {
                    self.shared.deps.outlet.to_session(*session, message);
                }
                (None, _) => {
                    self.shared.deps.metrics.dropped.inc();
                }
            },
        }
    }

    fn hear_log(&self, flight: Option<&Arc<Flight>>, message: &Message) {
        self.shared.deps.outlet.logged(&self.shared.spec.name, message);
        if let Some(flight) = flight {
            flight.link.notify(message);
        } else if let Some(flight) = self.flights.only() {
            flight.link.notify(message);
        } else if let Scope::Session(session) = self.key.scope {
            self.shared.deps.outlet.to_session(session, message);
        } else if let (Wire::Http(_), Some(session)) = (&self.wire, self.flights.just_ended()) {
            // On a pipe what belongs to a call comes before its answer.
            self.shared.deps.outlet.to_session(session, message);
        } else {
            // It could be anybody's, so it is nobody's but the operator's.
            gantry_core::log::info!(
                upstream = %self.shared.spec.name,
                level = message.param_string("level").as_deref(),
                data = message.param("data").map(String::from_utf8_lossy).as_deref(),
                "The upstream logged outside of a single call."
            );
        }
    }

    fn remember_elicitation(&self, request: &Message, session: Option<SessionId>) {
        let (Some(session), Some(id)) = (session, request.param_string("elicitationId")) else {
            return;
        };
        let mut known = self.elicitations.lock();
        if known.len() < MAX_ELICITATIONS {
            known.insert(id.into_owned(), session);
        }
    }
}

impl Inbound for LaneEar {
    fn receive(&self, message: Message) {
        if let Some(lane) = self.0.upgrade() {
            lane.hear(None, message);
        }
    }
}

/// What a pipe speaks to: it must not keep its lane alive.
#[derive(Debug)]
struct LaneEar(std::sync::Weak<Lane>);

impl Asker for Arc<Lane> {
    fn ask<'a>(
        &'a self,
        method: &'static str,
        params: Vec<u8>,
    ) -> BoxFuture<'a, Result<Bytes, ProviderError>> {
        Box::pin(async move {
            let id = next_id();
            let bytes = message::request(&Id::from(id), method, &params);
            let flight = Flight {
                id,
                link: Arc::new(NoClient),
                session: None,
                of_client: false,
                request_id: None,
                carrier: false,
                patience: super::flight::Patience::new(self.shared.spec.timeout),
            };
            let never = CancellationToken::new();
            let watched = self.shared.deps.tap.own(&self.shared.spec.name, &bytes);
            let answer = self.exchange(flight, bytes, &never).await.map_err(|error| match error {
                LaneError::Failed(error) => error,
                LaneError::SessionGone => session_gone(),
            });
            watched.ended(&answer);
            Ok(Bytes::copy_from_slice(answer?.result()))
        })
    }
}

pub(super) fn session_gone() -> ProviderError {
    ProviderError::Unavailable {
        reason: "session_gone",
        message: "the upstream forgot its session".to_owned(),
        unsent: true,
    }
}

/// Makes `notifications/cancelled` for a call of ours.
pub(super) fn cancelled(id: u64, reason: &str) -> Bytes {
    let mut params = br#"{"requestId":"#.to_vec();
    params.extend_from_slice(id.to_string().as_bytes());
    params.extend_from_slice(br#","reason":"#);
    params.extend_from_slice(&json::quote(reason));
    params.push(b'}');
    notification(method::CANCELLED, &params)
}
