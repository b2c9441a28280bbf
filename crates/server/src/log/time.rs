//! Moments as people read them: in UTC, by the calendar of ISO 8601.

use std::time::{Duration, SystemTime};

const DAY: u64 = 86_400;
/// Days from 0000-03-01, where years of the calculation begin, to 1970-01-01.
const BEFORE_1970: u64 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const ERA: u64 = 146_097;

/// Writes `2026-11-25T22:43:38.123456Z`.
pub(crate) fn iso(at: SystemTime) -> String {
    let (date, time, nanoseconds) = parts(at);
    format!("{date}T{time}.{:06}Z", nanoseconds / 1000)
}

/// Writes `2026-11-25 22:43:38.123`, as Logback's `yyyy-MM-dd HH:mm:ss.SSS` does.
pub(super) fn spring(at: SystemTime) -> String {
    let (date, time, nanoseconds) = parts(at);
    format!("{date} {time}.{:03}", nanoseconds / 1_000_000)
}

fn parts(at: SystemTime) -> (String, String, u32) {
    // A clock before 1970 is not set; whoever reads the log sees that.
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, seconds) = (since.as_secs() / DAY, since.as_secs() % DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    (
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{hour:02}:{minute:02}:{second:02}"),
        since.subsec_nanos(),
    )
}

/// The date so many days after 1970-01-01. Years begin in March here, so that the day that some of
/// them lack is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + BEFORE_1970;
    let (era, day_of_era) = (days / ERA, days % ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{date, iso, spring};

    #[test]
    fn moments_are_written_as_the_calendar_has_them() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::new(seconds, 123_456_789);
        assert_eq!(iso(at(0)), "1970-01-01T00:00:00.123456Z");
        assert_eq!(iso(at(951_782_399)), "2000-02-28T23:59:59.123456Z");
        assert_eq!(spring(at(951_782_400)), "2000-02-29 00:00:00.123");
        assert_eq!(spring(at(1_795_646_618)), "2026-11-25 22:43:38.123");
        assert_eq!(iso(at(4_107_542_400)), "2100-03-01T00:00:00.123456Z");
    }

    #[test]
    fn days_follow_one_another_for_four_hundred_years() {
        let is_leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let length = |year: u64, month: u64| match month {
            2 if is_leap(year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..super::ERA {
            assert_eq!(date(days), (year, month, day));
            day += 1;
            if day > length(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }
}
