//! Where figures come from at a scrape: what is already counted elsewhere, under its other names.
//!
//! Nothing here is called while a request is served. Labels are names of the snapshot, of the
//! configuration, and words of ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use gantry_gateway::Gateway;
use gantry_gateway::governance::traffic::BreakerStatus;
use gantry_gateway::metrics::{CacheLabels, METHODS, RequestLabels, ToolLabels, cache, outcome};
use gantry_gateway::snapshot::{Section, Snapshot};
use gantry_policy::breaker::State;
use gantry_storage::{Database, Kind};
use parking_lot::Mutex;

use crate::http_metrics::{Answered, Answers};
use crate::http_stack::{PATHS, ROUTES};

/// How requests end badly. One that its client took back did not.
const BAD: [&str; 4] =
    [outcome::TOOL_ERROR, outcome::ERROR, outcome::UNAVAILABLE, outcome::TIMEOUT];

/// One series: its labels and its present value.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: Value,
}

/// A value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    /// A number of things.
    Count(u64),
    /// A measure.
    Real(f64),
}

/// Everything that figures are made of.
#[derive(Debug)]
pub(crate) struct Sources {
    gateway: Arc<Gateway>,
    store: Arc<dyn Database>,
    answers: Arc<Answers>,
    /// The servers that there were at any scrape. A sum over servers must not shrink when one is
    /// removed: Prometheus would take that for a restart.
    servers: Mutex<BTreeSet<Arc<str>>>,
}

impl Sources {
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        store: Arc<dyn Database>,
        answers: Arc<Answers>,
    ) -> Self {
        Self { gateway, store, answers, servers: Mutex::default() }
    }

    /// Answers by route and class of their status; every pair, so that the first error is a rise
    /// and not a new series.
    pub(super) fn answers_by_class(&self) -> Vec<Sample> {
        let mut counts = [[0; 5]; ROUTES.len()];
        for answer in self.answers.read() {
            counts[answer.route][usize::from(answer.status / 100) - 1] += answer.timings.count;
        }
        let of_route = |(route, counts): (usize, &[u64; 5])| {
            let samples = counts.iter().zip(1..).map(move |(count, class)| {
                let labels =
                    vec![("route", ROUTES[route].to_owned()), ("status", format!("{class}xx"))];
                Sample { labels, value: Value::Count(*count) }
            });
            samples.collect::<Vec<_>>()
        };
        counts.iter().enumerate().flat_map(of_route).collect()
    }

    /// Every answer, with the labels of Spring Boot.
    pub(crate) fn http_server_requests(&self) -> Vec<(Vec<(&'static str, String)>, Answered)> {
        let labelled = |answer: Answered| {
            let labels = vec![
                ("method", answer.method.to_owned()),
                ("outcome", spring_outcome(answer.status).to_owned()),
                ("status", answer.status.to_string()),
                ("uri", PATHS[answer.route].to_owned()),
            ];
            (labels, answer)
        };
        self.answers.read().map(labelled).collect()
    }

    /// Every answer, with the labels of the MCP Configurable Framework.
    pub(super) fn mcp_requests(&self) -> Vec<(Vec<(&'static str, String)>, Answered)> {
        let labelled = |answer: Answered| {
            let labels = vec![
                ("method", answer.method.to_owned()),
                ("route", PATHS[answer.route].to_owned()),
                ("status_code", answer.status.to_string()),
            ];
            (labels, answer)
        };
        self.answers.read().map(labelled).collect()
    }

    /// Requests to each server by method.
    pub(crate) fn client_requests(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for server in self.servers() {
            for method in METHODS {
                let counted = outcome::ALL.map(|outcome| self.requests(&server, method, outcome));
                if counted.iter().any(Option::is_some) {
                    samples.push(Sample {
                        labels: vec![("server", server.to_string()), ("method", method.to_owned())],
                        value: Value::Count(counted.into_iter().flatten().sum()),
                    });
                }
            }
        }
        samples
    }

    /// Whether each configured server is ready.
    pub(crate) fn server_status(&self) -> Vec<Sample> {
        let statuses = self.gateway.status();
        let sample = |status: gantry_gateway::upstream::UpstreamStatus| Sample {
            value: Value::Count(u64::from(status.state == "ready")),
            labels: vec![("server", status.name)],
        };
        statuses.into_iter().map(sample).collect()
    }

    /// What ended badly, by kind.
    pub(crate) fn errors(&self) -> Vec<Sample> {
        let servers = self.servers();
        let of_kind = |kind: &'static str| {
            let each = servers.iter().flat_map(|server| {
                METHODS.into_iter().filter_map(|method| self.requests(server, method, kind))
            });
            (kind, each.sum())
        };
        let refused = ("refused", self.gateway.metrics.refused.get());
        let sample = |(kind, count): (&str, u64)| Sample {
            labels: vec![("error_type", kind.to_owned())],
            value: Value::Count(count),
        };
        BAD.into_iter().map(of_kind).chain([refused]).map(sample).collect()
    }

    /// Tool executions that ended, by the public names of what is offered now; `label` is what the
    /// label of the name is called. A tool that was never called has no series.
    pub(crate) fn tool_executions(&self, label: &'static str) -> Vec<Sample> {
        let snapshot = self.gateway.registry.snapshot();
        let Some(view) = snapshot.view("") else { return Vec::new() };
        let mut samples = Vec::new();
        for tool in view.all(Section::Tools) {
            let count = |kinds: &[&'static str]| -> u64 {
                kinds.iter().map(|kind| self.executions(&snapshot, tool, kind)).sum()
            };
            let (good, bad) = (count(&[outcome::OK]), count(&BAD) + count(&[outcome::CANCELLED]));
            if good + bad > 0 {
                samples.extend([("success", good), ("error", bad)].map(|(status, count)| Sample {
                    labels: vec![(label, tool.public.to_string()), ("status", status.to_owned())],
                    value: Value::Count(count),
                }));
            }
        }
        samples
    }

    /// Looks for kept answers that gave one of these; none before the first look.
    pub(super) fn cache(&self, outcomes: &[&'static str]) -> Vec<Sample> {
        let servers = self.servers();
        let looks = |outcome: &'static str| {
            let of_server = move |server: &Arc<str>| {
                let labels = CacheLabels { server: server.to_string(), outcome };
                self.gateway.metrics.traffic.cache_requests.get(&labels).map(|count| count.get())
            };
            servers.iter().filter_map(of_server)
        };
        if cache::ALL.into_iter().all(|outcome| looks(outcome).next().is_none()) {
            return Vec::new();
        }
        unlabelled(Value::Count(outcomes.iter().copied().flat_map(looks).sum()))
    }

    /// Open legacy sessions.
    pub(crate) fn sessions(&self) -> Vec<Sample> {
        unlabelled(count(self.gateway.metrics.sessions.get()))
    }

    /// How each circuit breaker is.
    pub(crate) fn breakers(&self) -> Vec<Sample> {
        let sample = |breaker: BreakerStatus| {
            let state = match breaker.state {
                State::Closed => 0,
                State::HalfOpen => 1,
                State::Open => 2,
            };
            let labels =
                vec![("server", breaker.server.to_string()), ("breaker", breaker.name.to_string())];
            Sample { labels, value: Value::Count(state) }
        };
        self.gateway.traffic.breakers().into_iter().map(sample).collect()
    }

    /// Connections of the database: active, idle, most.
    pub(crate) fn connections(&self) -> [Vec<Sample>; 3] {
        let connections = self.store.connections();
        let pool = match self.store.kind() {
            Kind::Sqlite => "gantry.db",
            Kind::Postgres => "postgres",
        };
        [connections.active, connections.idle, connections.max].map(|number| {
            let labels = vec![("pool", pool.to_owned())];
            vec![Sample { labels, value: Value::Count(u64::from(number)) }]
        })
    }

    fn servers(&self) -> Vec<Arc<str>> {
        let snapshot = self.gateway.registry.snapshot();
        let mut known = self.servers.lock();
        known.extend(snapshot.servers.iter().map(|server| Arc::clone(&server.name)));
        known.iter().cloned().collect()
    }

    fn requests(
        &self,
        server: &Arc<str>,
        method: &'static str,
        outcome: &'static str,
    ) -> Option<u64> {
        let labels = RequestLabels { server: Arc::clone(server), method, outcome };
        self.gateway.metrics.requests.get(&labels).map(|counter| counter.get())
    }

    fn executions(
        &self,
        snapshot: &Snapshot,
        tool: &gantry_gateway::snapshot::Entry,
        outcome: &'static str,
    ) -> u64 {
        let server = Arc::clone(&snapshot.servers[tool.server].name);
        let labels = ToolLabels { server, tool: Arc::clone(&tool.local), outcome };
        self.gateway.metrics.tools.get(&labels).map_or(0, |counter| counter.get())
    }
}

impl Value {
    #[expect(clippy::cast_precision_loss, reason = "nothing is counted to 2^53")]
    pub(crate) fn real(self) -> f64 {
        match self {
            Self::Count(count) => count as f64,
            Self::Real(real) => real,
        }
    }
}

/// Makes the one series of a figure without labels.
pub(crate) fn unlabelled(value: Value) -> Vec<Sample> {
    vec![Sample { labels: Vec::new(), value }]
}

/// A gauge is never below zero here, but its type allows it.
fn count(gauge: i64) -> Value {
    Value::Count(u64::try_from(gauge).unwrap_or(0))
}

/// The word of Spring Boot for a class of statuses.
fn spring_outcome(status: u16) -> &'static str {
    match status / 100 {
        1 => "INFORMATIONAL",
        2 => "SUCCESS",
        3 => "REDIRECTION",
        4 => "CLIENT_ERROR",
        _ => "SERVER_ERROR",
    }
}
