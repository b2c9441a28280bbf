//! The gateway answers while its services compute.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;

use super::calls::comparing;
use crate::support::{client::Client, gantry::Gantry, wait::eventually};

/// How many are asked for health, one after the other.
const PROBES: usize = 200;
/// Calls that compute at the same time: more than most machines have cores.
const CALLS: usize = 8;
/// The most that the slowest of twenty answers may take. The figure of an optimised build on a quiet
/// machine is far below; this is for one that does ten other things.
const LIMIT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn health_is_told_while_services_compute() {
    let gantry = Gantry::start("{}").await;
    let computed = Arc::new(AtomicUsize::new(0));
    let mut computing = JoinSet::new();
    for _ in 0..CALLS {
        let client = Client::modern(&gantry.url("/mcp/vector_similarity"), json!({}));
        let computed = Arc::clone(&computed);
        computing.spawn(async move {
            loop {
                let reply = client.request("tools/call", comparing(1000)).await;
                assert_eq!(reply.result()["structuredContent"]["count"], 1000, "{reply:?}");
                computed.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    eventually("the first computation", async || {
        (computed.load(Ordering::Relaxed) > 0).then_some(())
    })
    .await;
    let probe = Client::modern(&gantry.url("/health"), json!({}));
    let mut took = Vec::with_capacity(PROBES);
    for _ in 0..PROBES {
        let begun = Instant::now();
        let reply = probe.bare("GET", &[]).await.finish().await;
        took.push(begun.elapsed());
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert!(computing.try_join_next().is_none(), "the calls go on");
    took.sort_unstable();
    let (median, late) = (took[PROBES / 2], took[PROBES * 95 / 100]);
    let computed = computed.load(Ordering::Relaxed);
    let figures = format!("median {median:?}, 95th percentile {late:?}, {computed} calls done");
    // For whoever runs the test to see the figures: `--no-capture` shows them.
    writeln!(std::io::stderr(), "/health while services compute: {figures}").expect("a terminal");
    assert!(late < LIMIT, "{figures}");
}
