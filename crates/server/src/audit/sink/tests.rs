//! The task of a place that fails, hangs and comes back. The place is a double: it keeps lines in
//! memory and does as it is told; files and databases have tests of their own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gantry_core::Tasks;
use gantry_policy::audit::Verifier;
use prometheus_client::registry::Registry;
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::audit::backlog::Durable;

const LIMIT: Duration = Duration::from_secs(30);

/// What the double keeps, and what it is told to do.
#[derive(Debug, Default)]
struct Told {
    lines: Mutex<Vec<String>>,
    fails: AtomicBool,
    /// Whether it keeps everything, and its answer does not arrive.
    loses_answers: AtomicBool,
    hangs: AtomicBool,
    free: Notify,
    attempts: AtomicUsize,
}

#[derive(Debug)]
struct Double(Arc<Told>);

impl Sink for Double {
    fn last(&mut self) -> BoxFuture<'_, Result<Option<Head>, AuditError>> {
        let last = self.0.lines.lock().last().and_then(|line| Head::of_last_line(line));
        Box::pin(std::future::ready(Ok(last)))
    }

    fn append(&mut self, sealed: Arc<Sealed>) -> BoxFuture<'_, Appended> {
        let told = Arc::clone(&self.0);
        Box::pin(async move {
            told.attempts.fetch_add(1, Ordering::Relaxed);
            while told.hangs.load(Ordering::Relaxed) {
                told.free.notified().await;
            }
            if told.fails.load(Ordering::Relaxed) {
                // The half of it is there: what a full disk leaves of many lines.
                let half = sealed.pieces().count() / 2;
                let lines = sealed.pieces().take(half).flat_map(str::lines);
                told.lines.lock().extend(lines.map(str::to_owned));
                let (n, failure) = (sealed.entries_of(half), Some("full".to_owned()));
                return Appended { n, is_durable: true, failure };
            }
            let mut lines = told.lines.lock();
            for line in sealed.lines().lines() {
                // A line that is there is replaced, as databases do it.
                let seq = Head::of_last_line(line).map_or(0, |head| head.seq);
                let place = lines.len().min(usize::try_from(seq).unwrap() - 1);
                let end = lines.len().min(place + 1);
                lines.splice(place..end, [line.to_owned()]);
            }
            if told.loses_answers.load(Ordering::Relaxed) {
                return Appended { n: 0, is_durable: false, failure: Some("gone".to_owned()) };
            }
            Appended { n: sealed.entries.len(), is_durable: true, failure: None }
        })
    }
}

struct Scene {
    folder: TempDir,
    told: Arc<Told>,
    next: AtomicUsize,
}

struct Started {
    backlog: Arc<Backlog>,
    tasks: Tasks,
    ending: CancellationToken,
    loss: Option<String>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, told: Arc::default(), next: AtomicUsize::new(0) }
    }

    async fn start(&self) -> Started {
        let backlog = Arc::new(Backlog::new("double", 1 << 20));
        let figures = Figures::new(&mut Registry::default());
        let sink = Box::new(Double(Arc::clone(&self.told)));
        let opened =
            Drain::open(sink, self.folder.path(), Arc::clone(&backlog), figures).await.unwrap();
        let (tasks, ending) = (Tasks::new(), CancellationToken::new());
        tasks.spawn("audit-sink", opened.drain.run(ending.clone()));
        Started { backlog, tasks, ending, loss: opened.loss }
    }

    fn entries(&self, n: usize) -> Vec<Written> {
        self.waited_for(n).0
    }

    /// Entries, and who waits for the first of them.
    fn waited_for(&self, n: usize) -> (Vec<Written>, oneshot::Receiver<()>) {
        let (tell, told) = oneshot::channel();
        let mut tell = Some(tell);
        let first = self.next.fetch_add(n, Ordering::Relaxed);
        let entries = (first..first + n).map(|number| {
            let durable = tell.take().map(|tell| Durable::new(1, tell));
            Written::alone(format!("{{\"id\":\"t-{number}\"}}"), 1).telling(durable)
        });
        (entries.collect(), told)
    }

    /// Checks that the trail holds every entry exactly once, in order and chained.
    fn holds(&self, n: usize) {
        let lines = self.told.lines.lock();
        let mut verifier = Verifier::default();
        for (number, line) in lines.iter().enumerate() {
            verifier.line(line.as_bytes()).unwrap_or_else(|error| panic!("{number}: {error}"));
            assert!(line.contains(&format!("\"id\":\"t-{number}\"")), "{line}");
        }
        assert_eq!(lines.len(), n);
    }
}

impl Started {
    async fn until(&self, what: &str, is: impl Fn() -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !is() {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.backlog.state());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(self) -> bool {
        self.ending.cancel();
        self.backlog.end();
        self.tasks.shut_down(LIMIT).await
    }
}

#[tokio::test]
async fn entries_are_added_once_in_order_over_a_restart() {
    let place = Scene::new();
    let started = place.start().await;
    let (entries, durable) = place.waited_for(2000);
    started.backlog.push(entries.clone());
    durable.await.unwrap();
    assert!(started.end().await);
    let started = place.start().await;
    assert_eq!(started.loss, None);
    started.backlog.push(place.entries(10));
    assert!(started.end().await);
    place.holds(2010);
}

#[tokio::test]
async fn what_a_failing_place_does_not_take_waits_on_the_disk_and_is_added_later() {
    let place = Scene::new();
    let started = place.start().await;
    started.backlog.push(place.entries(10));
    started.until("the first are added", || place.told.lines.lock().len() == 10).await;
    place.told.fails.store(true, Ordering::Relaxed);
    let (entries, durable) = place.waited_for(100);
    started.backlog.push(entries.clone());
    // On the disk is durable, too.
    tokio::time::timeout(LIMIT, durable).await.unwrap().unwrap();
    started.until("it fails", || started.backlog.is_failing()).await;
    started.backlog.push(place.entries(100));
    place.told.fails.store(false, Ordering::Relaxed);
    started.until("all are added", || started.backlog.waiting() == 0).await;
    started.until("it works again", || !started.backlog.is_failing()).await;
    assert!(started.end().await);
    place.holds(210);
}

#[tokio::test]
async fn what_was_added_without_an_answer_is_sealed_anew_with_what_came_meanwhile() {
    let place = Scene::new();
    let started = place.start().await;
    place.told.loses_answers.store(true, Ordering::Relaxed);
    started.backlog.push(place.entries(5));
    started.until("it fails", || started.backlog.is_failing()).await;
    assert_eq!(place.told.lines.lock().len(), 5);
    started.backlog.push(place.entries(4));
    place.told.loses_answers.store(false, Ordering::Relaxed);
    started.until("all are added", || started.backlog.waiting() == 0).await;
    assert!(started.end().await);
    place.holds(9);
}

#[tokio::test]
async fn what_still_waits_at_the_end_is_added_by_the_next_process() {
    let place = Scene::new();
    let started = place.start().await;
    place.told.fails.store(true, Ordering::Relaxed);
    started.backlog.push(place.entries(101));
    started.until("it fails", || started.backlog.is_failing()).await;
    assert!(started.end().await);
    let n = place.told.lines.lock().len();
    assert!(n < 101, "{n}");
    place.told.fails.store(false, Ordering::Relaxed);
    let started = place.start().await;
    started.until("all are added", || started.backlog.waiting() == 0).await;
    started.backlog.push(place.entries(1));
    assert!(started.end().await);
    place.holds(102);
}

#[tokio::test]
async fn a_place_that_hangs_holds_nobody_up_and_its_entries_are_kept() {
    let place = Scene::new();
    let started = place.start().await;
    place.told.hangs.store(true, Ordering::Relaxed);
    let (entries, durable) = place.waited_for(5);
    started.backlog.push(entries.clone());
    tokio::time::timeout(LIMIT, durable).await.unwrap().unwrap();
    started.backlog.push(place.entries(5));
    started.until("it is noticed", || started.backlog.is_failing()).await;
    started.until("all wait on the disk", || started.backlog.front().is_empty()).await;
    assert_eq!((started.backlog.waiting(), place.told.attempts.load(Ordering::Relaxed)), (10, 1));
    place.told.hangs.store(false, Ordering::Relaxed);
    place.told.free.notify_waiters();
    started.until("all are added", || started.backlog.waiting() == 0).await;
    assert!(started.end().await);
    place.holds(10);
}

#[tokio::test]
async fn the_end_waits_for_no_place_that_hangs() {
    let place = Scene::new();
    let started = place.start().await;
    place.told.hangs.store(true, Ordering::Relaxed);
    started.backlog.push(place.entries(5));
    let backlog = Arc::clone(&started.backlog);
    started.until("it is noticed", || backlog.is_failing()).await;
    assert!(started.end().await);
    place.told.hangs.store(false, Ordering::Relaxed);
    let started = place.start().await;
    started.until("all are added", || started.backlog.waiting() == 0).await;
    assert!(started.end().await);
    place.holds(5);
}

#[tokio::test]
async fn a_backlog_says_when_it_is_full_and_when_no_more() {
    let place = Scene::new();
    let started = place.start().await;
    place.told.fails.store(true, Ordering::Relaxed);
    let mut pushed = 0;
    while !started.backlog.is_full() {
        started.backlog.push(place.entries(1000));
        pushed += 1000;
    }
    assert!(started.backlog.state().is_full);
    place.told.fails.store(false, Ordering::Relaxed);
    started.until("all are added", || started.backlog.waiting() == 0).await;
    assert!(!started.backlog.is_full());
    assert!(started.end().await);
    place.holds(pushed);
}

#[tokio::test]
async fn an_end_that_is_missing_is_noticed_and_leaves_a_gap() {
    let place = Scene::new();
    let started = place.start().await;
    started.backlog.push(place.entries(10));
    assert!(started.end().await);
    place.told.lines.lock().truncate(7);
    let started = place.start().await;
    let loss = started.loss.clone().unwrap();
    assert!(loss.contains("ended with entry 7 where entry 10 was written"), "{loss}");
    started.backlog.push(place.entries(1));
    assert!(started.end().await);
    let lines = place.told.lines.lock();
    let mut verifier = Verifier::default();
    let broken = lines.iter().find_map(|line| verifier.line(line.as_bytes()).err());
    assert_eq!(broken, Some(gantry_policy::audit::Break::Gap { expected: 8, found: 11 }));
}
