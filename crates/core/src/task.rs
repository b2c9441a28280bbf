//! Supervised tasks: shutdown knows every one, a panic is logged with the task's name, and whoever
//! wonders what the process is doing can have them listed.

mod table;

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use table::TaskStatus;

use table::Table;

/// A group of tasks that end together. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    table: Arc<Table>,
}

impl Tasks {
    /// Makes an empty group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a group that is told to stop when this one is, and can be stopped alone.
    /// This one waits for its tasks too.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            tracker: self.tracker.clone(),
            stopping: self.stopping.child_token(),
            table: Arc::clone(&self.table),
        }
    }

    /// Runs a task that ends by itself or watches [`Tasks::stopping`].
    #[expect(clippy::disallowed_methods, reason = "this is the place that keeps the tasks")]
    pub fn spawn<F>(&self, name: &'static str, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let listed = Table::list(&self.table, name);
        let supervised = async move {
            let mut task = std::pin::pin!(std::panic::AssertUnwindSafe(task).catch_unwind());
            let outcome = poll_fn(|context| listed.poll(task.as_mut(), context)).await;
            if outcome.is_err() {
                crate::log::error!(task = name, "A task panicked; this is a bug.");
            }
            outcome.ok()
        };
        tokio::spawn(self.tracker.track_future(supervised))
    }

    /// Runs a task that is dropped where it stands when the group stops.
    pub fn spawn_until_stop<F>(&self, name: &'static str, task: F) -> JoinHandle<Option<()>>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stopping = self.stopping.clone();
        self.spawn(name, async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = task => {}
            }
        })
    }

    /// Lists the tasks that are alive, the oldest first and `most` of them at most, and returns
    /// how many there are. Those of children and of their parents are among them.
    pub fn list(&self, most: usize) -> (Vec<TaskStatus>, usize) {
        self.table.read(most)
    }

    /// Returns the signal to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Tells every task to stop, without waiting.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Tells every task to stop and waits for them; `false` when some did not within the limit.
    pub async fn shut_down(&self, limit: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.is_ok()
    }
}
