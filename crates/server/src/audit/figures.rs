//! What is counted of recording.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters and gauges.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub(super) written: Family<Place, Counter>,
    pub(super) failures: Family<Place, Counter>,
    pub(super) waiting: Family<Place, Gauge>,
    pub(super) dropped: Counter,
    pub(super) refused: Counter,
}

/// A place: a word of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Place {
    sink: &'static str,
}

impl Place {
    pub(super) fn new(sink: &'static str) -> Self {
        Self { sink }
    }
}

impl Figures {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let figures = Self::default();
        registry.register(
            "gantry_audit_entries",
            "Entries that were added to an audit trail",
            figures.written.clone(),
        );
        registry.register(
            "gantry_audit_failures",
            "Attempts to add entries that failed",
            figures.failures.clone(),
        );
        registry.register(
            "gantry_audit_waiting_entries",
            "Entries that wait to be added",
            figures.waiting.clone(),
        );
        registry.register(
            "gantry_audit_dropped",
            "Entries that found no room and are lost",
            figures.dropped.clone(),
        );
        registry.register(
            "gantry_audit_refused",
            "Calls and changes that were refused because their entries found no room",
            figures.refused.clone(),
        );
        figures
    }
}
