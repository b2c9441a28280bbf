//! How much may come in: at the door, before anything is read, and for tools, where they are known.
//!
//! A question that a server asks its client makes one more request of the client, which is part of
//! the first one: whoever was asked has one request free ([`Credits`]). At the door it is not known
//! what a request says, so it is the next one that is free; over time that is the same.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use gantry_core::{Clock, Principal, Request};
use gantry_policy::address::subscriber;
use gantry_policy::rate::{Meter, Meters, Place, Rate, Reading};
use gantry_protocol::Message;
use parking_lot::Mutex;

use super::refusal::{Standing, TooMany, Waiting};
use super::spec::LimitsSpec;
use crate::metrics::{LimitLabels, Metrics};
use crate::spec::matches;

/// Free requests that one principal may have; more questions than that are not answered at once.
const MOST_CREDITS: u32 = 64;
/// How long a free request may wait for its question's answer.
const CREDIT_LIFE: Duration = Duration::from_mins(10);
/// Principals with free requests.
const MOST_CREDITORS: usize = 10_000;

/// Numbers of limits, from 1 on.
static LIMITS: AtomicU64 = AtomicU64::new(1);

/// Every limit, and what was counted against it.
#[derive(Debug)]
pub(super) struct Limits {
    /// Tells these from others, which have other places.
    number: u64,
    global: Option<(Rate, Arc<Meter>)>,
    principals: Option<Arc<Meters<Principal>>>,
    addresses: Option<Arc<Meters<IpAddr>>>,
    credentials: Option<Arc<Meters<String>>>,
    tiers: HashMap<Box<str>, Arc<Meters<String>>>,
    tools: Vec<(Box<str>, Rate, Arc<Meter>)>,
    at_door: Credits,
    for_tools: Credits,
}

/// Whose limit it is.
mod which {
    pub(super) const GLOBAL: &str = "limits.global";
    pub(super) const PRINCIPAL: &str = "limits.per_principal";
    pub(super) const ADDRESS: &str = "limits.per_address";
    pub(super) const CREDENTIAL: &str = "limits.per_credential";
    pub(super) const TIER: &str = "limits.tiers";
    pub(super) const TOOL: &str = "limits.tools";
}

/// Whose requests are counted together, from the narrowest to the widest: so that what one caller is
/// refused is seldom taken from all the others first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Circle {
    Address,
    Credential,
    Principal,
    All,
}

const CIRCLES: [Circle; 4] = [Circle::Address, Circle::Credential, Circle::Principal, Circle::All];

/// Who makes a request.
#[derive(Debug, Clone, Copy)]
struct Asker<'a> {
    principal: &'a Principal,
    address: Option<IpAddr>,
}

/// Where the last request of a connection was counted. The next one is most often of the same caller, and is
/// counted there without a search.
#[derive(Debug, Default)]
pub struct Counted(Mutex<Option<Places>>);

#[derive(Debug)]
struct Places {
    /// The number of the limits.
    limits: u64,
    principal: Arc<Principal>,
    address: Option<IpAddr>,
    /// One for each circle but that of all, once it is found.
    found: [Option<Place>; CIRCLES.len() - 1],
}

/// What a reading is told with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'a> {
    /// Since any moment.
    pub(super) now: Duration,
    pub(super) clock: &'a dyn Clock,
    pub(super) metrics: &'a Metrics,
}

// === impl Limits ===

impl Limits {
    /// Makes the limits; what was counted against one that stays as it is goes on.
    pub(super) fn new(spec: &LimitsSpec, before: Option<&Self>) -> Self {
        let global = spec.global.map(|rate| {
            let same = before.and_then(|before| before.global.as_ref());
            let same = same.filter(|(old, _)| *old == rate).map(|(_, meter)| Arc::clone(meter));
            (rate, same.unwrap_or_default())
        });
        let tier = |(name, rate): (&String, &Rate)| {
            let old = before.and_then(|before| before.tiers.get(name.as_str()));
            (name.as_str().into(), kept(*rate, old))
        };
        let tool = |(pattern, rate): &(String, Rate)| {
            let tools = before.map_or(&[][..], |before| &before.tools);
            let same = tools.iter().find(|(old, as_was, _)| **old == **pattern && as_was == rate);
            let meter = same.map(|(_, _, meter)| Arc::clone(meter)).unwrap_or_default();
            (pattern.as_str().into(), *rate, meter)
        };
        Self {
            number: LIMITS.fetch_add(1, Ordering::Relaxed),
            global,
            principals: spec
                .per_principal
                .map(|rate| kept(rate, before.and_then(|before| before.principals.as_ref()))),
            addresses: spec
                .per_address
                .map(|rate| kept(rate, before.and_then(|before| before.addresses.as_ref()))),
            credentials: spec
                .per_credential
                .map(|rate| kept(rate, before.and_then(|before| before.credentials.as_ref()))),
            tiers: spec.tiers.iter().map(tier).collect(),
            tools: spec.tools.iter().map(tool).collect(),
            at_door: Credits::default(),
            for_tools: Credits::default(),
        }
    }

    /// Counts a request at the door: against every limit, or against none if one of them is
    /// reached. Returns how much is left of the tightest; `None` if there is no limit or the
    /// request is free.
    pub(super) fn admit(
        &self,
        (principal, address): (&Arc<Principal>, Option<IpAddr>),
        counted: &Counted,
        moment: Moment<'_>,
    ) -> Result<Option<Standing>, Box<TooMany>> {
        if self.at_door.spend(principal, moment.now) {
            return Ok(None);
        }
        let asker = Asker { principal, address };
        let mut last = counted.0.lock();
        let places = Places::of(&mut last, self.number, principal, address);
        let mut tightest: Option<Standing> = None;
        for (at, circle) in CIRCLES.into_iter().enumerate() {
            let Some((which, reading)) = self.count(circle, asker, (places, moment.now)) else {
                continue;
            };
            let standing = Standing::of(&reading, moment.clock);
            if !reading.is_allowed {
                for passed in CIRCLES.into_iter().take(at) {
                    self.count_back(passed, asker, moment.now);
                }
                return Err(Box::new(too_many(which, &reading, standing, moment.metrics)));
            }
            if tightest.is_none_or(|other| standing.is_tighter_than(&other)) {
                tightest = Some(standing);
            }
        }
        Ok(tightest)
    }

    /// Counts a call of a tool against the limits that its name falls under.
    pub(super) fn admit_tool(
        &self,
        (server, tool): (&str, &str),
        principal: &Principal,
        request: &Request,
        moment: Moment<'_>,
    ) -> Result<(), TooMany> {
        if is_later_round(&request.message) && self.for_tools.spend(principal, moment.now) {
            return Ok(());
        }
        let name = format!("{server}__{tool}");
        let mut passed: Vec<(&Rate, &Meter)> = Vec::new();
        for (_, rate, meter) in self.tools.iter().filter(|(pattern, ..)| matches(pattern, &name)) {
            let reading = meter.take(rate, moment.now);
            if !reading.is_allowed {
                for (rate, meter) in passed {
                    meter.give_back(rate, moment.now);
                }
                let standing = Standing::of(&reading, moment.clock);
                return Err(too_many(which::TOOL, &reading, standing, moment.metrics));
            }
            passed.push((rate, meter));
        }
        Ok(())
    }

    /// A client is asked something: the request by which it goes on is free.
    pub(super) fn asked(&self, principal: &Principal, now: Duration) {
        if self.counts_at_door() {
            self.at_door.grant(principal, now);
        }
    }

    /// A client is asked by the answer to its call: so is the call that repeats it.
    pub(super) fn asked_by_answer(&self, principal: &Principal, now: Duration) {
        self.asked(principal, now);
        if self.counts_tools() {
            self.for_tools.grant(principal, now);
        }
    }

    /// Tells whether calls of tools are counted on their own.
    pub(super) fn counts_tools(&self) -> bool {
        !self.tools.is_empty()
    }

    fn counts_at_door(&self) -> bool {
        self.global.is_some()
            || self.principals.is_some()
            || self.addresses.is_some()
            || self.credentials.is_some()
            || !self.tiers.is_empty()
    }

    /// Counts a request in one circle; returns the limit's name and what it says.
    fn count(
        &self,
        circle: Circle,
        asker: Asker<'_>,
        (places, now): (&mut Places, Duration),
    ) -> Option<(&'static str, Reading)> {
        let [at_address, at_credential, at_principal] = &mut places.found;
        match circle {
            Circle::Address => {
                let (meters, network) = (self.addresses.as_ref()?, subscriber(asker.address?));
                Some((which::ADDRESS, meters.take_at(at_address, &network, now)))
            }
            Circle::Credential => {
                let (which, meters, key) = self.credential(asker.principal)?;
                Some((which, meters.take_at(at_credential, key, now)))
            }
            Circle::Principal => {
                let meters = self.principals.as_ref()?;
                Some((which::PRINCIPAL, meters.take_at(at_principal, asker.principal, now)))
            }
            Circle::All => {
                let (rate, meter) = self.global.as_ref()?;
                Some((which::GLOBAL, meter.take(rate, now)))
            }
        }
    }

    /// Undoes [`Self::count`].
    fn count_back(&self, circle: Circle, asker: Asker<'_>, now: Duration) {
        match circle {
            Circle::Address => {
                if let (Some(address), Some(meters)) = (asker.address, &self.addresses) {
                    meters.give_back(&subscriber(address), now);
                }
            }
            Circle::Credential => {
                if let Some((_, meters, key)) = self.credential(asker.principal) {
                    meters.give_back(key, now);
                }
            }
            Circle::Principal => {
                if let Some(meters) = &self.principals {
                    meters.give_back(asker.principal, now);
                }
            }
            Circle::All => {
                if let Some((rate, meter)) = &self.global {
                    meter.give_back(rate, now);
                }
            }
        }
    }

    /// The limit of the credential's tier, else the one of all credentials, and under what it is
    /// counted.
    fn credential<'a>(
        &'a self,
        principal: &'a Principal,
    ) -> Option<(&'static str, &'a Meters<String>, &'a str)> {
        let grants = &principal.grants;
        let of_tier = grants.tier.as_deref().and_then(|tier| self.tiers.get(tier));
        match (of_tier, &grants.credential) {
            (Some(meters), Some(credential)) => Some((which::TIER, meters, credential)),
            // Whoever has a tier and shows no credential of a name is known by who they are.
            (Some(meters), None) => Some((which::TIER, meters, &principal.subject)),
            (None, Some(credential)) => {
                Some((which::CREDENTIAL, self.credentials.as_ref()?, credential))
            }
            (None, None) => None,
        }
    }
}

impl Places {
    /// Returns those of a caller under limits of a number: the last ones, if they are, else none yet.
    fn of<'a>(
        last: &'a mut Option<Self>,
        limits: u64,
        principal: &Arc<Principal>,
        address: Option<IpAddr>,
    ) -> &'a mut Self {
        let is_same = last.as_ref().is_some_and(|last| {
            // Held here, so that no other one can be at its address.
            last.limits == limits
                && Arc::ptr_eq(&last.principal, principal)
                && last.address == address
        });
        if !is_same {
            *last = None;
        }
        last.get_or_insert_with(|| {
            let principal = Arc::clone(principal);
            Self { limits, principal, address, found: Default::default() }
        })
    }
}

fn kept<K: std::hash::Hash + Eq>(rate: Rate, before: Option<&Arc<Meters<K>>>) -> Arc<Meters<K>> {
    let same = before.filter(|before| *before.rate() == rate);
    same.map_or_else(|| Arc::new(Meters::new(rate)), Arc::clone)
}

fn too_many(
    which: &'static str,
    reading: &Reading,
    standing: Standing,
    metrics: &Metrics,
) -> TooMany {
    let limit = which.trim_start_matches("limits.");
    metrics.traffic.limited.get_or_create(&LimitLabels { limit }).inc();
    let waiting = Waiting { standing: Some(standing), ..Waiting::for_a_while(reading.retry_after) };
    TooMany { which, waiting }
}

/// Tells whether a request goes on with one that its server answered by a question.
pub(super) fn is_later_round(message: &Message) -> bool {
    message.param("requestState").is_some() || message.param("inputResponses").is_some()
}

/// Requests that are free because of a question: a bounded number for each of a bounded number of
/// principals, and not for long.
#[derive(Debug, Default)]
struct Credits {
    /// So that nobody looks while there are none.
    creditors: AtomicUsize,
    /// How many, and until when.
    open: Mutex<HashMap<Principal, (u32, Duration)>>,
}

impl Credits {
    fn grant(&self, principal: &Principal, now: Duration) {
        let mut open = self.open.lock();
        if open.len() >= MOST_CREDITORS && !open.contains_key(principal) {
            open.retain(|_, (_, until)| *until > now);
            if open.len() >= MOST_CREDITORS {
                return;
            }
        }
        let (count, until) = open.entry(principal.clone()).or_default();
        if *until <= now {
            *count = 0;
        }
        (*count, *until) = ((*count + 1).min(MOST_CREDITS), now + CREDIT_LIFE);
        self.creditors.store(open.len(), Ordering::Relaxed);
    }

    fn spend(&self, principal: &Principal, now: Duration) -> bool {
        if self.creditors.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut open = self.open.lock();
        let Some((count, until)) = open.get_mut(principal) else { return false };
        let is_free = *until > now && *count > 0;
        *count = count.saturating_sub(1);
        if *count == 0 || !is_free {
            open.remove(principal);
            self.creditors.store(open.len(), Ordering::Relaxed);
        }
        is_free
    }
}

#[cfg(test)]
mod tests;
