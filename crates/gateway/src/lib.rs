//! Federation: many providers behind one endpoint, in both eras of MCP.
//!
//! The way of a message, and the modules in reading order:
//!
//! 1. [`door`]: a message arrives, by HTTP or stdio; its era is told; sessions and streams are kept.
//! 2. [`snapshot`]: what is offered to whom under which name, at one moment.
//! 3. [`dispatch`]: a request finds its provider; the call stack decides; the answer is translated.
//! 4. [`upstream`]: a configured server: its state, its era, its lanes.
//! 5. [`registry`]: which upstreams there are, and how a new configuration takes their place.
//! 6. [`hub`]: what upstreams say outside of calls, and who hears it.
//! 7. [`tap`]: all of it as an administrator may watch it.
//! 8. [`governance`]: what decides whether, how much and how often.
//!
//! Not here: what bytes look like on a socket (`gantry_transport`), what a message means in an era
//! (`gantry_protocol`), routes that are not MCP (`gantry_server`).

pub mod builtin;
pub mod causes;
pub mod census;
pub mod dispatch;
pub mod door;
pub mod governance;
pub mod hub;
pub mod metrics;
pub mod names;
pub mod registry;
pub mod snapshot;
pub mod spec;
pub mod tap;
pub mod upstream;

mod traces;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::audit::Audit;
use gantry_core::seal::KeyRing;
use gantry_core::session::SessionStore;
use gantry_core::store::OfferStore;
use gantry_core::trace::Tracer;
use gantry_core::{Clock, Compute, Delivery, Principal, Tasks};
use gantry_protocol::Message;
use gantry_transport::client::Client;
use gantry_transport::client::stdio::Launcher;
use tokio::sync::Notify;

use crate::census::Census;
use crate::door::Handles;
use crate::governance::traffic::Traffic;
use crate::hub::{Hub, Keeper};
use crate::metrics::Metrics;
use crate::registry::{Applied, Registry};
use crate::spec::GatewaySpec;
use crate::tap::{Direction, Side, Tap, WatchedOutlet};
use crate::upstream::{Deps, UpstreamStatus};

/// The gateway: everything that its parts share. Behind an [`Arc`], made once per process.
#[derive(Debug)]
pub struct Gateway {
    /// The upstreams and the current snapshot.
    pub registry: Arc<Registry>,
    /// Sessions and listen streams, and what is sent to them outside of calls.
    pub hub: Arc<Hub>,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    /// Where the conversation can be watched.
    pub tap: Arc<Tap>,
    /// How much may pass, and how servers are asked.
    pub traffic: Arc<Traffic>,
    /// Seals session ids and cursors.
    pub keys: Arc<KeyRing>,
    /// Keeps what is known of sessions.
    pub keeper: Keeper,
    /// The connections of the transport of 2024-11-05.
    pub handles: Handles,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Records what requests do; `None` when nothing is recorded.
    pub tracer: Option<Arc<Tracer>>,
    /// Records who did what.
    pub audit: Audit,
    /// Where large bodies are read: apart from what services compute, which may take long.
    pub reading: Compute,
    /// Asks those who decide on calls over HTTP.
    webhooks: governance::hooks::Webhooks,
    /// Exchanges that wait for their next round, for the audit trail.
    rounds: governance::audit::Rounds,
    /// Calls that outlive their connection, and everything else in the background.
    pub tasks: Tasks,
}

/// How often idle connections that are too old to be used again are closed.
const CONNECTION_SWEEP: Duration = Duration::from_secs(5);

/// What a gateway is made from.
#[derive(Debug)]
pub struct GatewayParts {
    /// Starts children.
    pub launcher: Launcher,
    /// Calls out.
    pub http: Client,
    /// Keeps offers and verdicts.
    pub store: Arc<dyn OfferStore>,
    /// Keeps what is known of sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Seals session ids and cursors.
    pub keys: Arc<KeyRing>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    /// Records what requests do; `None` when nothing is recorded.
    pub tracer: Option<Arc<Tracer>>,
    /// Records who did what.
    pub audit: Audit,
    /// Background work.
    pub tasks: Tasks,
}

/// How Gantry names itself, as a server and as a client: a raw `Implementation`.
pub(crate) fn implementation() -> Bytes {
    Bytes::from_static(
        concat!(
            r#"{"name":"gantry","title":"Gantry","version":""#,
            env!("CARGO_PKG_VERSION"),
            r#""}"#
        )
        .as_bytes(),
    )
}

impl Gateway {
    /// Makes a gateway without upstreams; [`Gateway::apply`] starts them.
    pub fn new(parts: GatewayParts, spec: GatewaySpec) -> Arc<Self> {
        let hub = Hub::new(Arc::clone(&parts.metrics));
        hub.replays.set_limit(spec.legacy.replay.total);
        let tap = Tap::new(Arc::clone(&parts.clock));
        let traffic = Traffic::new(&spec, Arc::clone(&parts.clock), Arc::clone(&parts.metrics));
        let traffic = Arc::new(traffic);
        let outlet = WatchedOutlet {
            inner: Arc::clone(&hub) as Arc<dyn hub::Outlet>,
            tap: Arc::clone(&tap),
            traffic: Arc::clone(&traffic),
        };
        let webhooks = governance::hooks::Webhooks::new(parts.http.clone());
        let deps = Arc::new(Deps {
            launcher: parts.launcher,
            http: parts.http,
            store: parts.store,
            clock: Arc::clone(&parts.clock),
            outlet: Arc::new(outlet),
            tap: Arc::clone(&tap),
            changed: Arc::new(Notify::new()),
            metrics: Arc::clone(&parts.metrics),
            traffic: Arc::clone(&traffic),
            tasks: parts.tasks.clone(),
        });
        let gateway = Arc::new(Self {
            registry: Registry::new(deps, spec),
            hub,
            keeper: Keeper::new(parts.sessions, Arc::clone(&parts.metrics)),
            handles: Handles::default(),
            metrics: parts.metrics,
            tap,
            traffic,
            keys: parts.keys,
            clock: parts.clock,
            tracer: parts.tracer,
            audit: parts.audit,
            reading: Compute::new(),
            webhooks,
            rounds: governance::audit::Rounds::default(),
            tasks: parts.tasks,
        });
        Hub::start(&gateway);
        governance::audit::start(&gateway);
        let http = gateway.registry.http();
        gateway.tasks.spawn_until_stop("sweep-connections", async move {
            loop {
                tokio::time::sleep(CONNECTION_SWEEP).await;
                http.sweep();
            }
        });
        gateway
    }

    /// Takes a new configuration; what did not change keeps its connections.
    pub async fn apply(&self, spec: GatewaySpec) -> Applied {
        self.hub.replays.set_limit(spec.legacy.replay.total);
        self.traffic.apply(&spec);
        let applied = self.registry.apply(spec).await;
        self.traffic.forget(&applied.changed);
        applied
    }

    /// Stops an upstream and starts it anew; `false` if there is none of this name, or it is
    /// switched off.
    pub async fn restart(&self, name: &str) -> bool {
        self.registry.restart(name).await
    }

    /// Tells how every upstream is, in configuration order.
    pub fn status(&self) -> Vec<UpstreamStatus> {
        self.registry.status()
    }

    /// Tells what is open at this moment; of each kind `most` at most are listed, all are counted.
    pub fn census(&self, most: usize) -> Census {
        let (sessions, counts) = self.hub.census(most);
        let upstreams = self.registry.upstreams();
        let upstreams = upstreams.iter().map(|upstream| upstream.census(most)).collect();
        Census { counts, sessions, upstreams }
    }

    /// Sends a notification to every legacy session of a principal, on its standalone stream;
    /// returns how many could be told.
    pub fn tell_sessions(&self, principal: &Principal, notification: &Message) -> usize {
        self.hub.tell_sessions(principal, notification)
    }

    /// Tells the holder of a subscription to a resource that a provider of this process announces,
    /// by the number that the provider gave it; never waits.
    pub fn tell_subscriber(&self, number: u64, notification: &Message) -> Delivery {
        self.tap.passed(Side::Client, Direction::Out, None, notification);
        self.hub.tell_subscriber(number, notification)
    }

    /// Ends listens and calls, then every upstream and its children; `false` when something was
    /// still running at the limit.
    pub async fn shut_down(&self, limit: Duration) -> bool {
        self.registry.stop();
        let ended = self.tasks.shut_down(limit).await;
        // Nobody goes on with these any more.
        self.rounds.sweep(&self.audit, true);
        ended
    }
}
