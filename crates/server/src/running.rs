//! A gateway that serves, from its start to its end.
//!
//! The order of the start: what can be refused comes first, so that a gateway that cannot run has
//! started no child. The order of the end: doors, calls, upstreams, database, lock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use gantry_core::audit::AuditStore;
use gantry_core::{Compute, SystemClock, Tasks};
use gantry_storage::DataFolder;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::accept::{Doorkeeper, Inbox, Workers};
use crate::added::Added;
use crate::api::Api;
use crate::audit::{self, Trail};
use crate::compose::{self, Holdings, Kept, Options};
use crate::config::{self, Config, Env};
use crate::http_metrics::HttpMetrics;
use crate::http_stack::{Front, RequestIds};
use crate::identity::fetch::Fetcher;
use crate::inherited::Inherited;
use crate::keys::StoredKeys;
use crate::listeners::{Listeners, SocketFile};
use crate::live::Live;
use crate::log::LogControl;
use crate::metrics::Sources;
use crate::reload::Reloader;
use crate::services::listeners::{ServiceListeners, Taken};
use crate::services::{self, BuiltIn, Outside};
use crate::shared::Shared;
use crate::start_error::StartError;
use crate::tls::{Tls, TlsMetrics};
use crate::{banner, dump, local, metrics, routes};

/// Kept back of the time to end, for upstreams and the database.
const RESERVE: Duration = Duration::from_secs(2);
/// How often it is looked whether calls are still under way.
const LOOK: Duration = Duration::from_millis(20);

/// A gateway that serves.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    reloader: Arc<Reloader>,
    /// Holds the lock.
    folder: DataFolder,
    /// Connections of clients, and who accepts them.
    connections: Tasks,
    /// What watches and sweeps.
    background: Tasks,
    store_tasks: Tasks,
    /// Outlive everything else: what they serve may be waited for anywhere.
    workers: Workers,
    /// Taken away at the end.
    socket: Option<SocketFile>,
}

/// Begins to serve connections, on every listener and on the socket of the data folder.
fn open_doors(
    shared: &Arc<Shared>,
    listeners: Listeners,
    taken: Vec<Taken>,
    connections: &Tasks,
) -> Result<Workers, StartError> {
    let routes = routes::router(Arc::clone(shared));
    let front = &Arc::new(Front { shared: Arc::clone(shared), routes, api: Api::new() });
    let workers = Workers::start(front).map_err(|source| StartError::Runtime { source })?;
    let doorkeeper = Doorkeeper::new(shared);
    listeners.accept(&workers.inboxes(), &doorkeeper, connections);
    shared.service_listeners.begin((workers.inboxes(), doorkeeper), connections, taken);
    if let Err(error) = local::start(&front.shared.data, front, connections) {
        // The gateway serves all the same; commands then start one of their own.
        gantry_core::log::warn!(%error, "The socket of the data folder cannot be made.");
    }
    Ok(workers)
}

/// Makes the services that the process itself offers.
fn built_in(config: &Config, kept: &Kept) -> BuiltIn {
    BuiltIn::new(Outside {
        clock: Arc::new(SystemClock),
        compute: &Compute::new(),
        token_key: kept.keys.signing_secret(),
        store: Some(Arc::clone(&kept.store)),
        ports: &config.service_ports,
    })
}

fn say_that_it_is_up(shared: &Shared) {
    gantry_core::log::info!(
        version = env!("CARGO_PKG_VERSION"),
        address = %shared.address,
        data = %shared.data.display(),
        "The gateway is up."
    );
}

impl Running {
    /// Starts a gateway with the configuration that `options` name, and returns once it accepts.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let config = options.config()?;
        Self::start_with(options, config, LogControl::default(), Inherited::default()).await
    }

    pub(crate) async fn start_with(
        options: Options,
        config: Config,
        log: LogControl,
        inherited: Inherited,
    ) -> Result<Self, StartError> {
        let started = Instant::now();
        let mut registry = Registry::default();
        let live = Live::new(config, None)?;
        let tls = tls(&live.config, &mut registry)?;
        let kept = Kept::open(&options.data, &live.config.storage, &options.env).await?;
        let mut listeners = Listeners::bind(&live.config, tls.clone(), inherited).await?;
        let (bound, socket) = (listeners.bound(), listeners.take_socket());
        let taken = Taken::all(&live.config)?;
        let services: Vec<_> = taken.iter().map(Taken::address).collect();
        let live = Live::new(live.config, Some(&bound))?.also_on(&services)?;

        let background = Tasks::new();
        let http_metrics = HttpMetrics::new(&mut registry);
        let keys = Arc::new(StoredKeys::of(&kept, &background).await?);
        services::are_fit(&live, &keys)?;
        let folder = config::folder_of(live.config.file.as_deref());
        let added = Added::load(&*kept.store, &folder)
            .await
            .map_err(|source| StartError::Stored { source })?;
        let mut spec = added.merge(&live.config);
        let built_in = built_in(&live.config, &kept);
        built_in.join(&mut spec, &live.config);
        let fetcher = Fetcher::new(compose::outbound(&options.env)?, background.clone());
        let trail = trail(&live.config, &kept, &mut registry).await?;
        let holdings = Holdings::of(&live.config, &kept.store, kept.keys, trail.audit());
        let gateway = compose::gateway(
            (&live.config, spec),
            &options.env,
            holdings,
            &background,
            &mut registry,
        )
        .await?;
        built_in.attach(&gateway);
        let answers = Arc::clone(&http_metrics.answers);
        let sources =
            Arc::new(Sources::new(Arc::clone(&gateway), Arc::clone(&kept.store), answers));
        metrics::register(&mut registry, &gateway.metrics, &sources);
        log.register(&mut registry);
        let connections = Tasks::new();
        let shared = Arc::new(Shared {
            live: ArcSwap::from_pointee(live),
            refused_reload: Mutex::new(None),
            gateway,
            admin: kept.admin,
            keys,
            fetcher: Arc::new(fetcher),
            added,
            trail,
            built_in,
            service_listeners: ServiceListeners::new(kept.folder.path(), Arc::new(SystemClock)),
            store: kept.store,
            registry,
            http_metrics,
            sources,
            log: log.clone(),
            tasks: [
                ("connections", connections.clone()),
                ("background", background.clone()),
                ("storage", kept.store_tasks.clone()),
            ],
            request_ids: RequestIds::new()
                .map_err(|source| StartError::Seal { origin: "the operating system", source })?,
            address: bound.main,
            bound,
            tls,
            data: kept.folder.path().to_owned(),
            started,
            is_draining: AtomicBool::new(false),
        });

        shared.built_in.observe(&shared);
        shared.hide_secrets();
        let reloader = Reloader::new(Arc::clone(&shared), options, log);
        let workers = open_doors(&shared, listeners, taken, &connections)?;
        background.spawn_until_stop("watch", Arc::clone(&reloader).watch());
        background.spawn_until_stop("renew", Arc::clone(&reloader).watch_certificates());
        say_that_it_is_up(&shared);
        let (folder, store_tasks) = (kept.folder, kept.store_tasks);
        Ok(Self { shared, reloader, folder, connections, background, store_tasks, workers, socket })
    }

    /// Returns where it listens; the port is never 0.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Returns where the listener with TLS is, if there is one.
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.shared.bound.https
    }

    /// Returns where the management listener is, if it is one of its own.
    pub fn management_address(&self) -> Option<SocketAddr> {
        self.shared.bound.management
    }

    /// Returns where the listener for figures is, if it is one of its own.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.shared.bound.metrics
    }

    /// Returns the ways to the threads that serve connections.
    pub(crate) fn workers(&self) -> Vec<Inbox> {
        self.workers.inboxes()
    }

    /// Says on standard output where it is.
    pub(crate) fn print_banner(&self, env: &Env) {
        banner::print(&self.shared, env);
    }

    /// Reads the configuration again, changed or not; returns once it is in force, or `false` if it
    /// is refused.
    pub async fn reload(&self) -> bool {
        self.reloader.reload().await
    }

    /// Opens the file of the audit trail again, which another program may have moved away.
    pub(crate) fn reopen_audit(&self) {
        self.shared.trail.reopen();
    }

    /// Writes down in the log what the gateway is doing.
    pub(crate) fn dump(&self) {
        dump::to_log(&self.shared);
    }

    /// Ends the gateway within `server.limits.drain` and `shutdown`; `false` when something had to
    /// be cut off.
    pub async fn shut_down(mut self) -> bool {
        let limits = self.shared.live.load().config.server.limits.clone();
        // Whoever sends requests here is told to stop before the door is closed to them.
        self.shared.is_draining.store(true, Ordering::Relaxed);
        if !limits.drain.is_zero() {
            gantry_core::log::info!(
                seconds = limits.drain.as_secs(),
                "Load balancers are given time to leave."
            );
            tokio::time::sleep(limits.drain).await;
        }
        let limit = limits.shutdown;
        let deadline = Instant::now() + limit;
        let left = || deadline.saturating_duration_since(Instant::now());
        gantry_core::log::info!(limit_seconds = limit.as_secs(), "The gateway is ending.");
        // Doors first: nothing new comes in, and every connection closes after its answer.
        local::remove_socket(&self.shared.data);
        self.shared.service_listeners.end();
        drop(self.socket.take());
        self.connections.stop();
        // Then calls: an upstream is ended only when nobody waits for it any more.
        self.wait_for_calls(left().saturating_sub(RESERVE.min(limit / 2))).await;
        // Then what would go on for ever, listen streams, and the upstreams with their children.
        let upstreams_ended = self.shared.gateway.shut_down(left()).await;
        let connections_ended = self.connections.shut_down(left()).await;
        let background_ended = self.background.shut_down(left()).await;
        // What all of that has left to record.
        let recorded = self.shared.trail.close(RESERVE).await;
        // The database last of all: whoever ends may still have something to keep.
        let closing = async {
            self.shared.store.close().await;
            self.store_tasks.shut_down(RESERVE).await
        };
        let stored = tokio::time::timeout(RESERVE, closing).await.unwrap_or(false);
        drop(self.workers);
        drop(self.folder);
        let is_clean =
            upstreams_ended && connections_ended && background_ended && recorded && stored;
        if is_clean {
            gantry_core::log::info!("The gateway has ended.");
        } else {
            gantry_core::log::warn!("The gateway has ended; what took too long was cut off.");
        }
        is_clean
    }

    /// Waits until every answer is sent; streams that only listen are not waited for.
    async fn wait_for_calls(&self, limit: Duration) {
        let quiet = async {
            loop {
                let under_way = self.shared.http_metrics.under_way.get();
                if under_way == 0 && self.shared.gateway.calls_apart() == 0 {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(limit, quiet).await.is_err() {
            gantry_core::log::warn!("Calls are still under way and will be cut off.");
        }
    }
}

/// Begins to record, if the configuration says so.
async fn trail(config: &Config, kept: &Kept, registry: &mut Registry) -> Result<Trail, StartError> {
    let parts = audit::Parts {
        data: kept.folder.path(),
        store: Some(Arc::clone(&kept.store) as Arc<dyn AuditStore>),
        clock: Arc::new(SystemClock),
        secrets: config.secrets(),
    };
    let trail = Trail::start(&config.audit, parts, registry).await;
    trail.map_err(|source| StartError::Audit { source })
}

/// Reads the certificate of the listener with TLS, if there is one.
fn tls(config: &Config, registry: &mut Registry) -> Result<Option<Arc<Tls>>, StartError> {
    let Some(https) = &config.server.https else { return Ok(None) };
    let tls = Tls::new(https, TlsMetrics::new(registry));
    tls.map(|tls| Some(Arc::new(tls))).map_err(|source| StartError::Tls { source })
}
