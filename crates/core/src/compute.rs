//! What takes the processor for long, off the threads that carry requests.
//!
//! Whatever may compute for more than 200 µs runs here: it would hold up every other connection of
//! its core. So few computations run at a time that a core is left for requests, and so few wait
//! that memory has a bound. Their threads are the last to be given a processor that others want
//! (`docs/decisions/0053-threads-that-compute.md`).

use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Computations that may wait for their turn; more are refused.
const MOST_WAITING: usize = 256;
/// Tasks that may wait for something at a time, each on a thread of its own.
const MOST_IDLE: usize = 64;
/// By how much a thread that computes is nicer than one that carries requests: it has a tenth of the
/// other's weight while both want the same processor, and all of it while nobody else does.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Compute {
    threads: Arc<Threads>,
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

/// Threads of their own, made when they are first needed and ended when they have been idle.
///
/// Invariant: there is a runtime until the drop. Nothing but its threads for what blocks is used.
#[derive(Debug)]
struct Threads(Option<Runtime>);

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
            threads: Arc::new(Threads::new(n_threads)),
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
        let (_admitted, turn) = turn(&self.computing).await?;
        let working = self.threads.runtime().spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        working.await.map_err(|_| NotComputed::Broken)
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
        let (_admitted, turn) = turn(&self.idle).await?;
        let working = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        working.await.map_err(|_| NotComputed::Broken)
    }
}

impl Default for Compute {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Threads ===

impl Threads {
    fn new(n_threads: usize) -> Self {
        let runtime = Builder::new_current_thread()
            .thread_name("gantry-compute")
            .max_blocking_threads(n_threads)
            .on_thread_start(step_back)
            .build()
            .expect("a runtime without drivers asks nothing of the system");
        Self(Some(runtime))
    }

    fn runtime(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Whoever drops the last pool may be a task, which cannot wait for what still computes.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lets everybody else go first. Where the system has no priorities of single threads, it is left
/// to share the processors fairly.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        crate::log::debug!(%error, "A thread that computes has the priority of all others.");
    }
}

// === impl Gate ===

impl Gate {
    fn new(running: usize, waiting: usize) -> Self {
        Self { running: Semaphore::new(running), admitted: Semaphore::new(running + waiting) }
    }
}

/// Waits for a turn. It belongs to the work, which goes on when nobody waits for it any more; what is
/// admitted is whoever waits.
async fn turn(gate: &Arc<Gate>) -> Result<(SemaphorePermit<'_>, Turn), NotComputed> {
    let admitted = gate.admitted.try_acquire().map_err(|_| NotComputed::Full)?;
    // Neither semaphore is ever closed.
    let running = gate.running.acquire().await.map_err(|_| NotComputed::Broken)?;
    running.forget();
    Ok((admitted, Turn(Arc::clone(gate))))
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

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_computes_lets_others_go_first() {
        let own = || rustix::process::getpriority_process(None).unwrap();
        let before = own();
        let pool = Compute::with_threads(1);
        assert_eq!(pool.run(own).await, Ok((before + super::NICENESS).min(19)));
        assert_eq!(pool.run_waiting(own).await, Ok(before));
        assert_eq!(own(), before);
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
