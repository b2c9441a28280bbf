//! What many entries have in common, written down once: how something ended in one moment, who asked, and what
//! for.
//!
//! Most of what ends within a millisecond ends well. A client says the same of itself with every call, and calls
//! few tools again and again. What was written of these is kept as it stands in entries, and is used again as long
//! as all that it is made of is the same.

use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::FixedState;
use gantry_core::audit::{Entry, Event};
use gantry_core::{ErrorCode, Principal};

use super::Rules;
use super::entry::{ending, what, who};

/// Places for texts of either kind. Whoever has one is replaced by whoever falls into it next.
const PLACES: usize = 128;
/// Longer names, and words of clients, are not kept.
const LONGEST: usize = 1024;

/// What was written into the last entries. For one thread.
#[derive(Debug)]
pub struct Repeated {
    /// Those by which all of it was written.
    rules: Option<Arc<Rules>>,
    ending: Option<Ending>,
    who: Box<[Option<Box<Who>>]>,
    what: Box<[Option<Box<What>>]>,
}

/// When something ended how, and the members that say so.
#[derive(Debug)]
struct Ending {
    /// Unix milliseconds.
    at: u64,
    event: Event,
    outcome: &'static str,
    code: Option<ErrorCode>,
    members: Box<str>,
}

/// Who asked, and the members that say so.
#[derive(Debug)]
struct Who {
    principal: Arc<Principal>,
    address: Option<IpAddr>,
    client: Option<Box<[u8]>>,
    session: Option<[u8; 16]>,
    members: Box<str>,
}

/// What for.
#[derive(Debug)]
struct What {
    server: Option<Box<str>>,
    method: Box<str>,
    name: Box<str>,
    members: Box<str>,
}

// === impl Repeated ===

impl Default for Repeated {
    fn default() -> Self {
        let (who, what) = ((0..PLACES).map(|_| None), (0..PLACES).map(|_| None));
        Self { rules: None, ending: None, who: who.collect(), what: what.collect() }
    }
}

impl Repeated {
    /// Forgets what other rules have left.
    pub(super) fn follow(&mut self, rules: &Arc<Rules>) {
        if !self.rules.as_ref().is_some_and(|known| Arc::ptr_eq(known, rules)) {
            *self = Self { rules: Some(Arc::clone(rules)), ..Self::default() };
        }
    }

    /// Writes when something ended how.
    pub(super) fn ending(
        &mut self,
        into: &mut String,
        (at, timestamp): (u64, impl FnOnce() -> String),
        entry: &Entry<'_>,
    ) {
        let Entry { event, outcome, code, .. } = *entry;
        let known = self.ending.as_ref().filter(|known| {
            (known.at, known.event, known.outcome, known.code) == (at, event, outcome, code)
        });
        if let Some(known) = known {
            return into.push_str(&known.members);
        }
        let members = written(into, |into| ending(into, &timestamp(), entry));
        self.ending = Some(Ending { at, event, outcome, code, members });
    }

    /// Writes who asked.
    pub(super) fn who(&mut self, into: &mut String, entry: &Entry<'_>, rules: &Rules) {
        let client = entry.client.as_deref();
        let principal = entry.principal.as_deref().filter(|_| {
            entry.user_agent.is_none() && client.is_none_or(|client| client.len() <= LONGEST)
        });
        let Some(principal) = principal else { return who(into, entry, rules) };
        let place = &mut self.who[place((Arc::as_ptr(principal), entry.address, entry.session))];
        if let Some(known) = place.as_ref().filter(|known| known.is_of(principal, entry)) {
            return into.push_str(&known.members);
        }
        let members = written(into, |into| who(into, entry, rules));
        *place = Some(Box::new(Who {
            principal: Arc::clone(principal),
            address: entry.address,
            client: client.map(Box::from),
            session: entry.session,
            members,
        }));
    }

    /// Writes what for.
    pub(super) fn what(&mut self, into: &mut String, entry: &Entry<'_>, rules: &Rules) {
        let (Some(method), Some(name)) = (&entry.method, &entry.name) else {
            return what(into, entry, rules);
        };
        if name.len() > LONGEST || method.len() > LONGEST {
            return what(into, entry, rules);
        }
        let place = &mut self.what[place(&**name)];
        if let Some(known) = place.as_ref().filter(|known| known.is_of(method, name, entry)) {
            return into.push_str(&known.members);
        }
        let members = written(into, |into| what(into, entry, rules));
        *place = Some(Box::new(What {
            server: entry.server.as_deref().map(Box::from),
            method: (&**method).into(),
            name: (&**name).into(),
            members,
        }));
    }
}

// === impl Who ===

impl Who {
    fn is_of(&self, principal: &Arc<Principal>, entry: &Entry<'_>) -> bool {
        // Held here, so that no other one can be at its address.
        Arc::ptr_eq(&self.principal, principal)
            && self.address == entry.address
            && self.session == entry.session
            && self.client.as_deref() == entry.client.as_deref()
    }
}

// === impl What ===

impl What {
    fn is_of(&self, method: &str, name: &str, entry: &Entry<'_>) -> bool {
        *self.name == *name
            && *self.method == *method
            && self.server.as_deref() == entry.server.as_deref()
    }
}

/// Returns where a text is kept.
fn place(key: impl std::hash::Hash) -> usize {
    let hash = FixedState::with_seed(0).hash_one(key);
    usize::try_from(hash % PLACES as u64).unwrap_or_default()
}

/// Returns what is written behind a text.
fn written(into: &mut String, write: impl FnOnce(&mut String)) -> Box<str> {
    let start = into.len();
    write(into);
    into.get(start..).unwrap_or_default().into()
}
