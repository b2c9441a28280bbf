//! Counters and histograms of the gateway.
//!
//! Labels for tools and upstreams come from the snapshot, never from a request, so that nobody can
//! make the number of series grow.

mod meters;
mod traffic;

use std::sync::Arc;

use gantry_protocol::method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub(crate) use meters::{ServerMeters, ToolMeter};
pub use traffic::{CacheLabels, LimitLabels, TrafficMetrics, cache};

/// Every method by which a request is counted; what is none of the others is the last.
pub const METHODS: [&str; 5] = [
    method::TOOLS_CALL,
    method::PROMPTS_GET,
    method::RESOURCES_READ,
    method::COMPLETION_COMPLETE,
    "other",
];

/// How a request may end.
pub mod outcome {
    /// It was carried out.
    pub const OK: &str = "ok";
    /// The tool ran and says that it failed.
    pub const TOOL_ERROR: &str = "tool_error";
    /// The upstream wants more of the client before it goes on: no end, but a turn.
    pub const INPUT_REQUIRED: &str = "input_required";
    /// The upstream refused it.
    pub const ERROR: &str = "error";
    /// The upstream could not be asked, or was lost.
    pub const UNAVAILABLE: &str = "unavailable";
    /// The upstream took too long.
    pub const TIMEOUT: &str = "timeout";
    /// The client took it back.
    pub const CANCELLED: &str = "cancelled";

    /// All of them.
    pub const ALL: [&str; 7] =
        [OK, TOOL_ERROR, INPUT_REQUIRED, ERROR, UNAVAILABLE, TIMEOUT, CANCELLED];
}

/// What a request was and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The upstream's name.
    pub server: Arc<str>,
    /// One of [`METHODS`].
    pub method: &'static str,
    /// One of [`outcome::ALL`].
    pub outcome: &'static str,
}

/// An upstream and one of its tools.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ToolLabels {
    /// The upstream's name.
    pub server: Arc<str>,
    /// The upstream's name of the tool.
    pub tool: Arc<str>,
    /// As in [`RequestLabels`].
    pub outcome: &'static str,
}

/// An upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ServerLabels {
    /// The upstream's name.
    pub server: Arc<str>,
}

/// Everything that the gateway counts.
#[derive(Debug)]
pub struct Metrics {
    /// Requests to upstreams.
    pub requests: Family<RequestLabels, Counter>,
    /// Seconds from a request's arrival to its answer, by upstream.
    pub durations: Family<ServerLabels, Histogram>,
    /// Tool executions.
    pub tools: Family<ToolLabels, Counter>,
    /// 1 when an upstream is ready, else 0.
    pub upstream_up: Family<ServerLabels, Gauge>,
    /// How often an upstream was started or connected.
    pub upstream_starts: Family<ServerLabels, Counter>,
    /// Open legacy sessions.
    pub sessions: Gauge,
    /// Open event streams towards clients.
    pub streams: Gauge,
    /// Messages of clients that were refused at the door.
    pub refused: Counter,
    /// Notifications dropped because a client did not read.
    pub dropped: Counter,
    /// Reads and writes of sessions that the store did not do.
    pub session_store_failures: Counter,
    /// Limits, kept answers, room, repetitions and breakers.
    pub traffic: TrafficMetrics,
}

/// From a millisecond to a minute and a half: tools are slow.
const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 90.0];

/// Returns the name of [`METHODS`] under which a method is counted.
pub(crate) fn method_label(method: &str) -> &'static str {
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}

impl Metrics {
    /// Makes the metrics and registers them.
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            tools: Family::default(),
            upstream_up: Family::default(),
            upstream_starts: Family::default(),
            sessions: Gauge::default(),
            streams: Gauge::default(),
            refused: Counter::default(),
            dropped: Counter::default(),
            session_store_failures: Counter::default(),
            traffic: TrafficMetrics::default(),
        };
        let m = &metrics;
        registry.register("gantry_requests", "Requests to upstreams", m.requests.clone());
        registry.register(
            "gantry_request_duration_seconds",
            "Seconds from a request's arrival to its answer",
            m.durations.clone(),
        );
        registry.register("gantry_tool_executions", "Tool executions", m.tools.clone());
        registry.register("gantry_upstream_up", "1 when ready", m.upstream_up.clone());
        registry.register("gantry_upstream_starts", "Starts", m.upstream_starts.clone());
        registry.register("gantry_sessions", "Open legacy sessions", m.sessions.clone());
        registry.register("gantry_streams", "Open event streams", m.streams.clone());
        registry.register("gantry_refused", "Messages refused at the door", m.refused.clone());
        registry.register(
            "gantry_dropped_notifications",
            "Notifications dropped because a client did not read",
            m.dropped.clone(),
        );
        registry.register(
            "gantry_session_store_failures",
            "Reads and writes of sessions that the store did not do",
            m.session_store_failures.clone(),
        );
        m.traffic.register(registry);
        metrics
    }
}
