//! The task that takes entries out of the queue, many at once, and gives them to every place.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::backlog::{Backlog, Durable, Texts, Written};
use super::recorder::{Queue, Waiting};

/// The longest that an entry waits for others. Of the 50 ms within which it is kept, the rest is for
/// chaining and for the disk.
const GATHER: Duration = Duration::from_millis(30);

/// The far end of the queue.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) backlogs: Vec<Arc<Backlog>>,
    /// Whether entries wait for others.
    pub(super) gathers: bool,
}

impl Writer {
    /// Hands on until it is told to end and the queue is empty.
    pub(super) async fn run(self, closing: CancellationToken) {
        let mut empty = self.queue.empty();
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
            let taken = self.queue.take(empty);
            empty = taken.iter().map(Waiting::for_more_than).collect();
            self.hand_on(taken);
        }
        // What is in the queue still comes out.
        self.queue.close();
        self.hand_on(self.queue.take(self.queue.empty()));
        for backlog in &self.backlogs {
            backlog.end();
        }
    }

    fn hand_on(&self, taken: Vec<Waiting>) {
        let mut all = Vec::with_capacity(taken.iter().map(|part| part.entries.len()).sum());
        for part in taken {
            let (texts, mut start) = (Arc::new(Texts(part.texts)), 0);
            all.extend(part.entries.into_iter().map(|mark| {
                let own = start..mark.end;
                start = mark.end;
                let durable = mark.durable.map(|tell| Durable::new(self.backlogs.len(), tell));
                (mark.came, Written::among(&texts, own, mark.at).telling(durable))
            }));
        }
        if all.is_empty() {
            return;
        }
        // Each part is in order, which this sort makes use of.
        all.sort_by_key(|(came, _)| *came);
        let entries: Vec<_> = all.into_iter().map(|(_, entry)| entry).collect();
        let Some((last, others)) = self.backlogs.split_last() else { return };
        for backlog in others {
            backlog.push(entries.clone());
        }
        last.push(entries);
    }
}
