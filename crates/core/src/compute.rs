//! What takes the processor for long, off the threads that carry requests.
//!
//! Whatever may compute for more than 200 µs runs here: it would hold up every other connection of
//! its core. So few computations run at a time that a core is left for requests, and so few wait
//! that memory has a bound.

use std::sync::Arc;
use std::thread;

use tokio::sync::Semaphore;

/// Computations that may wait for their turn; more are refused.
const MOST_WAITING: usize = 256;
/// Tasks that may wait for something at a time, each on a thread of its own.
const MOST_IDLE: usize = 64;

/// The pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Compute {
    computing: Arc<Gate>,
    idle: Arc<Gate>,
}

/// Why something was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotComputed {
    /// Too much waits already; nothing ran.
    #[error("too many computations are waiting for the processor; try again later")]
    Full,
    /// It broke off; a bug.
    #[error("the computation broke off; this is a bug")]
    Broken,
}

/// What keeps one kind of task few.
#[derive(Debug)]
struct Gate {
    running: Semaphore,
    admitted: Semaphore,
}

// === impl Compute ===

impl Compute {
    /// Makes a pool that leaves one of the machine's cores for requests, if there are two.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads(cores.saturating_sub(1).max(1))
    }

    /// Makes a pool of that many threads.
    pub fn with_threads(n_threads: usize) -> Self {
        Self {
            computing: Arc::new(Gate::new(n_threads, MOST_WAITING)),
            idle: Arc::new(Gate::new(MOST_IDLE, MOST_WAITING)),
        }
    }

    /// Computes something, as soon as a thread of the pool is free.
    ///
    /// Dropping the future gives the turn up while the work waits for it; what runs must look by
    /// itself whether it is still wanted.
    ///
    /// # Errors
    ///
    /// [`NotComputed::Full`] at once, if too much waits.
    pub async fn run<T, F>(&self, work: F) -> Result<T, NotComputed>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        run(&self.computing, work).await
    }

    /// The same for what mostly waits for something else, and so takes nobody's processor.
    ///
    /// # Errors
    ///
    /// [`NotComputed::Full`] at once, if too much waits.
    pub async fn run_waiting<T, F>(&self, work: F) -> Result<T, NotComputed>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        run(&self.idle, work).await
    }
}

impl Default for Compute {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Gate ===

impl Gate {
    fn new(running: usize, waiting: usize) -> Self {
        Self { running: Semaphore::new(running), admitted: Semaphore::new(running + waiting) }
    }
}

async fn run<T, F>(gate: &Arc<Gate>, work: F) -> Result<T, NotComputed>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let _admitted = gate.admitted.try_acquire().map_err(|_| NotComputed::Full)?;
    // Neither semaphore is ever closed.
    let turn = gate.running.acquire().await.map_err(|_| NotComputed::Broken)?;
    // The turn belongs to the work: it goes on when nobody waits for it any more.
    turn.forget();
    let gate = Arc::clone(gate);
    let working = tokio::task::spawn_blocking(move || {
        let _turn = Turn(gate);
        work()
    });
    working.await.map_err(|_| NotComputed::Broken)
}

/// Gives the turn back, however the work ends.
struct Turn(Arc<Gate>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.running.add_permits(1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier, mpsc};

    use super::{Compute, MOST_WAITING, NotComputed};

    #[tokio::test]
    async fn no_more_runs_at_a_time_than_there_are_threads() {
        let pool = Compute::with_threads(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // Nobody goes on before two are there, and neither leaves before both have been counted.
        let two = Arc::new(Barrier::new(2));
        let work = || {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let two = Arc::clone(&two);
            pool.run(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                two.wait();
                two.wait();
                running.fetch_sub(1, Ordering::SeqCst);
            })
        };
        let all: Vec<_> = (0..20).map(|_| work()).collect();
        for done in futures_util::future::join_all(all).await {
            assert_eq!(done, Ok(()));
        }
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_finds_too_much_waiting_is_refused_and_a_panic_frees_its_thread() {
        let pool = Compute::with_threads(1);
        let (open, gate) = mpsc::channel::<()>();
        let blocked = pool.run(move || gate.recv());
        let blocked = async { blocked.await.is_ok() };
        let crowd: Vec<_> = (0..=MOST_WAITING).map(|_| pool.run(|| ())).collect();
        let crowd = async {
            let refused = futures_util::future::join_all(crowd);
            let watch = async {
                tokio::task::yield_now().await;
                drop(open);
            };
            tokio::join!(refused, watch).0
        };
        let (was_let_go, crowd) = tokio::join!(blocked, crowd);
        assert!(was_let_go);
        let refused = crowd.iter().filter(|done| **done == Err(NotComputed::Full)).count();
        assert_eq!(refused, 1);
        let broken = pool.run(|| -> () { panic!("on purpose") }).await;
        assert_eq!(broken, Err(NotComputed::Broken));
        assert_eq!(pool.run(|| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn who_waits_for_something_keeps_nobody_from_computing() {
        let pool = Compute::with_threads(1);
        let (open, gate) = mpsc::channel::<()>();
        let waiting = pool.run_waiting(move || gate.recv());
        let computing = async {
            let answer = pool.run(|| 2).await;
            drop(open);
            answer
        };
        let (_, answer) = tokio::join!(waiting, computing);
        assert_eq!(answer, Ok(2));
    }
}
