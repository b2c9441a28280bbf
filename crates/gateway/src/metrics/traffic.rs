//! Counters of limits, kept answers, room, repetitions and breakers.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::ServerLabels;

/// What a look for a kept answer may give.
pub mod cache {
    /// It was kept.
    pub const HIT: &str = "hit";
    /// It was not, and the server was asked.
    pub const MISS: &str = "miss";
    /// It was not, and the server was being asked already.
    pub const JOINED: &str = "joined";
    /// All of them.
    pub const ALL: [&str; 3] = [HIT, MISS, JOINED];
}

/// Which limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LimitLabels {
    /// A word of `limits`.
    pub limit: &'static str,
}

/// What a look for a kept answer gave.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CacheLabels {
    /// The upstream's name.
    pub server: String,
    /// One of [`cache`].
    pub outcome: &'static str,
}

/// What is counted of the traffic.
#[derive(Debug, Default)]
pub struct TrafficMetrics {
    /// Requests that a limit refused.
    pub limited: Family<LimitLabels, Counter>,
    /// How often a breaker opened.
    pub breaker_opened: Family<ServerLabels, Counter>,
    /// Calls that an open breaker refused.
    pub breaker_refused: Family<ServerLabels, Counter>,
    /// Calls that were sent again.
    pub retries: Family<ServerLabels, Counter>,
    /// Calls that found no room with their server.
    pub full: Family<ServerLabels, Counter>,
    /// Calls that found no room in the process.
    pub shed: Counter,
    /// Looks for kept answers.
    pub cache_requests: Family<CacheLabels, Counter>,
    /// Kept answers.
    pub cache_entries: Gauge,
    /// Bytes of kept answers.
    pub cache_bytes: Gauge,
}

impl TrafficMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let m = self;
        registry.register(
            "gantry_rate_limited",
            "Requests that a limit refused",
            m.limited.clone(),
        );
        registry.register(
            "gantry_breaker_opened",
            "How often a circuit breaker opened",
            m.breaker_opened.clone(),
        );
        registry.register(
            "gantry_breaker_refused",
            "Calls that an open circuit breaker refused",
            m.breaker_refused.clone(),
        );
        registry.register("gantry_retries", "Calls that were sent again", m.retries.clone());
        registry.register(
            "gantry_upstream_full",
            "Calls that found no room with their server",
            m.full.clone(),
        );
        registry.register("gantry_shed", "Calls that found no room in the process", m.shed.clone());
        registry.register(
            "gantry_cache_requests",
            "Looks for kept answers",
            m.cache_requests.clone(),
        );
        registry.register("gantry_cache_entries", "Kept answers", m.cache_entries.clone());
        registry.register("gantry_cache_bytes", "Bytes of kept answers", m.cache_bytes.clone());
    }
}
