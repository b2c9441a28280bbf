//! Durations as Spring reads them: milliseconds without a unit, `60s`, `PT1M30S`.

use crate::config::units;

/// Returns a duration in our words. A variable keeps its place; what it stands for is taken for
/// `unit` unless another one follows it.
pub(super) fn ours(text: &str, unit: &str) -> Option<String> {
    if text.ends_with('}') && text.contains("${") {
        return Some(format!("{text}{unit}"));
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(format!("{number}{unit}"));
    }
    let small = text.to_ascii_lowercase();
    if let Some(iso) = small.strip_prefix("pt") {
        return iso8601(iso);
    }
    units::parse_duration(&small).map(units::format_duration)
}

/// Hours, minutes and seconds of a duration of ISO 8601.
fn iso8601(text: &str) -> Option<String> {
    let mut seconds = 0_u64;
    let mut number = String::new();
    for character in text.chars() {
        let factor = match character {
            '0'..='9' => {
                number.push(character);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        number.clear();
    }
    number.is_empty().then(|| format!("{seconds}s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_put_into_our_words() {
        for (text, expected) in [
            ("15000", Some("15000ms")),
            ("60s", Some("1m")),
            ("500ms", Some("500ms")),
            ("PT1M30S", Some("90s")),
            ("${T:15000}", Some("${T:15000}ms")),
            ("soon", None),
            ("PT", Some("0s")),
            ("PT5", None),
        ] {
            assert_eq!(ours(text, "ms").as_deref(), expected, "{text}");
        }
    }
}
