//! A gateway that is killed again and again under load: what was answered is in its trail, and the
//! trail is whole.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{config, is_whole, script, trail};
use crate::support::{beside, client::Client, gantry::Gantry, wait::eventually};

const KILLS: usize = 50;
const CALLERS: usize = 4;
/// How long a gateway lives under load, at most.
const LONGEST_LIFE: u64 = 300;
/// How much of what was answered may be missing without `sync: each`.
const GROUP: Duration = Duration::from_millis(50);

/// How late the machine is with what everybody gets from it: a turn of the processor, and room on the
/// disk. Threads that want nothing else measure it beside the gateway.
#[derive(Debug, Clone, Copy, Default)]
struct Lateness {
    processor: Duration,
    disk: Duration,
}

struct Watch {
    ends: Arc<AtomicBool>,
    threads: [std::thread::JoinHandle<Duration>; 2],
}

impl Watch {
    fn begin() -> Self {
        const TURN: Duration = Duration::from_millis(2);
        let ends = Arc::new(AtomicBool::new(false));
        let longest = |ends: Arc<AtomicBool>, mut work: Box<dyn FnMut() -> Duration + Send>| {
            std::thread::spawn(move || {
                let mut longest = Duration::ZERO;
                while !ends.load(Ordering::Relaxed) {
                    longest = longest.max(work());
                }
                longest
            })
        };
        let mut file = tempfile::tempfile().expect("a temporary file can be made");
        let turn = move || {
            let begun = Instant::now();
            std::thread::sleep(TURN);
            begun.elapsed().saturating_sub(TURN)
        };
        let sync = move || {
            let begun = Instant::now();
            file.write_all(b"x").and_then(|()| file.sync_data()).expect("a file can be written");
            let took = begun.elapsed();
            // Not all of the disk is for this.
            std::thread::sleep(10 * TURN);
            took
        };
        let threads = [
            longest(Arc::clone(&ends), Box::new(turn)),
            longest(Arc::clone(&ends), Box::new(sync)),
        ];
        Self { ends, threads }
    }

    fn end(self) -> Lateness {
        self.ends.store(true, Ordering::Relaxed);
        let [processor, disk] =
            self.threads.map(|thread| thread.join().expect("a thread does not panic"));
        Lateness { processor, disk }
    }
}

/// Calls that were answered, and when.
type Answered = HashMap<String, Instant>;

/// Calls until nobody answers any more.
async fn call(url: String, name: String) -> Answered {
    let mut answered = Answered::new();
    for number in 0.. {
        let id = format!("{name}-{number}");
        let client = Client::modern(&url, json!({})).with_header("x-request-id", &id);
        let message = client.message("tools/call", json!({ "name": "up__good", "arguments": {} }));
        let sent = beside(async move { client.send(&message, &[]).await.finish().await });
        // The client of the tests panics where the connection is cut, which is the end of its task.
        let Ok(reply) = sent.await else { break };
        if reply.message["result"].is_object() {
            answered.insert(id, Instant::now());
        }
    }
    answered
}

/// Kills the gateway at a moment that nobody chose; returns what was answered before, and when it was
/// killed.
async fn live_and_die(gantry: &mut Gantry, life: usize, pause: Duration) -> (Answered, Instant) {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let name = format!("life-{life}-{caller}");
        callers.spawn(call(gantry.url("/mcp"), name));
    }
    // The moment is what is tried here; nothing is waited for.
    tokio::time::sleep(pause).await;
    let killed = Instant::now();
    gantry.process().kill().await;
    let mut answered = Answered::new();
    while let Some(some) = callers.join_next().await {
        answered.extend(some.expect("a caller does not panic"));
    }
    (answered, killed)
}

/// Returns how often each request is in the files of a trail.
fn recorded(gantry: &Gantry) -> HashMap<String, usize> {
    let mut recorded = HashMap::new();
    for entry in super::entries(gantry) {
        if let (Some(id), true) = (entry["request_id"].as_str(), entry["tool_name"].is_string()) {
            *recorded.entry(id.to_owned()).or_default() += 1;
        }
    }
    recorded
}

/// The same in the database.
async fn stored(gantry: &Gantry) -> HashMap<String, usize> {
    let token = std::fs::read_to_string(gantry.data().join("admin.token")).expect("it is there");
    let mut stored = HashMap::new();
    for page in 1.. {
        let url = gantry.url(&format!("/api/audit?event=tool.executed&limit=1000&page={page}"));
        let client = Client::modern(&url, json!({}));
        let client = client.with_header("authorization", &format!("Bearer {}", token.trim()));
        let raw = client.bare("GET", &[]).await.finish().await.raw;
        let found: Value = serde_json::from_slice(&raw).expect("it is JSON");
        let entries = found["entries"].as_array().cloned().unwrap_or_default();
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let id = entry["request_id"].as_str().unwrap_or_default().to_owned();
            *stored.entry(id).or_default() += 1;
        }
    }
    stored
}

/// Calls that must be in a place: those that were answered so long before a kill.
#[derive(Default)]
struct Must {
    file: Vec<String>,
    database: Vec<String>,
}

impl Must {
    fn add(&mut self, answered: &Answered, killed: Instant, may_miss: [Duration; 2]) {
        for (place, may_miss) in [&mut self.file, &mut self.database].into_iter().zip(may_miss) {
            let is_old = |at: &Instant| killed.saturating_duration_since(*at) >= may_miss;
            place.extend(answered.iter().filter(|(_, at)| is_old(at)).map(|(id, _)| id.clone()));
        }
    }
}

async fn is_killed_again_and_again(audit: Value, may_miss: Option<Duration>) {
    let upstream = script().start().await;
    let config = config(upstream.server(), audit).to_string();
    let mut gantry = Gantry::start(&config).await;
    let random = RandomState::new();
    let (mut must, mut answered_at_all) = (Must::default(), 0);
    for life in 0..KILLS {
        let client = Client::modern(&gantry.url("/mcp"), json!({}));
        eventually("the server is there", async || {
            client.tool_names().await.contains(&"up__good".to_owned()).then_some(())
        })
        .await;
        let pause = Duration::from_millis(10 + random.hash_one(life) % LONGEST_LIFE);
        let watch = Watch::begin();
        let (answered, killed) = live_and_die(&mut gantry, life, pause).await;
        let late = watch.end();
        answered_at_all += answered.len();
        // The database may have to wait for the disk even where nobody waits for the database: when it takes
        // its log in, for the log and for itself. And on its way there an entry is handed from thread to thread,
        // each of which waits for its turn: the writer, the task, and three statements there and back.
        let may_miss = may_miss.map_or([Duration::ZERO; 2], |most| {
            [most + late.processor, most + 8 * late.processor + 2 * late.disk]
        });
        must.add(&answered, killed, may_miss);
        gantry = gantry.killed_and_started().await;
        if life % 10 == 9 {
            is_whole(&gantry).await;
        }
    }
    let (recorded, stored) = (recorded(&gantry), stored(&gantry).await);
    assert!(must.file.len() > KILLS, "there was load: {} of {answered_at_all}", must.file.len());
    let places = [("the file", &recorded, &must.file), ("the database", &stored, &must.database)];
    for (place, entries, must) in places {
        let missing: Vec<_> = must.iter().filter(|id| !entries.contains_key(*id)).collect();
        assert!(
            missing.is_empty(),
            "{place} lacks {} of {}: {missing:?}",
            missing.len(),
            must.len()
        );
        let twice: Vec<_> = entries.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "{place} has some twice: {twice:?}");
    }
    is_whole(&gantry).await;
    assert!(trail(&gantry).is_file());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_sync_each_every_answered_call_has_its_entry() {
    is_killed_again_and_again(json!({ "sync": "each", "database": true }), None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_group_commit_no_more_than_the_last_moments_are_missing() {
    is_killed_again_and_again(json!({ "sync": "group", "database": true }), Some(GROUP)).await;
}
