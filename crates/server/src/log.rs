//! The log: lines for people or for programs, on standard error and in files, at levels that may
//! change while the gateway runs.
//!
//! Standard output belongs to the banner, and with `gantry stdio` to the protocol.
//! What a level is off costs one comparison, so nothing on the request path formats anything
//! unless somebody wants to read it. A line is written down once, by whoever has something to say
//! ([`line`]); standard error gets it at once, files by a thread of their own ([`files`]).

mod files;
mod levels;
mod line;
mod output;
mod panics;
mod rolling;
mod time;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::SystemClock;
use parking_lot::Mutex;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

pub use files::FileError;
pub(crate) use levels::{Levels, ROOT, TooMany};
pub use panics::tell_of_panics;
pub(crate) use rolling::RollingFile;
pub(crate) use time::iso;

use crate::config::{Env, Log, LogLevel};
use files::Losses;
use output::Output;

/// Overrides `log.level` and `log.levels`: a level, or directives such as
/// `info,gantry_gateway=debug`.
pub const VARIABLE: &str = "GANTRY_LOG";

/// Changes a log that was started. Cheap to clone; one that was not started changes nothing.
#[derive(Clone, Default)]
pub struct LogControl {
    started: Option<Arc<Started>>,
}

struct Started {
    levels: Mutex<Now>,
    /// Says that what the configuration says of levels does not count.
    is_fixed: Option<Fixed>,
    put_in_force: Box<dyn Fn(&Levels) + Send + Sync>,
    output: Arc<Output>,
}

/// The levels in force, and those that a reload goes back to.
struct Now {
    base: Levels,
    levels: Levels,
}

/// What the configuration does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fixed {
    /// `GANTRY_LOG` says everything.
    Everything,
    /// The command line says the level of whatever has none of its own.
    Root,
}

/// What a log is started from.
#[derive(Debug)]
pub(crate) struct LogOptions<'a> {
    pub(crate) config: &'a Log,
    /// What the command line says, instead of `log.level`.
    pub(crate) level: Option<LogLevel>,
    /// Whether files are written.
    pub(crate) with_files: bool,
    pub(crate) env: &'a Env,
}

/// Starts the log of this process. A second call, as in tests, leaves the first one in place.
pub(crate) fn start(options: &LogOptions<'_>) -> Result<LogControl, FileError> {
    let wanted = options.env.get(VARIABLE).filter(|text| !text.trim().is_empty());
    let directives = wanted.map(Levels::read);
    let (base, is_fixed) = match &directives {
        Some(Ok(levels)) => (levels.clone(), Some(Fixed::Everything)),
        Some(Err(_)) | None => {
            (levels_of(options.config, options.level), options.level.map(|_| Fixed::Root))
        }
    };
    let env = options.env;
    let colours = std::io::stderr().is_terminal() && env.get("NO_COLOR").is_none_or(str::is_empty);
    let output = Output::new(options.config, options.with_files, colours, Arc::new(SystemClock))?;
    let output = Arc::new(output);
    let (filter, handle) = reload::Layer::new(base.filter());
    let layers = Registry::default().with(filter).with(output::Lines(Arc::clone(&output)));
    if layers.try_init().is_err() {
        return Ok(LogControl::default());
    }
    tell_of_panics();
    if let (Some(Err(error)), Some(text)) = (&directives, wanted) {
        gantry_core::log::warn!(value = text, %error, "GANTRY_LOG is no level and no list of directives.");
    }
    let put_in_force = Box::new(move |levels: &Levels| {
        // Fails only once the log is gone, with the process.
        let _ = handle.reload(levels.filter());
    });
    let levels = Mutex::new(Now { base: base.clone(), levels: base });
    Ok(LogControl { started: Some(Arc::new(Started { levels, is_fixed, put_in_force, output })) })
}

fn levels_of(config: &Log, level: Option<LogLevel>) -> Levels {
    Levels { root: level.unwrap_or(config.level), parts: config.levels.clone() }
}

impl LogControl {
    /// Makes ready what a changed configuration asks for; it is in force once `take_up` is called.
    /// Refused if a file cannot be written.
    pub(crate) fn prepare(&self, config: &Log) -> Result<TakeUp, FileError> {
        let Some(started) = &self.started else { return Ok(TakeUp(None)) };
        let sinks = started.output.prepare(config)?;
        Ok(TakeUp(Some((Arc::clone(started), config.clone(), sinks))))
    }

    /// Returns the levels that the configuration says, and those in force; `None` if this process
    /// has another log.
    pub(crate) fn levels(&self) -> Option<(Levels, Levels)> {
        let now = self.started.as_ref()?.levels.lock();
        Some((now.base.clone(), now.levels.clone()))
    }

    /// Sets the level of a part, or of all that have none of their own; `None` takes it back.
    pub(crate) fn set_level(
        &self,
        part: Option<&str>,
        level: Option<LogLevel>,
    ) -> Result<(), TooMany> {
        let Some(started) = &self.started else { return Ok(()) };
        let mut now = started.levels.lock();
        let mut levels = now.levels.clone();
        levels.set(part, level, &now.base)?;
        (started.put_in_force)(&levels);
        now.levels = levels;
        Ok(())
    }

    /// Counts the lines that are lost.
    pub(crate) fn register(&self, registry: &mut prometheus_client::registry::Registry) {
        match &self.started {
            Some(started) => started.output.losses().register(registry),
            None => Losses::default().register(registry),
        }
    }

    /// Opens the files again, which another program may have moved away.
    pub(crate) fn reopen(&self) {
        if let Some(started) = &self.started {
            started.output.reopen();
        }
    }

    /// Waits until every line is in its file, at most so long.
    pub(crate) fn flush(&self, limit: Duration) {
        if let Some(started) = &self.started {
            started.output.flush(limit);
        }
    }

    /// Returns the bytes that wait to be written to files.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.started.as_ref().map_or(0, |started| started.output.queued_bytes())
    }
}

impl std::fmt::Debug for LogControl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LogControl").field("levels", &self.levels()).finish_non_exhaustive()
    }
}

/// A changed configuration of the log, ready to be in force.
#[must_use]
pub(crate) struct TakeUp(Option<(Arc<Started>, Log, output::Change)>);

impl TakeUp {
    /// Puts it in force. Levels that were changed by hand are the configuration's again.
    pub(crate) fn take_up(self) {
        let Some((started, config, sinks)) = self.0 else { return };
        started.output.take_up(sinks);
        let mut now = started.levels.lock();
        match started.is_fixed {
            Some(Fixed::Everything) => {}
            Some(Fixed::Root) => now.base.parts = config.levels,
            None => now.base = levels_of(&config, None),
        }
        now.levels = now.base.clone();
        (started.put_in_force)(&now.levels);
    }
}
