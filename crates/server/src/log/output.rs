//! Where lines go: standard error, and the files that the configuration names.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gantry_core::Clock;
use parking_lot::Mutex;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::files::{FileError, Files, Losses};
use super::line::{Line, Style};
use crate::config::{Log, LogFormat};

/// Writes down every event that passes the levels.
pub(super) struct Lines(pub(super) Arc<Output>);

/// Where lines go, and how they look.
pub(super) struct Output {
    sinks: ArcSwap<Sinks>,
    /// What the files in force were opened from.
    opened: Mutex<Log>,
    with_files: bool,
    with_colours: bool,
    clock: Arc<dyn Clock>,
    losses: Losses,
}

struct Sinks {
    style: Style,
    files: Option<Arc<Files>>,
}

/// New sinks, and what they were made from.
pub(super) struct Change {
    sinks: Sinks,
    log: Log,
}

impl Output {
    pub(super) fn new(
        log: &Log,
        with_files: bool,
        with_colours: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, FileError> {
        let losses = Losses::default();
        let files = if with_files { Files::open(log, &clock, &losses)? } else { None };
        let sinks = Sinks { style: style(log), files: files.map(Arc::new) };
        Ok(Self {
            sinks: ArcSwap::from_pointee(sinks),
            opened: Mutex::new(log.clone()),
            with_files,
            with_colours,
            clock,
            losses,
        })
    }

    /// Opens what a changed configuration names; files that it does not change stay as they are.
    pub(super) fn prepare(&self, log: &Log) -> Result<Change, FileError> {
        let of = |log: &Log| (log.file.clone(), log.error_file.clone(), log.rotation);
        let is_same = of(&self.opened.lock()) == of(log);
        let files = if is_same || !self.with_files {
            self.sinks.load().files.clone()
        } else {
            Files::open(log, &self.clock, &self.losses)?.map(Arc::new)
        };
        Ok(Change { sinks: Sinks { style: style(log), files }, log: log.clone() })
    }

    /// Files that are named no more are closed by their thread once it has written what waits.
    pub(super) fn take_up(&self, change: Change) {
        self.sinks.store(Arc::new(change.sinks));
        *self.opened.lock() = change.log;
    }

    pub(super) fn losses(&self) -> &Losses {
        &self.losses
    }

    pub(super) fn reopen(&self) {
        if let Some(files) = &self.sinks.load().files {
            files.reopen();
        }
    }

    pub(super) fn flush(&self, limit: Duration) {
        if let Some(files) = &self.sinks.load_full().files {
            files.flush(limit);
        }
    }

    pub(super) fn queued_bytes(&self) -> usize {
        self.sinks.load().files.as_ref().map_or(0, |files| files.queued_bytes())
    }

    fn write(&self, event: &Event<'_>) {
        let line = Line::of(event, self.clock.now());
        let sinks = self.sinks.load();
        let written = line.write(&sinks.style, false);
        let colourful = (self.with_colours && sinks.style.format == LogFormat::Text)
            .then(|| line.write(&sinks.style, true));
        // Nobody can be told that standard error is gone.
        let shown = colourful.as_ref().unwrap_or(&written);
        let _ = std::io::stderr().lock().write_all(shown.as_bytes());
        if let Some(files) = &sinks.files {
            files.take(&written, line.level() == Level::ERROR);
        }
    }
}

fn style(log: &Log) -> Style {
    Style { format: log.format, service: log.service.as_str().into() }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.write(event);
    }
}
