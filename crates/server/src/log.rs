//! The log: lines for people or JSON, on standard error, at a level that a reload may change.
//!
//! Standard output belongs to the banner, and with `gantry stdio` to the protocol.
//! What a level is off costs one comparison, so nothing on the request path formats anything
//! unless somebody wants to read it.

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, reload};

use crate::config::{Env, LogFormat, LogLevel};

/// Overrides `log.level`: a level, or directives such as `info,gantry_gateway=debug`.
pub const VARIABLE: &str = "GANTRY_LOG";

/// Changes the level of a log that was started.
#[derive(Clone, Default)]
pub struct LogControl {
    change: Option<Arc<dyn Fn(LogLevel) + Send + Sync>>,
}

impl LogControl {
    /// Sets the level, unless the environment says which one holds.
    pub fn set_level(&self, level: LogLevel) {
        if let Some(change) = &self.change {
            change(level);
        }
    }
}

impl std::fmt::Debug for LogControl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LogControl").field("fixed", &self.change.is_none()).finish()
    }
}

/// Starts the log of this process. A second call, as in tests, leaves the first one in place.
pub fn start(level: LogLevel, format: LogFormat, env: &Env) -> LogControl {
    let wanted = env.get(VARIABLE).filter(|text| !text.trim().is_empty());
    let parsed = wanted.map(EnvFilter::try_new);
    let (filter, is_fixed) = match &parsed {
        Some(Ok(filter)) => (filter.clone(), true),
        Some(Err(_)) | None => (filter_of(level), false),
    };
    let (filter, handle) = reload::Layer::new(filter);
    let colours = std::io::stderr().is_terminal() && env.get("NO_COLOR").is_none_or(str::is_empty);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<_> + Send + Sync> = match format {
        LogFormat::Text => Box::new(lines.with_ansi(colours)),
        LogFormat::Json => {
            Box::new(lines.json().flatten_event(true).with_current_span(true).with_span_list(false))
        }
    };
    let is_first = Registry::default().with(filter).with(lines).try_init().is_ok();
    if let (Some(Err(error)), Some(text)) = (&parsed, wanted) {
        tracing::warn!(value = text, %error, "GANTRY_LOG is no level and no list of directives.");
    }
    if !is_first || is_fixed {
        return LogControl::default();
    }
    let change = move |level| {
        // Fails only once the log is gone, with the process.
        let _ = handle.reload(filter_of(level));
    };
    LogControl { change: Some(Arc::new(change)) }
}

fn filter_of(level: LogLevel) -> EnvFilter {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    EnvFilter::default().add_directive(level.into())
}
