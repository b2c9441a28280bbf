//! Tests of numbers.

use proptest::prelude::*;

use super::{read, shifted};

#[test]
fn numbers_are_read_however_they_are_written() {
    for (text, expected) in [
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1'234.50", "1234.50"),
        ("12,34,567.89", "1234567.89"),
        ("1.234.567", "1234567"),
        ("0.125", "0.125"),
        ("3.14159", "3.14159"),
        ("(1,250.00)", "-1250.00"),
        ("250-", "-250"),
        ("1.5e3", "1500"),
        ("2,5k", "2500"),
        ("1.2bn", "1200000000"),
        ("1½", "1.5"),
        ("3/4", "0.75"),
        ("two hundred and five thousand", "205000"),
        ("007", "7"),
    ] {
        assert_eq!(read(text).standard.as_deref(), Some(expected), "{text}");
    }
    for text in ["", "n/a", "-", "a", "and"] {
        assert_eq!(read(text).standard, None, "{text}");
    }
}

#[test]
fn the_point_moves_and_no_digit_is_lost() {
    assert_eq!(shifted("1.25", 1), "12.5");
    assert_eq!(shifted("1.25", -3), "0.00125");
    assert_eq!(shifted("12", 3), "12000");
    assert_eq!(shifted("0.50", 0), "0.50");
}

proptest! {
    #[test]
    fn what_is_written_with_groups_is_read_back(whole in 0_u64..10_000_000_000, cents in 0_u32..100, style in 0_usize..4) {
        let (group, point) = [(",", "."), (".", ","), (" ", ","), ("'", ".")][style];
        let digits = whole.to_string();
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push_str(group);
            }
            grouped.push(digit);
        }
        let text = format!("{grouped}{point}{cents:02}");
        prop_assert_eq!(read(&text).standard, Some(format!("{whole}.{cents:02}")));
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,40}") {
        let reading = read(&text);
        prop_assert!((0.0..=1.0).contains(&reading.confidence));
    }
}
