//! This process as its services see it.

use std::sync::Arc;

use gantry_core::{Clock as _, SystemClock};
use gantry_services::ports::{PortError, Process, ProcessState};

use crate::metrics::process;

/// What the system knows of this process.
#[derive(Debug)]
struct Own;

/// Returns the port, where the system tells anything.
pub(super) fn port() -> Option<Arc<dyn Process>> {
    process::read().map(|_| Arc::new(Own) as Arc<dyn Process>)
}

impl Process for Own {
    fn state(&self) -> Result<ProcessState, PortError> {
        let missing = || PortError::new("the system does not tell of this process");
        let now = process::read().ok_or_else(missing)?;
        let threads = process::threads().ok_or_else(missing)?;
        #[expect(clippy::cast_precision_loss, reason = "the time of day needs less than 53 bits")]
        let seconds = SystemClock.unix_seconds() as f64;
        Ok(ProcessState {
            resident_bytes: now.resident_bytes,
            cpu_seconds: now.user_seconds + now.system_seconds,
            threads,
            uptime_seconds: (seconds - now.start_seconds).max(0.0),
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::port;

    #[test]
    fn the_process_is_seen() {
        let state = port().unwrap().state().unwrap();
        assert!(state.resident_bytes > 100_000 && state.threads > 0, "{state:?}");
        assert!(state.uptime_seconds < 3600.0, "{state:?}");
    }
}
