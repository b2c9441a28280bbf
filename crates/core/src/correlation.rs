//! Which request a task works for, so that every line of the log can name it.
//!
//! This is for the log alone: what decides anything is handed from function to function. A task
//! that is started for a request is put in its scope by whoever starts it.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use futures_util::future::Either;

use crate::trace::TraceContext;

tokio::task_local! {
    static CURRENT: Arc<Correlation>;
}

/// The names of a request.
#[derive(Debug)]
pub struct Correlation {
    /// Its own, unless the client made two requests of one name.
    pub request_id: Arc<str>,
    /// Of what it is a part; the same as the request's own where the client gave none.
    pub part_of: Arc<str>,
    /// Its trace, once there is one.
    pub trace: OnceLock<TraceContext>,
}

impl Correlation {
    /// Names a request.
    pub fn new(request_id: Arc<str>, part_of: Arc<str>) -> Arc<Self> {
        Arc::new(Self { request_id, part_of, trace: OnceLock::new() })
    }
}

/// Runs a future as part of a request; without one, as part of none.
pub fn within<F: Future>(
    correlation: Option<Arc<Correlation>>,
    task: F,
) -> impl Future<Output = F::Output> {
    // No async function: its future would have room for the task more than once.
    match correlation {
        Some(correlation) => Either::Left(CURRENT.scope(correlation, task)),
        None => Either::Right(task),
    }
}

/// Returns the request that the present task works for.
pub fn current() -> Option<Arc<Correlation>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Returns the name of what the present request is a part of, unless that is the given one, which is its own.
pub fn part_of_other_than(own: &str) -> Option<Arc<str>> {
    let other =
        |names: &Arc<Correlation>| (*names.part_of != *own).then(|| Arc::clone(&names.part_of));
    CURRENT.try_with(other).ok()?
}

/// Tells which trace the present request belongs to; the first word counts.
pub fn note_trace(trace: TraceContext) {
    let _ = CURRENT.try_with(|correlation| correlation.trace.set(trace));
}

#[cfg(test)]
mod tests {
    use super::{Correlation, current, part_of_other_than, within};

    #[tokio::test]
    async fn a_scope_ends_with_its_future() {
        assert!(current().is_none());
        let names = Correlation::new("a".into(), "b".into());
        let seen = within(Some(names), async {
            tokio::task::yield_now().await;
            let name = current().map(|names| names.request_id.to_string());
            (name, part_of_other_than("a"), part_of_other_than("b"))
        });
        assert_eq!(seen.await, (Some("a".to_owned()), Some("b".into()), None));
        assert!(current().is_none());
    }
}
