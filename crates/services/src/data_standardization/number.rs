//! Numbers as people write them: with groups, commas, words, fractions and signs.
//!
//! A number stays a decimal text, so that no digit is lost on the way.

use super::reading::Reading;
use crate::folding::{ascii_digits, fold};

mod spoken;

pub(super) use spoken::leading as leading_words;

/// A number found in a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// The number as a plain decimal.
    pub(super) decimal: String,
    /// Bytes of the text before it.
    pub(super) start: usize,
    /// Bytes of the text up to its end.
    pub(super) end: usize,
    /// How sure it is.
    pub(super) confidence: f64,
    /// Why it was read so.
    pub(super) reason: &'static str,
}

/// Reads a text that is a number.
pub(super) fn read(text: &str) -> Reading {
    let text = ascii_digits(text);
    let trimmed = text.trim();
    let Some(found) = find(trimmed).or_else(|| spoken::read(trimmed)) else {
        return Reading::nothing("no number was found");
    };
    let before = trimmed.get(..found.start).unwrap_or_default().trim();
    let after = trimmed.get(found.end..).unwrap_or_default().trim();
    let is_negative = before.ends_with('-') || before.ends_with('(') || after == "-";
    let factor = multiplier(after).unwrap_or(0);
    let decimal = shifted(&found.decimal, factor);
    let decimal = if is_negative { format!("-{decimal}") } else { decimal };
    let reading = Reading::new(decimal, found.confidence, found.reason);
    if after.starts_with('%') { reading.with("unit", "percent") } else { reading }
}

/// Finds the first number of a text: digits, and what belongs to them.
pub(super) fn find(text: &str) -> Option<Found> {
    let start =
        text.find(|character: char| character.is_ascii_digit() || fraction(character).is_some())?;
    let rest = text.get(start..)?;
    // `.50` begins with its dot.
    let leads =
        text.get(..start).is_some_and(|before| before.ends_with('.') && !before.ends_with(".."));
    let body: String = rest.chars().take_while(|character| belongs(*character)).collect();
    let body = body.trim_end_matches(|character: char| {
        !character.is_ascii_digit() && fraction(character).is_none()
    });
    let body = without_second(body);
    if let Some((decimal, length)) = scientific(rest, body) {
        return Some(Found {
            decimal,
            start,
            end: start + length,
            confidence: 0.97,
            reason: "an exponent",
        });
    }
    if let Some((decimal, length)) = with_fraction(rest) {
        return Some(Found {
            decimal,
            start,
            end: start + length,
            confidence: 0.95,
            reason: "a fraction",
        });
    }
    let (decimal, confidence, reason) = separated(body)?;
    let decimal = if leads { format!("0.{decimal}") } else { decimal };
    Some(Found { decimal, start, end: start + body.len(), confidence, reason })
}

fn belongs(character: char) -> bool {
    character.is_ascii_digit() || matches!(character, '.' | ',' | '\'' | '’' | ' ' | '_' | '·')
}

/// Ends a run where a space does not separate groups of three: `12 50` are two numbers.
fn without_second(body: &str) -> &str {
    let mut at = 0;
    for (n, part) in body.split(' ').enumerate() {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if n > 0 && (digits != 3 || at > 0 && !body.get(..at).is_some_and(ends_as_group)) {
            return body.get(..at).unwrap_or(body);
        }
        at += part.len() + usize::from(n > 0);
        // A decimal part ends the number.
        if part.contains(['.', ',']) && n > 0 {
            break;
        }
    }
    body.get(..at).unwrap_or(body)
}

/// Tells whether what is before a space may be continued by a group.
fn ends_as_group(before: &str) -> bool {
    let last = before.rsplit(' ').next().unwrap_or_default();
    let is_first = !before.contains(' ');
    last.bytes().all(|byte| byte.is_ascii_digit())
        && (is_first && last.len() <= 3 || last.len() == 3)
}

/// Decides what the separators of a number are.
fn separated(body: &str) -> Option<(String, f64, &'static str)> {
    let plain: String =
        body.chars().filter(|character| !matches!(character, ' ' | '\'' | '’' | '_')).collect();
    let had_others = plain.len() != body.len();
    let dots = plain.matches('.').count();
    let commas = plain.matches(',').count();
    let last = plain.rfind(['.', ',']).and_then(|at| plain.get(at..));
    let tail = last.map_or(0, |last| last.len() - 1);
    let (decimal, confidence, reason) = match (dots, commas) {
        (0, 0) if had_others => (None, 0.95, "groups of three"),
        (0, 0) => (None, 0.99, "plain digits"),
        (1.., 1..) => {
            (last.and_then(|last| last.chars().next()), 0.97, "the last sign is the decimal one")
        }
        (2.., 0) | (0, 2..) if tail == 3 => (None, 0.95, "groups of three"),
        (2.., 0) | (0, 2..) => (
            last.and_then(|last| last.chars().next()),
            0.7,
            "a sign used twice, the last time with decimals",
        ),
        // 1.234 and 1,234: three digits behind a single sign.
        (0, 1) if tail == 3 && !had_others && !plain.starts_with('0') => {
            (None, 0.85, "a comma before three digits groups them")
        }
        (0, 1) => (Some(','), 0.9, "a comma not before three digits is the decimal one"),
        (1, 0) if tail == 3 && !plain.starts_with('0') && plain.len() <= 7 => {
            (None, 0.6, "a dot before three digits groups them")
        }
        (1, 0) => (Some('.'), 0.97, "a dot is the decimal one"),
    };
    let mut written = String::new();
    let split = decimal.and_then(|decimal| plain.rsplit_once(decimal));
    let (whole, part) = split.unwrap_or((&plain, ""));
    written.extend(whole.chars().filter(char::is_ascii_digit));
    let whole = written.trim_start_matches('0');
    let mut decimal = if whole.is_empty() { "0".to_owned() } else { whole.to_owned() };
    if !part.is_empty() {
        decimal.push('.');
        decimal.push_str(part);
    }
    decimal
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
        .then_some((decimal, confidence, reason))
}

/// Reads 1.5e3.
fn scientific(rest: &str, body: &str) -> Option<(String, usize)> {
    let after = rest.get(body.len()..)?;
    let exponent = after.strip_prefix(['e', 'E'])?;
    let digits: String = exponent
        .chars()
        .enumerate()
        .take_while(|(n, character)| {
            character.is_ascii_digit() || *n == 0 && matches!(character, '+' | '-')
        })
        .map(|(_, character)| character)
        .collect();
    let exponent: i32 = digits.parse().ok().filter(|exponent: &i32| exponent.abs() < 100)?;
    let mantissa = body.replace(',', ".");
    Some((shifted(&mantissa, exponent), body.len() + 1 + digits.len()))
}

/// Reads 1/2, 1 1/2, ½ and 1½.
fn with_fraction(rest: &str) -> Option<(String, usize)> {
    let (whole, after) = digits(rest);
    let spaces = after.len() - after.trim_start().len();
    if let Some(character) = after.trim_start().chars().next()
        && let Some(part) = fraction(character)
    {
        let value = whole.unwrap_or(0.0) + part;
        return Some((value.to_string(), rest.len() - after.len() + spaces + character.len_utf8()));
    }
    let (whole, numerator, tail) = match digits(after.trim_start()) {
        (Some(numerator), tail) if spaces > 0 => (whole?, numerator, tail),
        _ => (0.0, whole?, after),
    };
    let (denominator, tail) = digits(tail.strip_prefix('/')?);
    let denominator =
        denominator.filter(|denominator| *denominator > 0.0 && *denominator <= 64.0)?;
    if tail.starts_with('/') || numerator >= denominator {
        return None;
    }
    Some(((whole + numerator / denominator).to_string(), rest.len() - tail.len()))
}

fn digits(text: &str) -> (Option<f64>, &str) {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(length).unwrap_or(("", text));
    (digits.parse().ok(), rest)
}

fn fraction(character: char) -> Option<f64> {
    Some(match character {
        '½' => 0.5,
        '¼' => 0.25,
        '¾' => 0.75,
        '⅓' => 1.0 / 3.0,
        '⅔' => 2.0 / 3.0,
        '⅛' => 0.125,
        '⅜' => 0.375,
        '⅝' => 0.625,
        '⅞' => 0.875,
        _ => return None,
    })
}

/// Returns the power of ten that a word behind a number stands for.
pub(super) fn multiplier(after: &str) -> Option<i32> {
    let word: String =
        after.trim_start().chars().take_while(|character| character.is_alphabetic()).collect();
    Some(match (word.as_str(), fold(&word).as_str()) {
        ("k" | "K", _) | (_, "thousand" | "tsd" | "mille" | "mil") => 3,
        ("M", _) | (_, "mn" | "mm" | "mio" | "million" | "millions" | "mill") => 6,
        ("B", _) | (_, "bn" | "billion" | "billions" | "mrd") => 9,
        ("T", _) | (_, "trillion" | "trn" | "tn") => 12,
        (_, "lakh" | "lakhs" | "lac") => 5,
        (_, "crore" | "crores" | "cr") => 7,
        _ => return None,
    })
}

/// Moves the decimal point of a plain decimal; exact, since no digit is computed.
pub(super) fn shifted(decimal: &str, places: i32) -> String {
    let (whole, part) = decimal.split_once('.').unwrap_or((decimal, ""));
    let mut digits = format!("{whole}{part}");
    let mut point = i32::try_from(whole.len()).unwrap_or(0) + places;
    while point <= 0 {
        digits.insert(0, '0');
        point += 1;
    }
    let point = usize::try_from(point).unwrap_or(0);
    while digits.len() < point {
        digits.push('0');
    }
    let (whole, part) = digits.split_at_checked(point).unwrap_or((&digits, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    // Zeros at the end stay where nothing was moved: 12.50 says how exact it is.
    let part = if places == 0 { part } else { part.trim_end_matches('0') };
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

#[cfg(test)]
mod tests;
