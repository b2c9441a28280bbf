//! The one queue between whatever happens and the task that writes it down.
//!
//! An entry is written down where it is made, while its parts are in the processor's caches, and only its
//! text waits. Bounded in bytes: room is taken before anything happens and is free again when its entry
//! is taken out, so that who has room always finds a place. What nothing depends on has room of its own: a
//! stranger who is refused a thousand times takes none from calls.
//!
//! The queue has a part for each thread, as far as there are enough. A lock that all share would be
//! waited for whenever the system puts a thread to sleep that holds it, by threads that have calls to
//! answer.
//!
//! An entry wakes nobody but the first of a part since the writer looked: a wake for each would cost a
//! call more than all the rest of its entry, on a machine whose processors are busy with calls.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use gantry_core::Clock;
use gantry_core::audit::{Entry, Events, Full, Recorder as Port, Reserved};
use gantry_policy::audit::{Repeated, Rules, describe, push_body};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::backlog::Backlog;
use super::figures::Figures;
use super::unix_milliseconds;
use crate::config::{self, AuditArguments, AuditFull, AuditSync};
use crate::timestamp::rfc3339;

/// KiB of the entries of calls and changes.
const ROOM: isize = 32 * 1024;
/// The most bytes of room for an entry that a thread keeps for the next one.
const KEPT_ROOM: usize = 16 * 1024;
/// Entries that nothing depends on.
const LATE: isize = 4 * 1024;
/// Parts of the queue for each processor: more than threads that serve requests, because others that write
/// an entry now and then are numbered among them.
const PARTS_EACH: usize = 4;
/// The most parts of the queue. More threads than that share some.
const MOST_PARTS: usize = 64;

/// Threads that have written an entry down.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Entries on their way, in a part of the queue.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Their objects, one behind the other.
    pub(super) texts: String,
    pub(super) entries: Vec<Mark>,
    /// The room that they have.
    kibibytes: isize,
    late: isize,
    /// How many there were in this part so far, those that were taken out among them.
    count: u64,
}

/// Where an entry ends among others.
#[derive(Debug)]
pub(super) struct Mark {
    /// Nanoseconds from the beginning of the queue to when it came: its place among those of all parts.
    pub(super) came: u64,
    pub(super) end: usize,
    /// Unix milliseconds.
    pub(super) at: u64,
    pub(super) durable: Option<oneshot::Sender<()>>,
}

/// What is in the queue, and what room there is.
#[derive(Debug)]
pub(super) struct Queue {
    parts: Box<[Part]>,
    begun: Instant,
    /// Whether nobody takes anything out any more.
    is_closed: AtomicBool,
    /// Told when there is something in it.
    filled: Notify,
    /// Free places of what nothing depends on.
    late: AtomicIsize,
}

/// Apart from others in memory, so that processors do not take it from each other.
#[derive(Debug)]
#[repr(align(128))]
struct Part {
    /// Tells its entries from those of other parts, and of other processes.
    name: String,
    waiting: Mutex<Waiting>,
    /// Free KiB of calls and changes: its share of all, whoever takes them; below zero while somebody is about
    /// to find that there are too few.
    room: AtomicIsize,
}

/// The near end of the queue.
#[derive(Debug)]
pub(super) struct Recorder {
    queue: Arc<Queue>,
    backlogs: Vec<Arc<Backlog>>,
    clock: Arc<dyn Clock>,
    events: Events,
    wants_arguments: bool,
    rules: Arc<ArcSwap<Rules>>,
    each: bool,
    when_full: AuditFull,
    figures: Figures,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::new(Desk::new());
}

/// What a thread that writes entries down has at hand, so that it shares nothing with others meanwhile.
#[derive(Debug)]
struct Desk {
    /// Which thread it is, counted from 0.
    thread: usize,
    /// The entry that is written.
    text: String,
    repeated: Repeated,
}

// === impl Queue ===

impl Queue {
    fn new(process: &str) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let n = (PARTS_EACH * threads).next_power_of_two().min(MOST_PARTS);
        let part = |number| Part {
            name: format!("{process}-{number}"),
            waiting: Mutex::default(),
            room: AtomicIsize::new(ROOM / n.cast_signed()),
        };
        Self {
            parts: (0..n).map(part).collect(),
            begun: Instant::now(),
            is_closed: AtomicBool::new(false),
            filled: Notify::new(),
            late: AtomicIsize::new(LATE),
        }
    }

    /// Waits until there is something in it.
    ///
    /// Cancel safe.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Returns an empty list for each part.
    pub(super) fn empty(&self) -> Vec<Waiting> {
        self.parts.iter().map(|_| Waiting::default()).collect()
    }

    /// Takes out what is in each part, gives its room back, and leaves empty lists for what comes next.
    pub(super) fn take(&self, empty: Vec<Waiting>) -> Vec<Waiting> {
        // All of them are locked first: of two entries the earlier one is never left behind.
        let mut parts: Vec<_> = self.parts.iter().map(|part| part.waiting.lock()).collect();
        let pairs = parts.iter_mut().zip(empty);
        let taken: Vec<_> = pairs
            .map(|(part, empty)| {
                let empty = Waiting { count: part.count, ..empty };
                std::mem::replace(&mut **part, empty)
            })
            .collect();
        drop(parts);
        for (part, taken) in self.parts.iter().zip(&taken) {
            // Ordering: these numbers order nothing but themselves.
            part.room.fetch_add(taken.kibibytes, Ordering::Relaxed);
            self.late.fetch_add(taken.late, Ordering::Relaxed);
        }
        taken
    }

    /// Takes nothing in from the next [`Self::take`] on.
    pub(super) fn close(&self) {
        // Ordering: that takes every lock after this, and whoever puts something in looks under one.
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// Takes room for an entry of so many KiB: of the share of the thread, which no other one touches as a rule, or
    /// of others if too little is left there.
    fn reserve(&self, thread: usize, kibibytes: u32) -> bool {
        let (later, first) = self.parts.split_at(self.place(thread));
        first.iter().chain(later).any(|part| take_of(&part.room, whole(kibibytes)))
    }

    /// Returns which part is that of a thread.
    fn place(&self, thread: usize) -> usize {
        // Their number is a power of two, because to divide by others takes longer, for every call twice.
        thread & (self.parts.len() - 1)
    }

    /// Tells whether there is none for any entry.
    fn is_full(&self) -> bool {
        self.parts.iter().all(|part| part.room.load(Ordering::Relaxed) <= 0)
    }

    /// Gives room back that no entry came into.
    fn release(&self, thread: usize, room: Reserved) {
        match room {
            Reserved::Kibibytes(n) => {
                let part = &self.parts[self.place(thread)];
                part.room.fetch_add(whole(n), Ordering::Relaxed)
            }
            Reserved::Late => self.late.fetch_add(1, Ordering::Relaxed),
        };
    }

    /// Puts one into the part of a thread; `false` if nobody takes anything out any more.
    fn put(
        &self,
        thread: usize,
        (at, described): (u64, &str),
        room: Reserved,
        durable: Option<oneshot::Sender<()>>,
    ) -> bool {
        let part = &self.parts[self.place(thread)];
        let is_first = {
            let mut waiting = part.waiting.lock();
            if self.is_closed.load(Ordering::Relaxed) {
                return false;
            }
            // Under the lock, so that those of a part stand in their order. The clock is the same for all.
            let came = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            waiting.count += 1;
            let number = waiting.count;
            push_body(&mut waiting.texts, (&part.name, number), described);
            match room {
                Reserved::Kibibytes(n) => waiting.kibibytes += whole(n),
                Reserved::Late => waiting.late += 1,
            }
            let end = waiting.texts.len();
            waiting.entries.push(Mark { came, end, at, durable });
            waiting.entries.len() == 1
        };
        if is_first {
            self.filled.notify_one();
        }
        true
    }
}

/// Returns the number of this thread.
fn thread() -> usize {
    DESK.with_borrow(|desk| desk.thread)
}

fn whole(kibibytes: u32) -> isize {
    isize::try_from(kibibytes).unwrap_or(isize::MAX)
}

/// Takes so much of what is free; `false` if there is less. In one step, for which a processor fetches the
/// number once. Who finds too little keeps others from the rest of it meanwhile.
fn take_of(free: &AtomicIsize, wanted: isize) -> bool {
    // Ordering: the number orders nothing but itself.
    let is_there = free.fetch_sub(wanted, Ordering::Relaxed) >= wanted;
    if !is_there {
        free.fetch_add(wanted, Ordering::Relaxed);
    }
    is_there
}

// === impl Waiting ===

impl Waiting {
    /// Makes a list into which somewhat more fits than is in another one, so that the next entries need
    /// not be moved while they come.
    pub(super) fn for_more_than(other: &Self) -> Self {
        let more = |n: usize| n + n / 4;
        Self {
            texts: String::with_capacity(more(other.texts.len())),
            entries: Vec::with_capacity(more(other.entries.len())),
            ..Self::default()
        }
    }
}

// === impl Desk ===

impl Desk {
    fn new() -> Self {
        // Ordering: the number orders nothing but itself.
        let thread = THREADS.fetch_add(1, Ordering::Relaxed);
        Self { thread, text: String::new(), repeated: Repeated::default() }
    }
}

// === impl Recorder ===

impl Recorder {
    pub(super) fn new(
        config: &config::Audit,
        process: &str,
        (clock, rules): (Arc<dyn Clock>, Arc<ArcSwap<Rules>>),
        backlogs: Vec<Arc<Backlog>>,
        figures: &Figures,
    ) -> (Arc<Self>, Arc<Queue>) {
        let queue = Arc::new(Queue::new(process));
        let recorder = Self {
            queue: Arc::clone(&queue),
            backlogs,
            clock,
            events: config.wanted(),
            wants_arguments: config.arguments != AuditArguments::None,
            rules,
            each: config.sync == AuditSync::Each,
            when_full: config.when_full,
            figures: figures.clone(),
        };
        (Arc::new(recorder), queue)
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Tells whether there is no room, in the queue or for a place that fails.
    pub(super) fn is_full(&self) -> bool {
        self.queue.is_full() || self.is_backlog_full()
    }

    fn is_backlog_full(&self) -> bool {
        self.backlogs.iter().any(|backlog| backlog.is_full())
    }
}

impl Port for Recorder {
    fn events(&self) -> Events {
        self.events
    }

    fn wants_arguments(&self) -> bool {
        self.wants_arguments
    }

    fn written(&self, arguments: &[u8]) -> Option<String> {
        self.rules.load().written(arguments)
    }

    fn reserve(&self, kibibytes: u32) -> Result<Option<Reserved>, Full> {
        if !self.is_backlog_full() && self.queue.reserve(thread(), kibibytes) {
            return Ok(Some(Reserved::Kibibytes(kibibytes)));
        }
        match self.when_full {
            AuditFull::Refuse => {
                self.figures.refused.inc();
                Err(Full)
            }
            AuditFull::Drop => {
                self.figures.dropped.inc();
                Ok(None)
            }
        }
    }

    fn reserve_late(&self) -> Option<Reserved> {
        if !self.is_backlog_full() && take_of(&self.queue.late, 1) {
            return Some(Reserved::Late);
        }
        self.figures.dropped.inc();
        None
    }

    fn release(&self, room: Reserved) {
        self.queue.release(thread(), room);
    }

    fn take(&self, entry: &Entry<'_>, room: Reserved) -> Option<oneshot::Receiver<()>> {
        let at = self.clock.now();
        let ms = unix_milliseconds(at);
        let (durable, told) = self.each.then(oneshot::channel).unzip();
        let is_put = DESK.with_borrow_mut(|desk| {
            desk.text.clear();
            desk.text.shrink_to(KEPT_ROOM);
            let Desk { text, repeated, .. } = &mut *desk;
            describe(text, (ms, || rfc3339(at)), entry, repeated, &self.rules.load());
            self.queue.put(desk.thread, (ms, &desk.text), room, durable)
        });
        // It is refused only once the writer has ended, after everything that is recorded. Who waits
        // is then told that nothing is durable.
        if !is_put {
            self.figures.dropped.inc();
            self.queue.release(thread(), room);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use gantry_core::audit::Reserved;

    use super::Queue;

    /// Puts entries in from several threads while they are taken out; returns when they came, as they
    /// came out, each time in order.
    fn moments_of(queue: &Queue, threads: usize, each: usize) -> Vec<u64> {
        let mut moments = Vec::new();
        let mut take = || {
            let taken = queue.take(queue.empty());
            let parts = taken.iter().flat_map(|part| &part.entries);
            let mut some: Vec<_> = parts.map(|mark| mark.came).collect();
            some.sort_unstable();
            moments.append(&mut some);
            moments.len()
        };
        std::thread::scope(|scope| {
            for thread in 0..threads {
                scope.spawn(move || {
                    for _ in 0..each {
                        assert!(queue.put(thread, (1, "}"), Reserved::Late, None));
                    }
                });
            }
            while take() < threads * each {
                std::thread::yield_now();
            }
        });
        moments
    }

    #[test]
    fn what_came_earlier_is_never_taken_out_later() {
        let queue = Queue::new("a");
        // More threads than parts as well.
        for threads in [2, 3 * queue.parts.len()] {
            let moments = moments_of(&queue, threads, 2_000);
            assert!(moments.is_sorted(), "{threads} threads");
        }
    }

    #[test]
    fn all_of_the_room_is_there_for_whoever_asks() {
        let queue = Queue::new("a");
        let most = super::ROOM / queue.parts.len().cast_signed() * queue.parts.len().cast_signed();
        let taken = (0..=most).take_while(|_| queue.reserve(1, 1)).count();
        assert_eq!(taken.cast_signed(), most);
        assert!(queue.is_full() && !queue.reserve(0, 1));
        queue.release(0, Reserved::Kibibytes(2));
        assert!(!queue.is_full() && queue.reserve(1, 2) && !queue.reserve(1, 1));
        // An entry has the room of its part again, wherever it was taken.
        assert!(queue.put(1, (1, "}"), Reserved::Kibibytes(3), None));
        queue.take(queue.empty());
        assert!(queue.reserve(0, 3) && !queue.reserve(0, 1));
    }

    #[test]
    fn what_finds_the_queue_closed_is_told_and_all_else_comes_out() {
        let queue = Queue::new("a");
        let (put, taken) = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| {
                    let queue = &queue;
                    scope.spawn(move || {
                        let put = || queue.put(thread, (1, "}"), Reserved::Late, None);
                        (0..50_000).take_while(|_| put()).count()
                    })
                })
                .collect();
            queue.close();
            let taken = queue.take(queue.empty());
            let put: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            (put, taken.iter().map(|part| part.entries.len()).sum::<usize>())
        });
        assert_eq!(put, taken);
        assert!(!queue.put(0, (1, "}"), Reserved::Late, None));
    }
}
