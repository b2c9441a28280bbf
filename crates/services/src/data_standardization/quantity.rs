//! Quantities: a number with a unit, also in the base unit of its kind (CLDR, SI).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::number;
use super::reading::Reading;
use super::table::{UNITS, rows};
use crate::folding::{ascii_digits, fold};

/// A unit of measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    /// Its identifier in CLDR: `kilometer-per-hour`.
    pub(super) name: &'static str,
    /// Length, mass, and so on.
    pub(super) kind: &'static str,
    /// The unit of its kind that all others are expressed in.
    pub(super) base: &'static str,
    factor: f64,
    offset: f64,
}

#[derive(Debug)]
struct Units {
    by_name: HashMap<&'static str, Unit>,
    /// As written: `m` and `M` are two.
    exact: HashMap<&'static str, &'static str>,
    folded: HashMap<String, &'static str>,
}

static ALL: LazyLock<Units> = LazyLock::new(|| {
    let mut units =
        Units { by_name: HashMap::new(), exact: HashMap::new(), folded: HashMap::new() };
    let mut later = Vec::new();
    for row in rows(UNITS) {
        let name = row.cell(0);
        let number = |n| row.cell(n).parse().unwrap_or(0.0);
        let unit = Unit {
            name,
            kind: row.cell(1),
            base: row.cell(2),
            factor: number(3),
            offset: number(4),
        };
        units.by_name.insert(name, unit);
        units.folded.entry(fold(name)).or_insert(name);
        for (at, form) in row.alternatives(5).enumerate() {
            // The first names are the English ones; what other languages call a unit comes after
            // all of those.
            later.push((at, form, name));
        }
    }
    later.sort_by_key(|(at, form, name)| (*at, name.len(), *form));
    for (_, form, name) in later {
        units.exact.entry(form).or_insert(name);
        add(&mut units.folded, form, name, false);
    }
    for (form, name) in USUAL {
        units.exact.insert(form, name);
        add(&mut units.folded, form, name, true);
    }
    units
});

/// Adds a name; a sign without a letter is found only as it is written.
fn add(folded: &mut HashMap<String, &'static str>, form: &str, name: &'static str, replaces: bool) {
    let form = fold(form);
    if !form.is_empty() && (replaces || !folded.contains_key(&form)) {
        folded.insert(form, name);
    }
}

/// What people write and CLDR does not list, and whom an ambiguous sign belongs to.
const USUAL: [(&str, &str); 58] = [
    ("m", "meter"),
    ("metre", "meter"),
    ("metres", "meter"),
    ("kilometre", "kilometer"),
    ("kilometres", "kilometer"),
    ("centimetre", "centimeter"),
    ("centimetres", "centimeter"),
    ("millimetre", "millimeter"),
    ("millimetres", "millimeter"),
    ("litre", "liter"),
    ("litres", "liter"),
    ("millilitres", "milliliter"),
    ("ltr", "liter"),
    ("l", "liter"),
    ("L", "liter"),
    ("kgs", "kilogram"),
    ("kilo", "kilogram"),
    ("kilos", "kilogram"),
    ("gr", "gram"),
    ("gm", "gram"),
    ("lbs", "pound"),
    ("lb", "pound"),
    ("pound", "pound"),
    ("pounds", "pound"),
    ("oz", "ounce"),
    ("ounces", "ounce"),
    ("ozs", "ounce"),
    ("\"", "inch"),
    ("''", "inch"),
    ("”", "inch"),
    ("in", "inch"),
    ("'", "foot"),
    ("ft", "foot"),
    ("foot", "foot"),
    ("sq ft", "square-foot"),
    ("sqft", "square-foot"),
    ("sq m", "square-meter"),
    ("sqm", "square-meter"),
    ("m2", "square-meter"),
    ("m3", "cubic-meter"),
    ("km2", "square-kilometer"),
    ("kph", "kilometer-per-hour"),
    ("mph", "mile-per-hour"),
    ("°", "degree"),
    ("degrees", "degree"),
    ("degree", "degree"),
    ("C", "celsius"),
    ("celsius", "celsius"),
    ("F", "fahrenheit"),
    ("fahrenheit", "fahrenheit"),
    ("hrs", "hour"),
    ("mins", "minute"),
    ("secs", "second"),
    ("s", "second"),
    ("h", "hour"),
    ("t", "tonne"),
    ("tonnes", "tonne"),
    ("per cent", "percent"),
];

/// Returns a unit by its identifier or by what people call it.
pub(super) fn unit(written: &str) -> Option<Unit> {
    let trimmed = written.trim().trim_end_matches(['.', ',', ';', ')']).trim();
    let trimmed = trimmed.replace(['^', '*'], "").replace('²', "2").replace('³', "3");
    let trimmed = match trimmed.rsplit_once(' ') {
        Some((unit, "squared")) => format!("square {unit}"),
        Some((unit, "cubed")) => format!("cubic {unit}"),
        _ => trimmed,
    };
    let trimmed = trimmed.as_str();
    // `square km` is `square-kilometer`: the power stands before any name of the unit.
    for (word, power) in [("square ", "square-"), ("cubic ", "cubic-")] {
        let inner = trimmed.strip_prefix(word).and_then(unit);
        if let Some(found) =
            inner.and_then(|inner| ALL.by_name.get(format!("{power}{}", inner.name).as_str()))
        {
            return Some(*found);
        }
    }
    let folded = fold(trimmed);
    let name = ALL.exact.get(trimmed).or_else(|| ALL.folded.get(&folded)).copied();
    // Plurals that no list has, and `cubic metres` for `cubic meters`.
    let name = name.or_else(|| {
        let american = folded.replace("metre", "meter").replace("litre", "liter");
        let one = american.strip_suffix('s').unwrap_or(&american);
        ALL.folded.get(american.as_str()).or_else(|| ALL.folded.get(one)).copied()
    });
    ALL.by_name.get(name?).copied()
}

impl Unit {
    /// Converts a value to the base unit of its kind.
    pub(super) fn to_base(self, value: f64) -> f64 {
        value * self.factor + self.offset
    }

    /// Converts a value from the base unit of its kind.
    pub(super) fn of_base(self, value: f64) -> f64 {
        (value - self.offset) / self.factor
    }
}

/// Reads a quantity.
pub(super) fn read(text: &str) -> Reading {
    let text = ascii_digits(text);
    let trimmed = text.trim();
    if let Some(reading) = range(trimmed) {
        return reading;
    }
    single(trimmed)
}

/// Words and signs between the ends of a range.
const BETWEEN: [&str; 8] = [" to ", " and ", " bis ", " - ", "- to ", "-", " until ", " or "];

/// Reads `3 to 4 L`, `between 44 mg and 50 mg`: the middle, with both ends.
fn range(text: &str) -> Option<Reading> {
    let body = text.strip_prefix("between ").or_else(|| text.strip_prefix("from ")).unwrap_or(text);
    let (low, high) = BETWEEN.iter().find_map(|sign| {
        let (low, high) = body.split_once(sign)?;
        let begins =
            |end: &str| end.trim().starts_with(|character: char| character.is_ascii_digit());
        (begins(low) && begins(high)).then_some((low.trim(), high.trim()))
    })?;
    let high = single(high);
    let name = high.parts.get("unit")?.clone();
    let first = single(low);
    let low = low.trim_end_matches('-');
    let low = match first.parts.get("unit") {
        Some(unit) if *unit == name => first.parts.get("value")?.clone(),
        Some(_) => return None,
        // `3` alone has the unit of the other end.
        None => {
            let found = number::find(low)?;
            low.get(found.end..)
                .is_some_and(|rest| rest.trim().is_empty())
                .then_some(found.decimal)?
        }
    };
    let ends = [low.parse::<f64>().ok()?, high.parts.get("value")?.parse::<f64>().ok()?];
    if ends[0] > ends[1] {
        return None;
    }
    let middle = f64::midpoint(ends[0], ends[1]);
    let unit = unit(&name)?;
    let reading = Reading::new(format!("{middle} {name}"), 0.85, "the middle of a range")
        .with("value", middle.to_string())
        .with("lowest", low)
        .with("highest", ends[1].to_string())
        .with("unit", name.as_str())
        .with("kind", unit.kind);
    Some(reading.with("base_value", unit.to_base(middle).to_string()).with("base_unit", unit.base))
}

fn single(written: &str) -> Reading {
    // 2,000.45±0.01 pounds: the tolerance is no part of the value.
    let without = written.split_once('±').map(|(value, rest)| {
        let unit =
            rest.find(|character: char| character.is_alphabetic()).and_then(|at| rest.get(at..));
        format!("{value} {}", unit.unwrap_or_default())
    });
    let trimmed = without.as_deref().unwrap_or(written);
    let Some((decimal, rest, confidence)) = number_in_front(trimmed) else {
        return Reading::nothing("no number was found");
    };
    let before = trimmed.get(..trimmed.len() - rest.len()).unwrap_or_default();
    let is_negative = before.trim_start().starts_with('-');
    let (factor, rest) = magnified(rest);
    let decimal = number::shifted(&decimal, factor);
    let decimal = if is_negative { format!("-{decimal}") } else { decimal };
    let Some((unit, is_whole)) = longest_unit(rest) else {
        return Reading::nothing("no unit was found behind the number");
    };
    let confidence = confidence * if is_whole { 0.97 } else { 0.8 };
    let reason = if is_whole { "a number and a unit" } else { "a number and a unit, and more" };
    let reading = Reading::new(format!("{decimal} {}", unit.name), confidence, reason)
        .with("value", decimal.clone())
        .with("unit", unit.name)
        .with("kind", unit.kind);
    match decimal.parse::<f64>() {
        Ok(value) if unit.factor != 0.0 => {
            reading.with("base_value", unit.to_base(value).to_string()).with("base_unit", unit.base)
        }
        _ => reading,
    }
}

/// Returns the number with which a text begins, and what follows it.
fn number_in_front(text: &str) -> Option<(String, &str, f64)> {
    if let Some(found) = number::find(text)
        && text.get(..found.start)?.chars().all(|character| !character.is_alphabetic())
    {
        return Some((found.decimal, text.get(found.end..)?, found.confidence));
    }
    for article in ["a ", "an "] {
        if let Some(rest) = text.strip_prefix(article).filter(|rest| longest_unit(rest).is_some()) {
            return Some(("1".to_owned(), rest, 0.85));
        }
    }
    let lower = text.to_lowercase();
    for (words, value) in [
        ("one half ", 0.5),
        ("one-half ", 0.5),
        ("half a ", 0.5),
        ("half an ", 0.5),
        ("half ", 0.5),
        ("a quarter ", 0.25),
    ] {
        if lower.starts_with(words) {
            return Some((value.to_string(), text.get(words.len()..)?, 0.85));
        }
    }
    let (value, n_words) = number::leading_words(text)?;
    let mut rest = text;
    for _ in 0..n_words {
        let at = rest.find([' ', '-']).unwrap_or(rest.len());
        rest = rest.get(at..)?.trim_start_matches([' ', '-']);
    }
    match rest.strip_prefix("and a half ") {
        Some(rest) => Some((format!("{value}.5"), rest, 0.9)),
        None => Some((value.to_string(), rest, 0.9)),
    }
}

/// Takes `million` off the front of what follows a number, unless it is a unit: `m` is.
fn magnified(rest: &str) -> (i32, &str) {
    let trimmed = rest.trim_start().trim_start_matches('-');
    let word: &str =
        trimmed.split(|character: char| !character.is_alphabetic()).next().unwrap_or_default();
    match number::multiplier(word) {
        // `0.5k miles`: a sign that touches its number, before a unit.
        Some(3)
            if word == "k"
                && rest.starts_with('k')
                && longest_unit(trimmed.get(1..).unwrap_or_default()).is_some() =>
        {
            (3, trimmed.get(1..).unwrap_or_default())
        }
        Some(factor) if word.len() > 2 && unit(word).is_none() => {
            (factor, trimmed.get(word.len()..).unwrap_or_default())
        }
        _ => (0, trimmed),
    }
}

/// Finds the unit with the longest name at the beginning, and whether nothing follows it.
fn longest_unit(rest: &str) -> Option<(Unit, bool)> {
    let rest = rest.trim_start();
    let mut ends: Vec<usize> = rest
        .char_indices()
        .filter(|(_, character)| {
            character.is_whitespace() || matches!(character, ',' | ';' | '(' | '-')
        })
        .map(|(at, _)| at)
        .filter(|at| *at > 0)
        .take(6)
        .collect();
    ends.push(rest.len());
    let found = ends.iter().rev().find_map(|end| Some((unit(rest.get(..*end)?)?, *end)));
    let (unit, end) = found.or_else(|| {
        // `5"x7"`: a sign alone in front of anything.
        let first = rest.chars().next().filter(|first| !first.is_alphanumeric())?;
        Some((unit(&first.to_string())?, first.len_utf8()))
    })?;
    Some((unit, rest.get(end..).is_none_or(|tail| tail.trim().is_empty())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ALL, read, unit};

    #[test]
    fn quantities_are_read_however_they_are_written() {
        for (text, expected) in [
            ("10 kg", "10 kilogram"),
            ("10kgs", "10 kilogram"),
            ("two meters", "2 meter"),
            ("1,500 kilometres", "1500 kilometer"),
            ("5'", "5 foot"),
            ("-4 °C", "-4 celsius"),
            ("3.5 lb", "3.5 pound"),
            ("250 мл", "250 milliliter"),
            ("20 Kilometer pro Stunde", "20 kilometer-per-hour"),
            ("2 GB", "2 gigabyte"),
            ("2 Gb", "2 gigabit"),
            ("12 %", "12 percent"),
        ] {
            assert_eq!(read(text).standard.as_deref(), Some(expected), "{text}");
        }
        for text in ["", "kg", "12", "12 bananas"] {
            assert_eq!(read(text).standard, None, "{text}");
        }
    }

    #[test]
    fn units_are_converted_as_the_standards_say() {
        for (value, from, to, expected) in [
            (1.0, "mile", "kilometer", 1.609_344),
            (100.0, "celsius", "fahrenheit", 212.0),
            (1.0, "pound", "gram", 453.592_37),
            (1.0, "acre", "square-meter", 4_046.856_422_4),
            (1.0, "gallon", "liter", 3.785_411_784),
            (36.0, "kilometer-per-hour", "meter-per-second", 10.0),
        ] {
            let (from, to) = (unit(from).unwrap(), unit(to).unwrap());
            assert_eq!(from.base, to.base);
            let found = to.of_base(from.to_base(value));
            assert!((found - expected).abs() < 1e-9 * expected.abs(), "{found} {expected}");
        }
    }

    proptest! {
        #[test]
        fn converting_there_and_back_changes_nothing(value in -1e6_f64..1e6, at in 0_usize..200) {
            let mut names: Vec<&str> = ALL.by_name.keys().copied().collect();
            names.sort_unstable();
            let unit = ALL.by_name[names[at % names.len()]];
            let back = unit.of_base(unit.to_base(value));
            prop_assert!((back - value).abs() <= 1e-6 * value.abs().max(1.0), "{back} {value} {}", unit.name);
        }
    }
}
