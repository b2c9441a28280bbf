//! How much may come in a time: rates, and meters that count against them.
//!
//! A [`Meter`] is one count: of everybody, of a principal, of an address. It is handed the time, has
//! no clock, and is shared by threads without waiting: two of the algorithms are one number that is
//! compared and swapped, the third holds a lock for a few instructions. [`Meters`] keeps one for each
//! key, a bounded number of them.
//!
//! * **Token bucket**: a bucket of `burst` tokens that fills evenly, `requests` in `per`. It is kept
//!   as the moment at which it will be full (the generic cell rate algorithm), so that there is
//!   nothing to fill in the background.
//! * **Fixed window**: `requests` from the first one on until `per` is over, then anew.
//! * **Sliding window**: two windows side by side, of which the earlier one counts by the share of it
//!   that the last `per` still covers. It allows what a log of every request would, as far as the
//!   earlier ones were spread evenly, and needs three numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

mod table;

pub use table::{Meters, Place};

/// The most requests that a rate may name: what a count has room for.
pub const MOST_REQUESTS: u32 = (1 << COUNT_BITS) - 1;

const COUNT_BITS: u32 = 24;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

/// How a rate is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// A bucket that fills evenly.
    #[default]
    TokenBucket,
    /// A count that begins anew.
    FixedWindow,
    /// Two counts side by side.
    SlidingWindow,
}

/// How many requests may come in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// From 1 to [`MOST_REQUESTS`].
    pub requests: u32,
    /// At least a millisecond.
    pub per: Duration,
    /// How many may come at once, from 1 to [`MOST_REQUESTS`]; only a bucket has such a number.
    pub burst: u32,
    /// How it is counted.
    pub algorithm: Algorithm,
}

/// What a meter says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whether it may pass.
    pub is_allowed: bool,
    /// How many may come at most at once.
    pub limit: u32,
    /// How many may come now, after this one.
    pub remaining: u32,
    /// When the whole limit is there again.
    pub reset: Duration,
    /// When another request may pass; zero if this one may.
    pub retry_after: Duration,
    /// The time that the rate names.
    pub window: Duration,
}

/// One count. Times are measured from any moment that is the same for all calls.
#[derive(Debug, Default)]
pub struct Meter {
    /// Bucket: the nanosecond at which it is full. Fixed window: the millisecond at which it began,
    /// one more than that so that zero means none, and below it the count.
    word: AtomicU64,
    sliding: Mutex<Sliding>,
}

/// Two windows side by side.
#[derive(Debug, Default)]
struct Sliding {
    /// Which window the current one is, counted in `per`.
    number: u64,
    earlier: u64,
    current: u64,
}

// === impl Meter ===

impl Meter {
    /// Counts a request, if it may pass.
    pub fn take(&self, rate: &Rate, now: Duration) -> Reading {
        match rate.algorithm {
            Algorithm::TokenBucket => self.take_token(rate, now),
            Algorithm::FixedWindow => self.take_fixed(rate, now),
            Algorithm::SlidingWindow => self.sliding.lock().take(rate, now),
        }
    }

    /// Takes a request back that was counted and did not pass after all.
    pub fn give_back(&self, rate: &Rate, now: Duration) {
        // Ordering: a count orders nothing but itself.
        let order = Ordering::Relaxed;
        match rate.algorithm {
            Algorithm::TokenBucket => {
                let step = step_of(rate);
                let _ =
                    self.word.fetch_update(order, order, |full| Some(full.saturating_sub(step)));
            }
            Algorithm::FixedWindow => {
                let now = milliseconds(now);
                let _ = self.word.fetch_update(order, order, |word| {
                    let is_running = is_in_window(word, rate, now) && word & COUNT_MASK > 0;
                    is_running.then(|| word - 1)
                });
            }
            Algorithm::SlidingWindow => {
                let mut sliding = self.sliding.lock();
                sliding.current = sliding.current.saturating_sub(1);
            }
        }
    }

    /// Tells whether nothing is counted any more, so that a new meter would say the same.
    pub fn is_idle(&self, rate: &Rate, now: Duration) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        match rate.algorithm {
            Algorithm::TokenBucket => word <= nanoseconds(now),
            Algorithm::FixedWindow => !is_in_window(word, rate, milliseconds(now)),
            Algorithm::SlidingWindow => self.sliding.lock().is_idle(rate, now),
        }
    }

    fn take_token(&self, rate: &Rate, now: Duration) -> Reading {
        let step = step_of(rate);
        let most = step.saturating_mul(u64::from(rate.burst));
        let now = nanoseconds(now);
        let mut full = self.word.load(Ordering::Relaxed);
        let (is_allowed, full) = loop {
            let next = full.max(now).saturating_add(step);
            if next - now > most {
                break (false, full);
            }
            let swapped =
                self.word.compare_exchange_weak(full, next, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => break (true, next),
                Err(other) => full = other,
            }
        };
        let missing = full.saturating_sub(now);
        let room = most.saturating_sub(missing);
        Reading {
            is_allowed,
            limit: rate.burst,
            remaining: u32::try_from(room / step).unwrap_or(u32::MAX),
            reset: Duration::from_nanos(missing),
            retry_after: Duration::from_nanos(if is_allowed { 0 } else { step - room.min(step) }),
            window: rate.per,
        }
    }

    fn take_fixed(&self, rate: &Rate, now: Duration) -> Reading {
        let now = milliseconds(now);
        let mut word = self.word.load(Ordering::Relaxed);
        let (is_allowed, word) = loop {
            let next = if is_in_window(word, rate, now) {
                if word & COUNT_MASK >= u64::from(rate.requests) {
                    break (false, word);
                }
                word + 1
            } else {
                ((now + 1) << COUNT_BITS) | 1
            };
            let swapped =
                self.word.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => break (true, next),
                Err(other) => word = other,
            }
        };
        let begun = (word >> COUNT_BITS).saturating_sub(1);
        let left = (begun + window_of(rate)).saturating_sub(now);
        let count = u32::try_from(word & COUNT_MASK).unwrap_or(u32::MAX);
        let reset = Duration::from_millis(left);
        Reading {
            is_allowed,
            limit: rate.requests,
            remaining: rate.requests.saturating_sub(count),
            reset,
            retry_after: if is_allowed { Duration::ZERO } else { reset },
            window: rate.per,
        }
    }
}

// === impl Sliding ===

impl Sliding {
    fn advance(&mut self, rate: &Rate, now: u64) {
        let number = now / nanoseconds(rate.per).max(1);
        if number == self.number.saturating_add(1) {
            (self.earlier, self.current) = (self.current, 0);
        } else if number > self.number {
            (self.earlier, self.current) = (0, 0);
        }
        // A thread that looked at the clock before another one counts in the later window.
        self.number = self.number.max(number);
    }

    fn take(&mut self, rate: &Rate, now: Duration) -> Reading {
        let (now, per) = (nanoseconds(now), nanoseconds(rate.per).max(1));
        self.advance(rate, now);
        let past = now.saturating_sub(self.number * per).min(per);
        let left = u128::from(per - past);
        let (whole, limit) = (u128::from(per), u128::from(rate.requests));
        // Everything by `per`, so that nothing is rounded.
        let used = u128::from(self.earlier) * left + u128::from(self.current) * whole;
        let is_allowed = used + whole <= limit * whole;
        let used = if is_allowed { used + whole } else { used };
        self.current += u64::from(is_allowed);
        let remaining = (limit * whole).saturating_sub(used) / whole;
        Reading {
            is_allowed,
            limit: rate.requests,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            // The current window still counts in the next one.
            reset: Duration::from_nanos(per - past + if self.current > 0 { per } else { 0 }),
            retry_after: if is_allowed {
                Duration::ZERO
            } else {
                Duration::from_nanos(self.wait(rate, per, past))
            },
            window: rate.per,
        }
    }

    /// How long until one more fits in, if nothing else comes.
    fn wait(&self, rate: &Rate, per: u64, past: u64) -> u64 {
        let room = u64::from(rate.requests) - 1;
        // The time after the start of a window at which its predecessor of `before` has lost enough.
        let lost = |before: u64, current: u64| {
            let allowed = room.checked_sub(current)?;
            let excess = before.saturating_sub(allowed);
            let share = (u128::from(excess) * u128::from(per)).div_ceil(u128::from(before.max(1)));
            u64::try_from(share).ok()
        };
        let here = lost(self.earlier, self.current).map(|at| at.saturating_sub(past));
        let next = || per - past + lost(self.current, 0).unwrap_or(per);
        here.unwrap_or_else(next).max(1)
    }

    fn is_idle(&self, rate: &Rate, now: Duration) -> bool {
        let number = nanoseconds(now) / nanoseconds(rate.per).max(1);
        number > self.number.saturating_add(1) || (self.earlier, self.current) == (0, 0)
    }
}

/// Nanoseconds in which a bucket gets one token.
fn step_of(rate: &Rate) -> u64 {
    (nanoseconds(rate.per) / u64::from(rate.requests.max(1))).max(1)
}

fn window_of(rate: &Rate) -> u64 {
    milliseconds(rate.per).max(1)
}

fn is_in_window(word: u64, rate: &Rate, now: u64) -> bool {
    let begun = word >> COUNT_BITS;
    begun > 0 && now < begun - 1 + window_of(rate)
}

/// Enough for five hundred years.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Room for thirty years beside a count.
fn milliseconds(time: Duration) -> u64 {
    const MOST: u64 = (1 << (64 - COUNT_BITS)) - 2;
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(MOST)
}

#[cfg(test)]
mod tests;
