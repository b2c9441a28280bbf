//! Counters of the HTTP side. The labels are ours alone, so that nobody can make their number grow.

use gantry_core::ErrorCode;
use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::http_stack::{ROUTES, Route};

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What was asked, and how the answer began.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    route: &'static str,
    status: &'static str,
}

/// Why a request was refused at the door.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    code: &'static str,
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    outcome: &'static str,
}

/// What the server counts.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    /// One counter for each route and class, so that a request takes no lock and makes no label.
    answers: [[Counter; CLASSES.len()]; ROUTES.len()],
    refusals: Family<RefusalLabels, Counter>,
    reloads: Family<ReloadLabels, Counter>,
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Answers being made or sent.
    pub(crate) under_way: Gauge,
}

impl HttpMetrics {
    /// Makes the metrics and registers them.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let answers = Family::<AnswerLabels, Counter>::default();
        let metrics = Self {
            answers: std::array::from_fn(|route| {
                std::array::from_fn(|class| {
                    let labels = AnswerLabels { route: ROUTES[route], status: CLASSES[class] };
                    answers.get_or_create(&labels).clone()
                })
            }),
            refusals: Family::default(),
            reloads: Family::default(),
            connections: Gauge::default(),
            under_way: Gauge::default(),
        };
        for outcome in ["applied", "refused"] {
            drop(metrics.reloads.get_or_create(&ReloadLabels { outcome }));
        }
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("gantry_build", "The version that runs", version);
        registry.register("gantry_http_requests", "Answers, by route and class", answers);
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

    pub(crate) fn answered(&self, route: Route<'_>, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        self.answers[route.place()][class].inc();
    }

    pub(crate) fn refused(&self, code: ErrorCode) {
        self.refusals.get_or_create(&RefusalLabels { code: code.code() }).inc();
    }

    pub(crate) fn reloaded(&self, is_applied: bool) {
        let outcome = if is_applied { "applied" } else { "refused" };
        self.reloads.get_or_create(&ReloadLabels { outcome }).inc();
    }
}
