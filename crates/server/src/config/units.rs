//! Durations and sizes as people write them: `15s`, `250ms`, `10MiB`.
//!
//! Only whole numbers with one unit are read, so that there is one way to write a value.

use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const SIZE_UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads a duration; units are `ms`, `s`, `m`, `h`, `d`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    parse(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// Reads a size in bytes; units are `B`, `KB`, `MB`, `GB` (1000) and `KiB`, `MiB`, `GiB` (1024).
pub(crate) fn parse_size(text: &str) -> Option<usize> {
    parse(text, &SIZE_UNITS).and_then(|bytes| usize::try_from(bytes).ok())
}

/// Writes a duration so that [`parse_duration`] reads the same, in the largest unit that fits.
pub(crate) fn format_duration(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    format(milliseconds, &DURATION_UNITS, "s")
}

/// Writes a size so that [`parse_size`] reads the same, in the largest unit that fits.
pub(crate) fn format_size(bytes: usize) -> String {
    format(bytes as u64, &SIZE_UNITS, "B")
}

/// Reads a decimal number such as `0.25` as thousandths; what is finer is cut off.
pub(crate) fn parse_thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.bytes().chain(*b"000").take(3).map(char::from);
    let whole = if whole.is_empty() { "0" } else { whole };
    format!("{whole}{}", part.collect::<String>()).parse().ok()
}

/// Writes thousandths so that [`parse_thousandths`] reads the same.
pub(crate) fn format_thousandths(thousandths: u32) -> String {
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn format(amount: u64, units: &[(&str, u64)], zero: &str) -> String {
    let fitting = units
        .iter()
        .filter(|(_, factor)| amount != 0 && amount.is_multiple_of(*factor))
        .max_by_key(|(_, factor)| *factor);
    match fitting {
        Some((unit, factor)) => format!("{}{unit}", amount / factor),
        None => format!("{amount}{zero}"),
    }
}

#[cfg(test)]
mod tests;
