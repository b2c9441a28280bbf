//! Tests of [`super`], with many threads where it is about them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn rate(requests: u32, per: Duration, burst: u32, algorithm: Algorithm) -> Rate {
    Rate { requests, per, burst, algorithm }
}

/// Lets 100,000 requests meet one meter on as many threads as there are; returns how many passed.
fn crowd(rate: Rate, now: impl Fn(usize) -> Duration + Send + Sync + Copy + 'static) -> usize {
    const THREADS: usize = 16;
    let (meter, passed) = (Arc::new(Meter::default()), Arc::new(AtomicUsize::new(0)));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (meter, passed) = (Arc::clone(&meter), Arc::clone(&passed));
            std::thread::spawn(move || {
                for number in 0..100_000 / THREADS {
                    let is_allowed = meter.take(&rate, now(number)).is_allowed;
                    passed.fetch_add(usize::from(is_allowed), Ordering::Relaxed);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    passed.load(Ordering::Relaxed)
}

#[test]
fn a_fixed_window_lets_exactly_its_number_of_a_hundred_thousand_through() {
    let rate = rate(1234, MINUTE, 1234, Algorithm::FixedWindow);
    assert_eq!(crowd(rate, |_| Duration::from_secs(5)), 1234);
}

#[test]
fn a_sliding_window_lets_exactly_its_number_through_while_the_window_is_new() {
    let rate = rate(777, MINUTE, 777, Algorithm::SlidingWindow);
    assert_eq!(crowd(rate, |_| Duration::from_secs(5)), 777);
}

#[test]
fn a_bucket_lets_its_burst_and_its_refill_through() {
    // 6250 steps of a millisecond each, and one token every 50 ms: 124 whole steps pass.
    let rate = rate(1200, MINUTE, 500, Algorithm::TokenBucket);
    let passed = crowd(rate, |number| Duration::from_millis(number as u64));
    assert!((500..=500 + 125).contains(&passed), "{passed}");
    assert!(passed >= 500 + 124, "{passed}");
}

#[test]
fn a_window_begins_with_the_first_request_and_then_anew() {
    let (meter, rate) = (Meter::default(), rate(2, MINUTE, 2, Algorithm::FixedWindow));
    let at = Duration::from_secs;
    let first = meter.take(&rate, at(50));
    assert_eq!((first.is_allowed, first.remaining, first.reset), (true, 1, MINUTE));
    assert!(meter.take(&rate, at(80)).is_allowed);
    let third = meter.take(&rate, at(80));
    assert!(!third.is_allowed);
    assert_eq!((third.retry_after, third.reset), (at(30), at(30)));
    assert!(!meter.take(&rate, at(109)).is_allowed);
    assert!(meter.take(&rate, at(110)).is_allowed);
}

#[test]
fn a_sliding_window_knows_no_border_at_which_twice_as_much_passes() {
    let (meter, rate) = (Meter::default(), rate(10, MINUTE, 10, Algorithm::SlidingWindow));
    let passes = |seconds: u64| meter.take(&rate, Duration::from_secs(seconds)).is_allowed;
    assert_eq!((0..20).filter(|_| passes(119)).count(), 10);
    assert_eq!((0..20).filter(|_| passes(121)).count(), 0);
    // After half of the next window, half of the earlier one has gone.
    assert_eq!((0..20).filter(|_| passes(150)).count(), 5);
}

#[test]
fn what_is_given_back_may_be_taken_again() {
    for algorithm in [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        let (meter, rate) = (Meter::default(), rate(1, MINUTE, 1, algorithm));
        let now = Duration::from_secs(7);
        assert!(meter.take(&rate, now).is_allowed, "{algorithm:?}");
        assert!(!meter.take(&rate, now).is_allowed, "{algorithm:?}");
        meter.give_back(&rate, now);
        assert!(meter.take(&rate, now).is_allowed, "{algorithm:?}");
        assert!(!meter.take(&rate, now).is_allowed, "{algorithm:?}");
    }
}

#[test]
fn keys_are_counted_apart_and_their_number_is_bounded() {
    let meters = Meters::<String>::new(rate(1, MINUTE, 1, Algorithm::FixedWindow));
    let at = Duration::from_secs;
    assert!(meters.take("a", at(1)).is_allowed);
    assert!(!meters.take("a", at(1)).is_allowed);
    assert!(meters.take("b", at(1)).is_allowed);
    for number in 0..200_000_u64 {
        meters.take(&*number.to_string(), Duration::from_millis(2000 + number / 10));
    }
    assert!(meters.len() <= 64 * 1024, "{}", meters.len());
    // A minute later nothing is counted any more, and a new key makes room of all of it.
    let before = meters.len();
    for number in 0..2000_u64 {
        meters.take(&*format!("later {number}"), at(600));
    }
    assert!(meters.len() < before, "{}", meters.len());
}

#[test]
fn a_key_is_counted_once_wherever_its_place_is_remembered() {
    let meters = Meters::<String>::new(rate(4, MINUTE, 1, Algorithm::FixedWindow));
    let at = Duration::from_secs;
    let (mut one, mut other) = (None, None);
    for left in [3, 1] {
        assert_eq!(meters.take_at(&mut one, "a", at(1)).remaining, left);
        assert_eq!(meters.take_at(&mut other, "a", at(1)).remaining, left - 1);
    }
    assert!(!meters.take("a", at(1)).is_allowed);
    assert!(!meters.take_at(&mut one, "a", at(1)).is_allowed);
    // So many others that it is forgotten: both find the new one.
    for number in 0..200_000_u64 {
        meters.take(&*number.to_string(), Duration::from_millis(2000 + number / 10));
    }
    assert_eq!(meters.take_at(&mut one, "a", at(30)).remaining, 3);
    assert_eq!(meters.take_at(&mut other, "a", at(30)).remaining, 2);
    assert_eq!(meters.take("a", at(30)).remaining, 1);
}

fn rates() -> impl Strategy<Value = Rate> {
    let algorithm = prop_oneof![
        Just(Algorithm::TokenBucket),
        Just(Algorithm::FixedWindow),
        Just(Algorithm::SlidingWindow)
    ];
    (1..50_u32, 10..5000_u64, 1..50_u32, algorithm).prop_map(|(requests, per, burst, algorithm)| {
        rate(requests, Duration::from_millis(per), burst, algorithm)
    })
}

/// The most that may ever pass in a span of `length`.
fn bound(rate: &Rate, length: Duration) -> u64 {
    let windows = length.as_nanos() / rate.per.as_nanos();
    let windows = u64::try_from(windows).unwrap() + 2;
    match rate.algorithm {
        Algorithm::TokenBucket => {
            let step = u128::from(step_of(rate));
            u64::from(rate.burst) + u64::try_from(length.as_nanos() / step).unwrap() + 1
        }
        Algorithm::FixedWindow | Algorithm::SlidingWindow => u64::from(rate.requests) * windows,
    }
}

proptest! {
    #[test]
    fn no_span_lets_more_through_than_the_rate_allows(
        rate in rates(),
        pauses in prop::collection::vec(0..2000_u64, 1..300),
    ) {
        let meter = Meter::default();
        let mut now = Duration::from_secs(1);
        let mut passed = VecDeque::new();
        for pause in pauses {
            now += Duration::from_millis(pause / 4);
            if meter.take(&rate, now).is_allowed {
                passed.push_back(now);
            }
        }
        for (at, from) in passed.iter().enumerate() {
            for (upto, to) in passed.iter().enumerate().skip(at) {
                let count = (upto - at + 1) as u64;
                let time = to.saturating_sub(*from);
                prop_assert!(count <= bound(&rate, time), "{count} in {time:?}");
            }
        }
    }

    #[test]
    fn whoever_waits_as_told_passes_and_nobody_does_before(
        rate in rates(),
        pauses in prop::collection::vec(0..400_u64, 1..200),
    ) {
        let meter = Meter::default();
        let mut now = Duration::from_secs(1);
        for pause in pauses {
            now += Duration::from_millis(pause);
            let reading = meter.take(&rate, now);
            prop_assert!(reading.remaining <= reading.limit);
            if reading.is_allowed {
                prop_assert_eq!(reading.retry_after, Duration::ZERO);
                continue;
            }
            prop_assert!(!reading.retry_after.is_zero());
            let early = reading.retry_after.saturating_sub(Duration::from_millis(2));
            prop_assert!(early.is_zero() || !meter.take(&rate, now + early).is_allowed);
            now += reading.retry_after;
            prop_assert!(meter.take(&rate, now).is_allowed, "{:?}", reading);
        }
    }

    #[test]
    fn an_idle_meter_says_what_a_new_one_says(
        rate in rates(),
        pauses in prop::collection::vec(0..9000_u64, 1..60),
    ) {
        let meter = Meter::default();
        let mut now = Duration::from_secs(1);
        for pause in pauses {
            now += Duration::from_millis(pause);
            let is_idle = meter.is_idle(&rate, now);
            let reading = meter.take(&rate, now);
            if is_idle {
                let fresh = Meter::default().take(&rate, now);
                prop_assert_eq!(reading, fresh);
            }
        }
    }
}
