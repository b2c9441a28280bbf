//! What is offered, under which public name, by whom, at one moment.
//!
//! Invariant: resolution is a pure function of one [`Snapshot`]; a reload or a changed offer makes
//! a new one and never changes the answer in the middle of a request.

mod lens;
mod section;
mod template;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

use gantry_core::{Offer, Provider};
use gantry_policy::access::Class;
use parking_lot::{Mutex, RwLock};

pub use lens::{Check, Lens, hints_of};
pub use section::{Entry, Page, Section};
pub(crate) use view::declares;
pub use view::{Freshness, Target, View};

use crate::metrics::ServerMeters;
use crate::spec::{GatewaySpec, ToolFilter};
use crate::upstream::Upstream;

/// Overlays kept per snapshot; more distinct combinations of callers' lanes are built per request.
const MAX_OVERLAYS: usize = 256;
/// Views through lenses kept per snapshot. At the bound all are let go: those in use come back.
const MAX_SEEN: usize = 1024;

/// One moment of everything that the gateway offers.
#[derive(Debug)]
pub struct Snapshot {
    /// Grows with every snapshot.
    pub generation: u64,
    /// The configuration it was built from.
    pub spec: Arc<GatewaySpec>,
    /// In configuration order.
    pub servers: Arc<[Server]>,
    /// The shared offers, one for each server.
    pub offers: Vec<Arc<Offer>>,
    views: HashMap<Box<str>, Arc<View>>,
    overlays: Mutex<HashMap<OverlayKey, Arc<View>>>,
    /// Every call looks into it, by a key of some length that no stranger chooses.
    seen: RwLock<HashMap<SeenKey, Seen, foldhash::quality::RandomState>>,
}

/// A view's name, and which servers are seen through another offer than the shared one (offers are
/// told apart by address: the overlay keeps them alive).
type OverlayKey = (Box<str>, Vec<(usize, usize)>);

/// Which view, by its address, and who looks.
type SeenKey = (usize, Class);

/// A view through a lens; `None` if there is nothing to see, not even that it is there.
#[derive(Debug)]
struct Seen {
    through: Option<Arc<View>>,
    /// Kept, so that its address is nobody else's.
    _whole: Arc<View>,
}

/// A provider in the configuration.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name: the prefix of what it offers.
    pub name: Arc<str>,
    /// Carries requests out.
    pub provider: Arc<dyn Provider>,
    /// The same, when it is a configured upstream.
    pub upstream: Option<Arc<Upstream>>,
    /// Which tools are offered.
    pub filter: ToolFilter,
    /// Whether it is part of `/mcp`.
    pub listed: bool,
    /// What is counted of it.
    pub(crate) meters: Arc<ServerMeters>,
}

impl Snapshot {
    /// Builds the snapshot of the present offers.
    pub fn build(generation: u64, spec: Arc<GatewaySpec>, servers: Arc<[Server]>) -> Self {
        let offers: Vec<_> = servers.iter().map(|server| server.provider.offer().load()).collect();
        let mut snapshot = Self {
            generation,
            spec,
            servers,
            offers,
            views: HashMap::new(),
            overlays: Mutex::default(),
            seen: RwLock::default(),
        };
        let mut names: Vec<Box<str>> = vec!["".into()];
        names.extend(snapshot.servers.iter().map(|server| Box::from(&*server.name)));
        names.extend(snapshot.spec.views.iter().map(|view| Box::from(view.name.as_str())));
        for name in names {
            if let Some(view) = snapshot.make_view(&name, &snapshot.offers, None) {
                snapshot.views.insert(name, Arc::new(view));
            }
        }
        snapshot
    }

    /// Returns the view that everybody shares.
    pub fn view(&self, name: &str) -> Option<Arc<View>> {
        self.views.get(name).cloned()
    }

    /// Tells whether there is such a view.
    pub fn has_view(&self, name: &str) -> bool {
        self.views.contains_key(name)
    }

    /// Returns a view as a caller sees it, some servers through other offers than the shared ones;
    /// `None` if there is no such view, or none for this caller.
    pub fn seen(
        &self,
        name: &str,
        changed: &[(usize, Arc<Offer>)],
        lens: Option<&Lens>,
    ) -> Option<Arc<View>> {
        let whole = self.overlay(name, changed)?;
        let Some(lens) = lens else { return Some(whole) };
        let key: SeenKey = (Arc::as_ptr(&whole) as usize, lens.class());
        if let Some(seen) = self.seen.read().get(&key) {
            return seen.through.clone();
        }
        let offers = self.offers_with(changed);
        let view = self.make_view(name, &offers, Some(lens))?;
        let is_there = name.is_empty() || view.members().next().is_some();
        let through = is_there.then(|| Arc::new(view));
        let mut kept = self.seen.write();
        if kept.len() >= MAX_SEEN {
            kept.clear();
        }
        kept.insert(key, Seen { through: through.clone(), _whole: whole });
        through
    }

    fn offers_with(&self, changed: &[(usize, Arc<Offer>)]) -> Vec<Arc<Offer>> {
        let mut offers = self.offers.clone();
        for (at, offer) in changed {
            offers[*at] = Arc::clone(offer);
        }
        offers
    }

    /// Returns the view in which some servers are seen through other offers than the shared ones.
    pub fn overlay(&self, name: &str, changed: &[(usize, Arc<Offer>)]) -> Option<Arc<View>> {
        if changed.is_empty() {
            return self.view(name);
        }
        let address = |offer: &Arc<Offer>| Arc::as_ptr(offer) as usize;
        let key: OverlayKey =
            (name.into(), changed.iter().map(|(at, offer)| (*at, address(offer))).collect());
        if let Some(view) = self.overlays.lock().get(&key) {
            return Some(Arc::clone(view));
        }
        let offers = self.offers_with(changed);
        let view = Arc::new(self.make_view(name, &offers, None)?);
        let mut overlays = self.overlays.lock();
        if overlays.len() < MAX_OVERLAYS {
            overlays.insert(key, Arc::clone(&view));
        }
        Some(view)
    }

    /// Tells whether a server was heard by now that had not been.
    pub fn lacks_an_offer(&self) -> bool {
        let is_pending = |offer: &Offer| offer.freshness == gantry_core::offer::Freshness::Pending;
        let mut offers = self.servers.iter().zip(&self.offers);
        offers.any(|(server, offer)| {
            is_pending(offer) && !is_pending(&server.provider.offer().load())
        })
    }

    /// Returns the servers that a view draws from.
    pub fn members(&self, name: &str) -> Vec<usize> {
        let single = self.servers.iter().position(|server| *server.name == *name);
        match single {
            Some(at) => vec![at],
            None => (0..self.servers.len()).filter(|at| self.servers[*at].listed).collect(),
        }
    }

    fn make_view(&self, name: &str, offers: &[Arc<Offer>], lens: Option<&Lens>) -> Option<View> {
        let members = self.members(name);
        let single = self.servers.iter().any(|server| *server.name == *name);
        let patterns = match self.spec.views.iter().find(|view| view.name == name) {
            Some(view) => Some(view.patterns.as_slice()),
            None if single || name.is_empty() => None,
            None => return None,
        };
        Some(View::build(&view::Plan {
            name,
            generation: self.generation,
            servers: &self.servers,
            offers,
            members: &members,
            single,
            patterns,
            spec: &self.spec,
            lens,
        }))
    }
}
