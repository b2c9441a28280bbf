//! The breakers of servers and tools: what counts as a failure, and what is told of them.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gantry_core::{Clock, ErrorCode, Outcome, ProviderError};
use gantry_policy::breaker::{Breaker, Counts, Ending, Settings, State, Ticket};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::refusal::refused;
use crate::metrics::{Metrics, ServerLabels};

/// Reasons that say nothing of the server's health: somebody wants it so, or it answered.
const HEALTHY: [&str; 6] =
    ["disabled", "stopped", "stopping", "starting", "session_gone", "message_too_large"];

/// A breaker and its name.
#[derive(Debug)]
pub(super) struct Guarded {
    /// The server, and the tool's pattern after a `/` if it is one of a tool.
    pub(super) name: Box<str>,
    pub(super) server: Box<str>,
    born: Instant,
    breaker: Mutex<Breaker>,
}

/// A call that may pass; one that is dropped unsettled counts as taken back.
#[derive(Debug)]
pub(crate) struct Passage {
    guarded: Arc<Guarded>,
    metrics: Arc<Metrics>,
    ticket: Option<Ticket>,
}

/// What is told of one breaker.
#[derive(Debug, Clone)]
pub struct BreakerStatus {
    /// Its name: the server, and the tool's pattern after a `/` if it is one of a tool.
    pub name: Box<str>,
    /// The server.
    pub server: Box<str>,
    /// Whether it lets calls through.
    pub state: State,
    /// What became of the calls.
    pub counts: Counts,
    /// When a call failed last.
    pub last_failure: Option<SystemTime>,
    /// How it is set.
    pub settings: Settings,
}

impl Guarded {
    pub(super) fn new(server: &str, pattern: Option<&str>, settings: Settings) -> Self {
        Self {
            name: name_of(server, pattern),
            server: server.into(),
            born: Instant::now(),
            breaker: Mutex::new(Breaker::new(settings)),
        }
    }

    pub(super) fn has(&self, settings: &Settings) -> bool {
        self.breaker.lock().settings() == settings
    }

    /// Lets a call pass, or refuses it.
    pub(super) fn admit(
        self: &Arc<Self>,
        metrics: &Arc<Metrics>,
    ) -> Result<Passage, ProviderError> {
        let admitted = self.breaker.lock().admit(self.born.elapsed());
        let labels = || ServerLabels { server: self.server.as_ref().into() };
        match admitted {
            Ok(ticket) => Ok(Passage {
                guarded: Arc::clone(self),
                metrics: Arc::clone(metrics),
                ticket: Some(ticket),
            }),
            Err(wait) => {
                metrics.traffic.breaker_refused.get_or_create(&labels()).inc();
                let text = format!(
                    "the server `{}` failed too often and is left alone for now; its circuit \
                     breaker `{}` is open",
                    self.server, self.name
                );
                Err(refused(ErrorCode::BreakerOpen, text, wait))
            }
        }
    }

    pub(super) fn reset(&self) {
        self.breaker.lock().reset();
    }

    pub(super) fn state(&self) -> State {
        self.breaker.lock().state(self.born.elapsed())
    }

    pub(super) fn status(&self, clock: &dyn Clock) -> BreakerStatus {
        let now = self.born.elapsed();
        let breaker = self.breaker.lock();
        let counts = breaker.counts();
        let ago = |at: Duration| clock.now().checked_sub(now.saturating_sub(at));
        BreakerStatus {
            name: self.name.clone(),
            server: self.server.clone(),
            state: breaker.state(now),
            last_failure: counts.last_failure.and_then(ago),
            counts,
            settings: *breaker.settings(),
        }
    }
}

impl Passage {
    /// Tells how the call ended.
    pub(crate) fn settle(mut self, outcome: &Result<Outcome, ProviderError>) {
        self.end(ending_of(outcome));
    }

    fn end(&mut self, ending: Ending) {
        let Some(ticket) = self.ticket.take() else { return };
        let guarded = &self.guarded;
        // Keys of hash maps are random enough to spread probes.
        let chance = RandomState::new().build_hasher().finish();
        let opened = {
            let mut breaker = guarded.breaker.lock();
            breaker.settle(ticket, ending, guarded.born.elapsed(), chance)
        };
        if opened {
            let labels = ServerLabels { server: guarded.server.as_ref().into() };
            self.metrics.traffic.breaker_opened.get_or_create(&labels).inc();
            gantry_core::log::warn!(
                upstream = &*guarded.server,
                breaker = &*guarded.name,
                "A circuit breaker opened: the server failed too often."
            );
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.end(Ending::Unknown);
    }
}

pub(super) fn name_of(server: &str, pattern: Option<&str>) -> Box<str> {
    match pattern {
        Some(pattern) => format!("{server}/{pattern}").into(),
        None => server.into(),
    }
}

/// What an outcome says of the server's health. A tool that fails is a server that answers.
fn ending_of(outcome: &Result<Outcome, ProviderError>) -> Ending {
    match outcome {
        Ok(_) | Err(ProviderError::Answered { .. }) => Ending::Success,
        Err(ProviderError::TimedOut { .. }) => Ending::Failure,
        Err(ProviderError::Unavailable { reason, .. }) if HEALTHY.contains(reason) => {
            Ending::Unknown
        }
        Err(ProviderError::Unavailable { .. }) => Ending::Failure,
        Err(ProviderError::Refused(_) | ProviderError::Cancelled) => Ending::Unknown,
    }
}
