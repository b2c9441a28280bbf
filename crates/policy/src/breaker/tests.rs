//! Tests of [`super`].

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn settings() -> Settings {
    Settings { failures: 3, open: 10 * SECOND, successes: 2, ..Settings::default() }
}

fn call(breaker: &mut Breaker, ending: Ending, now: Duration) -> bool {
    match breaker.admit(now) {
        Ok(ticket) => {
            breaker.settle(ticket, ending, now, 0);
            true
        }
        Err(_) => false,
    }
}

#[test]
fn failures_in_a_row_open_it_and_probes_close_it() {
    let mut breaker = Breaker::new(settings());
    for ending in [Ending::Failure, Ending::Failure, Ending::Success, Ending::Failure] {
        assert!(call(&mut breaker, ending, SECOND));
    }
    assert_eq!(breaker.state(SECOND), State::Closed);
    call(&mut breaker, Ending::Failure, SECOND);
    call(&mut breaker, Ending::Failure, SECOND);
    assert_eq!(breaker.state(SECOND), State::Open);
    assert_eq!(breaker.admit(4 * SECOND), Err(7 * SECOND));
    assert_eq!(breaker.state(11 * SECOND), State::HalfOpen);
    // One probe at a time.
    let probe = breaker.admit(11 * SECOND).unwrap();
    assert!(breaker.admit(11 * SECOND).is_err());
    breaker.settle(probe, Ending::Success, 11 * SECOND, 0);
    assert_eq!(breaker.state(11 * SECOND), State::HalfOpen);
    assert!(call(&mut breaker, Ending::Success, 12 * SECOND));
    assert_eq!(breaker.state(12 * SECOND), State::Closed);
    let counts = breaker.counts();
    assert_eq!((counts.calls, counts.failed, counts.refused, counts.opened), (8, 5, 2, 1));
}

#[test]
fn a_failed_probe_opens_it_again() {
    let mut breaker = Breaker::new(settings());
    (0..3).for_each(|_| assert!(call(&mut breaker, Ending::Failure, SECOND)));
    assert!(call(&mut breaker, Ending::Failure, 20 * SECOND));
    assert_eq!(breaker.state(29 * SECOND), State::Open);
    assert_eq!(breaker.counts().opened, 2);
}

#[test]
fn a_probe_that_was_taken_back_gives_its_place_free_and_decides_nothing() {
    let mut breaker = Breaker::new(settings());
    (0..3).for_each(|_| assert!(call(&mut breaker, Ending::Failure, SECOND)));
    for _ in 0..5 {
        assert!(call(&mut breaker, Ending::Unknown, 20 * SECOND));
    }
    assert_eq!(breaker.state(20 * SECOND), State::HalfOpen);
}

#[test]
fn what_began_before_it_opened_does_not_close_it() {
    let mut breaker = Breaker::new(Settings { successes: 1, ..settings() });
    let early = breaker.admit(SECOND).unwrap();
    (0..3).for_each(|_| assert!(call(&mut breaker, Ending::Failure, SECOND)));
    breaker.settle(early, Ending::Success, 2 * SECOND, 0);
    assert_eq!(breaker.state(2 * SECOND), State::Open);
}

#[test]
fn a_part_of_failures_opens_it_once_there_are_enough_calls() {
    let by_rate = Settings { failures: 0, permille: 500, least: 10, ..settings() };
    let mut breaker = Breaker::new(by_rate);
    for number in 0..9 {
        let ending = if number % 2 == 0 { Ending::Failure } else { Ending::Success };
        assert!(call(&mut breaker, ending, SECOND));
    }
    assert_eq!(breaker.state(SECOND), State::Closed);
    call(&mut breaker, Ending::Failure, SECOND);
    assert_eq!(breaker.state(SECOND), State::Open);
    // What is older than the window does not count.
    let mut breaker = Breaker::new(by_rate);
    (0..9).for_each(|_| assert!(call(&mut breaker, Ending::Failure, SECOND)));
    assert!(call(&mut breaker, Ending::Failure, SECOND + by_rate.window));
    assert_eq!(breaker.state(SECOND + by_rate.window), State::Closed);
}

#[test]
fn it_stays_open_a_little_longer_by_chance() {
    let opened = |chance: u64| {
        let mut breaker = Breaker::new(settings());
        for _ in 0..3 {
            let ticket = breaker.admit(SECOND).unwrap();
            breaker.settle(ticket, Ending::Failure, SECOND, chance);
        }
        breaker.admit(SECOND).unwrap_err()
    };
    assert_eq!(opened(0), 10 * SECOND);
    assert_eq!(opened(2000), 12 * SECOND);
    assert!(opened(u64::MAX) <= 12 * SECOND);
}

#[test]
fn a_reset_closes_it_and_forgets() {
    let mut breaker = Breaker::new(settings());
    (0..3).for_each(|_| assert!(call(&mut breaker, Ending::Failure, SECOND)));
    breaker.reset();
    assert_eq!(breaker.state(SECOND), State::Closed);
    assert_eq!(breaker.counts(), Counts::default());
    assert!(call(&mut breaker, Ending::Failure, SECOND));
    assert_eq!(breaker.state(SECOND), State::Closed);
}

proptest! {
    #[test]
    fn an_open_one_lets_nothing_through_and_always_opens_again_one_day(
        endings in prop::collection::vec((0..3_u8, 0..3000_u64, any::<u64>()), 1..200),
    ) {
        let mut breaker = Breaker::new(Settings { probes: 2, ..settings() });
        let mut now = SECOND;
        let mut under_way: Vec<Ticket> = Vec::new();
        for (ending, pause, chance) in endings {
            now += Duration::from_millis(pause);
            let state = breaker.state(now);
            match breaker.admit(now) {
                Ok(ticket) => {
                    prop_assert_ne!(state, State::Open);
                    under_way.push(ticket);
                }
                Err(wait) => {
                    prop_assert_ne!(state, State::Closed);
                    prop_assert!(wait <= 12 * SECOND);
                }
            }
            if under_way.len() > 2 {
                let ending = [Ending::Success, Ending::Failure, Ending::Unknown][usize::from(ending)];
                let ticket = under_way.remove(usize::from(chance % 2 == 0));
                breaker.settle(ticket, ending, now, chance);
            }
        }
        // Whatever it went through, once its calls have ended it can be tried again.
        for ticket in under_way {
            breaker.settle(ticket, Ending::Unknown, now, 0);
        }
        prop_assert!(breaker.admit(now + 12 * SECOND).is_ok());
    }
}
