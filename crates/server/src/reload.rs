//! Takes up a changed configuration while the gateway serves.
//!
//! A new configuration is read and checked whole, then put in force at once for all that comes
//! after; or it is refused with its reasons in the log, and the old one goes on. What a request
//! began with it keeps. Upstreams that did not change keep their connections.

mod certificates;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use gantry_core::audit::{Entry, Event, outcome};
use tokio::sync::Mutex;

use crate::announce;
use crate::compose::Options;
use crate::config::Config;
use crate::live::Live;
use crate::log::LogControl;
use crate::services;
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
    /// What else had a say when the configuration was read last, refused or not.
    watched: parking_lot::Mutex<Vec<PathBuf>>,
    /// The files as they were before anybody could use the gateway; until it watches.
    watch: parking_lot::Mutex<Option<Watch>>,
}

impl Reloader {
    /// Makes it before the doors are open: whoever changes the file once they are is seen to have.
    pub(crate) fn new(shared: Arc<Shared>, options: Options, log: LogControl) -> Arc<Self> {
        let watched = shared.live.load().config.watched.clone();
        let watch = options.source.path.clone().map(|file| {
            let mut watch = Watch::new(file);
            watch.follow(&watched);
            watch
        });
        let (watched, watch) = (parking_lot::Mutex::new(watched), parking_lot::Mutex::new(watch));
        Arc::new(Self { shared, options, log, running: Mutex::new(()), watched, watch })
    }

    /// Reloads whenever the file changes; never returns.
    pub(crate) async fn watch(self: Arc<Self>) {
        let Some(mut watch) = self.watch.lock().take() else { return };
        loop {
            match watch.changed().await {
                Change::Content => {
                    self.reload().await;
                    watch.follow(&self.watched.lock());
                }
                Change::Gone => {
                    // An editor may be at work, or a volume away. Taking every server down for
                    // that would be worse than going on; a signal says that it is meant.
                    gantry_core::log::warn!(
                        file = %watch.file().display(),
                        "The configuration file is gone; what it said last stays in force."
                    );
                }
            }
        }
    }

    /// Reads the configuration and puts it in force, or says why not and returns `false`.
    pub(crate) async fn reload(&self) -> bool {
        let _one = self.running.lock().await;
        let read = self.read().await;
        match &read {
            Ok(config) => self.watched.lock().clone_from(&config.watched),
            Err(StartError::Config { errors }) if !errors.watched().is_empty() => {
                *self.watched.lock() = errors.watched().to_vec();
            }
            Err(_) => {}
        }
        let outcome = match read {
            Ok(config) => self.apply(config).await,
            Err(error) => Err(error),
        };
        self.shared.http_metrics.reloaded(outcome.is_ok());
        self.record(&outcome);
        let refused = outcome.err().map(|error| gantry_core::chain(&error));
        if let Some(reason) = &refused {
            gantry_core::log::error!(
                reason,
                "The changed configuration is refused; the one before stays in force."
            );
        }
        let is_applied = refused.is_none();
        *self.shared.refused_reload.lock() = refused;
        is_applied
    }

    fn record(&self, applied: &Result<(), StartError>) {
        let code = applied.as_ref().err().map(StartError::code);
        self.shared.gateway.audit.record(Event::ConfigChanged, |entry| Entry {
            name: self.options.source.path.as_deref().map(|path| path.to_string_lossy()),
            outcome: if code.is_none() { outcome::OK } else { outcome::FAILED },
            code,
            ..entry
        });
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
        let log = self.log.prepare(&config.log).map_err(|source| StartError::Log { source })?;
        // The API changes servers, and opens listeners of services, under the same lock.
        let _one = shared.added.changing.lock().await;
        let services = shared.service_listeners.addresses();
        let mut live = Live::new(config, Some(&shared.bound))?.also_on(&services)?;
        services::are_fit(&live, &shared.keys)?;
        live.issuers.adopt(&shared.live.load().issuers);
        let live = Arc::new(live);
        // A certificate that cannot be used refuses the whole configuration, before any of it is
        // in force.
        self.renew_certificate(&live).await.map_err(|source| StartError::Tls { source })?;
        let old = shared.live.swap(Arc::clone(&live));
        shared.hide_secrets();
        // Access has changed by now: a token that was taken away opens nothing while upstreams
        // are still being compared.
        log.take_up();
        let applied = shared.gateway.apply(shared.offered(&live.config)).await;
        gantry_core::log::info!(
            added = applied.added.join(" "),
            changed = applied.changed.join(" "),
            removed = applied.removed.join(" "),
            unchanged = applied.unchanged,
            "The configuration is in force."
        );
        say_what_needs_a_restart(&old.config, &live.config);
        announce::settings_of_others(&live.config, Some(&old.config));
        Ok(())
    }
}

fn say_what_needs_a_restart(old: &Config, new: &Config) {
    let https = |config: &Config| config.server.https.as_ref().map(|https| https.listen);
    let changes = [
        ("server.listen", old.server.listen != new.server.listen),
        ("server.https.listen", https(old) != https(new)),
        ("server.management.listen", old.server.management != new.server.management),
        ("server.socket", old.server.socket != new.server.socket),
        ("services.listen", old.service_doors != new.service_doors),
        ("metrics.listen", old.metrics.listen != new.metrics.listen),
        ("tracing.otlp", old.otlp != new.otlp),
        ("storage", old.storage != new.storage),
        ("audit", old.audit != new.audit),
        ("sessions.store", old.session_store != new.session_store),
    ];
    for (key, _) in changes.into_iter().filter(|(_, has_changed)| *has_changed) {
        gantry_core::log::warn!(key, "A changed key takes effect at the next start alone.");
    }
}
