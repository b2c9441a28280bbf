//! Counters of the HTTP side. The labels are ours alone, so that nobody can make their number grow.

mod timer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gantry_core::ErrorCode;
use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::http_stack::{ROUTES, Route};
use timer::Timer;

pub(crate) use timer::Timings;

/// Methods told apart; what is none of them is counted as the last.
const METHODS: [&str; 8] = ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "OTHER"];
/// Statuses told apart; any other is counted as the first of its class.
const STATUSES: [u16; 33] = [
    100, 200, 201, 202, 204, 206, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408,
    409, 411, 413, 414, 415, 421, 429, 431, 500, 501, 502, 503, 504, 505,
];

/// Why a request was refused at the door.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    code: &'static str,
}

/// Why a connection was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    outcome: &'static str,
}

/// What the server counts.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    /// Every answer.
    pub(crate) answers: Arc<Answers>,
    refusals: Family<RefusalLabels, Counter>,
    reloads: Family<ReloadLabels, Counter>,
    refused_connections: Family<LimitLabels, Counter>,
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Answers being made or sent.
    pub(crate) under_way: Gauge,
}

/// Every answer by route, method and status, and how long it took to begin.
///
/// One timer for each that was ever needed, in a grid, so that a request takes no lock and makes no
/// label.
#[derive(Debug)]
pub(crate) struct Answers {
    grid: Box<[OnceLock<Box<Timer>>]>,
}

/// The answers of one route, method and status.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// Its place in [`ROUTES`].
    pub(crate) route: usize,
    /// The method, or `OTHER`.
    pub(crate) method: &'static str,
    /// The status.
    pub(crate) status: u16,
    /// How many, and how long it took until each began.
    pub(crate) timings: Timings,
}

impl HttpMetrics {
    /// Makes the metrics and registers those that the library can write by itself.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            answers: Arc::new(Answers::new()),
            refusals: Family::default(),
            reloads: Family::default(),
            refused_connections: Family::default(),
            connections: Gauge::default(),
            under_way: Gauge::default(),
        };
        for outcome in ["applied", "refused"] {
            drop(metrics.reloads.get_or_create(&ReloadLabels { outcome }));
        }
        for limit in ["max", "per_address", "rate"] {
            drop(metrics.refused_connections.get_or_create(&LimitLabels { limit }));
        }
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("gantry_build", "The version that runs", version);
        registry.register(
            "gantry_http_refusals",
            "Requests refused before they were read, by code",
            metrics.refusals.clone(),
        );
        registry.register(
            "gantry_http_connections",
            "Open connections of clients",
            metrics.connections.clone(),
        );
        registry.register(
            "gantry_http_connections_refused",
            "Connections refused before they were read, by the limit of `server.connections`",
            metrics.refused_connections.clone(),
        );
        registry.register(
            "gantry_http_requests_in_flight",
            "Answers being made or sent, without the streams that only listen",
            metrics.under_way.clone(),
        );
        registry.register(
            "gantry_config_reloads",
            "Changed configurations, taken up or refused",
            metrics.reloads.clone(),
        );
        metrics
    }

    /// Counts an answer whose head was ready `elapsed` after the request was read.
    pub(crate) fn answered(
        &self,
        route: Route<'_>,
        method: &Method,
        status: StatusCode,
        elapsed: Duration,
    ) {
        self.answers.timer(route, method, status).observe(elapsed);
    }

    pub(crate) fn refused(&self, code: ErrorCode) {
        self.refusals.get_or_create(&RefusalLabels { code: code.code() }).inc();
    }

    pub(crate) fn connection_refused(&self, limit: &'static str) {
        self.refused_connections.get_or_create(&LimitLabels { limit }).inc();
    }

    pub(crate) fn reloaded(&self, is_applied: bool) {
        let outcome = if is_applied { "applied" } else { "refused" };
        self.reloads.get_or_create(&ReloadLabels { outcome }).inc();
    }
}

impl Answers {
    fn new() -> Self {
        let cells = ROUTES.len() * METHODS.len() * STATUSES.len();
        Self { grid: std::iter::repeat_with(OnceLock::new).take(cells).collect() }
    }

    fn timer(&self, route: Route<'_>, method: &Method, status: StatusCode) -> &Timer {
        let known = METHODS.iter().position(|known| *known == method.as_str());
        let method = known.unwrap_or(METHODS.len() - 1);
        let at = (route.place() * METHODS.len() + method) * STATUSES.len() + place_of(status);
        self.grid[at].get_or_init(Box::default)
    }

    /// Returns what was answered so far.
    pub(crate) fn read(&self) -> impl Iterator<Item = Answered> {
        self.grid.iter().enumerate().filter_map(|(at, cell)| {
            let timings = cell.get()?.read();
            let (above, status) = (at / STATUSES.len(), STATUSES[at % STATUSES.len()]);
            let (route, method) = (above / METHODS.len(), METHODS[above % METHODS.len()]);
            Some(Answered { route, method, status, timings })
        })
    }
}

/// Returns the place of a status in [`STATUSES`].
fn place_of(status: StatusCode) -> usize {
    STATUSES.binary_search(&status.as_u16()).unwrap_or_else(|_| {
        let class = status.as_u16() / 100 * 100;
        STATUSES.binary_search(&class).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Method, StatusCode};
    use prometheus_client::registry::Registry;

    use super::{HttpMetrics, STATUSES, place_of};
    use crate::http_stack::Route;

    #[test]
    fn an_answer_is_counted_where_it_belongs() {
        let metrics = HttpMetrics::new(&mut Registry::default());
        let count = |route, method: &Method, status| {
            metrics.answered(route, method, status, Duration::from_millis(1));
        };
        count(Route::Unknown, &Method::PATCH, StatusCode::HTTP_VERSION_NOT_SUPPORTED);
        count(Route::Mcp { view: "git" }, &Method::POST, StatusCode::OK);
        count(Route::Mcp { view: "" }, &Method::POST, StatusCode::OK);
        count(Route::Health, &Method::TRACE, StatusCode::IM_A_TEAPOT);
        let read: Vec<_> = metrics.answers.read().collect();
        let shown: Vec<_> = read
            .iter()
            .map(|answer| (answer.route, answer.method, answer.status, answer.timings.count))
            .collect();
        let unknown = Route::Unknown.place();
        assert_eq!(shown, [(0, "POST", 200, 2), (1, "OTHER", 400, 1), (unknown, "PATCH", 505, 1)]);
    }

    #[test]
    fn every_status_has_a_place_in_its_class() {
        assert!(STATUSES.is_sorted());
        for status in 100..600 {
            let place = place_of(StatusCode::from_u16(status).unwrap());
            assert_eq!(STATUSES[place] / 100, status / 100);
        }
        assert_eq!(STATUSES[place_of(StatusCode::from_u16(999).unwrap())], 100);
    }
}
