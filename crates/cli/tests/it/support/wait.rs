//! Waiting for what another process does: looking again and again, with a limit.

use std::{panic::Location, time::Duration};

/// How long anything is waited for. It takes milliseconds; this is for a machine that does ten
/// other things.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

/// How often is looked.
const INTERVAL: Duration = Duration::from_millis(10);

/// Waits until `look` finds something, and returns it.
///
/// # Panics
///
/// If it finds nothing in time, with the caller's line.
#[track_caller]
pub(crate) fn eventually<T, L: AsyncFnMut() -> Option<T>>(
    what: &str,
    mut look: L,
) -> impl Future<Output = T> + use<T, L> {
    let caller = Location::caller();
    let what = what.to_owned();
    async move {
        let looking = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(INTERVAL).await;
            }
        };
        let found = tokio::time::timeout(LIMIT, looking).await;
        found.unwrap_or_else(|_| panic!("the test at {caller} waited in vain for: {what}"))
    }
}

/// Waits for a future, with the same limit.
///
/// # Panics
///
/// If it is not ready in time, with the caller's line.
#[track_caller]
pub(crate) fn soon<T, F: Future<Output = T>>(
    what: &str,
    future: F,
) -> impl Future<Output = T> + use<T, F> {
    let caller = Location::caller();
    let what = what.to_owned();
    async move {
        let done = tokio::time::timeout(LIMIT, future).await;
        done.unwrap_or_else(|_| panic!("the test at {caller} waited in vain for: {what}"))
    }
}
