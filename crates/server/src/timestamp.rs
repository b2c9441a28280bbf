//! Moments as text: RFC 3339 in UTC with milliseconds, such as `2026-11-25T08:30:00.250Z`.

use std::time::SystemTime;

/// The last second that has a year of four digits.
const LAST: u64 = 253_402_300_799;
const DAY: u64 = 24 * 60 * 60;

/// Writes a moment; one before 1970 is written as the beginning of that year.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / DAY, since.as_secs() % DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let milliseconds = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// Writes a moment as a part of a name: `20261125T083000Z`.
pub(crate) fn compact(moment: SystemTime) -> String {
    let written = rfc3339(moment);
    // Invariant: milliseconds stand behind the only dot.
    let seconds = written.split('.').next().unwrap_or_default();
    seconds.replace(['-', ':'], "") + "Z"
}

/// Writes unix seconds without a fraction; one after the year 9999 is written as its end.
pub(crate) fn of_unix(seconds: u64) -> String {
    let (days, second) = (seconds.min(LAST) / DAY, seconds.min(LAST) % DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Returns year, month and day that many days after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut left) = (1970, days);
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{of_unix, rfc3339};

    #[test]
    fn seconds_are_written_as_far_as_years_have_four_digits() {
        assert_eq!(of_unix(1_735_689_599), "2024-12-31T23:59:59Z");
        assert_eq!(of_unix(u64::MAX), "9999-12-31T23:59:59Z");
    }

    #[track_caller]
    fn check(milliseconds: u64, expected: &str) {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
        assert_eq!(rfc3339(moment), expected);
    }

    #[test]
    fn moments_are_written_in_utc() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_399_999, "2000-02-28T23:59:59.999Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_709_251_199_001, "2024-02-29T23:59:59.001Z");
        check(1_735_689_599_000, "2024-12-31T23:59:59.000Z");
        check(1_795_595_400_250, "2026-11-25T08:30:00.250Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
    }
}
