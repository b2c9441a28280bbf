//! The task that takes entries out of the queue and writes each down once, for every place.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gantry_policy::audit::{Moment, Rules, body};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::backlog::{Backlog, Durable, Written};
use super::recorder::Job;
use super::unix_milliseconds;
use crate::timestamp::rfc3339;

/// The longest that an entry waits for others. With the write itself it is kept within 50 ms.
const GATHER: Duration = Duration::from_millis(10);
/// Entries that are written down at once.
const MOST: usize = 1024;
/// More than this is no work for a thread that serves requests.
const FEW: usize = 16;

/// The far end of the queue.
pub(super) struct Writer {
    pub(super) queue: mpsc::Receiver<Job>,
    pub(super) rules: Arc<ArcSwap<Rules>>,
    pub(super) backlogs: Vec<Arc<Backlog>>,
    /// Tells the entries of this process from those of others.
    pub(super) boot: String,
    pub(super) next: u64,
    /// Whether entries wait for others.
    pub(super) gathers: bool,
}

impl Writer {
    /// Writes until it is told to end and the queue is empty.
    pub(super) async fn run(mut self, closing: CancellationToken) {
        loop {
            let first = tokio::select! {
                biased;
                () = closing.cancelled(), if !self.queue.is_closed() => {
                    // What is in the queue still comes out.
                    self.queue.close();
                    continue;
                }
                job = self.queue.recv() => job,
            };
            let Some(first) = first else { break };
            let jobs = self.gather(first).await;
            self.write(jobs).await;
        }
        for backlog in &self.backlogs {
            backlog.end();
        }
    }

    async fn gather(&mut self, first: Job) -> Vec<Job> {
        let mut jobs = vec![first];
        let deadline = Instant::now() + GATHER;
        while jobs.len() < MOST {
            let next = match self.queue.try_recv() {
                Ok(job) => Some(job),
                Err(_) if self.gathers => {
                    timeout_at(deadline, self.queue.recv()).await.ok().flatten()
                }
                Err(_) => None,
            };
            let Some(job) = next else { break };
            jobs.push(job);
        }
        jobs
    }

    async fn write(&mut self, jobs: Vec<Job>) {
        let (rules, places, first) = (self.rules.load_full(), self.backlogs.len(), self.next);
        self.next += jobs.len() as u64;
        let boot = self.boot.clone();
        let is_small = jobs.len() <= FEW;
        let render = move || -> Vec<Arc<Written>> {
            let numbered = jobs.into_iter().zip(first..);
            numbered
                .map(|(job, number)| Arc::new(written(job, &boot, number, (&rules, places))))
                .collect()
        };
        let entries = if is_small {
            render()
        } else {
            match tokio::task::spawn_blocking(render).await {
                Ok(entries) => entries,
                Err(error) => {
                    gantry_core::log::error!(%error, "Entries of the audit trail are lost; this is a bug.");
                    return;
                }
            }
        };
        for backlog in &self.backlogs {
            backlog.push(&entries);
        }
    }
}

fn written(job: Job, boot: &str, number: u64, (rules, places): (&Rules, usize)) -> Written {
    let id = format!("{boot}-{number}");
    let timestamp = rfc3339(job.at);
    let text = body(Moment { id: &id, timestamp: &timestamp }, &job.entry, rules);
    drop(job.room);
    let durable = job.durable.map(|tell| Durable::new(places, tell));
    Written { id, at: unix_milliseconds(job.at), text, durable }
}
