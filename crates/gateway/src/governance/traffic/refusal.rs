//! How a caller is told that there is no room for its request now, and when to come again.

use std::cell::RefCell;
use std::time::Duration;

use gantry_core::{Clock, ErrorCode, ProviderError};
use gantry_policy::rate::Reading;
use gantry_protocol::{RpcError, code};
use http::header::{self, Entry};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

/// How much a caller may still ask of the limit that is nearest to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The most that may come at once.
    pub limit: u32,
    /// How much of it is left.
    pub remaining: u32,
    /// When all of it is there again, in seconds since 1970.
    pub reset: u64,
    /// Seconds of the time that the limit is for.
    pub window: u64,
}

/// When to come again, and the limit that was reached if it was one of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Whole seconds, at least one.
    pub seconds: u64,
    /// The limit.
    pub standing: Option<Standing>,
}

/// A request that came too early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooMany {
    /// Which limit it was, in the words of the configuration.
    pub which: &'static str,
    /// When to come again.
    pub waiting: Waiting,
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const WINDOW: HeaderName = HeaderName::from_static("x-ratelimit-window");

// === impl Standing ===

impl Standing {
    pub(super) fn of(reading: &Reading, clock: &dyn Clock) -> Self {
        Self {
            limit: reading.limit,
            remaining: reading.remaining,
            reset: clock.unix_seconds().saturating_add(whole_seconds(reading.reset)),
            window: whole_seconds(reading.window),
        }
    }

    /// Tells whether this one is nearer to its end than the other.
    pub(super) fn is_tighter_than(&self, other: &Self) -> bool {
        // By the part that is left, without rounding.
        let part = |one: &Self, by: &Self| u64::from(one.remaining) * u64::from(by.limit);
        part(self, other) < part(other, self)
    }

    /// Writes it into the head of an answer, unless that tells of a limit already.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Entry::Vacant(limit) = headers.entry(LIMIT) else { return };
        let [the_limit, reset, window] = SAID.with_borrow_mut(|[limit, reset, window]| {
            [again(limit, self.limit.into()), again(reset, self.reset), again(window, self.window)]
        });
        limit.insert(the_limit);
        headers.insert(REMAINING, number(self.remaining.into()));
        headers.insert(RESET, reset);
        headers.insert(WINDOW, window);
    }
}

thread_local! {
    /// Numbers of the last answer, and their headers: most are those of the next one too.
    static SAID: RefCell<[(u64, HeaderValue); 3]> =
        const { RefCell::new([const { (0, HeaderValue::from_static("0")) }; 3]) };
}

/// Returns a number as a header has it, which is the last one if the number is the same.
fn again((last, value): &mut (u64, HeaderValue), wanted: u64) -> HeaderValue {
    if *last != wanted {
        (*last, *value) = (wanted, number(wanted));
    }
    value.clone()
}

/// Writes a number as a header has it, with one allocation: `HeaderValue` itself takes two.
fn number(number: u64) -> HeaderValue {
    let mut digits = itoa::Buffer::new();
    // Invariant: digits may stand in a header.
    HeaderValue::from_str(digits.format(number)).unwrap_or_else(|_| HeaderValue::from(number))
}

// === impl Waiting ===

impl Waiting {
    /// Waiting for so long, for another reason than a rate.
    pub(super) fn for_a_while(time: Duration) -> Self {
        Self { seconds: whole_seconds(time).max(1), standing: None }
    }

    /// Reads it from an error that this module made.
    pub fn of(error: &RpcError) -> Option<Self> {
        let data = error.data.as_ref()?;
        let number = |key: &str| data.get(key).and_then(Value::as_u64);
        let small = |key: &str| number(key).and_then(|number| u32::try_from(number).ok());
        let standing = || {
            Some(Standing {
                limit: small("limit")?,
                remaining: small("remaining")?,
                reset: number("reset")?,
                window: number("window")?,
            })
        };
        Some(Self { seconds: number("retryAfter")?, standing: standing() })
    }

    /// Writes it into the head of an answer.
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(self.seconds));
        if let Some(standing) = self.standing {
            standing.write(headers);
        }
    }

    /// Returns what a program is told in the body.
    pub fn to_data(self, code: ErrorCode) -> Value {
        let mut data = json!({ "code": code.code(), "retryAfter": self.seconds });
        if let Some(Standing { limit, remaining, reset, window }) = self.standing {
            data["limit"] = limit.into();
            data["remaining"] = remaining.into();
            data["reset"] = reset.into();
            data["window"] = window.into();
        }
        data
    }
}

// === impl TooMany ===

impl TooMany {
    /// Returns the sentence for people.
    pub fn text(&self) -> String {
        let Self { which, waiting: Waiting { seconds, standing } } = self;
        let limit = standing.map_or(0, |standing| standing.limit);
        let window = standing.map_or(0, |standing| standing.window);
        format!(
            "too many requests: `{which}` allows {limit} in {window} s; try again in {seconds} s"
        )
    }

    /// Returns the error for a client.
    pub fn to_error(&self) -> RpcError {
        error(ErrorCode::RateLimited, self.text(), &self.waiting)
    }
}

/// Refuses a call before its server is asked.
pub(super) fn refused(cause: ErrorCode, text: String, after: Duration) -> ProviderError {
    ProviderError::Refused(error(cause, text, &Waiting::for_a_while(after)))
}

fn error(cause: ErrorCode, text: String, waiting: &Waiting) -> RpcError {
    let number = cause.json_rpc().unwrap_or(code::INTERNAL_ERROR);
    RpcError::new(number, text).with_data(waiting.to_data(cause))
}

/// A part of a second is a whole one to whoever waits for it.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_into_an_error_is_read_from_it() {
        let standing = Standing { limit: 10, remaining: 0, reset: 1_800_000_000, window: 60 };
        let waiting = Waiting { seconds: 7, standing: Some(standing) };
        let error = TooMany { which: "limits.global", waiting }.to_error();
        assert_eq!(Waiting::of(&error), Some(waiting));
        assert_eq!(
            error.message,
            "too many requests: `limits.global` allows 10 in 60 s; try again in 7 s"
        );
        let mut headers = HeaderMap::new();
        waiting.write(&mut headers);
        assert_eq!(headers["retry-after"], "7");
        assert_eq!(headers["x-ratelimit-reset"], "1800000000");
        // What was written before is written again only where it is the same.
        for (limit, reset) in [(10, 1), (10, 1_800_000_001), (0, 0), (11, 0)] {
            let standing = Standing { limit, reset, ..standing };
            let mut headers = HeaderMap::new();
            standing.write(&mut headers);
            let told = ["limit", "remaining", "reset", "window"]
                .map(|name| headers[format!("x-ratelimit-{name}")].to_str().unwrap().to_owned());
            assert_eq!(told, [limit.to_string(), "0".into(), reset.to_string(), "60".into()]);
        }
        assert_eq!(Waiting::of(&RpcError::internal("x", "y")), None);
    }

    #[test]
    fn what_an_answer_says_of_itself_stays() {
        let standing = Standing { limit: 10, remaining: 3, reset: 1_800_000_000, window: 60 };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("a"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("b"));
        standing.write(&mut headers);
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers.get_all(header::SET_COOKIE).iter().count(), 2);
        assert_eq!((&headers[REMAINING], headers.len()), (&HeaderValue::from(3), 7));
        // Of two limits the one that was reached.
        let waiting = Waiting { seconds: 7, standing: Some(Standing { limit: 2, ..standing }) };
        let mut headers = HeaderMap::new();
        waiting.write(&mut headers);
        standing.write(&mut headers);
        assert_eq!((&headers[LIMIT], headers.len()), (&HeaderValue::from(2), 5));
    }

    #[test]
    fn the_tighter_limit_is_the_one_with_the_smaller_part_left() {
        let standing = |limit, remaining| Standing { limit, remaining, reset: 0, window: 1 };
        assert!(standing(1000, 10).is_tighter_than(&standing(10, 9)));
        assert!(!standing(10, 9).is_tighter_than(&standing(1000, 10)));
        assert!(standing(10, 0).is_tighter_than(&standing(1000, 1)));
    }
}
