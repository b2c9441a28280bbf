//! Room for a bounded number of calls, and a queue in front of it that is bounded as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::spec::Room;

/// Places for calls. Who finds none waits in the order of arrival.
#[derive(Debug)]
pub(super) struct Places {
    room: Room,
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// The place of one call; freed when dropped.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// As many as may are waiting already.
    Queue,
    /// None became free in time.
    Wait,
}

/// One who waits; counted until dropped, so that a caller that goes away leaves the queue.
struct Waiter<'a>(&'a AtomicUsize);

impl Places {
    pub(super) fn new(room: Room) -> Self {
        let most = room.most.clamp(1, Semaphore::MAX_PERMITS);
        Self { room, free: Arc::new(Semaphore::new(most)), waiting: AtomicUsize::new(0) }
    }

    pub(super) fn room(&self) -> Room {
        self.room
    }

    /// Takes a place, waiting for it as long as is configured.
    ///
    /// Cancel safe: who is dropped has no place and waits no more.
    pub(super) async fn take(&self) -> Result<Place, Full> {
        // The semaphore is never closed, so nothing else can go wrong.
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(Place(permit));
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiter = Waiter(&self.waiting);
        if before >= self.room.queue {
            return Err(Full::Queue);
        }
        let free = Arc::clone(&self.free).acquire_owned();
        match tokio::time::timeout(self.room.wait, free).await {
            Ok(Ok(permit)) => Ok(Place(permit)),
            Ok(Err(_)) | Err(_) => Err(Full::Wait),
        }
    }

    /// Returns how many calls are under way, and how many wait.
    pub(super) fn fill(&self) -> (usize, usize) {
        let most = self.room.most.clamp(1, Semaphore::MAX_PERMITS);
        (most - self.free.available_permits().min(most), self.waiting.load(Ordering::Relaxed))
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn places(most: usize, queue: usize) -> Places {
        Places::new(Room { most, queue, wait: Duration::from_secs(2) })
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_waits_and_then_gives_up() {
        let places = places(1, 1);
        let first = places.take().await.unwrap();
        let begun = tokio::time::Instant::now();
        assert_eq!(places.take().await.unwrap_err(), Full::Wait);
        assert_eq!(begun.elapsed().as_secs(), 2);
        let (freed, waited) = tokio::join!(
            async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(first);
            },
            places.take()
        );
        let () = freed;
        drop(waited.unwrap());
        assert_eq!(places.fill(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_is_no_wait_and_who_leaves_makes_room_in_it() {
        let places = places(1, 1);
        let _first = places.take().await.unwrap();
        let mut second = Box::pin(places.take());
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(places.take().await.unwrap_err(), Full::Queue);
        assert_eq!(places.fill(), (1, 1));
        drop(second);
        assert_eq!(places.fill(), (1, 0));
        assert_eq!(places.take().await.unwrap_err(), Full::Wait);
    }
}
