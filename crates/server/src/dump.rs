//! What the gateway is doing and where its memory is, for whoever wonders: tasks, open calls,
//! sessions, lanes, queues; the allocator's figures and the system's.
//!
//! Nothing here is secret and everything is bounded. It is for the administrator all the same:
//! names of principals and of requests are in it. Not here: routes (`routes::dumps`).

mod memory;

use std::sync::OnceLock;

use gantry_core::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};

use crate::log::iso;
use crate::shared::Shared;

/// Listed of each kind at most; all are counted.
const MOST: usize = 1000;
/// Of that in a line of the log.
const MOST_IN_LOG: usize = 50;

/// Tells the figures of the program's allocator as JSON.
static ALLOCATOR: OnceLock<fn() -> Option<String>> = OnceLock::new();

/// Says how the figures of the program's allocator are had: which one it is, is the program's to
/// know. The first word counts.
pub fn tell_of_allocator(figures: fn() -> Option<String>) {
    let _ = ALLOCATOR.set(figures);
}

/// Every task, and what is open.
pub(crate) fn tasks(shared: &Shared) -> Value {
    tasks_of(shared, MOST)
}

fn tasks_of(shared: &Shared, most: usize) -> Value {
    let mut groups = Map::new();
    for (name, tasks) in &shared.tasks {
        let (listed, n_alive) = tasks.list(most);
        groups.insert((*name).to_owned(), json!({ "alive": n_alive, "tasks": listed }));
    }
    let census = shared.gateway.census(most);
    json!({
        "timestamp": iso(SystemClock.now()),
        "uptime_seconds": shared.started.elapsed().as_secs(),
        "tasks": groups,
        "http": {
            "connections": shared.http_metrics.connections.get(),
            "requests_in_flight": shared.http_metrics.under_way.get(),
        },
        "log": { "queued_bytes": shared.log.queued_bytes() },
        "open": census,
    })
}

/// Where the memory is.
pub(crate) fn memory(shared: &Shared) -> Value {
    let figures = ALLOCATOR.get().and_then(|figures| figures());
    let allocator = figures.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let census = shared.gateway.census(0);
    let n_tasks: usize = shared.tasks.iter().map(|(_, tasks)| tasks.list(0).1).sum();
    let offers = shared.gateway.status();
    let count = |of: fn(&gantry_gateway::upstream::UpstreamStatus) -> usize| -> usize {
        offers.iter().map(of).sum()
    };
    json!({
        "timestamp": iso(SystemClock.now()),
        "process": memory::of_process(),
        "allocator": allocator,
        "counts": {
            "tasks": n_tasks,
            "connections": shared.http_metrics.connections.get(),
            "requests_in_flight": shared.http_metrics.under_way.get(),
            "sessions": census.counts.sessions,
            "listen_streams": census.counts.listen_streams,
            "subscriptions": census.counts.subscriptions,
            "lanes": census.upstreams.iter().map(|upstream| upstream.n_lanes).sum::<usize>(),
            "tools": count(|upstream| upstream.tools),
            "resources": count(|upstream| upstream.resources),
            "templates": count(|upstream| upstream.templates),
            "prompts": count(|upstream| upstream.prompts),
            "log_queued_bytes": shared.log.queued_bytes(),
        },
    })
}

/// Writes both down in the log, shorter.
pub(crate) fn to_log(shared: &Shared) {
    let (tasks, memory) = (tasks_of(shared, MOST_IN_LOG), memory(shared));
    gantry_core::log::info!(%tasks, "What the gateway is doing.");
    gantry_core::log::info!(%memory, "Where the memory is.");
}
