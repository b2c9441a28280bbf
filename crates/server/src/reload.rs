//! Takes up a changed configuration while the gateway serves.
//!
//! A new configuration is read and checked whole, then put in force at once for all that comes
//! after; or it is refused with its reasons in the log, and the old one goes on. What a request
//! began with it keeps. Upstreams that did not change keep their connections.

mod watch;

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::compose::Options;
use crate::config::Config;
use crate::live::Live;
use crate::log::LogControl;
use crate::shared::Shared;
use crate::start_error::StartError;
use watch::{Change, Watch};

/// Reads the configuration again, by itself when the file changes.
#[derive(Debug)]
pub(crate) struct Reloader {
    shared: Arc<Shared>,
    options: Options,
    log: LogControl,
    /// One reload at a time.
    running: Mutex<()>,
}

impl Reloader {
    pub(crate) fn new(shared: Arc<Shared>, options: Options, log: LogControl) -> Arc<Self> {
        Arc::new(Self { shared, options, log, running: Mutex::new(()) })
    }

    /// Reloads whenever the file changes; never returns.
    pub(crate) async fn watch(self: Arc<Self>) {
        let Some(file) = self.options.source.path.clone() else { return };
        let mut watch = Watch::new(file);
        loop {
            match watch.changed().await {
                Change::Content => self.reload().await,
                Change::Gone => {
                    // An editor may be at work, or a volume away. Taking every server down for
                    // that would be worse than going on; a signal says that it is meant.
                    tracing::warn!(
                        file = %watch.file().display(),
                        "The configuration file is gone; what it said last stays in force."
                    );
                }
            }
        }
    }

    /// Reads the configuration and puts it in force, or says why not.
    pub(crate) async fn reload(&self) {
        let _one = self.running.lock().await;
        let outcome = match self.read().await {
            Ok(config) => self.apply(config).await,
            Err(error) => Err(error),
        };
        self.shared.http_metrics.reloaded(outcome.is_ok());
        let refused = outcome.err().map(|error| gantry_core::chain(&error));
        if let Some(reason) = &refused {
            tracing::error!(
                reason,
                "The changed configuration is refused; the one before stays in force."
            );
        }
        *self.shared.refused_reload.lock() = refused;
    }

    async fn read(&self) -> Result<Config, StartError> {
        let options = self.options.clone();
        // Files may lie on slow disks.
        let read = tokio::task::spawn_blocking(move || options.config()).await;
        read.unwrap_or_else(|error| {
            let source = std::io::Error::other(error);
            Err(StartError::Runtime { source })
        })
    }

    async fn apply(&self, config: Config) -> Result<(), StartError> {
        let shared = &self.shared;
        let live = Arc::new(Live::new(config, Some(shared.address))?);
        // The API changes servers under the same lock.
        let _one = shared.added.changing.lock().await;
        let old = shared.live.swap(Arc::clone(&live));
        // Access has changed by now: a token that was taken away opens nothing while upstreams
        // are still being compared.
        self.log.set_level(live.config.log_level);
        let applied = shared.gateway.apply(shared.added.merge(&live.config)).await;
        tracing::info!(
            added = ?applied.added,
            changed = ?applied.changed,
            removed = ?applied.removed,
            unchanged = applied.unchanged,
            "The configuration is in force."
        );
        say_what_needs_a_restart(&old.config, &live.config);
        Ok(())
    }
}

fn say_what_needs_a_restart(old: &Config, new: &Config) {
    let changes = [
        ("server.listen", old.server.listen != new.server.listen),
        ("log.format", old.log_format != new.log_format),
    ];
    for (key, _) in changes.into_iter().filter(|(_, has_changed)| *has_changed) {
        tracing::warn!(key, "A changed key takes effect at the next start alone.");
    }
}
