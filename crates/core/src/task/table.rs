//! Which tasks are alive, how old they are, and whether they run or wait.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

/// The tasks of a group and of its children.
#[derive(Debug, Default)]
pub(super) struct Table {
    next: AtomicU64,
    /// By number, so that the oldest come first.
    alive: Mutex<BTreeMap<u64, Arc<Entry>>>,
}

/// Takes a task off the list when it ends.
#[derive(Debug)]
pub(super) struct Listed {
    table: Arc<Table>,
    number: u64,
    entry: Arc<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: &'static str,
    begun: Instant,
    polls: AtomicU64,
    runs: AtomicBool,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    /// What it was started as; several may have one name.
    pub name: &'static str,
    /// Since when it is there.
    #[serde(rename = "age_seconds", serialize_with = "seconds")]
    pub age: Duration,
    /// `running` while a thread is at work on it, else `waiting`.
    pub state: &'static str,
    /// How often it was taken up.
    pub polls: u64,
}

fn seconds<S: Serializer>(age: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(age.as_secs_f64())
}

impl Table {
    pub(super) fn list(table: &Arc<Self>, name: &'static str) -> Listed {
        let number = table.next.fetch_add(1, Ordering::Relaxed);
        let entry = Arc::new(Entry {
            name,
            begun: Instant::now(),
            polls: AtomicU64::new(0),
            runs: AtomicBool::new(false),
        });
        table.alive.lock().insert(number, Arc::clone(&entry));
        Listed { table: Arc::clone(table), number, entry }
    }

    pub(super) fn read(&self, most: usize) -> (Vec<TaskStatus>, usize) {
        let alive = self.alive.lock();
        let statuses = alive.values().take(most).map(|entry| TaskStatus {
            name: entry.name,
            age: entry.begun.elapsed(),
            state: if entry.runs.load(Ordering::Relaxed) { "running" } else { "waiting" },
            polls: entry.polls.load(Ordering::Relaxed),
        });
        (statuses.collect(), alive.len())
    }
}

impl Listed {
    /// Takes the task up once.
    pub(super) fn poll<F: Future>(
        &self,
        task: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        self.entry.polls.fetch_add(1, Ordering::Relaxed);
        self.entry.runs.store(true, Ordering::Relaxed);
        let outcome = task.poll(context);
        self.entry.runs.store(false, Ordering::Relaxed);
        outcome
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.table.alive.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use crate::Tasks;

    #[tokio::test]
    async fn tasks_are_listed_while_they_are_alive() {
        let tasks = Tasks::new();
        let child = tasks.child();
        let waits = tasks.spawn_until_stop("waits", std::future::pending());
        child.spawn_until_stop("of-the-child", std::future::pending());
        while tasks.list(2).0.iter().any(|task| task.polls == 0) {
            tokio::task::yield_now().await;
        }
        let (listed, n_alive) = tasks.list(10);
        let names: Vec<_> = listed.iter().map(|task| task.name).collect();
        assert_eq!((names.as_slice(), n_alive), (&["waits", "of-the-child"][..], 2));
        assert_eq!(listed[0].state, "waiting");
        assert!(listed[0].age >= listed[1].age);
        assert_eq!((tasks.list(1).0.len(), tasks.list(1).1), (1, 2));
        waits.abort();
        child.stop();
        while tasks.list(10).1 > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_task_that_panics_is_off_the_list() {
        let tasks = Tasks::new();
        tasks.spawn("panics", async { panic!("as it should") }).await.unwrap();
        assert_eq!(tasks.list(10).1, 0);
    }
}
