//! Dates, written in many ways and languages, as ISO 8601.
//!
//! Names of months and days come from CLDR. Where a date can be read in two ways the order of the
//! caller decides, and the reading says so with less confidence.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time};

use super::reading::Reading;
use super::table::{CALENDAR, rows};
use crate::folding::{ascii_digits, fold};

mod time;

/// Which of two numbers is the day, where both could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As in 12/31.
    MonthFirst,
    /// As in 31/12.
    DayFirst,
}

/// A piece of a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Digits.
    Number(String),
    /// Letters, folded.
    Word(String),
    /// Anything else but a space.
    Sign(char),
}

/// What a word means in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Month(i8),
    Day,
    Am,
    Pm,
}

static MEANINGS: LazyLock<HashMap<String, Meaning>> = LazyLock::new(|| {
    let mut meanings = HashMap::new();
    for row in rows(CALENDAR) {
        let meaning = match row.cell(0) {
            "month" => Meaning::Month(row.cell(1).parse().unwrap_or(0)),
            "day" => Meaning::Day,
            "am" => Meaning::Am,
            _ => Meaning::Pm,
        };
        for name in row.alternatives(3) {
            // A name of several words is found by its first: none but days have such names.
            let folded = fold(name);
            // English comes first in the table, and a month before a day.
            meanings.entry(folded.replace(' ', "")).or_insert(meaning);
            if let Some(first) = folded.split(' ').next().filter(|first| first.chars().count() > 2)
            {
                meanings.entry(first.to_owned()).or_insert(meaning);
            }
        }
    }
    meanings
});

/// Reads a date, with the time of day if there is one.
///
/// `this_year` decides which century a year of two digits is in: the nearest, up to 50 years ahead.
pub(super) fn read(text: &str, order: Order, this_year: i16) -> Reading {
    let mut pieces = pieces(text);
    let mut time = time::take(&mut pieces);
    if time.is_none() {
        time = time::take_dotted(&mut pieces);
    }
    let Some(found) = Found::of(&pieces, order, this_year) else {
        return Reading::nothing("no day, month and year were found together");
    };
    let Ok(date) = Date::new(found.year, found.month, found.day) else {
        let Found { year, month, day, .. } = found;
        return Reading::nothing(format!("there is no {year:04}-{month:02}-{day:02}"));
    };
    let standard = match time {
        Some((time, _)) if time != Time::midnight() => format!("{date}T{time}"),
        _ => date.to_string(),
    };
    let reading = Reading::new(standard, found.confidence, found.reason)
        .with("date", date.to_string())
        .with("weekday", weekday(date));
    match time {
        Some((time, Some(ahead))) => reading
            .with("time", time.to_string())
            .with("utc", in_utc(date.to_datetime(time), ahead).unwrap_or_default()),
        Some((time, None)) => reading.with("time", time.to_string()),
        None => reading,
    }
}

/// Writes a moment in UTC that was read in a zone so many minutes ahead of it.
fn in_utc(moment: DateTime, ahead: i32) -> Option<String> {
    let moment = moment.checked_sub(jiff::SignedDuration::from_mins(i64::from(ahead))).ok()?;
    Some(format!("{moment}Z"))
}

fn weekday(date: Date) -> &'static str {
    match date.weekday().to_monday_zero_offset() {
        0 => "Monday",
        1 => "Tuesday",
        2 => "Wednesday",
        3 => "Thursday",
        4 => "Friday",
        5 => "Saturday",
        _ => "Sunday",
    }
}

/// Takes a text apart.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut run = String::new();
    let mut is_number = false;
    let mut end = |run: &mut String, is_number: bool| {
        if is_number && !run.is_empty() {
            pieces.push(Piece::Number(std::mem::take(run)));
        } else if !run.is_empty() {
            let word = fold(run).replace(' ', "");
            run.clear();
            if !word.is_empty() {
                pieces.push(Piece::Word(word));
            }
        }
        pieces.len()
    };
    let mut signs = Vec::new();
    for character in ascii_digits(text).chars() {
        // 2014年4月8日 and its like: the sign behind a number says what it is.
        let is_counter = matches!(
            character,
            '年' | '月'
                | '日'
                | '년'
                | '월'
                | '일'
                | '時'
                | '时'
                | '시'
                | '分'
                | '분'
                | '秒'
                | '초'
        );
        let is_letter = !is_counter
            && (character.is_alphabetic()
                || unicode_normalization::char::is_combining_mark(character));
        if character.is_ascii_digit() || is_letter {
            if is_number != character.is_ascii_digit() {
                end(&mut run, is_number);
            }
            is_number = character.is_ascii_digit();
            run.push(character);
            continue;
        }
        let at = end(&mut run, is_number);
        if !character.is_whitespace() {
            signs.push((at, character));
        }
    }
    end(&mut run, is_number);
    for (n, (at, sign)) in signs.into_iter().enumerate() {
        pieces.insert(at + n, Piece::Sign(sign));
    }
    join_dotted(&mut pieces);
    pieces
}

/// Joins what its dots took apart: `ก.พ.` is one name of a month, `a.m.` one half of the day.
fn join_dotted(pieces: &mut Vec<Piece>) {
    for at in (0..pieces.len().saturating_sub(2)).rev() {
        let [Piece::Word(first), Piece::Sign('.'), Piece::Word(second)] = &pieces[at..at + 3]
        else {
            continue;
        };
        let joined = format!("{first}{second}");
        let is_apart = !MEANINGS.contains_key(first) && !MEANINGS.contains_key(second);
        if is_apart && MEANINGS.contains_key(&joined) {
            pieces.splice(at..at + 3, [Piece::Word(joined)]);
        }
    }
}

/// Day, month and year with how sure they are.
#[derive(Debug)]
struct Found {
    year: i16,
    month: i8,
    day: i8,
    confidence: f64,
    reason: String,
}

/// A number with what stands around it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Number {
    value: u32,
    digits: usize,
    /// The sign before it: `'` makes a year.
    before: Option<char>,
    /// The counter behind it: 年, 月, 日.
    counter: Option<char>,
}

impl Found {
    fn of(pieces: &[Piece], order: Order, this_year: i16) -> Option<Self> {
        let month = month(pieces);
        let numbers = numbers(pieces);
        if let [number] = numbers.as_slice()
            && month.is_none()
        {
            return compact(number, order, this_year);
        }
        if let Some(found) = counted(&numbers) {
            return Some(found);
        }
        match (month, numbers.as_slice()) {
            (Some((month, word)), [first, second, rest @ ..]) => {
                // `June 12-14, 2021`: a range begins with its first day.
                let year = rest
                    .first()
                    .filter(|third| is_year(third) && !is_year(first) && !is_year(second));
                Self::with_month(month, &word, [first, year.unwrap_or(second)], this_year)
            }
            (None, [first, second, third, ..]) => {
                let dots = pieces.iter().filter(|piece| **piece == Piece::Sign('.')).count();
                // Who writes dots puts the day first, in every locale of CLDR.
                let order = if dots >= 2 { Order::DayFirst } else { order };
                Self::of_three([first, second, third], order, this_year)
            }
            _ => None,
        }
    }

    fn with_month(month: i8, word: &str, numbers: [&Number; 2], this_year: i16) -> Option<Self> {
        let [first, second] = numbers;
        let first_is_year = is_year(first) || first.value > 31 && !is_year(second);
        let (year, day) = if first_is_year { (first, second) } else { (second, first) };
        let is_certain = is_year(year) || year.value > 31;
        Some(Self {
            year: full_year(year, this_year)?,
            month,
            day: i8::try_from(day.value).ok()?,
            confidence: if is_certain { 0.98 } else { 0.85 },
            reason: if is_certain {
                format!("`{word}` is a month, and the year is written out")
            } else {
                format!("`{word}` is a month; the last number was taken for the year")
            },
        })
    }

    fn of_three(numbers: [&Number; 3], order: Order, this_year: i16) -> Option<Self> {
        let [first, second, third] = numbers;
        if is_year(first) || first.value > 31 {
            let (month, day) = if second.value > 12 { (third, second) } else { (second, third) };
            return Self::numeric(first, month, day, this_year, (0.97, "the year comes first"));
        }
        if is_year(second) {
            let (month, day) = if third.value > 12 { (first, third) } else { (third, first) };
            return Self::numeric(
                second,
                month,
                day,
                this_year,
                (0.6, "the year is in the middle"),
            );
        }
        let is_certain = is_year(third) || third.value > 31;
        let sure = if is_certain { 0.0 } else { 0.1 };
        match (first.value > 12, second.value > 12) {
            (true, true) => {
                // No month among the first two: the year of two digits stands in front.
                Self::numeric(
                    first,
                    third,
                    second,
                    this_year,
                    (0.6, "only the last can be a month"),
                )
            }
            (true, false) => {
                let reason = "the first number is too large for a month";
                Self::numeric(third, second, first, this_year, (0.97 - sure, reason))
            }
            (false, true) => {
                let reason = "the second number is too large for a month";
                Self::numeric(third, first, second, this_year, (0.97 - sure, reason))
            }
            (false, false) => {
                let is_same = first.value == second.value;
                let sure = if is_same { 0.95 } else { 0.7 } - sure;
                match order {
                    Order::MonthFirst => {
                        let reason = "day and month could be exchanged; the month was taken first";
                        Self::numeric(third, first, second, this_year, (sure, reason))
                    }
                    Order::DayFirst => {
                        let reason = "day and month could be exchanged; the day was taken first";
                        Self::numeric(third, second, first, this_year, (sure, reason))
                    }
                }
            }
        }
    }

    fn numeric(
        year: &Number,
        month: &Number,
        day: &Number,
        this_year: i16,
        (confidence, reason): (f64, &str),
    ) -> Option<Self> {
        Some(Self {
            year: full_year(year, this_year)?,
            month: i8::try_from(month.value).ok()?,
            day: i8::try_from(day.value).ok()?,
            confidence,
            reason: reason.to_owned(),
        })
    }
}

/// Finds the name of a month.
fn month(pieces: &[Piece]) -> Option<(i8, String)> {
    let mut words = pieces.iter().filter_map(|piece| match piece {
        Piece::Word(word) => Some(word),
        _ => None,
    });
    words.find_map(|word| Some((month_of(word)?, word.clone())))
}

fn month_of(word: &str) -> Option<i8> {
    if let Some(Meaning::Month(month)) = MEANINGS.get(word) {
        return Some(*month);
    }
    // `Sept`, `Octob`: the beginning of one name alone.
    let least = if word.is_ascii() { 3 } else { 2 };
    if word.chars().count() < least || MEANINGS.contains_key(word) {
        return None;
    }
    let english = MEANINGS.iter().filter_map(|(name, meaning)| match meaning {
        Meaning::Month(month)
            if name.starts_with(word) || is_misspelt(word, name) || is_inflected(word, name) =>
        {
            Some(*month)
        }
        _ => None,
    });
    let mut months: Vec<i8> = english.collect();
    months.sort_unstable();
    months.dedup();
    <[i8; 1]>::try_from(months).ok().map(|[month]| month)
}

/// Tells whether two words are one but for their endings: `studenom`, `studenoga`.
fn is_inflected(word: &str, name: &str) -> bool {
    let common = word.chars().zip(name.chars()).take_while(|(one, other)| one == other).count();
    common >= 6 && word.chars().count() <= common + 2 && name.chars().count() <= common + 2
}

fn is_misspelt(word: &str, name: &str) -> bool {
    let length = name.chars().count();
    let is_long = length >= 6 || length >= 4 && !name.is_ascii();
    is_long && strsim::osa_distance(word, name) == 1
}

/// Returns the numbers of a date with what stands around them.
fn numbers(pieces: &[Piece]) -> Vec<Number> {
    let mut numbers = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let Piece::Number(digits) = piece else { continue };
        let sign = |at: Option<usize>| match at.and_then(|at| pieces.get(at)) {
            Some(Piece::Sign(sign)) => Some(*sign),
            _ => None,
        };
        // What is longer than a time with its date is no date.
        let Ok(value) = digits.get(..digits.len().min(8)).unwrap_or_default().parse() else {
            continue;
        };
        numbers.push(Number {
            value,
            digits: digits.len(),
            before: sign(at.checked_sub(1)),
            counter: sign(Some(at + 1)).filter(|sign| !sign.is_ascii()),
        });
    }
    numbers
}

fn is_year(number: &Number) -> bool {
    number.digits == 4 || matches!(number.before, Some('\'' | '’'))
}

/// Returns a year with its century.
fn full_year(number: &Number, this_year: i16) -> Option<i16> {
    let year = i16::try_from(number.value).ok()?;
    match number.digits {
        4 => Some(year),
        1 | 2 => {
            let century = this_year / 100 * 100;
            let near = [century - 100, century, century + 100].map(|century| century + year);
            near.into_iter().filter(|year| *year < this_year + 50).max()
        }
        _ => None,
    }
}

/// Reads 2014年4月8日.
fn counted(numbers: &[Number]) -> Option<Found> {
    let of = |signs: [char; 2]| {
        numbers.iter().find(|number| number.counter.is_some_and(|sign| signs.contains(&sign)))
    };
    let (year, month, day) = (of(['年', '년'])?, of(['月', '월'])?, of(['日', '일'])?);
    Some(Found {
        year: i16::try_from(year.value).ok()?,
        month: i8::try_from(month.value).ok()?,
        day: i8::try_from(day.value).ok()?,
        confidence: 0.99,
        reason: "year, month and day are marked".to_owned(),
    })
}

/// Reads 20140408 and 140408.
fn compact(number: &Number, order: Order, this_year: i16) -> Option<Found> {
    let part = |value: u32, digits: usize| Number { value, digits, before: None, counter: None };
    let value = number.value;
    match number.digits {
        8 | 10 | 12 | 14 => {
            let [year, month, day] = [value / 10_000, value / 100 % 100, value % 100];
            if (1..=12).contains(&month) && (1..=31).contains(&day) {
                let found = (0.95, "eight digits: year, month, day");
                return Found::numeric(
                    &part(year, 4),
                    &part(month, 2),
                    &part(day, 2),
                    this_year,
                    found,
                );
            }
            let [first, second, year] = [value / 1_000_000, value / 10_000 % 100, value % 10_000];
            Found::of_three([&part(first, 2), &part(second, 2), &part(year, 4)], order, this_year)
        }
        6 => {
            let [year, month, day] = [value / 10_000, value / 100 % 100, value % 100];
            let found = (0.6, "six digits: year, month, day");
            Found::numeric(&part(year, 2), &part(month, 2), &part(day, 2), this_year, found)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
