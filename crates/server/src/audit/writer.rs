//! The task that takes entries out of the queue and writes each down once, for every place.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gantry_policy::audit::{Moment, Rules, body};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::backlog::{Backlog, Durable, Written};
use super::recorder::{Job, Queue};
use super::unix_milliseconds;
use crate::timestamp::Rfc3339;

/// The longest that an entry waits for others. With the write itself it is kept within 50 ms.
const GATHER: Duration = Duration::from_millis(20);
/// Entries that are written down at once.
const MOST: usize = 1024;
/// More than this is no work for a thread that serves requests.
const FEW: usize = 16;

/// The far end of the queue.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
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
        let mut empty = Vec::new();
        while !closing.is_cancelled() {
            tokio::select! {
                () = closing.cancelled() => break,
                () = self.queue.filled() => {}
            }
            if self.gathers {
                tokio::select! {
                    () = closing.cancelled() => {}
                    () = sleep(GATHER) => {}
                }
            }
            empty = self.write_all(empty).await;
        }
        // What is in the queue still comes out.
        self.queue.close();
        self.write_all(empty).await;
        for backlog in &self.backlogs {
            backlog.end();
        }
    }

    /// Writes down what is in the queue, and returns an empty list for what comes next.
    async fn write_all(&mut self, empty: Vec<Job>) -> Vec<Job> {
        let mut jobs = self.queue.take(empty);
        while jobs.len() > MOST {
            let rest = jobs.split_off(MOST);
            self.write(jobs).await;
            jobs = rest;
        }
        self.write(jobs).await
    }

    /// Writes jobs down, and returns their list, empty.
    async fn write(&mut self, mut jobs: Vec<Job>) -> Vec<Job> {
        if jobs.is_empty() {
            return jobs;
        }
        let (rules, places, first) = (self.rules.load_full(), self.backlogs.len(), self.next);
        self.next += jobs.len() as u64;
        let (boot, queue) = (self.boot.clone(), Arc::clone(&self.queue));
        let is_small = jobs.len() <= FEW;
        let render = move || -> (Vec<Arc<Written>>, Vec<Job>) {
            queue.release(jobs.iter().map(|job| job.room));
            let numbered = jobs.drain(..).zip(first..);
            let entries = numbered
                .map(|(job, number)| Arc::new(written(job, &boot, number, (&rules, places))))
                .collect();
            (entries, jobs)
        };
        let (entries, empty) = if is_small {
            render()
        } else {
            match tokio::task::spawn_blocking(render).await {
                Ok(rendered) => rendered,
                Err(error) => {
                    gantry_core::log::error!(%error, "Entries of the audit trail are lost; this is a bug.");
                    return Vec::new();
                }
            }
        };
        for backlog in &self.backlogs {
            backlog.push(&entries);
        }
        empty
    }
}

fn written(job: Job, boot: &str, number: u64, (rules, places): (&Rules, usize)) -> Written {
    let id = format!("{boot}-{number}");
    let timestamp = Rfc3339::of(job.at);
    let moment = Moment { id: &id, timestamp: timestamp.as_str() };
    let text = body(moment, &job.entry, rules);
    let durable = job.durable.map(|tell| Durable::new(places, tell));
    Written { id, at: unix_milliseconds(job.at), text, durable }
}
