//! How often, how late and how many times in all something is asked again.
//!
//! What may be asked again at all is its caller's to say; here are the pauses and the budget.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Thousandths of a retry in one retry.
const WHOLE: u64 = 1000;
/// Retries that are saved up at most, and that there are at the start: enough for a server with few
/// requests, and too few to double the load of one with many.
const SAVED: u64 = 10 * WHOLE;

/// How something is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How often it is asked at most, the first time included.
    pub attempts: u32,
    /// The pause before the second attempt.
    pub backoff: Duration,
    /// By how many hundredths each pause is longer than the one before; 200 doubles it.
    pub factor_percent: u32,
    /// The longest pause.
    pub most: Duration,
    /// How many retries there may be for a thousand requests; `None` for no such limit.
    pub budget_permille: Option<u32>,
    /// No attempt begins later than this after the first one.
    pub within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempts: 2,
            backoff: Duration::from_millis(50),
            factor_percent: 200,
            most: Duration::from_secs(5),
            budget_permille: None,
            within: Duration::from_mins(1),
        }
    }
}

impl Settings {
    /// Returns the pause after so many attempts, from one on. `chance` is any number; it makes the
    /// pause shorter by up to a half, so that those who failed at one moment do not come back at one.
    pub fn pause(&self, attempts: u32, chance: u64) -> Duration {
        let mut pause = self.backoff;
        for _ in 1..attempts {
            pause = pause.saturating_mul(self.factor_percent) / 100;
            if pause >= self.most {
                break;
            }
        }
        let pause = pause.min(self.most);
        let half = u64::try_from(pause.as_micros() / 2).unwrap_or(u64::MAX);
        pause.saturating_sub(Duration::from_micros(chance % half.saturating_add(1).max(1)))
    }
}

/// How many retries may still be made: each request saves up a part of one, and each retry spends
/// one. When a server fails altogether, it is asked a little more than before and not twice as much.
#[derive(Debug)]
pub struct Budget {
    permille: Option<u32>,
    /// In thousandths.
    saved: AtomicU64,
}

impl Budget {
    /// Makes a budget of so many retries for a thousand requests; `None` for no limit.
    pub fn new(permille: Option<u32>) -> Self {
        Self { permille, saved: AtomicU64::new(SAVED) }
    }

    /// Counts a request.
    pub fn save(&self) {
        let Some(part) = self.permille else { return };
        // Ordering: a count orders nothing but itself.
        let order = Ordering::Relaxed;
        let more = |saved: u64| (saved < SAVED).then(|| (saved + u64::from(part)).min(SAVED));
        let _ = self.saved.fetch_update(order, order, more);
    }

    /// Takes a retry, if there is one.
    pub fn spend(&self) -> bool {
        if self.permille.is_none() {
            return true;
        }
        let order = Ordering::Relaxed;
        self.saved.fetch_update(order, order, |saved| saved.checked_sub(WHOLE)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let settings = Settings {
            backoff: Duration::from_millis(100),
            most: Duration::from_millis(350),
            ..Settings::default()
        };
        let pauses = [1, 2, 3, 4, 1000].map(|attempt| settings.pause(attempt, 0).as_millis());
        assert_eq!(pauses, [100, 200, 350, 350, 350]);
    }

    #[test]
    fn a_budget_starts_with_some_and_then_follows_the_requests() {
        let budget = Budget::new(Some(100));
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10);
        (0..50).for_each(|_| budget.save());
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 5);
        (0..10_000).for_each(|_| budget.save());
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10);
        let unlimited = Budget::new(None);
        assert!((0..100).all(|_| unlimited.spend()));
    }

    proptest! {
        #[test]
        fn a_pause_is_at_least_half_and_never_longer_than_the_longest(
            backoff in 0..5000_u64, factor in 100..500_u32, most in 1..20_000_u64,
            attempts in 1..50_u32, chance: u64,
        ) {
            let settings = Settings {
                backoff: Duration::from_millis(backoff),
                factor_percent: factor,
                most: Duration::from_millis(most),
                ..Settings::default()
            };
            let (whole, pause) = (settings.pause(attempts, 0), settings.pause(attempts, chance));
            prop_assert!(whole <= settings.most);
            prop_assert!(pause <= whole && pause >= whole / 2);
        }

        #[test]
        fn retries_never_pass_their_part_of_the_requests(
            permille in 0..1000_u32, steps in prop::collection::vec(any::<bool>(), 0..2000),
        ) {
            let budget = Budget::new(Some(permille));
            let (mut requests, mut retries) = (0_u64, 0_u64);
            for is_retry in steps {
                if is_retry {
                    retries += u64::from(budget.spend());
                } else {
                    budget.save();
                    requests += 1;
                }
                prop_assert!(retries * WHOLE <= SAVED + requests * u64::from(permille));
            }
        }
    }
}
