//! The counters of one server and of one tool, found once: a search by labels for each request would
//! cost more than all that is counted.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::{METHODS, Metrics, RequestLabels, ServerLabels, ToolLabels, outcome};

/// A counter for each way in which something may end, made when it first ends that way.
type Ends = [OnceLock<Counter>; outcome::ALL.len()];

/// What is counted of requests to one server.
#[derive(Debug, Default)]
pub(crate) struct ServerMeters {
    requests: [Ends; METHODS.len()],
    duration: OnceLock<Histogram>,
}

/// What is counted of calls of one tool.
#[derive(Debug, Default)]
pub(crate) struct ToolMeter(Ends);

impl ServerMeters {
    /// Counts a request; `method` is one of [`METHODS`], `outcome` one of [`outcome::ALL`].
    pub(crate) fn ended(
        &self,
        metrics: &Metrics,
        server: &Arc<str>,
        (method, outcome): (&'static str, &'static str),
        elapsed: Duration,
    ) {
        let requests = &self.requests[place(&METHODS, method)];
        let counter = requests[place(&outcome::ALL, outcome)].get_or_init(|| {
            let labels = RequestLabels { server: Arc::clone(server), method, outcome };
            metrics.requests.get_or_create_owned(&labels)
        });
        counter.inc();
        let duration = self.duration.get_or_init(|| {
            metrics.durations.get_or_create_owned(&ServerLabels { server: Arc::clone(server) })
        });
        duration.observe(elapsed.as_secs_f64());
    }
}

impl ToolMeter {
    /// Counts a call; `outcome` is one of [`outcome::ALL`].
    pub(crate) fn ended(
        &self,
        metrics: &Metrics,
        (server, tool): (&Arc<str>, &Arc<str>),
        outcome: &'static str,
    ) {
        let counter = self.0[place(&outcome::ALL, outcome)].get_or_init(|| {
            let (server, tool) = (Arc::clone(server), Arc::clone(tool));
            metrics.tools.get_or_create_owned(&ToolLabels { server, tool, outcome })
        });
        counter.inc();
    }
}

/// Returns where a word stands in its list.
fn place(words: &[&'static str], word: &'static str) -> usize {
    let found = words.iter().position(|other| *other == word);
    debug_assert!(found.is_some(), "`{word}` would be counted as `{}`", words[0]);
    found.unwrap_or_default()
}
