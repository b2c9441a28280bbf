//! How much may pass, and how servers are asked: rates, kept answers, room, repetitions, breakers.
//!
//! The decisions are pure and in `gantry_policy`; here is what is counted while the gateway runs, which
//! goes on across a changed configuration. In what order a request meets them is decided in
//! `dispatch::call_stack`, but for limits at the door, which the server asks before it reads a body
//! ([`Traffic::admit`]). Whose request nothing is configured for costs a look.

pub mod spec;

mod breakers;
mod cache;
mod limits;
mod places;
mod plan;
mod refusal;
mod repeat;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use gantry_core::{
    CallContext, Clock, ErrorCode, Outcome, Principal, Provider, ProviderError, Request,
};
use gantry_protocol::method;
use tokio::time::Instant;

pub use breakers::BreakerStatus;
pub use limits::Counted;
pub use refusal::{Standing, TooMany, Waiting};

pub(crate) use breakers::Passage;
pub(crate) use places::Place;
pub(crate) use repeat::{Attempts, SeenLink};

use self::cache::{Cache, Flight, Held, Source};
use self::limits::Moment;
use self::places::{Full, Places};
use self::plan::{CallRules, Plan};
use self::refusal::refused;
use crate::metrics::{Metrics, ServerLabels, cache as looked};
use crate::snapshot::Target;
use crate::spec::GatewaySpec;

/// When to come again where no queue has a time of its own.
const SHORTLY: Duration = Duration::from_secs(1);

/// What is counted and kept of the traffic.
#[derive(Debug)]
pub struct Traffic {
    born: Instant,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    plan: ArcSwap<Plan>,
    cache: Arc<Cache>,
}

/// What holds for one call, where anything does.
#[derive(Debug)]
pub(crate) struct Rules {
    plan: Arc<Plan>,
    call: Arc<CallRules>,
    server: Arc<str>,
    /// The server's own name of what is asked for.
    local: Arc<str>,
    provider: Arc<dyn Provider>,
    /// How often the server announced that a resource changed.
    epoch: Arc<AtomicU64>,
    cache: Arc<Cache>,
    metrics: Arc<Metrics>,
}

/// What is known of an answer before its server is asked.
#[derive(Debug)]
pub(crate) enum Looked {
    /// It is kept.
    Found(Outcome),
    /// It is not, and it will not be.
    Nothing,
    /// It may be kept, if its server says so.
    Hinted(Box<Hinted>),
    /// It is asked for, for everybody who wants it.
    Flying(Flight),
}

/// Under what an answer is kept, if its server says so.
#[derive(Debug)]
pub(crate) struct Hinted {
    keys: [gantry_policy::cache_key::Key; 2],
    held: Held,
}

// === impl Traffic ===

impl Traffic {
    /// Makes it from a configuration.
    pub fn new(spec: &GatewaySpec, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self {
            born: Instant::now(),
            clock,
            cache: Cache::new(spec.traffic.cache_bytes, Arc::clone(&metrics)),
            metrics,
            plan: ArcSwap::from_pointee(Plan::new(spec, None)),
        }
    }

    /// Takes a new configuration; what is counted under what did not change goes on.
    pub fn apply(&self, spec: &GatewaySpec) {
        let before = self.plan.load_full();
        self.cache.resize(spec.traffic.cache_bytes);
        self.plan.store(Arc::new(Plan::new(spec, Some(&before))));
    }

    /// Counts a request at the door, before it is read. `counted` is of its connection. Returns what is left of
    /// the tightest limit.
    ///
    /// # Errors
    ///
    /// A limit is reached; the request was counted against none.
    pub fn admit(
        &self,
        principal: &Arc<Principal>,
        address: Option<IpAddr>,
        counted: &Counted,
    ) -> Result<Option<Standing>, Box<TooMany>> {
        let plan = self.plan.load();
        let Some(limits) = &plan.limits else { return Ok(None) };
        limits.admit((principal, address), counted, self.moment())
    }

    /// Tells how every breaker is, in the order of the configuration.
    pub fn breakers(&self) -> Vec<BreakerStatus> {
        let plan = self.plan.load();
        plan.breakers.iter().map(|breaker| breaker.status(&*self.clock)).collect()
    }

    /// Closes breakers and forgets what they counted: the named one, else all. Returns their names.
    pub fn reset_breakers(&self, name: Option<&str>) -> Vec<Box<str>> {
        let plan = self.plan.load();
        let meant =
            plan.breakers.iter().filter(|breaker| name.is_none_or(|name| *breaker.name == *name));
        meant
            .map(|breaker| {
                breaker.reset();
                breaker.name.clone()
            })
            .collect()
    }

    /// Closes the breakers of servers that are started anew with another configuration.
    pub(crate) fn forget(&self, servers: &[String]) {
        let plan = self.plan.load();
        let meant = plan
            .breakers
            .iter()
            .filter(|breaker| servers.iter().any(|server| **server == *breaker.server));
        meant.for_each(|breaker| breaker.reset());
    }

    /// Returns how a server's breaker is, if it has one.
    pub(crate) fn breaker_of(&self, server: &str) -> Option<&'static str> {
        let plan = self.plan.load();
        let rules = plan.server(server)?;
        rules.own.breaker.as_ref().map(|breaker| breaker.state().name())
    }

    /// Returns how many calls are under way and how many wait, of those that have to share room: in
    /// the whole process.
    pub fn in_flight(&self) -> Option<(usize, usize)> {
        self.plan.load().in_flight.as_ref().map(|places| places.fill())
    }

    /// A server announced that a resource changed: what was kept of its resources holds no more.
    pub(crate) fn resource_changed(&self, server: &str) {
        if let Some(rules) = self.plan.load().server(server) {
            rules.epoch.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns what holds for a call; `None` if nothing does, beyond what holds for all.
    pub(crate) fn rules(&self, target: &Target<'_>, request: &Request) -> Option<Rules> {
        let plan = self.plan.load();
        // Built-in tools have no server behind them that could fail.
        let server = plan.server(&target.server.name)?;
        let name = request.message.method();
        let tool = (name == method::TOOLS_CALL).then_some(&*target.local);
        let call = server.of_call(tool);
        let is_plain = plan.in_flight.is_none()
            && call.is_plain()
            && !(plan.use_hints && name == method::RESOURCES_READ);
        (!is_plain).then(|| Rules {
            call: Arc::clone(call),
            epoch: Arc::clone(&server.epoch),
            cache: Arc::clone(&self.cache),
            metrics: Arc::clone(&self.metrics),
            plan: Arc::clone(&plan),
            server: Arc::clone(&target.server.name),
            local: Arc::clone(&target.local),
            provider: Arc::clone(&target.server.provider),
        })
    }

    /// Counts a call against the limits of tools.
    pub(crate) fn admit_tool(
        &self,
        target: &Target<'_>,
        context: &CallContext,
        request: &Request,
    ) -> Result<(), ProviderError> {
        let plan = self.plan.load();
        // Before the clock is asked.
        let limits = plan.limits.as_ref().filter(|limits| limits.counts_tools());
        let Some(limits) = limits else { return Ok(()) };
        if request.message.method() != method::TOOLS_CALL {
            return Ok(());
        }
        let tool = (&*target.server.name, &*target.local);
        limits
            .admit_tool(tool, &context.principal, request, self.moment())
            .map_err(|too_many| ProviderError::Refused(too_many.to_error()))
    }

    /// A client is asked something: the request by which it answers is free.
    pub(crate) fn asked(&self, principal: &Principal) {
        if let Some(limits) = &self.plan.load().limits {
            limits.asked(principal, self.born.elapsed());
        }
    }

    /// Looks whether the answer is a question: then the request that answers it is free.
    pub(crate) fn answered(&self, context: &CallContext, outcome: &Result<Outcome, ProviderError>) {
        if let Ok(Outcome::NeedsInput(_)) = outcome
            && let Some(limits) = &self.plan.load().limits
        {
            limits.asked_by_answer(&context.principal, self.born.elapsed());
        }
    }

    fn moment(&self) -> Moment<'_> {
        Moment { now: self.born.elapsed(), clock: &*self.clock, metrics: &self.metrics }
    }
}

// === impl Rules ===

impl Rules {
    /// Returns how long the server may be silent, where that is said of this call.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.call.timeout
    }

    /// Returns who carries the call out.
    pub(crate) fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    /// Returns the server's own name of what is asked for.
    pub(crate) fn local(&self) -> &str {
        &self.local
    }

    /// Looks whether the answer is kept. If it is not and may be, it is asked for once, by the
    /// future that `begin` makes, for everybody who comes meanwhile.
    pub(crate) fn look<F>(
        &self,
        context: &CallContext,
        request: &Request,
        begin: impl FnOnce(CallContext) -> F,
    ) -> Looked
    where
        F: Future<Output = Result<Outcome, ProviderError>> + Send + 'static,
    {
        let source = self.source();
        if let Some(spec) = self.call.cache {
            if request.message.method() != method::TOOLS_CALL {
                return Looked::Nothing;
            }
            let key = cache::key_of(&source, spec.scope, context, request);
            let Some(key) = key else { return Looked::Nothing };
            if let Some(found) = self.cache.get(&key, &source) {
                self.cache.count(&self.server, looked::HIT);
                return Looked::Found(found);
            }
            let flight = self.cache.fly(key, || {
                let (cache, held) = (Arc::clone(&self.cache), Held::now(&source));
                let call = begin(cache::for_anybody(context));
                let limits = (spec.ttl.unwrap_or(self.plan.cache_ttl), spec.max_bytes);
                Box::pin(async move {
                    let outcome = call.await;
                    cache.keep(key, limits, &held, &outcome);
                    outcome
                })
            });
            let outcome = if flight.is_first() { looked::MISS } else { looked::JOINED };
            self.cache.count(&self.server, outcome);
            return Looked::Flying(flight);
        }
        if !self.plan.use_hints {
            return Looked::Nothing;
        }
        let keys = cache::keys_of_resource(&source, context, request);
        let Some(keys) = keys else { return Looked::Nothing };
        match keys.iter().find_map(|key| self.cache.get(key, &source)) {
            Some(found) => {
                self.cache.count(&self.server, looked::HIT);
                Looked::Found(found)
            }
            None => Looked::Hinted(Box::new(Hinted { keys, held: Held::now(&source) })),
        }
    }

    /// Keeps an answer, if its server lets it be kept.
    pub(crate) fn keep(&self, hinted: &Hinted, outcome: &Result<Outcome, ProviderError>) {
        self.cache.keep_by_hint(hinted.keys, &hinted.held, outcome);
    }

    /// Takes every place that the call needs, waiting for them as long as is configured.
    ///
    /// Cancel safe: who is dropped has no place and waits no more.
    pub(crate) async fn places(&self) -> Result<Vec<Place>, ProviderError> {
        let mut taken = Vec::new();
        for (name, places) in &self.call.places {
            let place = places.take().await.map_err(|full| self.full(name, places, full))?;
            taken.push(place);
        }
        if let Some(places) = &self.plan.in_flight {
            let place = places.take().await.map_err(|_| self.shed(places))?;
            taken.push(place);
        }
        Ok(taken)
    }

    /// Begins to count the attempts.
    pub(crate) fn attempts(&self) -> Attempts<'_> {
        Attempts::new(&self.call.repetition, self.call.trusts)
    }

    /// Lets an attempt pass the breaker, if there is one.
    pub(crate) fn breaker(&self) -> Result<Option<Passage>, ProviderError> {
        let breaker = self.call.breaker.as_ref();
        breaker.map(|breaker| breaker.admit(&self.metrics)).transpose()
    }

    /// Counts a repetition.
    pub(crate) fn repeated(&self) {
        let labels = ServerLabels { server: Arc::clone(&self.server) };
        self.metrics.traffic.retries.get_or_create(&labels).inc();
    }

    fn source(&self) -> Source<'_> {
        Source {
            server: &self.server,
            local: &self.local,
            provider: &self.provider,
            epoch: &self.epoch,
        }
    }

    fn full(&self, name: &str, places: &Places, full: Full) -> ProviderError {
        let labels = ServerLabels { server: Arc::clone(&self.server) };
        self.metrics.traffic.full.get_or_create(&labels).inc();
        let room = places.room();
        let why = match full {
            Full::Queue => format!("{} more are waiting", room.queue),
            Full::Wait => format!("none ended within {:?}", room.wait),
        };
        let text = format!(
            "as many calls as may be are under way with `{name}`: {}, and {why}",
            room.most
        );
        refused(ErrorCode::UpstreamFull, text, SHORTLY)
    }

    fn shed(&self, places: &Places) -> ProviderError {
        self.metrics.traffic.shed.inc();
        let text = format!(
            "the gateway has as many calls under way as it may, {}, set by `traffic.max_in_flight`",
            places.room().most
        );
        refused(ErrorCode::Overloaded, text, SHORTLY)
    }
}
