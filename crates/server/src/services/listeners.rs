//! The listeners that services have of their own: opened and closed while the gateway runs.
//!
//! Each accepts in a group of tasks of its own, so that closing one lets its requests finish and
//! leaves the others alone. Which are open is told by [`registry`](super::registry) as a file.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use gantry_core::{Clock, ErrorCode, Tasks};
use gantry_services::{Service, catalogue};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::registry::Registry;
use crate::accept::{self, Doorkeeper, Entrance, Inbox, Listening};
use crate::config::{Config, MOST_INSTANCES, ServiceDoors};
use crate::http_stack::Face;
use crate::shared::Shared;
use crate::start_error::StartError;

/// How long a listener may take to let go of its port.
const CLOSING: Duration = Duration::from_secs(5);

/// All of them.
#[derive(Debug)]
pub(crate) struct ServiceListeners {
    /// Those that are open, by their services; changed under the lock of all changes alone, so that
    /// nobody opens what another closes.
    open: Mutex<BTreeMap<&'static str, Open>>,
    ground: OnceLock<Ground>,
    registry: Registry,
    clock: Arc<dyn Clock>,
}

/// What accepting needs.
#[derive(Debug)]
struct Ground {
    /// The runtime that accepts, whichever asks for it.
    runtime: Handle,
    workers: Vec<Inbox>,
    doorkeeper: Arc<Doorkeeper>,
    tasks: Tasks,
}

/// One that is open.
#[derive(Debug)]
struct Open {
    address: SocketAddr,
    since: SystemTime,
    tasks: Tasks,
    accepting: JoinHandle<Option<()>>,
}

/// One that is open, as it is told of.
#[derive(Debug, Clone)]
pub(crate) struct OpenListener {
    pub(crate) service: &'static Service,
    pub(crate) address: SocketAddr,
    pub(crate) since: SystemTime,
}

/// A port that was taken and where nobody is accepted yet.
#[derive(Debug)]
pub(crate) struct Taken {
    service: &'static Service,
    listening: Listening,
    address: SocketAddr,
}

/// What somebody wants opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) service: &'static Service,
    /// Where; the configuration's if it is not said.
    pub(crate) host: Option<IpAddr>,
    /// Of which instance; the configuration's if it is not said.
    pub(crate) instance: Option<u16>,
    /// Whether it is not to be opened unless clients have to say who they are.
    pub(crate) for_production: bool,
}

/// Why one is not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// Nobody has to say who they are.
    #[error(
        "services are not started for production without authentication: make a key with \
         `gantry keys create NAME`, or name clients under `auth`"
    )]
    Unauthenticated,
    /// It is open, and elsewhere.
    #[error("the service `{service}` listens on `{address}` already; stop it first")]
    Elsewhere { service: &'static str, address: SocketAddr },
    /// The number makes no port.
    #[error("`instance` must be 0 to {MOST_INSTANCES}")]
    Instance,
    /// It cannot be in force beside the rest.
    #[error(transparent)]
    Refused(#[from] StartError),
    /// The port is not to be had.
    #[error("failed to bind `{address}` for the service `{service}`: {source}")]
    Bind { service: &'static str, address: SocketAddr, source: std::io::Error },
    /// The gateway is ending, or not up yet.
    #[error("the gateway opens no listeners now")]
    Ending,
}

// === impl ListenError ===

impl ListenError {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthenticated => ErrorCode::ProductionWithoutAuthentication,
            Self::Elsewhere { .. } | Self::Bind { .. } | Self::Ending => {
                ErrorCode::ServiceNotOpened
            }
            Self::Instance => ErrorCode::QueryInvalid,
            Self::Refused(error) => error.code(),
        }
    }
}

// === impl Taken ===

impl Taken {
    /// Takes the ports that the configuration asks for, or none.
    pub(crate) fn all(config: &Config) -> Result<Vec<Self>, StartError> {
        let doors = &config.service_doors;
        let chosen = catalogue::offered().filter(|service| doors.names.contains(&service.name));
        let host = doors.host.unwrap_or(config.server.listen.ip());
        chosen
            .map(|service| {
                let address = SocketAddr::new(host, ServiceDoors::port(service, doors.instance));
                let bound = accept::bind_now(address);
                let (listening, address) = bound.map_err(|source| StartError::Bind {
                    key: "services.listen",
                    address,
                    source,
                })?;
                Ok(Self { service, listening, address })
            })
            .collect()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

// === impl ServiceListeners ===

impl ServiceListeners {
    /// Makes none; `data` is the folder for the file that tells of them.
    pub(crate) fn new(data: &Path, clock: Arc<dyn Clock>) -> Self {
        let (open, ground) = (Mutex::default(), OnceLock::new());
        Self { open, ground, registry: Registry::of(data), clock }
    }

    /// Accepts where ports were taken, and from now on wherever one is opened; within the runtime that
    /// accepts.
    pub(crate) fn begin(
        &self,
        (workers, doorkeeper): (Vec<Inbox>, Arc<Doorkeeper>),
        tasks: &Tasks,
        taken: Vec<Taken>,
    ) {
        let (runtime, tasks) = (Handle::current(), tasks.clone());
        let ground = Ground { runtime, workers, doorkeeper, tasks };
        let ground = self.ground.get_or_init(|| ground);
        for taken in taken {
            self.accept(ground, taken);
        }
        self.tell();
    }

    /// Returns those that are open, in the order of their ports.
    pub(crate) fn list(&self) -> Vec<OpenListener> {
        let open = self.open.lock();
        let listener = |service: &&'static Service| {
            let Open { address, since, .. } = open.get(service.name)?;
            Some(OpenListener { service, address: *address, since: *since })
        };
        catalogue().iter().filter_map(listener).collect()
    }

    pub(crate) fn address_of(&self, service: &str) -> Option<SocketAddr> {
        self.open.lock().get(service).map(|open| open.address)
    }

    /// Returns where they are.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.open.lock().values().map(|open| open.address).collect()
    }

    /// Takes the file away that tells of them. They close with the other doors.
    pub(crate) fn end(&self) {
        self.registry.remove();
    }

    /// Accepts where a port was taken; within the runtime that accepts.
    fn accept(&self, ground: &Ground, taken: Taken) {
        let Taken { service, listening, address } = taken;
        let since = self.clock.now();
        let tasks = ground.tasks.child();
        let face = Face::Service(service.name);
        let entrance = Entrance { face, tls: None, limit: None };
        let (workers, doorkeeper) = (ground.workers.clone(), Arc::clone(&ground.doorkeeper));
        let accepting = accept::accept(listening, entrance, workers, doorkeeper, tasks.clone());
        let accepting = tasks.spawn("accept", accepting);
        self.open.lock().insert(service.name, Open { address, since, tasks, accepting });
    }

    /// Writes the file that tells of them. Without it they work as well.
    fn tell(&self) {
        if let Err(error) = self.registry.write(&self.list(), self.clock.now()) {
            gantry_core::log::warn!(%error, "The file that tells of the services cannot be written.");
        }
    }
}

/// Opens the listener of a service; one that is open there already is what was wanted.
pub(crate) async fn open(shared: &Arc<Shared>, wanted: Wanted) -> Result<(), ListenError> {
    // A reload looks at the same addresses under the same lock.
    let _one = shared.added.changing.lock().await;
    let Wanted { service, host, instance, for_production } = wanted;
    let listeners = &shared.service_listeners;
    if for_production && !shared.must_authenticate() {
        return Err(ListenError::Unauthenticated);
    }
    let live = shared.live.load_full();
    let doors = &live.config.service_doors;
    let instance = instance.unwrap_or(doors.instance);
    if instance > MOST_INSTANCES {
        return Err(ListenError::Instance);
    }
    let host = host.or(doors.host).unwrap_or(shared.address.ip());
    let address = SocketAddr::new(host, ServiceDoors::port(service, instance));
    match listeners.address_of(service.name) {
        Some(open) if open == address => return Ok(()),
        Some(address) => {
            return Err(ListenError::Elsewhere { service: service.name, address });
        }
        None => {}
    }
    let ground = listeners.ground.get().filter(|ground| !ground.tasks.stopping().is_cancelled());
    let ground = ground.ok_or(ListenError::Ending)?;
    let mut addresses = listeners.addresses();
    addresses.push(address);
    // First who may come by it, then the door.
    let heard = live.heard_on(&shared.bound, &addresses)?;
    let bound = {
        let _accepting_there = ground.runtime.enter();
        accept::bind_now(address).map(|(listening, address)| {
            shared.live.store(Arc::new(heard));
            listeners.accept(ground, Taken { service, listening, address });
        })
    };
    bound.map_err(|source| ListenError::Bind { service: service.name, address, source })?;
    listeners.tell();
    gantry_core::log::info!(service = service.name, %address, "A service has a listener of its own.");
    Ok(())
}

/// Closes the listener of a service and returns once its port is free; requests that are under way
/// are answered. `false` if there is none.
pub(crate) async fn close(shared: &Arc<Shared>, service: &'static Service) -> bool {
    let _one = shared.added.changing.lock().await;
    let listeners = &shared.service_listeners;
    let Some(open) = listeners.open.lock().remove(service.name) else { return false };
    open.tasks.stop();
    if tokio::time::timeout(CLOSING, open.accepting).await.is_err() {
        gantry_core::log::warn!(service = service.name, "The listener of a service closes slowly.");
    }
    // Fewer addresses can expose nothing.
    if let Ok(heard) = shared.live.load().heard_on(&shared.bound, &listeners.addresses()) {
        shared.live.store(Arc::new(heard));
    }
    listeners.tell();
    let address = open.address;
    gantry_core::log::info!(service = service.name, %address, "A service has no listener any more.");
    true
}
