//! Amounts of money: a number and its currency, out of whatever surrounds them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::number;
use super::reading::Reading;
use super::table::{CURRENCIES, rows};
use super::wordlists::{Kind, all};
use crate::folding::{ascii_digits, fold};

/// What is known of a currency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Currency {
    /// ISO 4217.
    pub(super) code: &'static str,
    /// In English.
    pub(super) name: &'static str,
    /// Decimals that it is written with.
    pub(super) digits: usize,
}

/// Currencies by what they are called and by their signs, the longest first.
#[derive(Debug)]
struct Currencies {
    by_code: HashMap<&'static str, Currency>,
    /// Signs and names in lower case with the code, in the order in which they are looked for.
    marks: Vec<(String, &'static str)>,
    by_region: HashMap<&'static str, &'static str>,
}

static CURRENCY: LazyLock<Currencies> = LazyLock::new(|| {
    let mut by_code = HashMap::new();
    let mut by_region = HashMap::new();
    let mut marks: Vec<(String, &'static str)> =
        all(Kind::Currency).map(|(form, code)| (form.to_owned(), code)).collect();
    let mut named: Vec<(String, &'static str)> = Vec::new();
    for row in rows(CURRENCIES) {
        let code = row.cell(0);
        let digits = row.cell(1).parse().unwrap_or(2);
        by_code.insert(code, Currency { code, name: row.cell(2), digits });
        for region in row.cell(3).split(' ') {
            by_region.entry(region).or_insert(code);
        }
        marks.push((code.to_lowercase(), code));
        named.extend(
            row.alternatives(4)
                .filter(|sign| !is_shared(sign))
                .map(|sign| (sign.to_lowercase(), code)),
        );
        named.extend(row.alternatives(5).map(|name| (name.to_lowercase(), code)));
    }
    marks.extend(named);
    // Stable: of equal length, what our own list says comes first.
    marks.sort_by_key(|(mark, _)| std::cmp::Reverse(mark.chars().count()));
    let mut seen = std::collections::HashSet::new();
    marks.retain(|(mark, _)| seen.insert(mark.clone()));
    Currencies { by_code, marks, by_region }
});

/// Signs that several currencies use; the region decides.
fn is_shared(sign: &str) -> bool {
    matches!(sign, "$" | "kr" | "kr." | "F" | "L" | "₣" | "C$" | "Rs")
        || sign.chars().all(char::is_alphabetic) && sign.chars().count() < 2
}

/// Returns what is known of a currency by its code.
pub(super) fn by_code(code: &str) -> Option<Currency> {
    CURRENCY.by_code.get(code).copied()
}

/// Reads an amount; `region` is the country in which `$` and `kr` were written.
pub(super) fn read(text: &str, region: Option<&str>) -> Reading {
    let text = joined_cents(&ascii_digits(text));
    let lower = text.to_lowercase();
    let mark = find_mark(&lower);
    let shared = mark
        .is_none()
        .then(|| lower.find('$').map(|at| (at, at + 1)).or_else(|| find_word(&lower, "kr")))
        .flatten();
    let Some(found) = nearest_number(&text, mark.map(|(start, end, _)| (start, end)).or(shared))
    else {
        let is_free = crate::folding::words(&fold(&text)).contains(&"free");
        return if is_free {
            Reading::new("0".to_owned(), 0.8, "`free` costs nothing").with("amount", "0")
        } else {
            Reading::nothing("no number was found")
        };
    };
    let before = text.get(..found.start).unwrap_or_default().trim_end();
    let after = text.get(found.end..).unwrap_or_default();
    // A dash in front is a minus sign where it touches the number or its currency.
    let is_negative = before.ends_with('(') && after.contains(')')
        || before.ends_with('-') && before.len() == 1
        || before.ends_with("-$");
    let is_magnified = after.chars().next().is_some_and(char::is_alphabetic)
        || after.trim_start().starts_with(['m', 'b']);
    let thousandths =
        mark.and_then(|(_, _, code)| by_code(code)).is_some_and(|currency| currency.digits == 3);
    let found = if thousandths { with_thousandths(&text, found) } else { found };
    let factor = number::multiplier(after).filter(|_| is_magnified).unwrap_or(0);
    let decimal = number::shifted(&found.decimal, factor);
    let decimal = if is_negative { format!("-{decimal}") } else { decimal };
    let code = mark.map(|(_, _, code)| code).or_else(|| {
        let region = region.and_then(|region| CURRENCY.by_region.get(region).copied());
        shared.and(region)
    });
    let (standard, confidence, reason) = match (code.and_then(by_code), shared) {
        (Some(currency), None) => {
            (format!("{decimal} {}", currency.code), 1.0, "the currency is named")
        }
        (Some(currency), Some(_)) => {
            (format!("{decimal} {}", currency.code), 0.85, "the sign is read as in the region")
        }
        (None, Some(_)) => {
            (decimal.clone(), 0.6, "several currencies use the sign; name the region")
        }
        (None, None) => (decimal.clone(), 0.7, "no currency is named"),
    };
    let reading = Reading::new(
        standard,
        confidence * found.confidence,
        format!("{}; {reason}", found.reason),
    );
    let reading = reading.with("amount", decimal);
    match code.and_then(by_code) {
        Some(currency) => {
            let reading =
                reading.with("currency", currency.code).with("currency_name", currency.name);
            reading.with("minor_digits", currency.digits.to_string())
        }
        None => reading,
    }
}

/// Three digits behind the only separator are decimals where the currency has a thousand parts.
fn with_thousandths(text: &str, found: number::Found) -> number::Found {
    let written = text.get(found.start..found.end).unwrap_or_default();
    match written.split_once(['.', ',']) {
        Some((whole, part))
            if part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            number::Found { decimal: format!("{whole}.{part}"), ..found }
        }
        _ => found,
    }
}

/// Joins cents that a space took off: `119. 95`.
fn joined_cents(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let is_digit =
        |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit);
    let mut joined = String::with_capacity(text.len());
    for (at, character) in characters.iter().enumerate() {
        let before = at.checked_sub(1);
        let is_pair = is_digit(Some(at + 1)) && is_digit(Some(at + 2)) && !is_digit(Some(at + 3));
        let is_behind_point = before
            .and_then(|before| characters.get(before))
            .is_some_and(|point| matches!(point, '.' | ','))
            && is_digit(at.checked_sub(2));
        if *character == ' ' && is_pair && is_behind_point {
            continue;
        }
        joined.push(*character);
    }
    joined
}

/// Finds the sign or name of a currency: where it begins and ends, and its code.
fn find_mark(lower: &str) -> Option<(usize, usize, &'static str)> {
    CURRENCY.marks.iter().find_map(|(mark, code)| {
        let (start, end) = find_word(lower, mark)?;
        Some((start, end, *code))
    })
}

/// Finds a mark that is no part of a longer word.
fn find_word(lower: &str, mark: &str) -> Option<(usize, usize)> {
    let is_letter = |character: Option<char>| character.is_some_and(char::is_alphabetic);
    lower.match_indices(mark).find_map(|(start, _)| {
        let end = start + mark.len();
        let before = lower.get(..start)?.chars().next_back();
        let after = lower.get(end..)?.chars().next();
        let begins_word = mark.chars().next().is_some_and(char::is_alphabetic);
        let ends_word = mark.chars().next_back().is_some_and(char::is_alphabetic);
        let is_inside = begins_word && is_letter(before) || ends_word && is_letter(after);
        (!is_inside).then_some((start, end))
    })
}

/// Returns the number that stands next to a mark, or the first one.
fn nearest_number(text: &str, mark: Option<(usize, usize)>) -> Option<number::Found> {
    let mut numbers = Vec::new();
    let mut from = 0;
    while let Some(rest) = text.get(from..)
        && let Some(found) = number::find(rest)
        && numbers.len() < 32
    {
        let found = number::Found { start: from + found.start, end: from + found.end, ..found };
        from = found.end;
        numbers.push(found);
    }
    let Some((start, end)) = mark else { return numbers.into_iter().next() };
    // In front of the number the sign is as usual as behind it. A tie goes to what follows, unless
    // the last number shows that it stands behind.
    let sign = text.get(start..end).unwrap_or_default();
    let last_end = numbers.last().map_or(0, |last| last.end);
    let is_behind = text.get(last_end..).is_some_and(|rest| rest.contains(sign));
    let gap = |found: &number::Found| match found.start.checked_sub(end) {
        Some(gap) => gap * 2 + usize::from(is_behind),
        None => start.saturating_sub(found.end) * 2 + usize::from(!is_behind),
    };
    let (nearest, found) = numbers.iter().enumerate().min_by_key(|(_, found)| gap(found))?;
    // `from 26 to 50 €`: the least that it costs.
    let range = nearest.checked_sub(1).and_then(|before| numbers.get(before)).filter(|before| {
        text.get(before.end..found.start).is_some_and(|between| between.trim() == "to")
    });
    range.or(Some(found)).cloned()
}

#[cfg(test)]
mod tests {
    use super::{by_code, read};

    #[test]
    fn amounts_are_found_among_other_words() {
        for (text, expected) in [
            ("$ 1,299.00", "1299.00"),
            ("US$12.99", "12.99 USD"),
            ("12,99 €", "12.99 EUR"),
            ("EUR 1.299,00", "1299.00 EUR"),
            ("1 299,00 zł", "1299.00 PLN"),
            ("£5", "5 GBP"),
            ("CHF 1'250.-", "1250 CHF"),
            ("3 for 9.99 EUR", "9.99 EUR"),
            ("₹ 12,34,567", "1234567 INR"),
            ("990 руб.", "990 RUB"),
            ("3200 руб. 1500 руб.", "3200 RUB"),
            ("From 26 to 50 €", "26 EUR"),
            ("quantity 3 € 9.99", "9.99 EUR"),
            ("$119. 95", "119.95"),
            ("free", "0"),
        ] {
            assert_eq!(read(text, None).standard.as_deref(), Some(expected), "{text}");
        }
        assert_eq!(read("call us", None).standard, None);
    }

    #[test]
    fn a_shared_sign_is_read_as_in_its_region() {
        assert_eq!(read("$5", Some("CA")).parts["currency"], "CAD");
        assert_eq!(read("100 kr", Some("SE")).parts["currency"], "SEK");
        assert!(!read("$5", None).parts.contains_key("currency"));
        assert_eq!(by_code("JPY").map(|currency| currency.digits), Some(0));
    }
}
