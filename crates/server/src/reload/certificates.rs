//! Takes up a renewed certificate while the gateway serves.
//!
//! Its files are looked at as the configuration is, so it does not matter how they are replaced:
//! in place, by a rename, or by a link that is swapped in a folder above. A pair that cannot be
//! used, half of it written perhaps, is refused with a line in the log, and the one before stays.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::time::MissedTickBehavior;

use super::Reloader;
use super::watch::{INTERVAL, Watch};
use crate::config::Https;
use crate::live::Live;
use crate::tls::TlsError;

impl Reloader {
    /// Reads the certificate again whenever a file of it changes; returns at once where there is
    /// no listener with TLS.
    pub(crate) async fn watch_certificates(self: Arc<Self>) {
        if self.shared.tls.is_none() {
            return;
        }
        let mut watches: Vec<Watch> = Vec::new();
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let files = self.certificate_files();
            // A reload that names other files has read them.
            if watches.iter().map(Watch::file).ne(files.iter().map(PathBuf::as_path)) {
                watches = files.into_iter().map(Watch::new).collect();
                continue;
            }
            let mut has_changed = false;
            for watch in &mut watches {
                has_changed |= watch.look_again().await.is_some();
            }
            if has_changed {
                self.take_up_certificate().await;
            }
        }
    }

    async fn take_up_certificate(&self) {
        // Not while a reload decides which files they are.
        let _one = self.running.lock().await;
        let live = self.shared.live.load_full();
        match self.renew_certificate(&live).await {
            Ok(()) => {
                gantry_core::log::info!("The renewed certificate of `server.https` is in use.");
            }
            Err(error) => gantry_core::log::error!(
                code = error.code().code(),
                reason = gantry_core::chain(&error),
                "The changed certificate is refused; the one before stays in use."
            ),
        }
    }

    /// Reads the certificate that a configuration names. Without a listener with TLS there is
    /// nothing to do.
    pub(super) async fn renew_certificate(&self, live: &Live) -> Result<(), TlsError> {
        let (Some(tls), Some(https)) = (&self.shared.tls, https(live)) else { return Ok(()) };
        let (tls, https) = (Arc::clone(tls), https.clone());
        // Files may lie on slow disks, and the key of a keystore is made slowly on purpose.
        let renewed = tokio::task::spawn_blocking(move || tls.renew(&https)).await;
        renewed.unwrap_or_else(|error| Err(TlsError::Interrupted { source: error.into() }))
    }

    fn certificate_files(&self) -> Vec<PathBuf> {
        let live = self.shared.live.load();
        https(&live).map(|https| https.identity.files()).unwrap_or_default()
    }
}

fn https(live: &Live) -> Option<&Https> {
    live.config.server.https.as_ref()
}
