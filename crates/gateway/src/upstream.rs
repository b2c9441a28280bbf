//! A configured server: its state, its era, and the links over which it is spoken to.
//!
//! One task per upstream ([`supervise`]) keeps the first link alive, asks for the lists, and says
//! truly how things stand. Calls take that link (modern) or a lane of their scope (legacy); they
//! never wait for an upstream that is known to be down.

mod flight;
mod lane;
mod lanes;
mod learned;
mod listen;
mod modern;
mod offers;
mod probe;
mod refresh;
pub mod scope;
mod shared;
mod state;
mod supervise;
mod verdicts;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use gantry_core::offer::Freshness;
use gantry_core::session::SessionId;
use gantry_core::{
    Announced, BoxFuture, CallContext, ErrorCode, OfferCell, Outcome, Provider, ProviderError,
    Request,
};
use gantry_protocol::{Era, Revision, code};
use serde::Serialize;

pub use self::shared::Deps;
pub use self::state::State;

use self::lane::open::Introduction;
use self::lane::{Lane, LaneError};
use self::lanes::Lanes;
use self::learned::Narrowing;
use self::offers::Stale;
use self::probe::Link;
use self::scope::{LaneKey, Scope};
use self::shared::Shared;
use self::watches::Watches;
use crate::census::{UpstreamCensus, fill};
use crate::governance::validation::Schemas;
use crate::spec::{Connection, EraMode, UpstreamSpec};

/// Pause before the offer of a profile is asked for again, when no lane could be opened.
const PROFILE_PAUSE: Duration = Duration::from_secs(5);

/// A configured server.
#[derive(Debug)]
pub struct Upstream {
    shared: Arc<Shared>,
    link: ArcSwapOption<Link>,
    lanes: Lanes,
    watches: Watches,
    schemas: Schemas,
}

/// How an upstream is, for people and scripts.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// See [`State::name`].
    pub state: &'static str,
    /// The cause of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The code under which the cause is explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// `stdio`, `http`, or `sse` for HTTP+SSE.
    pub transport: &'static str,
    /// `legacy`, `modern`, or `dual`; `None` while unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub era: Option<&'static str>,
    /// The revision spoken with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<&'static str>,
    /// `pending`, `stale` or `fresh`: what its lists are worth.
    pub offer: &'static str,
    /// How many tools it offers.
    pub tools: usize,
    /// How many resources.
    pub resources: usize,
    /// How many resource templates.
    pub templates: usize,
    /// How many prompts.
    pub prompts: usize,
    /// Open sessions with it.
    pub lanes: usize,
    /// Why sessions with it are shared less widely than they could be, if something was seen that
    /// speaks against it: the scope, and the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrowed: Option<&'static str>,
    /// The child's process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Lines on its stdout that were no messages.
    #[serde(skip_serializing_if = "is_zero")]
    pub rubbish: u64,
    /// How its circuit breaker is, if it has one: `closed`, `open` or `half_open`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<&'static str>,
    /// As configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Where a subscription is held.
#[derive(Debug, Clone)]
pub enum Held {
    /// On the listen stream of a modern upstream.
    Listen,
    /// On a lane.
    Lane(LaneKey),
    /// With a provider of this process; ends with the last copy.
    Own(Arc<dyn Announced>),
}

impl Upstream {
    /// Makes an upstream and starts it, unless it is switched off.
    pub fn start(spec: UpstreamSpec, deps: Arc<Deps>) -> Arc<Self> {
        let upstream = Arc::new(Self {
            shared: Arc::new(Shared::new(spec, deps)),
            link: ArcSwapOption::empty(),
            lanes: Lanes::default(),
            watches: Watches::default(),
            schemas: Schemas::default(),
        });
        if upstream.shared.spec.enabled {
            supervise::start(&upstream);
        }
        upstream
    }

    /// Returns the configuration it was started with.
    pub fn spec(&self) -> &UpstreamSpec {
        &self.shared.spec
    }

    /// Returns the schemas by which arguments are validated.
    pub(crate) fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// Makes what is known of its era be looked at again: it may have been upgraded.
    pub fn doubt_era(&self) {
        self.shared.doubted.notify_one();
    }

    /// Returns the present state.
    pub fn state(&self) -> State {
        self.shared.state.borrow().clone()
    }

    /// Ends it: its tasks, its sessions and its children.
    pub fn stop(&self) {
        self.shared.set_state(State::Stopped);
        self.lanes.close_all();
        self.shared.tasks.stop();
        self.link.store(None);
    }

    /// Returns how many calls of clients it has not answered yet.
    pub fn n_calls(&self) -> usize {
        let modern = match self.link.load_full().as_deref() {
            Some(Link::Modern(link)) => link.n_calls(),
            Some(Link::Legacy(_)) | None => 0,
        };
        modern + self.lanes.all().iter().map(|lane| lane.n_calls()).sum::<usize>()
    }

    /// Waits until it is down, or switched off: nothing is to be heard of it soon.
    pub async fn down(&self) {
        let mut state = self.shared.state.subscribe();
        let is_down = |state: &State| !matches!(state, State::Starting | State::Ready);
        // The sender lives as long as this.
        let _ = state.wait_for(is_down).await;
    }

    /// Tells how it is.
    pub fn status(&self) -> UpstreamStatus {
        let state = self.state();
        let offer = self.shared.offers.shared().load();
        let link = self.link.load_full();
        let (era, revision, pipe) = match link.as_deref() {
            Some(Link::Legacy(lane)) => {
                (Some("legacy"), Some(lane.revision()), lane.pipe().cloned())
            }
            Some(Link::Modern(link)) => {
                let era = if link.dual { "dual" } else { "modern" };
                (Some(era), Some(link.greeting.revision), link.pipe().cloned())
            }
            None => (None, None, None),
        };
        UpstreamStatus {
            name: self.shared.spec.name.clone(),
            state: state.name(),
            detail: state.detail().map(str::to_owned),
            code: state.code().map(ErrorCode::code),
            transport: match self.shared.spec.connection {
                Connection::Stdio { .. } => "stdio",
                Connection::Http { .. } if self.shared.by_sse() => "sse",
                Connection::Http { .. } => "http",
            },
            era,
            revision: revision.map(Revision::as_str),
            offer: match offer.freshness {
                Freshness::Pending => "pending",
                Freshness::Stale => "stale",
                Freshness::Fresh => "fresh",
            },
            tools: offer.tools.len(),
            resources: offer.resources.len(),
            templates: offer.templates.len(),
            prompts: offer.prompts.len(),
            lanes: self.lanes.all().len(),
            narrowed: self.shared.narrowing().map(Narrowing::reason),
            pid: pipe.as_ref().map(|pipe| pipe.pid()),
            rubbish: pipe.as_ref().map_or(0, |pipe| pipe.rubbish()),
            breaker: self.shared.deps.traffic.breaker_of(&self.shared.spec.name),
            description: self.shared.spec.description.clone(),
        }
    }

    /// Tells what is open with it, `most` lanes and calls on each at most.
    pub(crate) fn census(&self, most: usize) -> UpstreamCensus {
        let link = match self.link.load_full().as_deref() {
            Some(Link::Modern(link)) => Some((link.census(), link.pipe().map(|pipe| fill(pipe)))),
            _ => None,
        };
        let (mut calls, queue) = link.unwrap_or_default();
        let lanes = self.lanes.all();
        let shown = lanes.iter().take(most).map(|lane| {
            let mut lane = lane.census();
            lane.calls.truncate(most);
            lane
        });
        let n_calls = calls.len();
        calls.truncate(most);
        UpstreamCensus {
            name: self.shared.spec.name.clone(),
            state: self.state().name(),
            n_calls,
            calls,
            queue,
            n_lanes: lanes.len(),
            lanes: shown.collect(),
        }
    }

    /// Returns the offer as this caller sees it, if that is another one than the shared one. When
    /// it was never heard, it is asked for; watch the cell to learn of it.
    pub async fn offer_for(self: &Arc<Self>, context: &CallContext) -> Option<Arc<OfferCell>> {
        let link = self.link.load_full()?;
        let Link::Legacy(main) = &*link else { return None };
        let key = self.lanes.choose(&self.shared, main.revision(), context);
        if let Some(cell) = self.shared.offers.own(&key) {
            return Some(cell);
        }
        let is_own = self.shared.learned.lists_differ() && key.scope != Scope::Shared;
        if key.profile == gantry_protocol::capabilities::Profile::EMPTY && !is_own {
            return None;
        }
        let own = is_own.then(|| self.shared.offers.keep_own(&key)).flatten();
        let is_own = own.is_some();
        let cell = own.unwrap_or_else(|| self.shared.offers.cell(&key.profile));
        if cell.load().freshness == Freshness::Pending && self.shared.offers.begin(&cell) {
            if !is_own {
                self.shared.recall(&key.profile).await;
            }
            let (upstream, asked) = (Arc::clone(self), Arc::clone(&cell));
            let introduction = introduction(&key, context);
            self.shared.tasks.spawn_until_stop("profile-offer", async move {
                upstream.fetch_offer(&key, &introduction, is_own).await;
                upstream.shared.offers.end(&asked);
            });
        }
        Some(cell)
    }

    /// Tells whether some callers see another offer than those with the same capabilities do.
    pub fn has_own_offers(&self) -> bool {
        self.shared.learned.lists_differ() || self.shared.offers.has_own()
    }

    async fn fetch_offer(self: &Arc<Self>, key: &LaneKey, introduction: &Introduction, own: bool) {
        let lane = match self.lanes.get(&self.shared, key, introduction).await {
            Ok(lane) => lane,
            Err(error) => {
                gantry_core::log::warn!(upstream = %self.shared.spec.name, %error, "Opening a lane failed.");
                tokio::time::sleep(PROFILE_PAUSE).await;
                return;
            }
        };
        match offers::fetch(&lane, &lane.greeting).await {
            Ok(offer) if own => self.shared.publish_own(key, offer),
            Ok(offer) => self.shared.publish(&key.profile, offer).await,
            Err(error) => {
                gantry_core::log::warn!(upstream = %self.shared.spec.name, %error, "Reading lists failed.");
            }
        }
    }

    /// Asks for the shared offer to be read anew, when the upstream said how long it lasts and
    /// that time is over.
    pub fn freshen(&self) {
        let offer = self.shared.offers.shared().load();
        if offer.expires.is_some_and(|at| at <= tokio::time::Instant::now()) {
            self.shared.offers.refresh(Stale::of_all());
        }
    }

    /// Subscribes to changes of a resource.
    pub async fn subscribe(
        self: &Arc<Self>,
        context: &CallContext,
        uri: &str,
    ) -> Result<Held, ProviderError> {
        match &*self.link().await? {
            Link::Modern(link) if self.takes_modern(link, context) => {
                link.listens.subscribe(uri).await?;
                Ok(Held::Listen)
            }
            link => {
                let key = self.choose(link, context);
                let introduction = introduction(&key, context);
                let lane = self.lanes.get(&self.shared, &key, &introduction).await?;
                self.lanes.settle(context, &key);
                self.watches.add(&lane, introduction, uri).await?;
                Ok(Held::Lane(key))
            }
        }
    }

    /// Takes a subscription back.
    pub async fn unsubscribe(&self, held: &Held, uri: &str) {
        match (held, self.link.load_full().as_deref()) {
            (Held::Listen, Some(Link::Modern(link))) => link.listens.unsubscribe(uri),
            (Held::Lane(key), _) => self.watches.remove(&self.lanes, key, uri).await,
            (Held::Listen | Held::Own(_), _) => {}
        }
    }

    /// Makes the lane of this session log as verbosely as it wants, and others do.
    pub async fn set_level(&self, context: &CallContext, level: &str) {
        let (Some(link), Some(session)) = (self.link.load_full(), context.caller.session) else {
            return;
        };
        let Link::Legacy(_) = &*link else { return };
        let key = self.choose(&link, context);
        if let Some(lane) = self.lanes.find(&key) {
            lane.set_level(session, level).await;
        }
    }

    /// A legacy session ended: its lanes end with it.
    pub fn session_ended(&self, session: SessionId) {
        self.lanes.close_session(session);
        for lane in self.lanes.all() {
            lane.forget_level(session);
        }
        self.shared.offers.forget_own(|key| key.scope != Scope::Session(session));
    }

    /// Passes a client's notification on to the lanes that are its own.
    pub async fn client_notification(&self, session: SessionId, message: &Bytes) {
        for lane in self.lanes.all() {
            if lane.key.scope == Scope::Session(session) && !lane.is_over() {
                lane.tell(message.clone()).await;
            }
        }
    }

    /// Returns the first link, waiting for it while the upstream is being started.
    async fn link(&self) -> Result<Arc<Link>, ProviderError> {
        if let Some(link) = self.link.load_full() {
            return Ok(link);
        }
        let mut state = self.shared.state.subscribe();
        // One that was lost just now is ready by name until its state is told.
        let is_settled = |state: &State| match state {
            State::Starting => false,
            State::Ready => self.link.load().is_some(),
            _ => true,
        };
        let settled = async {
            let _ = state.wait_for(is_settled).await;
        };
        let _ = tokio::time::timeout(self.shared.spec.timeout, settled).await;
        self.link.load_full().ok_or_else(|| {
            let state = self.state();
            ProviderError::Unavailable {
                reason: state.name(),
                message: format!("the server `{}` is {state}", self.shared.spec.name),
                unsent: true,
            }
        })
    }

    fn takes_modern(&self, link: &modern::ModernLink, context: &CallContext) -> bool {
        match self.shared.spec.era {
            EraMode::Modern => true,
            EraMode::Legacy => !link.dual,
            // A child speaks one era at a time; another process for the other one buys nothing.
            EraMode::Match => {
                !link.dual || context.caller.era() == Era::Modern || link.pipe().is_some()
            }
        }
    }

    fn choose(&self, link: &Link, context: &CallContext) -> LaneKey {
        let revision = match link {
            Link::Legacy(lane) => lane.revision(),
            Link::Modern(_) => Revision::LATEST_LEGACY,
        };
        self.lanes.choose(&self.shared, revision, context)
    }

    async fn carry(
        &self,
        context: &CallContext,
        request: &Request,
    ) -> Result<Outcome, ProviderError> {
        let link = self.link().await?;
        if let Link::Modern(link) = &*link
            && self.takes_modern(link, context)
        {
            let answer = link.handle(context, request).await;
            if answer.as_ref().is_err_and(is_worrying) {
                self.shared.suspect.notify_one();
            }
            return answer;
        }
        let key = self.choose(&link, context);
        let introduction = introduction(&key, context);
        for _ in 0..2 {
            let lane = self.lanes.get(&self.shared, &key, &introduction).await?;
            self.lanes.settle(context, &key);
            let answer = lane.call(context, request).await;
            if matches!(key.scope, Scope::Call(_)) {
                self.lanes.remove(&key, &lane);
                lane.close();
            }
            match answer {
                Ok(result) => return Ok(Outcome::Complete(result)),
                // Refused before any work: a new session may be asked.
                Err(LaneError::SessionGone) => self.lost(&key, &lane),
                Err(LaneError::Failed(error)) => {
                    if lane.is_over() {
                        self.lost(&key, &lane);
                    } else if is_worrying(&error) {
                        self.shared.suspect.notify_one();
                    } else if is_modern_refusal(&error) {
                        self.shared.doubted.notify_one();
                        return Err(modern::upstream_changed());
                    }
                    return Err(error);
                }
            }
        }
        Err(lane::session_gone())
    }

    fn lost(&self, key: &LaneKey, lane: &Arc<Lane>) {
        self.lanes.remove(key, lane);
        self.shared.suspect.notify_one();
        self.shared.lane_lost.notify_one();
    }
}

impl Provider for Upstream {
    fn offer(&self) -> &OfferCell {
        self.shared.offers.shared()
    }

    fn handle<'a>(
        &'a self,
        context: &'a CallContext,
        request: Request,
    ) -> BoxFuture<'a, Result<Outcome, ProviderError>> {
        Box::pin(async move { self.carry(context, &request).await })
    }
}

/// Who the upstream is told is calling: the client itself where the lane is its own.
fn introduction(key: &LaneKey, context: &CallContext) -> Introduction {
    let mut introduction = Introduction::own(key);
    if key.scope == Scope::Shared {
        return introduction;
    }
    introduction.info = context.caller.info.clone().unwrap_or_else(crate::implementation);
    // A session's own lane is told exactly what the client said.
    if matches!(key.scope, Scope::Session(_)) && context.caller.era() == Era::Legacy {
        introduction.capabilities = without_tasks(&context.caller.capabilities);
    }
    introduction
}

/// Tasks are not carried yet, so they must not be promised.
fn without_tasks(capabilities: &Bytes) -> Bytes {
    match gantry_protocol::ObjectEdit::read(capabilities) {
        Some(mut edit) => {
            edit.remove("tasks");
            edit.finish()
        }
        None => Bytes::from_static(b"{}"),
    }
}

/// Tells whether a legacy upstream refuses a request as a modern server does.
fn is_modern_refusal(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Answered { message, .. }
        if message.rpc_error().is_some_and(|error| error.code == code::UNSUPPORTED_PROTOCOL_VERSION))
}

/// Tells whether the upstream itself may be down, not only this call.
fn is_worrying(error: &ProviderError) -> bool {
    match error {
        ProviderError::TimedOut { .. } => true,
        ProviderError::Unavailable { reason, .. } => {
            matches!(*reason, "upstream_unreachable" | "upstream_busy")
        }
        _ => false,
    }
}
