//! Which upstreams there are, and the current snapshot of what they offer.
//!
//! A new configuration is compared with the running one: what did not change keeps its
//! connections; what did is stopped and started. The snapshot is made anew whenever an offer
//! changes, by one task, and swapped whole.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use gantry_core::offer::Freshness;
use gantry_core::{CallContext, Offer, OfferCell, Principal, Provider};
use gantry_protocol::capabilities::Profile;
use gantry_transport::client::Client;
use tokio::sync::{Mutex, Notify, watch};

use crate::builtin::{self, Builtin};
use crate::snapshot::{Lens, Section, Server, Snapshot, View};
use crate::spec::{GatewaySpec, ToolFilter};
use crate::upstream::{Deps, Upstream, UpstreamStatus};

/// What a new configuration changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Started.
    pub added: Vec<String>,
    /// Stopped and started anew.
    pub changed: Vec<String>,
    /// Stopped.
    pub removed: Vec<String>,
    /// Untouched, connections and all.
    pub unchanged: usize,
}

/// The upstreams and the snapshot.
#[derive(Debug)]
pub struct Registry {
    deps: Arc<Deps>,
    current: ArcSwap<Snapshot>,
    generation: watch::Sender<u64>,
    /// The generation last built. Held while one is: who read the offers later is published later,
    /// or a list would fall back to what it was.
    building: parking_lot::Mutex<u64>,
    changed: Arc<Notify>,
    /// One configuration at a time.
    applying: Mutex<()>,
    builtin: Arc<Builtin>,
    /// Whether any upstream offers different things to callers of the same capabilities; as of the
    /// last snapshot.
    has_own_offers: AtomicBool,
}

impl Registry {
    /// Makes a registry without upstreams.
    pub fn new(deps: Arc<Deps>, spec: GatewaySpec) -> Arc<Self> {
        let builtin = Arc::new(Builtin::new());
        let empty = Snapshot::build(0, Arc::new(spec), Arc::from(Vec::new()));
        let registry = Arc::new(Self {
            changed: Arc::clone(&deps.changed),
            deps,
            current: ArcSwap::from_pointee(empty),
            generation: watch::Sender::new(0),
            building: parking_lot::Mutex::new(0),
            applying: Mutex::new(()),
            builtin: Arc::clone(&builtin),
            has_own_offers: AtomicBool::new(false),
        });
        builtin.attach(Arc::downgrade(&registry));
        let rebuilder = Arc::clone(&registry);
        registry.deps.tasks.spawn_until_stop("snapshot", async move {
            loop {
                rebuilder.changed.notified().await;
                rebuilder.rebuild();
            }
        });
        registry
    }

    /// Returns the client by which upstreams are called.
    pub fn http(&self) -> Client {
        self.deps.http.clone()
    }

    /// Returns the current snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Returns a receiver that sees each new snapshot's generation.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Takes a new configuration.
    pub async fn apply(&self, spec: GatewaySpec) -> Applied {
        let _one = self.applying.lock().await;
        let old = self.snapshot();
        let mut applied = Applied::default();
        let mut servers = Vec::with_capacity(spec.servers.len() + 1);
        for wanted in &spec.servers {
            let running = old.servers.iter().find(|server| *server.name == *wanted.name);
            let running = running.and_then(|server| server.upstream.as_ref());
            let upstream = match running {
                Some(running) if running.spec().is_same_server(wanted) => {
                    applied.unchanged += 1;
                    running.doubt_era();
                    Arc::clone(running)
                }
                Some(running) => {
                    running.stop();
                    applied.changed.push(wanted.name.clone());
                    Upstream::start(wanted.clone(), Arc::clone(&self.deps))
                }
                None => {
                    applied.added.push(wanted.name.clone());
                    Upstream::start(wanted.clone(), Arc::clone(&self.deps))
                }
            };
            servers.push(Server {
                name: wanted.name.as_str().into(),
                provider: Arc::clone(&upstream) as Arc<dyn Provider>,
                upstream: Some(upstream),
                filter: wanted.tools.clone(),
                listed: wanted.enabled,
                meters: Arc::default(),
            });
        }
        for server in old.servers.iter() {
            let kept = spec.servers.iter().any(|wanted| *wanted.name == *server.name);
            if let (false, Some(upstream)) = (kept, &server.upstream) {
                upstream.stop();
                applied.removed.push(server.name.to_string());
            }
        }
        servers.extend(spec.own.iter().map(|own| Server {
            name: own.name.into(),
            provider: Arc::clone(&own.provider),
            upstream: None,
            filter: ToolFilter::default(),
            listed: own.listed,
            meters: Arc::default(),
        }));
        servers.push(Server {
            name: builtin::NAME.into(),
            provider: Arc::clone(&self.builtin) as Arc<dyn Provider>,
            upstream: None,
            filter: ToolFilter::default(),
            listed: spec.builtin,
            meters: Arc::default(),
        });
        self.publish(Arc::new(spec), servers.into());
        applied
    }

    /// Stops an upstream and starts it anew with the same configuration; `false` if there is none of
    /// this name, or it is switched off.
    pub async fn restart(&self, name: &str) -> bool {
        let _one = self.applying.lock().await;
        let current = self.snapshot();
        let mut servers = current.servers.to_vec();
        let found = servers.iter_mut().find(|server| *server.name == *name);
        let Some((server, old)) =
            found.and_then(|server| server.upstream.clone().map(|upstream| (server, upstream)))
        else {
            return false;
        };
        if !old.spec().enabled {
            return false;
        }
        old.stop();
        let upstream = Upstream::start(old.spec().clone(), Arc::clone(&self.deps));
        server.provider = Arc::clone(&upstream) as Arc<dyn Provider>;
        server.upstream = Some(upstream);
        self.publish(Arc::clone(&current.spec), servers.into());
        true
    }

    /// Returns the view as this caller sees it. With `wait`, what was never heard is waited for,
    /// at most `first_offer_wait`.
    pub async fn view_for(
        &self,
        name: &str,
        context: &CallContext,
        wait: bool,
    ) -> Option<Arc<View>> {
        let snapshot = self.snapshot();
        if !snapshot.has_view(name) {
            return None;
        }
        if wait {
            for at in snapshot.members(name) {
                if let Some(upstream) = &snapshot.servers[at].upstream {
                    upstream.freshen();
                }
            }
        }
        let own = self.own_offers(&snapshot, name, context).await;
        if wait {
            let wait = snapshot.spec.first_offer_wait;
            for at in snapshot.members(name) {
                if let Some(upstream) = &snapshot.servers[at].upstream {
                    // One that is down will not be heard soon.
                    tokio::select! {
                        biased;
                        () = upstream.down() => {}
                        () = heard(snapshot.servers[at].provider.offer(), wait) => {}
                    }
                }
            }
            for (_, cell) in &own {
                heard(cell, wait).await;
            }
        }
        // What came meanwhile is in a newer snapshot.
        let mut snapshot = self.snapshot();
        if wait && snapshot.view(name).is_some_and(|view| view.pending) {
            self.catch_up();
            snapshot = self.snapshot();
        }
        let mut changed: Vec<(usize, Arc<Offer>)> = Vec::new();
        for (server, cell) in &own {
            let offer = cell.load();
            let at = snapshot.servers.iter().position(|other| other.name == *server);
            if let (Some(at), true) = (at, offer.freshness != Freshness::Pending) {
                changed.push((at, offer));
            }
        }
        let lens = self.lens(&snapshot, &context.principal, context.address);
        snapshot.seen(name, &changed, lens.as_ref())
    }

    /// Returns a view of the shared offers as a caller sees it; `None` if there is no such view, or
    /// none for this caller.
    pub fn shared_view(
        &self,
        name: &str,
        principal: &Arc<Principal>,
        address: Option<IpAddr>,
    ) -> Option<Arc<View>> {
        let snapshot = self.snapshot();
        let lens = self.lens(&snapshot, principal, address);
        snapshot.seen(name, &[], lens.as_ref())
    }

    /// Tells whether there is such an endpoint for a caller.
    pub fn has_view(
        &self,
        name: &str,
        principal: &Arc<Principal>,
        address: Option<IpAddr>,
    ) -> bool {
        let snapshot = self.snapshot();
        // The whole is there for everybody, however little of it they may see.
        if name.is_empty() {
            return snapshot.has_view(name);
        }
        match self.lens(&snapshot, principal, address) {
            None => snapshot.has_view(name),
            Some(lens) => snapshot.seen(name, &[], Some(&lens)).is_some(),
        }
    }

    /// Tells whether a caller may know that there is a server of this name.
    pub fn shows_server(&self, name: &str, context: &CallContext) -> bool {
        self.has_view(name, &context.principal, context.address)
    }

    fn lens(
        &self,
        snapshot: &Snapshot,
        principal: &Arc<Principal>,
        address: Option<IpAddr>,
    ) -> Option<Lens> {
        Lens::of(&snapshot.spec, principal, address, || self.deps.clock.unix_seconds())
    }

    /// Tells how every upstream is, in configuration order.
    pub fn status(&self) -> Vec<UpstreamStatus> {
        let snapshot = self.snapshot();
        let upstreams = snapshot.servers.iter().filter_map(|server| server.upstream.as_ref());
        upstreams.map(|upstream| upstream.status()).collect()
    }

    /// Tells how every upstream is of which a caller may know, and how much of it they see.
    pub fn status_for(
        &self,
        principal: &Arc<Principal>,
        address: Option<IpAddr>,
    ) -> Vec<UpstreamStatus> {
        let mut all = self.status();
        if self.snapshot().spec.access.is_open_to(principal) {
            return all;
        }
        all.retain_mut(|status| {
            let seen = self.shared_view(&status.name, principal, address);
            let Some(seen) = seen else { return false };
            let count = |section| seen.all(section).len();
            status.tools = count(Section::Tools);
            status.resources = count(Section::Resources);
            status.templates = count(Section::Templates);
            status.prompts = count(Section::Prompts);
            true
        });
        all
    }

    /// Returns the upstreams.
    pub fn upstreams(&self) -> Vec<Arc<Upstream>> {
        let snapshot = self.snapshot();
        snapshot.servers.iter().filter_map(|server| server.upstream.clone()).collect()
    }

    /// Stops every upstream.
    pub fn stop(&self) {
        for upstream in self.upstreams() {
            upstream.stop();
        }
    }

    /// Finds the offers that this caller sees differently, and asks for those never heard.
    async fn own_offers(
        &self,
        snapshot: &Snapshot,
        name: &str,
        context: &CallContext,
    ) -> Vec<(Arc<str>, Arc<OfferCell>)> {
        let mut own = Vec::new();
        // Whoever declares nothing sees what everybody sees.
        if context.caller.profile == Profile::EMPTY && !self.has_own_offers.load(Ordering::Relaxed)
        {
            return own;
        }
        for at in snapshot.members(name) {
            let server = &snapshot.servers[at];
            let Some(upstream) = &server.upstream else { continue };
            if let Some(cell) = upstream.offer_for(context).await {
                own.push((Arc::clone(&server.name), cell));
            }
        }
        own
    }

    fn rebuild(&self) {
        let mut last = self.building.lock();
        let current = self.snapshot();
        self.build(&mut last, Arc::clone(&current.spec), Arc::clone(&current.servers));
    }

    /// Builds a new snapshot if a server was heard that had not been. Not whenever any offer is new:
    /// one server that stays silent must not make every list pay for it.
    fn catch_up(&self) {
        let mut last = self.building.lock();
        let current = self.snapshot();
        if current.lacks_an_offer() {
            self.build(&mut last, Arc::clone(&current.spec), Arc::clone(&current.servers));
        }
    }

    fn publish(&self, spec: Arc<GatewaySpec>, servers: Arc<[Server]>) {
        self.build(&mut self.building.lock(), spec, servers);
    }

    fn build(&self, last: &mut u64, spec: Arc<GatewaySpec>, servers: Arc<[Server]>) {
        *last += 1;
        let upstreams = servers.iter().filter_map(|server| server.upstream.as_ref());
        let own = upstreams.into_iter().any(|upstream| upstream.has_own_offers());
        self.has_own_offers.store(own, Ordering::Relaxed);
        self.current.store(Arc::new(Snapshot::build(*last, spec, servers)));
        self.generation.send_replace(*last);
    }
}

/// Waits for a first offer, counted from when it was first asked for: once that time is over, no
/// list waits any more.
async fn heard(cell: &OfferCell, wait: Duration) {
    let deadline = cell.made() + wait;
    let mut changes = cell.watch();
    while cell.load().freshness == Freshness::Pending {
        match tokio::time::timeout_at(deadline, changes.changed()).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}
