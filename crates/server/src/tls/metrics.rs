//! What is counted of TLS.

use std::sync::atomic::AtomicI64;

use gantry_core::{Clock as _, SystemClock};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Validity;

/// How a handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Agreed,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// The counters and the gauge of a listener with TLS.
#[derive(Debug, Clone)]
pub(crate) struct TlsMetrics {
    handshakes: Family<OutcomeLabels, Counter>,
    expiry: Gauge<i64, AtomicI64>,
}

impl TlsMetrics {
    /// Makes the metrics and registers them.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self { handshakes: Family::default(), expiry: Gauge::default() };
        registry.register(
            "gantry_tls_handshakes",
            "Handshakes of clients, by how they ended",
            metrics.handshakes.clone(),
        );
        registry.register(
            "gantry_tls_certificate_expiry_seconds",
            "When the certificate in use expires, in seconds since 1970",
            metrics.expiry.clone(),
        );
        metrics
    }

    /// Says until when the certificate in use is good, and logs it when it is not.
    pub(super) fn use_until(&self, validity: Option<Validity>) {
        let Some(validity) = validity else { return };
        self.expiry.set(validity.to);
        if let Some(problem) = validity.problem_at(SystemClock.unix_seconds()) {
            gantry_core::log::warn!(
                problem,
                "Clients will refuse the certificate of `server.https`; renew it."
            );
        }
    }

    pub(super) fn count(&self, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Agreed => "ok",
            Outcome::Failed => "failed",
        };
        self.handshakes.get_or_create(&OutcomeLabels { outcome }).inc();
    }
}
