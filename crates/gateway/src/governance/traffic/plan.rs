//! The configured rules with what is counted under them, made anew for each configuration: what stays
//! as it is goes on where it was.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use gantry_policy::{breaker, retry};

use super::breakers::{Guarded, name_of};
use super::limits::Limits;
use super::places::Places;
use super::repeat::Repetition;
use super::spec::{CacheSpec, CallSpec, Choice, Repeats, RetrySpec, Room, TrafficSpec};
use crate::spec::{GatewaySpec, UpstreamSpec, matches};

/// Everything that is in force.
#[derive(Debug)]
pub(super) struct Plan {
    /// `None` if nothing is limited.
    pub(super) limits: Option<Arc<Limits>>,
    pub(super) in_flight: Option<Arc<Places>>,
    pub(super) use_hints: bool,
    /// How long an answer is kept where its tool says no time.
    pub(super) cache_ttl: Duration,
    servers: HashMap<Box<str>, ServerRules>,
    /// In the order of the configuration.
    pub(super) breakers: Vec<Arc<Guarded>>,
}

/// What holds for one server.
#[derive(Debug)]
pub(super) struct ServerRules {
    pub(super) own: Arc<CallRules>,
    tools: Vec<(Box<str>, Arc<CallRules>)>,
    /// How often it announced that a resource changed.
    pub(super) epoch: Arc<AtomicU64>,
}

/// What holds for one call.
#[derive(Debug)]
pub(super) struct CallRules {
    pub(super) breaker: Option<Arc<Guarded>>,
    pub(super) repetition: Arc<Repetition>,
    /// The narrower one first: who waits for a place there takes none of the wider one's.
    pub(super) places: Vec<(Box<str>, Arc<Places>)>,
    pub(super) timeout: Option<Duration>,
    pub(super) cache: Option<CacheSpec>,
    /// Whether the server's word on its tools is taken.
    pub(super) trusts: bool,
    /// Whether nothing is said of such a call beyond what holds for every one.
    is_plain: bool,
}

/// Makes parts, or finds them in the plan before.
struct Workshop<'a> {
    spec: &'a TrafficSpec,
    before: Option<&'a Plan>,
    breakers: Vec<Arc<Guarded>>,
}

// === impl Plan ===

impl Plan {
    pub(super) fn new(spec: &GatewaySpec, before: Option<&Self>) -> Self {
        let traffic = &*spec.traffic;
        let mut workshop = Workshop { spec: traffic, before, breakers: Vec::new() };
        let servers = spec
            .servers
            .iter()
            .map(|server| (server.name.as_str().into(), workshop.server(server)))
            .collect();
        let limits = (!traffic.limits.is_empty()).then(|| {
            let before = before.and_then(|before| before.limits.as_deref());
            Arc::new(Limits::new(&traffic.limits, before))
        });
        let in_flight = traffic.in_flight.map(|room| {
            let same = before.and_then(|before| before.in_flight.as_ref());
            same.filter(|places| places.room() == room)
                .map_or_else(|| Arc::new(Places::new(room)), Arc::clone)
        });
        Self {
            limits,
            in_flight,
            use_hints: traffic.use_hints,
            cache_ttl: traffic.cache_ttl,
            servers,
            breakers: workshop.breakers,
        }
    }

    pub(super) fn server(&self, name: &str) -> Option<&ServerRules> {
        self.servers.get(name)
    }
}

impl ServerRules {
    /// Returns what holds for a call; the tool is the server's own name, and absent if none is
    /// called.
    pub(super) fn of_call(&self, tool: Option<&str>) -> &Arc<CallRules> {
        let fits = |tool: &str| self.tools.iter().find(|(pattern, _)| matches(pattern, tool));
        tool.and_then(fits).map_or(&self.own, |(_, rules)| rules)
    }
}

impl CallRules {
    /// Tells whether such a call passes as if nothing were configured.
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }
}

impl Workshop<'_> {
    fn server(&mut self, server: &UpstreamSpec) -> ServerRules {
        let old = self.before.and_then(|before| before.server(&server.name));
        let wide = self.places(&server.name, None, &server.traffic.own);
        let own = self.rules(server, None, &server.traffic.own, wide.clone());
        let tools = server.traffic.tools.iter().map(|(pattern, spec)| {
            let narrow = match spec.concurrency {
                Choice::On(room) => Some(self.room(&name_of(&server.name, Some(pattern)), room)),
                Choice::Off | Choice::Unsaid => None,
            };
            let places = narrow.into_iter().chain(wide.clone()).collect();
            let general = &server.traffic.own;
            let said = CallSpec {
                breaker: spec.breaker,
                retry: spec.retry.over(general.retry),
                timeout: spec.timeout,
                cache: spec.cache,
                concurrency: Choice::Unsaid,
            };
            let mut rules = self.rules(server, Some(pattern), &said, places);
            if matches!(spec.breaker, Choice::Unsaid) {
                rules.breaker.clone_from(&own.breaker);
                rules.is_plain &= rules.breaker.is_none();
            }
            (pattern.as_str().into(), Arc::new(rules))
        });
        ServerRules {
            tools: tools.collect(),
            own: Arc::new(own),
            epoch: old.map(|old| Arc::clone(&old.epoch)).unwrap_or_default(),
        }
    }

    fn rules(
        &mut self,
        server: &UpstreamSpec,
        pattern: Option<&str>,
        said: &CallSpec,
        places: Vec<(Box<str>, Arc<Places>)>,
    ) -> CallRules {
        let defaults = &self.spec.defaults;
        let retry = match said.retry.or(&defaults.retry) {
            Some(retry) => *retry,
            None if said.retry == Choice::Off || defaults.retry == Choice::Off => never(),
            None => once(),
        };
        // A tool has a breaker of its own only where it says so itself.
        let breaker = match pattern {
            None => said.breaker.or(&defaults.breaker).copied(),
            Some(_) => said.breaker.or(&Choice::Unsaid).copied(),
        };
        let breaker = breaker.map(|settings| self.breaker(&server.name, pattern, settings));
        let cache = said.cache.or(&Choice::Unsaid).copied();
        let trusts = server.trust_annotations;
        let is_plain = breaker.is_none()
            && retry == once()
            && places.is_empty()
            && said.timeout.is_none()
            && cache.is_none()
            && !trusts;
        CallRules {
            breaker,
            repetition: self.repetition(server, pattern, retry),
            places,
            timeout: said.timeout,
            cache,
            trusts,
            is_plain,
        }
    }

    fn breaker(
        &mut self,
        server: &str,
        pattern: Option<&str>,
        settings: breaker::Settings,
    ) -> Arc<Guarded> {
        let name = name_of(server, pattern);
        let known = self.before.map_or(&[][..], |before| &before.breakers);
        let same = known.iter().find(|known| known.name == name && known.has(&settings));
        let breaker =
            same.map_or_else(|| Arc::new(Guarded::new(server, pattern, settings)), Arc::clone);
        self.breakers.push(Arc::clone(&breaker));
        breaker
    }

    fn places(
        &self,
        server: &str,
        pattern: Option<&str>,
        said: &CallSpec,
    ) -> Vec<(Box<str>, Arc<Places>)> {
        let room = said.concurrency.or(&self.spec.defaults.concurrency);
        room.map(|room| self.room(&name_of(server, pattern), *room)).into_iter().collect()
    }

    fn room(&self, name: &str, room: Room) -> (Box<str>, Arc<Places>) {
        let servers = self.before.map(|before| before.servers.values()).into_iter().flatten();
        let mut known = servers
            .flat_map(|server| {
                server
                    .own
                    .places
                    .iter()
                    .chain(server.tools.iter().flat_map(|(_, rules)| &rules.places))
            })
            .filter(|(known, places)| **known == *name && places.room() == room);
        let same = known.next().map(|(_, places)| Arc::clone(places));
        (name.into(), same.unwrap_or_else(|| Arc::new(Places::new(room))))
    }

    fn repetition(
        &self,
        server: &UpstreamSpec,
        pattern: Option<&str>,
        retry: RetrySpec,
    ) -> Arc<Repetition> {
        let old = self.before.and_then(|before| before.server(&server.name));
        let old = old.and_then(|old| match pattern {
            None => Some(&old.own),
            Some(pattern) => {
                let mut tools = old.tools.iter();
                tools.find(|(known, _)| **known == *pattern).map(|(_, rules)| rules)
            }
        });
        let same = old.filter(|old| old.repetition.spec == retry);
        same.map_or_else(|| Arc::new(Repetition::new(retry)), |old| Arc::clone(&old.repetition))
    }
}

/// What holds where nothing is said: what surely was not carried out is sent once more.
fn once() -> RetrySpec {
    RetrySpec { settings: retry::Settings::default(), repeats: Repeats::default() }
}

fn never() -> RetrySpec {
    let settings = retry::Settings { attempts: 1, ..retry::Settings::default() };
    RetrySpec { settings, repeats: Repeats::default() }
}
