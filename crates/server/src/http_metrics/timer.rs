//! How long answers took: a histogram that many threads add to without waiting for each other.
//!
//! `prometheus_client`'s own has a mutex, which every request of every thread would take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in seconds: from what is answered from memory to what somebody
/// gave up on.
const BOUNDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Durations counted by bucket.
#[derive(Debug, Default)]
pub(super) struct Timer {
    /// The last one is for what is beyond all bounds.
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

/// What a timer counted up to a moment.
#[derive(Debug, Clone)]
pub(crate) struct Timings {
    /// How many.
    pub(crate) count: u64,
    /// Seconds in all.
    pub(crate) sum: f64,
    /// Upper bound in seconds, and how many were at most that but more than the bound before.
    pub(crate) buckets: Vec<(f64, u64)>,
}

impl Timer {
    pub(super) fn observe(&self, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Timings {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<_> = bounds.zip(counts).collect();
        Timings {
            // Of the buckets, so that the two never disagree while somebody adds.
            count: buckets.iter().map(|(_, count)| count).sum(),
            sum: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)).as_secs_f64(),
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Timer;

    #[test]
    fn durations_fall_into_the_bucket_that_reaches_to_them() {
        let timer = Timer::default();
        for milliseconds in [0, 1, 2, 50, 51, 40_000] {
            timer.observe(Duration::from_millis(milliseconds));
        }
        let read = timer.read();
        assert_eq!(read.count, 6);
        assert!((read.sum - 40.104).abs() < 1e-9, "{}", read.sum);
        let filled: Vec<_> = read.buckets.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.001, 2), (0.0025, 1), (0.05, 1), (0.1, 1), (f64::INFINITY, 1)]);
    }
}
