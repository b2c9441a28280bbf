//! What is remembered of an upstream's era, and for how long it is believed.
//!
//! A modern verdict that is wrong fails loudly and needs no end. A legacy one rots in silence: an
//! upgraded server would go on to answer `initialize` for ever. So it is looked at again after a
//! day, a little more or less for each upstream, so that not all are probed at the same moment.
//!
//! With a legacy verdict goes what the upstream was seen to ask its clients for: the next process
//! need not learn it from a question that reaches nobody. So does the transport.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gantry_core::store::StoredVerdict;
use sha2::{Digest as _, Sha256};

use super::probe::Link;
use super::shared::{Shared, hex};

const LEGACY: &str = "legacy";
const ASKS: &str = "asks";
const ASKS_ROOTS: &str = "roots";
const BY_SSE: &str = "sse";

/// The shortest time for which a legacy verdict is believed without another look: a day less a tenth.
const SHORTEST_LIFE: Duration = Duration::from_mins(24 * 60 * 9 / 10);
/// What upstreams may differ by in that.
const SPREAD: Duration = Duration::from_mins(24 * 60 / 5);

/// What is known of an upstream's era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing, or nothing that is still believed.
    Nothing,
    Legacy,
    Modern,
}

/// Finds out what would be started now: what was remembered of another program says nothing of this
/// one. An HTTP upstream is told by its address alone.
pub(super) async fn identify(shared: &Arc<Shared>) {
    let Some((command, _)) = shared.command() else { return };
    let launcher = shared.deps.launcher.clone();
    let digest =
        tokio::task::spawn_blocking(move || hex(&Sha256::digest(launcher.identity(&command)), 8));
    if let Ok(digest) = digest.await {
        *shared.verdict_key.lock() = format!("{}:{digest}", shared.key);
    }
}

/// Returns what is remembered, and takes up what was learned with it.
pub(super) async fn recall(shared: &Shared) -> Known {
    let Some(stored) = read(shared).await else { return Known::Nothing };
    let mut words = stored.verdict.split(' ');
    if words.next() != Some(LEGACY) {
        return Known::Modern;
    }
    for word in words {
        match word {
            ASKS => shared.learned.asked.store(true, Ordering::Relaxed),
            ASKS_ROOTS => shared.learned.asked_roots.store(true, Ordering::Relaxed),
            BY_SSE => shared.learned.by_sse.store(true, Ordering::Relaxed),
            _ => {}
        }
    }
    if left(shared, &stored).is_zero() { Known::Nothing } else { Known::Legacy }
}

/// Remembers the era of a link that was just made.
pub(super) async fn remember(shared: &Shared, link: &Link) {
    let verdict = match link {
        Link::Legacy(_) => legacy(shared),
        Link::Modern(link) => link.greeting.revision.to_string(),
    };
    // A verdict that is confirmed by a handshake keeps its age, or it would never be looked at again.
    if let Some(stored) = read(shared).await
        && stored.verdict == verdict
        && !left(shared, &stored).is_zero()
    {
        return;
    }
    write(shared, verdict, shared.deps.clock.unix_seconds()).await;
}

/// Remembers that a legacy upstream was asked for its era and still is legacy.
pub(super) async fn confirm_legacy(shared: &Shared) {
    write(shared, legacy(shared), shared.deps.clock.unix_seconds()).await;
}

/// Remembers that a legacy upstream speaks a modern revision now.
pub(super) async fn doubt_legacy(shared: &Shared) {
    write(shared, legacy(shared), 0).await;
}

/// Remembers what the upstream was seen to do, beside the verdict as it is.
pub(super) async fn add_learned(shared: &Shared) {
    let stored = read(shared).await.filter(|stored| stored.verdict.starts_with(LEGACY));
    if let Some(stored) = stored {
        write(shared, legacy(shared), stored.found_at).await;
    }
}

/// Returns how long a legacy verdict is still believed.
pub(super) async fn time_left(shared: &Shared) -> Duration {
    let life = life(&shared.verdict_key.lock());
    read(shared).await.map_or(life, |stored| left(shared, &stored))
}

fn left(shared: &Shared, stored: &StoredVerdict) -> Duration {
    let age = shared.deps.clock.unix_seconds().saturating_sub(stored.found_at);
    life(&shared.verdict_key.lock()).saturating_sub(Duration::from_secs(age))
}

/// The same upstream always gets the same time, so that restarts do not prolong it.
fn life(key: &str) -> Duration {
    let digest = Sha256::digest(key);
    SHORTEST_LIFE + SPREAD * u32::from(digest[0]) / u32::from(u8::MAX)
}

fn legacy(shared: &Shared) -> String {
    let mut words = vec![LEGACY];
    let learned = &shared.learned;
    words.extend(learned.asked.load(Ordering::Relaxed).then_some(ASKS));
    words.extend(learned.asked_roots.load(Ordering::Relaxed).then_some(ASKS_ROOTS));
    words.extend(learned.by_sse.load(Ordering::Relaxed).then_some(BY_SSE));
    words.join(" ")
}

async fn read(shared: &Shared) -> Option<StoredVerdict> {
    let key = shared.verdict_key.lock().clone();
    shared.deps.store.verdict(&key).await.ok().flatten()
}

async fn write(shared: &Shared, verdict: String, found_at: u64) {
    let key = shared.verdict_key.lock().clone();
    let stored = StoredVerdict { verdict, found_at };
    if let Err(error) = shared.deps.store.put_verdict(&key, stored).await {
        gantry_core::log::warn!(upstream = %shared.spec.name, %error, "Storing a verdict failed.");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::life;

    #[test]
    fn verdicts_last_a_day_and_do_not_end_together() {
        let day = Duration::from_hours(24);
        let lives: Vec<_> = (0..200).map(|n| life(&format!("server-{n}:abc"))).collect();
        let (least, most) = (day * 9 / 10, day * 11 / 10);
        assert!(lives.iter().all(|life| (least..=most).contains(life)), "{lives:?}");
        let n_early = lives.iter().filter(|life| **life < day).count();
        assert!((60..140).contains(&n_early), "{n_early} of 200 end early");
        assert_eq!(life("server-1:abc"), lives[1]);
    }
}
