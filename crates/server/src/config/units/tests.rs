//! Tests of [`super`].

use std::time::Duration;

use proptest::prelude::*;

use super::*;

#[test]
fn durations_have_one_number_and_one_unit() {
    assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
    assert_eq!(parse_duration("15s"), Some(Duration::from_secs(15)));
    assert_eq!(parse_duration("2 m"), Some(Duration::from_mins(2)));
    for text in
        ["", "15", "s", "1.5s", "-1s", "1s1s", "15 seconds", "1  s", "99999999999999999999s"]
    {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn sizes_tell_decimal_from_binary_units() {
    assert_eq!(parse_size("64KB"), Some(64_000));
    assert_eq!(parse_size("64KiB"), Some(65_536));
    assert_eq!(parse_size("10 MiB"), Some(10 << 20));
    for text in ["", "64", "64k", "64kb", "MiB", "1.5MiB", "99999999999GiB"] {
        assert_eq!(parse_size(text), None, "{text}");
    }
}

#[test]
fn what_is_written_down_is_short() {
    assert_eq!(format_duration(Duration::ZERO), "0s");
    assert_eq!(format_duration(Duration::from_secs(90)), "90s");
    assert_eq!(format_duration(Duration::from_mins(2)), "2m");
    assert_eq!(format_size(0), "0B");
    assert_eq!(format_size(10 << 20), "10MiB");
    assert_eq!(format_size(64_000), "64KB");
}

proptest! {
    #[test]
    fn what_is_written_down_reads_back(milliseconds in 0_u64..1 << 50, bytes in 0_usize..1 << 50) {
        let duration = Duration::from_millis(milliseconds);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
        prop_assert_eq!(parse_size(&format_size(bytes)), Some(bytes));
    }
}

#[test]
fn thousandths_are_read_as_they_are_written() {
    for (text, expected) in [
        ("0", 0),
        ("1", 1000),
        ("1.0", 1000),
        ("0.2", 200),
        (".05", 50),
        ("0.005", 5),
        ("0.0019", 1),
    ] {
        assert_eq!(parse_thousandths(text), Some(expected), "{text}");
    }
    for thousandths in 0..=1000 {
        assert_eq!(parse_thousandths(&format_thousandths(thousandths)), Some(thousandths));
    }
}
