//! Puts the parts together: the one place that knows every crate.
//!
//! A gateway that serves keeps things: it holds the data folder, its secrets and its database
//! ([`Kept`]). One that lives inside a command or behind a pipe keeps nothing ([`in_memory`]).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gantry_core::audit::Audit;
use gantry_core::seal::KeyRing;
use gantry_core::session::{MemorySessions, SessionStore};
use gantry_core::store::{NoStore, OfferStore};
use gantry_core::{Clock, Compute, SystemClock, Tasks};
use gantry_gateway::metrics::Metrics;
use gantry_gateway::spec::GatewaySpec;
use gantry_gateway::{Gateway, GatewayParts};
use gantry_net::{Client, ClientConfig, ProxyConfig};
use gantry_policy::{AdminToken, Pepper};
use gantry_process::Launcher;
use gantry_storage::{DataFolder, Database, Postgres, Sqlite};
use prometheus_client::registry::Registry;

use crate::config::{Config, Env, Log, LogLevel, SessionStoreKind, Source, Storage};
use crate::log::{self, LogControl, LogOptions};
use crate::otlp;
use crate::services::{BuiltIn, Outside};
use crate::start_error::StartError;

/// The secret for sealed handles, where several gateways share one.
const SESSION_SECRET: &str = "SESSION_SECRET";
/// The one before, whose handles are still opened.
const SESSION_SECRET_PREVIOUS: &str = "SESSION_SECRET_PREVIOUS";
/// The passphrase of backups, which the command line reads.
pub const BACKUP_PASSPHRASE: &str = "GANTRY_BACKUP_PASSPHRASE";
/// The secret that stored keys are digested with, instead of the data folder's own.
const API_KEY_SALT: &str = "API_KEY_SALT";
/// The variables that the gateway reads beside those of the command line, and what they are for.
pub const VARIABLES: [(&str, &str); 12] = [
    (
        log::VARIABLE,
        "The level of the log, or directives such as `info,gantry_gateway=debug`; wins over \
         `log.level` and `log.levels`",
    ),
    (
        SESSION_SECRET,
        "At least 32 characters from which the keys of sealed session ids and cursors are made, \
         instead of `keys` in the data folder; for replicas that share sessions",
    ),
    (
        API_KEY_SALT,
        "At least 16 characters that stored keys are digested with, instead of `pepper` in the data \
         folder; keys that were made under another one open nothing",
    ),
    (SESSION_SECRET_PREVIOUS, "The secret before: what it sealed is still opened"),
    (
        BACKUP_PASSPHRASE,
        "The passphrase of `gantry backup` and `gantry restore`, where no file names one",
    ),
    ("HTTPS_PROXY", "The proxy for upstreams with `https`"),
    ("http_proxy", "The proxy for upstreams with `http`; in lower case alone"),
    ("NO_PROXY", "Hosts, domains and networks that are reached without a proxy"),
    ("NO_COLOR", "If set, the log has no colours"),
    (
        "LISTEN_FDS",
        "How many sockets a service manager passes on, with `LISTEN_PID` for whom and \
         `LISTEN_FDNAMES` for which listener",
    ),
    ("NOTIFY_SOCKET", "Where a service manager is told that the gateway is up, reloads or ends"),
    (
        "WATCHDOG_USEC",
        "How long a service manager waits for a sign of life, with `WATCHDOG_PID` for whose",
    ),
];
/// How often idle outbound connections are looked at.
const SWEEP: Duration = Duration::from_secs(5);

/// What a gateway is started from.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration file, and what overrides it.
    pub source: Source,
    /// The data folder, absolute.
    pub data: PathBuf,
    /// The environment.
    pub env: Env,
    /// The level of the log, instead of `log.level`; `GANTRY_LOG` still wins.
    pub log_level: Option<LogLevel>,
}

/// What a gateway holds that outlives it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) folder: DataFolder,
    pub(crate) admin: AdminToken,
    pub(crate) keys: KeyRing,
    /// What keys of clients are digested with.
    pub(crate) pepper: Pepper,
    pub(crate) store: Arc<dyn Database>,
    /// The database's own tasks, which end after everybody who writes to it.
    pub(crate) store_tasks: Tasks,
}

/// What a gateway is given of what is kept.
#[derive(Debug)]
pub(crate) struct Holdings {
    pub(crate) store: Arc<dyn OfferStore>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) keys: KeyRing,
    pub(crate) audit: Audit,
}

impl Options {
    /// Reads the configuration.
    pub(crate) fn config(&self) -> Result<Config, StartError> {
        Config::read(&self.source, &self.env).map_err(|errors| StartError::Config { errors })
    }

    /// Starts the log that the configuration asks for; with its files in the process that serves,
    /// since two of them would take turns in renaming them.
    pub(crate) fn start_log(
        &self,
        config: &Config,
        with_files: bool,
    ) -> Result<LogControl, StartError> {
        let (level, env) = (self.log_level, &self.env);
        log::start(&LogOptions { config: &config.log, level, with_files, env })
            .map_err(|source| StartError::Log { source })
    }

    /// Starts the log of a command: for people, and silent unless something is wrong.
    pub(crate) fn start_command_log(&self) {
        let config = Log::default();
        let level = Some(self.log_level.unwrap_or(LogLevel::Warn));
        let options = LogOptions { config: &config, level, with_files: false, env: &self.env };
        // Only files can be refused.
        let _ = log::start(&options);
    }
}

impl Kept {
    /// Holds the data folder and opens what is in it, making what is not, and the database, which
    /// may be elsewhere.
    pub(crate) async fn open(
        data: &Path,
        storage: &Storage,
        env: &Env,
    ) -> Result<Self, StartError> {
        let folder = DataFolder::open(data).map_err(|source| StartError::Folder { source })?;
        let secret = |source| StartError::Secret { source };
        let admin = folder.admin_token(AdminToken::generate).map_err(secret)?;
        let admin = AdminToken::new(&admin).map_err(|source| StartError::AdminToken { source })?;
        let own = folder.keys().map_err(secret)?;
        let keys = key_ring(env, &own)?;
        let pepper = pepper(env, &folder)?;
        let store_tasks = Tasks::new();
        let store = open_store(&folder, storage, &store_tasks).await?;
        Ok(Self { folder, admin, keys, pepper, store, store_tasks })
    }
}

/// Opens the database.
async fn open_store(
    folder: &DataFolder,
    storage: &Storage,
    tasks: &Tasks,
) -> Result<Arc<dyn Database>, StartError> {
    let clock = Arc::new(SystemClock);
    match storage {
        Storage::Sqlite => match Sqlite::open(&folder.database(), tasks, clock).await {
            Ok(store) => Ok(Arc::new(store)),
            Err(source) => Err(StartError::Database { source }),
        },
        Storage::Postgres(config) => match Postgres::open(config, clock).await {
            Ok(store) => Ok(Arc::new(store)),
            Err(source) => Err(StartError::DatabaseServer { source }),
        },
    }
}

impl Holdings {
    /// Returns those of a gateway that serves.
    pub(crate) fn of(
        config: &Config,
        store: &Arc<dyn Database>,
        keys: KeyRing,
        audit: Audit,
    ) -> Self {
        let sessions = session_store(config, store);
        Self { store: Arc::clone(store) as Arc<dyn OfferStore>, sessions, keys, audit }
    }
}

/// Where a gateway that serves keeps sessions.
fn session_store(config: &Config, store: &Arc<dyn Database>) -> Arc<dyn SessionStore> {
    match config.session_store {
        SessionStoreKind::Database => Arc::clone(store) as Arc<dyn SessionStore>,
        SessionStoreKind::Memory => Arc::new(MemorySessions::default()),
    }
}

/// Makes a gateway that keeps offers, and starts the upstreams of `spec`, which need not be those
/// of the configuration alone.
pub(crate) async fn gateway(
    (config, spec): (&Config, GatewaySpec),
    env: &Env,
    holdings: Holdings,
    tasks: &Tasks,
    registry: &mut Registry,
) -> Result<Arc<Gateway>, StartError> {
    let Holdings { store, sessions, keys, audit } = holdings;
    let http = outbound(env)?;
    let swept = http.clone();
    tasks.spawn_until_stop("sweep", async move {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            swept.sweep();
        }
    });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tracer = match &config.otlp {
        Some(config) => Some(otlp::start(config, &http, Arc::clone(&clock), tasks, registry)?),
        None => None,
    };
    let parts = GatewayParts {
        launcher: launcher(env),
        http,
        store,
        sessions,
        keys: Arc::new(keys),
        clock,
        metrics: Arc::new(Metrics::new(registry)),
        tracer,
        audit,
        tasks: tasks.clone(),
    };
    let gateway = Gateway::new(parts, spec.clone());
    gateway.apply(spec).await;
    Ok(gateway)
}

/// Makes a gateway that keeps nothing.
pub(crate) async fn in_memory(
    config: &Config,
    env: &Env,
    tasks: &Tasks,
) -> Result<Arc<Gateway>, StartError> {
    let keys = KeyRing::random()
        .map_err(|source| StartError::Seal { origin: "the operating system", source })?;
    let mut spec = config.gateway.clone();
    let built_in = BuiltIn::new(Outside {
        clock: Arc::new(SystemClock),
        compute: &Compute::new(),
        token_key: keys.signing_secret(),
        store: None,
        ports: &config.service_ports,
    });
    built_in.join(&mut spec, config);
    let holdings = Holdings {
        store: Arc::new(NoStore),
        sessions: Arc::new(MemorySessions::default()),
        keys,
        audit: Audit::off(),
    };
    if config.audit.enabled {
        gantry_core::log::warn!(
            "This gateway keeps nothing, and so no audit trail; one that serves does."
        );
    }
    let gateway = gateway((config, spec), env, holdings, tasks, &mut Registry::default()).await?;
    built_in.attach(&gateway);
    Ok(gateway)
}

/// The secrets of the environment, which replicas share, else the data folder's own.
fn key_ring(env: &Env, own: &[u8]) -> Result<KeyRing, StartError> {
    let given = |name| env.get(name).filter(|text| !text.is_empty()).map(str::as_bytes);
    let Some(current) = given(SESSION_SECRET) else {
        return KeyRing::new(&[own])
            .map_err(|source| StartError::Seal { origin: "the data folder", source });
    };
    let secrets: Vec<&[u8]> =
        [Some(current), given(SESSION_SECRET_PREVIOUS)].into_iter().flatten().collect();
    KeyRing::new(&secrets).map_err(|source| StartError::Seal {
        origin: "`SESSION_SECRET` or `SESSION_SECRET_PREVIOUS`",
        source,
    })
}

/// The secret of the environment, else the data folder's own.
fn pepper(env: &Env, folder: &DataFolder) -> Result<Pepper, StartError> {
    if let Some(given) = env.get(API_KEY_SALT).filter(|text| !text.is_empty()) {
        return Pepper::new(given.as_bytes())
            .map_err(|source| StartError::Pepper { origin: "`API_KEY_SALT`", source });
    }
    let own = folder.pepper().map_err(|source| StartError::Secret { source })?;
    Pepper::new(&own).map_err(|source| StartError::Pepper { origin: "the data folder", source })
}

/// Makes the one client for everything that is called over HTTP.
pub(crate) fn outbound(env: &Env) -> Result<Client, StartError> {
    let either = |upper, lower| env.get(upper).or_else(|| env.get(lower));
    let proxy = ProxyConfig::from_values(
        either("HTTPS_PROXY", "https_proxy"),
        // A CGI program would find a request's `Proxy` header under the upper-case name.
        env.get("http_proxy"),
        either("NO_PROXY", "no_proxy"),
    )
    .map_err(|source| StartError::Proxy { source })?;
    Ok(Client::new(ClientConfig { proxy, ..ClientConfig::default() }))
}

/// Makes what starts children; they inherit of the environment what `gantry_process` lists.
fn launcher(env: &Env) -> Launcher {
    Launcher::new(env.names().filter_map(|name| {
        let value = env.get(name)?;
        Some((OsString::from(name), OsString::from(value)))
    }))
}
