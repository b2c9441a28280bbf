//! Telephone numbers as E.164, by the numbering plans of the countries (libphonenumber's metadata).

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use regex_automata::Input;
use regex_automata::meta::Regex;

use super::reading::Reading;
use super::table::{PHONES, Row, rows};
use crate::folding::ascii_digits;

/// The most characters of a number with all that surrounds it.
const MAX_LENGTH: usize = 250;

/// The numbering plan of a region.
#[derive(Debug)]
struct Plan {
    region: &'static str,
    code: &'static str,
    lengths: Vec<usize>,
    row: Row<'static>,
    // Compiled when first needed: most processes see the numbers of a few countries.
    patterns: OnceLock<Option<Patterns>>,
}

#[derive(Debug)]
struct Patterns {
    general: Regex,
    mobile: Option<Regex>,
    international: Option<Regex>,
    national: Option<Regex>,
    leading: Option<Regex>,
}

#[derive(Debug)]
struct Plans {
    all: Vec<Plan>,
    by_region: HashMap<&'static str, usize>,
    /// Regions that share a code; the main one comes first.
    by_code: HashMap<&'static str, Vec<usize>>,
}

static PLANS: LazyLock<Plans> = LazyLock::new(|| {
    let mut plans = Plans { all: Vec::new(), by_region: HashMap::new(), by_code: HashMap::new() };
    for (at, row) in rows(PHONES).enumerate() {
        let plan = Plan {
            region: row.cell(2),
            code: row.cell(0),
            lengths: row.alternatives(9).filter_map(|length| length.parse().ok()).collect(),
            row,
            patterns: OnceLock::new(),
        };
        plans.by_region.insert(plan.region, at);
        plans.by_code.entry(plan.code).or_default().push(at);
        plans.all.push(plan);
    }
    plans
});

/// Reads a telephone number; `region` is the country in which it was written without its code.
pub(super) fn read(text: &str, region: Option<&str>) -> Reading {
    if text.chars().count() > MAX_LENGTH {
        return Reading::nothing("too long for a telephone number");
    }
    let text = ascii_digits(text);
    let (main, extension) = split_extension(&text);
    let is_international = begins_with_plus(main);
    let digits: String = dialled(main);
    if digits.len() < 3 {
        return Reading::nothing("too few digits for a telephone number");
    }
    let found = if is_international { international(&digits) } else { national(&digits, region) };
    let Some((plan, number, confidence, reason)) = found else {
        return Reading::nothing(match region {
            _ if is_international => "no numbering plan has such a number",
            Some(_) => "the numbering plan of the region has no such number",
            None => "without a country code; name the region",
        });
    };
    Reading::new(format!("+{}{number}", plan.code), confidence, reason)
        .with("e164", format!("+{}{number}", plan.code))
        .with("country_code", plan.code)
        .with("region", plan.region)
        .with("national_number", number.clone())
        .with("extension", extension)
        .with("type", if plan.is_mobile(&number) { "mobile" } else { "other" })
}

/// Splits `ext. 42` off.
fn split_extension(text: &str) -> (&str, String) {
    let lower = text.to_ascii_lowercase();
    for mark in [";ext=", "extension", "ext.", "ext", "x", "#", "durchwahl", "poste"] {
        let Some(at) = lower.rfind(mark) else { continue };
        let (Some(main), Some(after)) = (text.get(..at), text.get(at + mark.len()..)) else {
            continue;
        };
        let digits: String = after.chars().filter(char::is_ascii_digit).collect();
        let is_plain =
            after.chars().all(|character| character.is_ascii_digit() || " .:#".contains(character));
        let has_number = main.bytes().filter(u8::is_ascii_digit).count() >= 5;
        if is_plain && has_number && (1..=7).contains(&digits.len()) {
            return (main, digits);
        }
    }
    (text, String::new())
}

fn begins_with_plus(text: &str) -> bool {
    let first =
        text.find(|character: char| character.is_ascii_digit() || matches!(character, '+' | '＋'));
    first.and_then(|at| text.get(at..)).is_some_and(|rest| rest.starts_with(['+', '＋']))
}

/// Returns the digits that are dialled: `(0)` behind a country code is not, letters are.
fn dialled(text: &str) -> String {
    let text = if begins_with_plus(text) { text.replace("(0)", "") } else { text.to_owned() };
    let start = text.find(|character: char| character.is_ascii_digit()).unwrap_or(text.len());
    let number = text.get(start..).unwrap_or_default();
    number
        .chars()
        .filter_map(|character| match character.to_ascii_uppercase() {
            digit @ '0'..='9' => Some(digit),
            'A'..='C' => Some('2'),
            'D'..='F' => Some('3'),
            'G'..='I' => Some('4'),
            'J'..='L' => Some('5'),
            'M'..='O' => Some('6'),
            'P'..='S' => Some('7'),
            'T'..='V' => Some('8'),
            'W'..='Z' => Some('9'),
            _ => None,
        })
        .collect()
}

type Match = (&'static Plan, String, f64, &'static str);

/// Reads digits that begin with a country code.
fn international(digits: &str) -> Option<Match> {
    for length in 1..=3 {
        let Some((code, rest)) = digits.split_at_checked(length) else { break };
        let Some(plans) = PLANS.by_code.get(code) else { continue };
        let plans = plans.iter().map(|at| &PLANS.all[*at]);
        let main = plans.clone().next()?;
        let number = main.without_national_prefix(rest);
        let candidates = [rest.to_owned(), number];
        for number in candidates {
            // A region with its own leading digits has the number before the main one has.
            let own = plans
                .clone()
                .find(|plan| (plan.leads(&number) || plan.is_mobile(&number)) && plan.has(&number));
            if let Some(plan) = own.or_else(|| plans.clone().find(|plan| plan.has(&number))) {
                return Some((plan, number, 0.98, "a country code and a number of its plan"));
            }
        }
    }
    None
}

/// Reads digits as they are dialled within a region.
fn national(digits: &str, region: Option<&str>) -> Option<Match> {
    let plan = region.and_then(|region| PLANS.by_region.get(region)).map(|at| &PLANS.all[*at]);
    let Some(plan) = plan else {
        // Without a region a code may still be there, without its plus sign.
        let stripped = digits.strip_prefix("00").unwrap_or(digits);
        let (plan, number, _, _) = international(stripped)?;
        return Some((plan, number, 0.6, "read as if it began with a country code"));
    };
    if let Some(rest) = plan.without_international_prefix(digits)
        && let Some(found) = international(&rest)
    {
        return Some((found.0, found.1, 0.95, "an international prefix of the region"));
    }
    let number = plan.without_national_prefix(digits);
    for number in [number, digits.to_owned()] {
        let own = PLANS.by_code.get(plan.code)?.iter().map(|at| &PLANS.all[*at]);
        if plan.has(&number) {
            return Some((plan, number, 0.95, "a number of the region's plan"));
        }
        if let Some(other) = own.into_iter().find(|other| other.has(&number)) {
            return Some((other, number, 0.8, "a number of a plan with the same country code"));
        }
    }
    // The code may be there without its plus sign.
    let (found, number, _, _) = international(digits)?;
    (found.code == plan.code).then_some((
        found,
        number,
        0.85,
        "the country code without its plus sign",
    ))
}

// === impl Plan ===

impl Plan {
    fn patterns(&self) -> Option<&Patterns> {
        let compile = |pattern: &str| {
            let whole = format!("^(?:{pattern})$");
            Some(pattern)
                .filter(|pattern| !pattern.is_empty())
                .and_then(|_| Regex::new(&whole).ok())
        };
        let prefix = |pattern: &str| {
            let begins = format!("^(?:{pattern})");
            Some(pattern)
                .filter(|pattern| !pattern.is_empty())
                .and_then(|_| Regex::new(&begins).ok())
        };
        let compiled = self.patterns.get_or_init(|| {
            Some(Patterns {
                general: compile(self.row.cell(6))?,
                mobile: compile(self.row.cell(7)),
                international: prefix(self.row.cell(3)),
                national: prefix(self.row.cell(4)),
                leading: prefix(self.row.cell(8)),
            })
        });
        compiled.as_ref()
    }

    fn has(&self, number: &str) -> bool {
        (self.lengths.is_empty() || self.lengths.contains(&number.len()))
            && self.patterns().is_some_and(|patterns| patterns.general.is_match(number))
    }

    fn is_mobile(&self, number: &str) -> bool {
        self.patterns()
            .and_then(|patterns| patterns.mobile.as_ref())
            .is_some_and(|mobile| mobile.is_match(number))
    }

    fn leads(&self, number: &str) -> bool {
        self.patterns()
            .and_then(|patterns| patterns.leading.as_ref())
            .is_some_and(|leading| leading.is_match(number))
    }

    fn without_international_prefix(&self, digits: &str) -> Option<String> {
        let prefix = self.patterns()?.international.as_ref()?.find(digits)?;
        digits.get(prefix.end()..).map(str::to_owned)
    }

    /// Takes off what is dialled in front of a number within the country, as the plan says.
    fn without_national_prefix(&self, digits: &str) -> String {
        let kept = digits.to_owned();
        let Some(national) = self.patterns().and_then(|patterns| patterns.national.as_ref()) else {
            return kept;
        };
        let mut captures = national.create_captures();
        national.captures(Input::new(digits), &mut captures);
        let Some(whole) = captures.get_match() else { return kept };
        let rest = digits.get(whole.end()..).unwrap_or_default();
        let transform = self.row.cell(5);
        let group = |n: usize| {
            let span = captures.get_group(n)?;
            digits.get(span.range())
        };
        let stripped = if transform.is_empty() || group(1).is_none() {
            rest.to_owned()
        } else {
            let mut number = transform.to_owned();
            for n in 1..=3 {
                number = number.replace(&format!("\\{n}"), group(n).unwrap_or_default());
            }
            number + rest
        };
        // A number that only counts with its first digits keeps them.
        if self.has(digits) && !self.has(&stripped) { kept } else { stripped }
    }
}

#[cfg(test)]
mod tests {
    use super::{PLANS, read};

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for (text, region, expected) in [
            ("+49 (0) 30 123456", None, "+4930123456"),
            ("030/123456", Some("DE"), "+4930123456"),
            ("0049 30 123456", Some("DE"), "+4930123456"),
            ("(202) 555-0143", Some("US"), "+12025550143"),
            ("1-202-555-0143", Some("US"), "+12025550143"),
            ("011 44 20 7946 0018", Some("US"), "+442079460018"),
            ("1-800-FLOWERS", Some("US"), "+18003569377"),
            ("tel. +33 1 70 18 99 00", None, "+33170189900"),
            ("+1 204 234 5678", None, "+12042345678"),
        ] {
            assert_eq!(read(text, region).standard.as_deref(), Some(expected), "{text}");
        }
        assert_eq!(read("+1 204 234 5678", None).parts["region"], "CA");
        assert_eq!(read("030 123456 ext. 42", Some("DE")).parts["extension"], "42");
        for (text, region) in
            [("", None), ("12", Some("DE")), ("555-0143", None), ("+999 123", None)]
        {
            assert_eq!(read(text, region).standard, None, "{text}");
        }
    }

    #[test]
    fn every_plan_compiles() {
        for plan in &PLANS.all {
            assert!(plan.patterns().is_some(), "{}", plan.region);
            assert_eq!(
                plan.row.cell(3).is_empty(),
                plan.patterns().unwrap().international.is_none()
            );
        }
    }
}
