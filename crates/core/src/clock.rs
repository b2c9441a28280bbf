//! The wall clock as a port, so that tests decide what time it is.
//!
//! For intervals use `tokio::time::Instant`, which tests can pause.

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

/// Tells the time of day.
pub trait Clock: Send + Sync + Debug + 'static {
    /// Returns the present moment.
    fn now(&self) -> SystemTime;

    /// Returns whole seconds since 1970-01-01 UTC.
    fn unix_seconds(&self) -> u64 {
        self.now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Asks a clock that goes in steps of some milliseconds, and need not ask the processor: there are several
    /// such questions in a call.
    #[cfg(target_os = "linux")]
    fn unix_seconds(&self) -> u64 {
        use rustix::time::{ClockId, clock_gettime};
        u64::try_from(clock_gettime(ClockId::RealtimeCoarse).tv_sec).unwrap_or(0)
    }
}

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub Duration);

impl Clock for FixedClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.0
    }
}
