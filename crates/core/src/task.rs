//! Supervised tasks: shutdown knows every one, and a panic is logged with the task's name.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A group of tasks that end together. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
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
        Self { tracker: self.tracker.clone(), stopping: self.stopping.child_token() }
    }

    /// Runs a task that ends by itself or watches [`Tasks::stopping`].
    #[expect(clippy::disallowed_methods, reason = "this is the place that keeps the tasks")]
    pub fn spawn<F>(&self, name: &'static str, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let supervised = async move {
            let outcome = std::panic::AssertUnwindSafe(task).catch_unwind().await;
            if outcome.is_err() {
                tracing::error!(task = name, "A task panicked; this is a bug.");
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
