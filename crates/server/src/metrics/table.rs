//! Every figure that Prometheus is given: the one list from which the reference page is made, and
//! to which a test holds what is really served.
//!
//! Several names stand for one figure where people come from other systems, whose dashboards and
//! alerts go on working. What such a system counts and Gantry has not is not in the list, and not
//! served: a figure that is always zero tells its reader something false.

use prometheus_client::metrics::MetricType;

/// What kind of figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size: `_bucket`, `_sum` and `_count`.
    Histogram,
    /// Is 1, and says something in its labels.
    Info,
}

/// One figure.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name, as it is asked for; a histogram's without its endings.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// The labels that tell its series apart.
    pub labels: &'static [&'static str],
    /// What it says; also its help text.
    pub meaning: &'static str,
    /// Which other figure says the same.
    pub alias_of: Option<&'static str>,
    /// The key of the configuration without which it is not there.
    pub only_with: Option<&'static str>,
    /// The version that had it first.
    pub since: &'static str,
}

/// Every figure, those of one origin together.
pub const TABLE: &[Row] = &[
    info("gantry_build_info", &["version"], "The version that runs"),
    counter("gantry_requests_total", &["server", "method", "outcome"], "Requests to upstreams"),
    histogram(
        "gantry_request_duration_seconds",
        &["server"],
        "Seconds from a request's arrival to its answer",
    ),
    counter("gantry_tool_executions_total", &["server", "tool", "outcome"], "Tool executions"),
    gauge("gantry_upstream_up", &["server"], "1 when ready"),
    counter("gantry_upstream_starts_total", &["server"], "Starts"),
    gauge("gantry_sessions", &[], "Open legacy sessions"),
    gauge("gantry_streams", &[], "Open event streams"),
    counter("gantry_refused_total", &[], "Messages refused at the door"),
    counter(
        "gantry_dropped_notifications_total",
        &[],
        "Notifications dropped because a client did not read",
    ),
    counter(
        "gantry_session_store_failures_total",
        &[],
        "Reads and writes of sessions that the store did not do",
    ),
    counter("gantry_rate_limited_total", &["limit"], "Requests that a limit refused")
        .only_with("limits"),
    gauge(
        "gantry_breaker_state",
        &["server", "breaker"],
        "How a circuit breaker is: 0 closed, 1 half open, 2 open",
    )
    .only_with("traffic.breaker"),
    counter("gantry_breaker_opened_total", &["server"], "How often a circuit breaker opened")
        .only_with("traffic.breaker"),
    counter(
        "gantry_breaker_refused_total",
        &["server"],
        "Calls that an open circuit breaker refused",
    )
    .only_with("traffic.breaker"),
    counter("gantry_retries_total", &["server"], "Calls that were sent again")
        .only_with("traffic.retry"),
    counter(
        "gantry_upstream_full_total",
        &["server"],
        "Calls that found no room with their server",
    )
    .only_with("traffic.concurrency"),
    counter("gantry_shed_total", &[], "Calls that found no room in the process"),
    counter("gantry_cache_requests_total", &["server", "outcome"], "Looks for kept answers")
        .only_with("servers.NAME.traffic.tools.NAME.cache"),
    gauge("gantry_cache_entries", &[], "Kept answers"),
    gauge("gantry_cache_bytes", &[], "Bytes of kept answers"),
    counter("gantry_http_requests_total", &["route", "status"], "Answers, by route and class"),
    counter(
        "gantry_http_refusals_total",
        &["code"],
        "Requests refused before they were read, by code",
    ),
    gauge("gantry_http_connections", &[], "Open connections of clients"),
    counter(
        "gantry_http_connections_refused_total",
        &["limit"],
        "Connections refused before they were read, by the limit of `server.connections`",
    ),
    gauge(
        "gantry_http_requests_in_flight",
        &[],
        "Answers being made or sent, without the streams that only listen",
    ),
    counter(
        "gantry_config_reloads_total",
        &["outcome"],
        "Changed configurations, taken up or refused",
    ),
    counter(
        "gantry_tls_handshakes_total",
        &["outcome"],
        "Handshakes of clients, by how they ended",
    )
    .only_with("server.https"),
    gauge(
        "gantry_tls_certificate_expiry_seconds",
        &[],
        "When the certificate in use expires, in seconds since 1970",
    )
    .only_with("server.https"),
    counter(
        "gantry_log_lines_dropped_total",
        &[],
        "Lines of the log that found the queue of the files full",
    ),
    counter(
        "gantry_log_write_failures_total",
        &[],
        "Lines of the log that could not be written to a file",
    ),
    counter("gantry_audit_entries_total", &["sink"], "Entries that were added to an audit trail")
        .only_with("audit"),
    counter("gantry_audit_failures_total", &["sink"], "Attempts to add entries that failed")
        .only_with("audit"),
    gauge("gantry_audit_waiting_entries", &["sink"], "Entries that wait to be added")
        .only_with("audit"),
    counter("gantry_audit_dropped_total", &[], "Entries that found no room and are lost")
        .only_with("audit"),
    counter(
        "gantry_audit_refused_total",
        &[],
        "Calls and changes that were refused because their entries found no room",
    )
    .only_with("audit"),
    counter("gantry_trace_spans_exported_total", &[], "Spans that the collector took")
        .only_with("tracing.otlp"),
    counter(
        "gantry_trace_spans_dropped_total",
        &[],
        "Spans that found the queue full or that the collector did not take",
    )
    .only_with("tracing.otlp"),
    histogram(
        "http_server_requests_seconds",
        &["method", "outcome", "status", "uri"],
        "Seconds from the head of a request to the head of its answer",
    ),
    histogram(
        "mcp_request_duration_seconds",
        &["method", "route", "status_code"],
        "Seconds from the head of a request to the head of its answer",
    )
    .alias("http_server_requests_seconds"),
    counter("mcp_client_requests_total", &["server", "method"], "Requests to upstreams")
        .alias("gantry_requests_total"),
    histogram(
        "mcp_client_request_duration_seconds",
        &["server"],
        "Seconds from a request's arrival to its answer",
    )
    .alias("gantry_request_duration_seconds"),
    gauge("mcp_server_status", &["server"], "1 when ready").alias("gantry_upstream_up"),
    counter(
        "mcp_tool_executions_total",
        &["tool", "status"],
        "Tool executions that ended, by the public name of a tool that is offered now",
    )
    .alias("gantry_tool_executions_total"),
    counter(
        "eat_tool_executions_total",
        &["tool_name", "status"],
        "Tool executions that ended, by the public name of a tool that is offered now",
    )
    .alias("gantry_tool_executions_total"),
    counter(
        "mcp_errors_total",
        &["error_type"],
        "Requests that ended badly, and messages refused at the door",
    ),
    counter("mcp_cache_hits_total", &[], "Calls that a kept answer served, or one under way")
        .only_with("servers.NAME.traffic.tools.NAME.cache"),
    counter("mcp_cache_misses_total", &[], "Calls that found no kept answer")
        .only_with("servers.NAME.traffic.tools.NAME.cache"),
    gauge("mcp_active_sessions", &[], "Open legacy sessions").alias("gantry_sessions"),
    gauge("eat_active_agents", &[], "Open legacy sessions").alias("gantry_sessions"),
    gauge(
        "hikaricp_connections_active",
        &["pool"],
        "Connections to the database that are at work now",
    ),
    gauge("hikaricp_connections_idle", &["pool"], "Open connections that do nothing now"),
    gauge(
        "hikaricp_connections_max",
        &["pool"],
        "Connections that may read from the database at once",
    ),
    counter("process_cpu_seconds_total", &[], "Processor time in seconds"),
    counter("process_cpu_user_seconds_total", &[], "Processor time in user mode in seconds"),
    counter("process_cpu_system_seconds_total", &[], "Processor time in the kernel in seconds"),
    gauge("process_start_time_seconds", &[], "When the process began, in Unix seconds"),
    gauge("process_resident_memory_bytes", &[], "Memory in use"),
    gauge("process_virtual_memory_bytes", &[], "Address space taken"),
    gauge("process_open_fds", &[], "Open file descriptors"),
    gauge("process_max_fds", &[], "File descriptors that may be open"),
];

const fn row(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Row {
    Row { name, kind, labels, meaning, alias_of: None, only_with: None, since: "0.1" }
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Row {
    row(name, Kind::Counter, labels, meaning)
}

const fn gauge(name: &'static str, labels: &'static [&'static str], meaning: &'static str) -> Row {
    row(name, Kind::Gauge, labels, meaning)
}

const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Row {
    row(name, Kind::Histogram, labels, meaning)
}

const fn info(name: &'static str, labels: &'static [&'static str], meaning: &'static str) -> Row {
    row(name, Kind::Info, labels, meaning)
}

// === impl Kind ===

impl Kind {
    /// Returns its name, as the formats of Prometheus write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    pub(super) fn metric_type(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
            Self::Info => MetricType::Info,
        }
    }
}

// === impl Row ===

impl Row {
    const fn alias(self, of: &'static str) -> Self {
        Self { alias_of: Some(of), ..self }
    }

    const fn only_with(self, key: &'static str) -> Self {
        Self { only_with: Some(key), ..self }
    }

    /// Returns what `OpenMetrics` calls the family: without the ending that its kind implies.
    pub fn family(&self) -> &'static str {
        let ending = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.name.strip_suffix(ending).unwrap_or(self.name)
    }
}

/// Returns the row of a name.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}
