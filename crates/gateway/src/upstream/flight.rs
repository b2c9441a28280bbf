//! Calls that an upstream has not answered yet: whose they are, and how long they may still take.
//!
//! The upstream's request id of a call is also its progress token, so one number finds it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gantry_core::ClientLink;
use gantry_core::session::SessionId;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::census::CallCensus;

/// One call on its way.
#[derive(Debug)]
pub(super) struct Flight {
    /// The request id on the upstream's hop.
    pub(super) id: u64,
    /// The way back to the caller.
    pub(super) link: Arc<dyn ClientLink>,
    /// The caller's legacy session.
    pub(super) session: Option<SessionId>,
    /// Whether a client made it; what Gantry asks for itself is nobody's.
    pub(super) of_client: bool,
    /// Whether a callback may belong to it.
    pub(super) carrier: bool,
    /// Names the client's request; `None` for our own.
    pub(super) request_id: Option<Arc<str>>,
    /// How long it may still take.
    pub(super) patience: Patience,
}

/// The open calls of one connection.
#[derive(Debug, Default)]
pub(super) struct Flights {
    open: Mutex<HashMap<u64, Arc<Flight>>>,
    /// The session whose call was the last one open, and when that call ended.
    last: Mutex<Option<(SessionId, Instant)>>,
}

/// Takes a call out of its table when it ends, however it ends.
#[derive(Debug)]
pub(super) struct Boarded<'a> {
    flights: &'a Flights,
    pub(super) flight: Arc<Flight>,
}

/// A time limit that progress starts anew and that stands still while a person is asked.
#[derive(Debug)]
pub(super) struct Patience {
    begun: Instant,
    limit: Duration,
    state: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    until: Instant,
    asking: usize,
}

/// Shortest pause between two looks while a person is asked.
const ASKING_TICK: Duration = Duration::from_millis(250);

/// Request ids on upstream hops; unique in the process, so that no late answer meets another call.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// How long after its answer a call may still be what a log message is about: the two travel on
/// connections of their own, and either may be read first.
const LATE: Duration = Duration::from_millis(250);

pub(super) fn next_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

impl Flights {
    pub(super) fn board(&self, flight: Flight) -> Boarded<'_> {
        let flight = Arc::new(flight);
        self.open.lock().insert(flight.id, Arc::clone(&flight));
        Boarded { flights: self, flight }
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<Flight>> {
        self.open.lock().get(&id).cloned()
    }

    /// Lists the open calls, the longest first.
    pub(super) fn census(&self) -> Vec<CallCensus> {
        let mut calls: Vec<_> = self.open.lock().values().map(|flight| flight.census()).collect();
        calls.sort_by(|one, other| other.age_seconds.total_cmp(&one.age_seconds));
        calls
    }

    /// Returns how many calls of clients are open.
    pub(super) fn n_of_clients(&self) -> usize {
        self.open.lock().values().filter(|flight| flight.of_client).count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.lock().is_empty()
    }

    /// Tells whether a call of a client is open.
    pub(super) fn any_of_client(&self) -> bool {
        self.open.lock().values().any(|flight| flight.of_client)
    }

    /// Returns the only open call of a client, if there is exactly one.
    pub(super) fn only(&self) -> Option<Arc<Flight>> {
        let open = self.open.lock();
        let mut calls = open.values().filter(|flight| flight.of_client);
        match (calls.next(), calls.next()) {
            (Some(call), None) => Some(Arc::clone(call)),
            _ => None,
        }
    }

    /// Returns the session whose call ended just now, if nobody called since.
    pub(super) fn just_ended(&self) -> Option<SessionId> {
        if self.any_of_client() {
            return None;
        }
        let (session, ended) = (*self.last.lock())?;
        (ended.elapsed() < LATE).then_some(session)
    }

    /// Returns the only open call that may be asked back, if there is exactly one.
    pub(super) fn only_carrier(&self) -> Option<Arc<Flight>> {
        let open = self.open.lock();
        let mut carriers = open.values().filter(|flight| flight.carrier);
        match (carriers.next(), carriers.next()) {
            (Some(call), None) => Some(Arc::clone(call)),
            _ => None,
        }
    }
}

impl Flight {
    fn census(&self) -> CallCensus {
        CallCensus {
            request_id: self.request_id.as_deref().map(str::to_owned),
            age_seconds: self.patience.begun.elapsed().as_secs_f64(),
            limit_seconds: self.patience.limit.as_secs(),
            is_asking: self.patience.state.lock().asking > 0,
        }
    }
}

impl Drop for Boarded<'_> {
    fn drop(&mut self) {
        let mut open = self.flights.open.lock();
        open.remove(&self.flight.id);
        if self.flight.of_client {
            let was_alone = !open.values().any(|other| other.of_client);
            let session = self.flight.session.filter(|_| was_alone);
            *self.flights.last.lock() = session.map(|session| (session, Instant::now()));
        }
    }
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        let begun = Instant::now();
        Self { begun, limit, state: Mutex::new(Waiting { until: begun + limit, asking: 0 }) }
    }

    /// Starts the limit anew.
    pub(super) fn renew(&self) {
        self.state.lock().until = Instant::now() + self.limit;
    }

    /// Stops the clock until the guard is dropped; then the limit starts anew.
    pub(super) fn pause(&self) -> Paused<'_> {
        self.state.lock().asking += 1;
        Paused(self)
    }

    /// Resolves when the limit has passed, with the limit.
    pub(super) async fn run_out(&self) -> Duration {
        loop {
            let until = {
                let state = self.state.lock();
                if state.asking > 0 { Instant::now() + ASKING_TICK } else { state.until }
            };
            tokio::time::sleep_until(until).await;
            let state = self.state.lock();
            if state.asking == 0 && state.until <= Instant::now() {
                return self.limit;
            }
        }
    }
}

/// A stopped clock.
#[derive(Debug)]
pub(super) struct Paused<'a>(&'a Patience);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.asking -= 1;
        state.until = Instant::now() + self.0.limit;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Patience;

    #[tokio::test(start_paused = true)]
    async fn progress_starts_the_limit_anew() {
        let patience = Patience::new(Duration::from_secs(10));
        let start = tokio::time::Instant::now();
        tokio::time::sleep(Duration::from_secs(9)).await;
        patience.renew();
        patience.run_out().await;
        assert_eq!(start.elapsed().as_secs(), 19);
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_stands_still_while_a_person_is_asked() {
        let patience = Patience::new(Duration::from_secs(10));
        let start = tokio::time::Instant::now();
        let asked = async {
            let paused = patience.pause();
            tokio::time::sleep(Duration::from_mins(5)).await;
            drop(paused);
        };
        tokio::join!(patience.run_out(), asked);
        assert_eq!(start.elapsed().as_secs(), 310);
    }
}
