//! Moments as text: RFC 3339 in UTC with milliseconds, such as `2026-11-25T08:30:00.250Z`.

use std::time::SystemTime;

/// The last second that has a year of four digits.
const LAST: u64 = 253_402_300_799;
const DAY: u64 = 24 * 60 * 60;

/// Writes a moment; one before 1970 is written as the beginning of that year, one after the year 9999 as its
/// end.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs().min(LAST);
    let (days, second) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = date(days);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    put(&mut text[..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[11..13], second / 3600);
    put(&mut text[14..16], second / 60 % 60);
    put(&mut text[17..19], second % 60);
    put(&mut text[20..23], since.subsec_millis().into());
    // Invariant: digits and signs are ASCII.
    std::str::from_utf8(&text).unwrap_or_default().to_owned()
}

/// Writes a number in so many digits, several times as fast as what formats: entries of the audit trail have times.
fn put(digits: &mut [u8], mut number: u64) {
    for place in digits.iter_mut().rev() {
        // Invariant: a digit is below ten.
        *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
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

/// Returns year, month and day that many days after 1970-01-01, in the Gregorian calendar.
///
/// Years begin with March here, so that the day that only some have is their last; and everything is
/// counted from the first day of March of the year 0.
fn date(days: u64) -> (u64, u64, u64) {
    /// From there to 1970-01-01.
    const BEFORE: u64 = 719_468;
    /// In 400 years, after which the calendar repeats itself; in 100 and in 4 of them.
    const ERA: u64 = 146_097;
    const CENTURY: u64 = 36_524;
    const FOUR: u64 = 1_460;
    let days = days + BEFORE;
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / FOUR + day / CENTURY - day / (ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on months have 153 days in five.
    let month = (5 * day + 2) / 153;
    let (of_month, is_after_new_year) = (day - (153 * month + 2) / 5 + 1, month >= 10);
    let month = if is_after_new_year { month - 9 } else { month + 3 };
    (era * 400 + year + u64::from(is_after_new_year), month, of_month)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{date, of_unix, rfc3339};

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
        check(253_402_300_799_999, "9999-12-31T23:59:59.999Z");
        check(253_402_300_800_000, "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let is_leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..=146_097 {
            assert_eq!(date(days), (year, month, day));
            let length = match month {
                2 => 28 + u64::from(is_leap(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }
}
