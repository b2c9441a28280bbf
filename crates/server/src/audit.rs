//! The audit trail: entries on their way from whatever happens to where they are kept.
//!
//! 1. [`recorder`]: an entry is written down as text and put into the one bounded queue, which never
//!    waits; what finds no room is refused or dropped.
//! 2. [`writer`]: one task takes entries out, many at once, and gives them to every place.
//! 3. [`sink`]: each place has a task of its own, which chains the entries and adds them there. What
//!    cannot be added waits in a [`backlog`], in memory and then in a [`spool`] on the disk.
//! 4. [`file`], [`database`], [`stdout`]: the places; [`later`] stands for those that a command does
//!    not write to.
//! 5. [`search`] and [`verify`]: what was kept, read again, without a gateway.
//!
//! How an entry looks, and what is left out of it, is decided in `gantry_policy::audit`. Calls are
//! recorded by `gantry_gateway`, what is refused before them by [`seen`], changes by whoever makes them.

pub mod search;
pub mod verify;

pub(crate) mod seen;

mod backlog;
mod database;
mod figures;
mod file;
mod files;
mod head;
mod later;
mod recorder;
mod sink;
mod spool;
mod stdout;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use gantry_core::audit::{Audit, AuditStore, Entry, Event};
use gantry_core::seal::{self, SealError};
use gantry_core::store::StoreError;
use gantry_core::{Clock, SystemClock, Tasks};
use gantry_policy::audit::chain::hex;
use gantry_policy::audit::{Keep, Rules};
use gantry_policy::redact::Secrets;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

pub(crate) use head::write_whole;

use crate::config::{self, AuditArguments, AuditFull, AuditSync, Config};
use backlog::Backlog;
use database::Database;
use figures::Figures;
use file::AuditFile;
use head::HeadFile;
use later::Later;
use recorder::Recorder;
use sink::{Drain, Sink};
use spool::Spool;
use stdout::Stdout;

/// In the data folder: heads, and what waits for a place that fails.
const FOLDER: &str = "audit";
/// Names the trail of this gateway in a database that others may share.
const TRAIL: &str = "trail";
/// Entries of one page of a search.
pub(crate) const ON_A_PAGE: u64 = 1000;
/// How often old entries are removed from the database.
const FORGET: Duration = Duration::from_mins(10);
/// How many of them at once.
const FORGET_AT_ONCE: u32 = 1000;

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The folder in the data folder cannot be used.
    #[error("cannot keep what belongs to the audit trail in `{}`", path.display())]
    Folder {
        /// The folder or a file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("cannot write the audit trail to `{}`, set by `audit.file`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error(
        "`{}`, set by `audit.file`, does not end like an audit trail: name another file, or move it away",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database does not answer.
    #[error("cannot read the audit trail of the database")]
    Database {
        /// What it said.
        #[source]
        source: StoreError,
    },
    /// The system gives no random numbers.
    #[error("cannot name the audit trail")]
    Seal {
        /// What it said.
        #[source]
        source: SealError,
    },
}

/// What recording needs of the rest of the process.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) data: &'a Path,
    /// `None` for a command: what belongs to the database and to standard output then waits on the
    /// disk for the next start.
    pub(crate) store: Option<Arc<dyn AuditStore>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) secrets: Vec<String>,
}

/// The running audit trail, or none.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    audit: Audit,
    recorder: Arc<Recorder>,
    config: config::Audit,
    rules: Arc<ArcSwap<Rules>>,
    backlogs: Vec<Arc<Backlog>>,
    reopen: Option<file::Reopen>,
    tasks: Tasks,
    closing: CancellationToken,
    /// Whether it is the trail of a gateway, whose start and end are recorded.
    is_gateways: bool,
}

/// How a place is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SinkState {
    pub(crate) name: &'static str,
    /// Whether entries cannot be added to it now.
    pub(crate) is_failing: bool,
    /// Entries that wait.
    pub(crate) waiting: u64,
    /// Whether no more may wait.
    pub(crate) is_full: bool,
}

/// How recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrailState {
    pub(crate) sinks: Vec<SinkState>,
    /// Whether calls are refused for it.
    pub(crate) refuses: bool,
}

impl Trail {
    /// Begins to record what the configuration asks for.
    pub(crate) async fn start(
        config: &config::Audit,
        parts: Parts<'_>,
        registry: &mut Registry,
    ) -> Result<Self, AuditError> {
        if !config.enabled {
            return Ok(Self::default());
        }
        let folder = parts.data.join(FOLDER);
        make_folder(&folder)?;
        let figures = Figures::new(registry);
        let (tasks, closing) = (Tasks::new(), CancellationToken::new());
        let (sinks, reopen) = sinks(config, &parts, &folder)?;
        let mut backlogs = Vec::new();
        let mut truncated = Vec::new();
        for (place, sink) in sinks {
            let backlog = Arc::new(Backlog::new(place, config.spool));
            // Nothing has failed where a command leaves the writing to the next gateway.
            backlog.set_failing(parts.store.is_none() && place != file::NAME);
            let opened = Drain::open(sink, &folder, Arc::clone(&backlog), figures.clone()).await?;
            truncated.extend(opened.loss);
            let drain = opened.drain;
            let ending = closing.clone();
            tasks.spawn("audit-sink", drain.run(ending));
            backlogs.push(backlog);
        }
        let rules = Arc::new(ArcSwap::from_pointee(rules(config, parts.secrets)));
        let boot = seal::random::<8>().map_err(|source| AuditError::Seal { source })?;
        let shared = (parts.clock, Arc::clone(&rules));
        let (recorder, queue) =
            Recorder::new(config, &hex(&boot), shared, backlogs.clone(), &figures);
        let gathers = config.sync == AuditSync::Group;
        let writer = writer::Writer { queue, backlogs: backlogs.clone(), gathers };
        let ending = closing.clone();
        tasks.spawn("audit-writer", writer.run(ending));
        let is_gateways = parts.store.is_some();
        if let (Some(retention), Some(store)) = (config.retention, parts.store) {
            tasks.spawn_until_stop("audit-retention", forget(store, retention, recorder.clock()));
        }
        let audit = Audit::new(Arc::clone(&recorder) as _);
        begin(&audit, truncated, is_gateways);
        let config = config.clone();
        let running = Running {
            audit,
            recorder,
            config,
            rules,
            backlogs,
            reopen,
            tasks,
            closing,
            is_gateways,
        };
        Ok(Self { running: Some(running) })
    }

    /// Begins to record what a command does that holds the data folder because no gateway runs. Of
    /// the places only the file is written to.
    pub(crate) async fn of_command(config: &Config, data: &Path) -> Result<Self, AuditError> {
        let (clock, secrets) = (Arc::new(SystemClock), config.secrets());
        let parts = Parts { data, store: None, clock, secrets };
        Self::start(&config.audit, parts, &mut Registry::default()).await
    }

    /// Returns the way to it.
    pub(crate) fn audit(&self) -> Audit {
        self.running.as_ref().map(|running| running.audit.clone()).unwrap_or_default()
    }

    /// Takes the texts that no entry may hold, in the place of those before.
    pub(crate) fn hide(&self, secrets: Vec<String>) {
        if let Some(running) = &self.running {
            running.rules.store(Arc::new(rules(&running.config, secrets)));
        }
    }

    /// Opens the file again, which another program may have moved away.
    pub(crate) fn reopen(&self) {
        if let Some(reopen) = self.running.as_ref().and_then(|running| running.reopen.as_ref()) {
            reopen.ask();
        }
    }

    /// Tells how it is; `None` if nothing is recorded.
    pub(crate) fn state(&self) -> Option<TrailState> {
        let running = self.running.as_ref()?;
        let sinks: Vec<_> = running.backlogs.iter().map(|backlog| backlog.state()).collect();
        let refuses = running.config.when_full == AuditFull::Refuse && running.recorder.is_full();
        Some(TrailState { sinks, refuses })
    }

    /// Records the end, and writes everything that waits; what a place does not take waits on the disk
    /// for the next start. `false` if something was still under way at the limit.
    pub(crate) async fn close(&self, limit: Duration) -> bool {
        let Some(running) = &self.running else { return true };
        if running.is_gateways {
            running.audit.record(Event::GatewayStopped, |entry| entry);
        }
        running.closing.cancel();
        running.tasks.shut_down(limit).await
    }
}

/// Records what is missing of a trail, and that a gateway begins to write it.
fn begin(audit: &Audit, truncated: Vec<String>, is_gateways: bool) {
    for loss in truncated {
        audit
            .record(Event::SecurityViolation, |entry| Entry { detail: Some(loss.into()), ..entry });
    }
    if is_gateways {
        audit.record(Event::GatewayStarted, |entry| Entry {
            detail: Some(concat!("version ", env!("CARGO_PKG_VERSION")).into()),
            ..entry
        });
    }
}

/// A place and its name.
type Named = (&'static str, Box<dyn Sink>);

/// Makes the places that the configuration names.
fn sinks(
    config: &config::Audit,
    parts: &Parts<'_>,
    folder: &Path,
) -> Result<(Vec<Named>, Option<file::Reopen>), AuditError> {
    let each = config.sync == AuditSync::Each;
    let mut sinks: Vec<Named> = Vec::new();
    let mut reopen = None;
    if let Some(path) = &config.file {
        let file = AuditFile::open(path, config.rotation, Arc::clone(&parts.clock), each)?;
        reopen = Some(file.reopening());
        sinks.push((file::NAME, Box::new(file)));
    }
    if config.database {
        sinks.push(match &parts.store {
            Some(store) => {
                let database = Database::new(Arc::clone(store), trail_name(folder)?, each);
                (database::NAME, Box::new(database) as _)
            }
            None => (database::NAME, Box::new(Later) as _),
        });
    }
    if config.stdout {
        let stdout: Box<dyn Sink> =
            if parts.store.is_some() { Box::new(Stdout) } else { Box::new(Later) };
        sinks.push((stdout::NAME, stdout));
    }
    Ok((sinks, reopen))
}

fn rules(config: &config::Audit, secrets: Vec<String>) -> Rules {
    let keep = match config.arguments {
        AuditArguments::None => Keep::None,
        AuditArguments::Redacted => Keep::Redacted,
        AuditArguments::Full => Keep::Full,
    };
    Rules::new(keep, &config.redact, Secrets::new(secrets))
}

/// Returns the name of this gateway's trail in a database, made at the first start.
fn trail_name(folder: &Path) -> Result<String, AuditError> {
    let path = folder.join(TRAIL);
    let failed = |source| AuditError::Folder { path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let random = seal::random::<8>().map_err(|source| AuditError::Seal { source })?;
    let name = hex(&random);
    write_whole(&path, &format!("{name}\n")).map_err(failed)?;
    Ok(name)
}

fn make_folder(folder: &Path) -> Result<(), AuditError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| AuditError::Folder { path: folder.to_owned(), source })
}

/// Removes what the database has kept for long enough; never returns.
async fn forget(store: Arc<dyn AuditStore>, retention: Duration, clock: Arc<dyn Clock>) {
    loop {
        let before = clock.now().checked_sub(retention).map_or(0, unix_milliseconds);
        match store.forget(before, FORGET_AT_ONCE).await {
            // There may be more.
            Ok(found) if found >= u64::from(FORGET_AT_ONCE) => continue,
            Ok(_) => {}
            Err(error) => {
                gantry_core::log::warn!(%error, "Old entries of the audit trail were not removed.");
            }
        }
        tokio::time::sleep(FORGET).await;
    }
}

pub(crate) fn unix_milliseconds(moment: SystemTime) -> u64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
