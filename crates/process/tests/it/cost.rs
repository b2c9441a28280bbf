//! How long a start takes, printed for the documentation: `cargo test --release -p gantry-process start_cost -- --nocapture`.

use std::time::{Duration, Instant};

use crate::support::{command, launcher, limits, mark};

const ROUNDS: usize = 40;

#[tokio::test]
async fn start_cost() {
    let spec = command("/bin/true", &[]);
    let mut through_shim = Vec::new();
    let mut direct = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let child = launcher(&mark()).start(&spec, &limits()).await.unwrap();
        through_shim.push(started.elapsed());
        child.process.watch().all_ended().await;

        let started = Instant::now();
        let mut child = tokio::process::Command::new("/bin/true").spawn().unwrap();
        direct.push(started.elapsed());
        child.wait().await.unwrap();
    }
    through_shim.sort_unstable();
    direct.sort_unstable();
    println!(
        "start, median of {ROUNDS}: {:?} through the shim, {:?} directly",
        through_shim[ROUNDS / 2],
        direct[ROUNDS / 2]
    );
    assert!(through_shim[ROUNDS / 2] < Duration::from_secs(1));
}
