//! Somebody who works all the while, and must not notice anything.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::{sync::watch, task::JoinSet};

use crate::support::{client::Client, wait::soon};

/// Pause between two rounds of a bystander.
const PAUSE: Duration = Duration::from_millis(20);
/// The fewest rounds, however short the time was.
const ROUNDS: usize = 3;

/// A client that lists and calls until it is asked how that went.
#[derive(Debug)]
pub(super) struct Bystander {
    end: watch::Sender<bool>,
    work: JoinSet<Report>,
}

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) lists: Vec<Duration>,
    pub(super) calls: Vec<Duration>,
    /// What was not as it should be.
    pub(super) failures: Vec<String>,
}

impl Bystander {
    /// Works with one tool, which answers at once.
    pub(super) fn start(client: Client, tool: &'static str) -> Self {
        let (end, mut is_over) = watch::channel(false);
        let mut work = JoinSet::new();
        work.spawn(async move {
            let mut report = Report::default();
            while !*is_over.borrow() || report.calls.len() < ROUNDS {
                report.round(&client, tool).await;
                let _ = tokio::time::timeout(PAUSE, is_over.changed()).await;
            }
            report
        });
        Self { end, work }
    }

    /// Ends the work.
    pub(super) async fn report(mut self) -> Report {
        self.end.send_replace(true);
        let report = soon("the end of a bystander's work", self.work.join_next()).await;
        report.expect("there is one worker").expect("a bystander does not panic")
    }

    /// Ends the work, which must have gone well: no failure, and nothing that took longer than
    /// `limit`.
    pub(super) async fn noticed_nothing(self, limit: Duration) {
        let report = self.report().await;
        assert!(report.failures.is_empty(), "a bystander noticed: {:#?}", report.failures);
        let slowest = report.lists.iter().chain(&report.calls).max().copied().unwrap_or_default();
        assert!(slowest < limit, "a bystander waited for {slowest:?}");
    }
}

impl Report {
    async fn round(&mut self, client: &Client, tool: &str) {
        let begun = Instant::now();
        let names = client.tool_names().await;
        self.lists.push(begun.elapsed());
        if !names.iter().any(|name| name == tool) {
            self.failures.push(format!("the list has no `{tool}`: {names:?}"));
        }
        let begun = Instant::now();
        let reply = client.call(tool, json!({})).await;
        self.calls.push(begun.elapsed());
        if reply.message["result"]["content"].is_null()
            || reply.message["result"]["isError"] == true
        {
            self.failures.push(format!("{reply:?}"));
        }
    }
}
