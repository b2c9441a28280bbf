//! The time of day within a date.

use jiff::civil::Time;

use super::{MEANINGS, Meaning, Piece};
use crate::data_standardization::wordlists::{Kind, standard};

/// A time of day, with the minutes that its zone is ahead of UTC where it names one.
pub(super) type Zoned = (Time, Option<i32>);

/// Takes the time of day out of the pieces of a date, if there is one.
pub(super) fn take(pieces: &mut Vec<Piece>) -> Option<Zoned> {
    split_compact(pieces);
    let found = colons(pieces)
        .or_else(|| letters(pieces))
        .or_else(|| dotted(pieces))
        .or_else(|| hour_alone(pieces))
        .or_else(|| named(pieces));
    let (at, mut end, [hour, minute, second]) = found?;
    // 下午 02:26 and 오후 3시: before the time.
    let early = at.checked_sub(1).and_then(|before| Some((before, half(pieces, before)?.1)));
    let (at, early) = early.map_or((at, None), |(before, meaning)| (before, Some((end, meaning))));
    let half = half(pieces, end).or(early);
    let hour = match half {
        Some((_, Meaning::Pm)) if hour < 12 => hour + 12,
        Some((_, Meaning::Am)) if hour == 12 => 0,
        _ => hour,
    };
    if let Some((after, _)) = half {
        end = after;
    }
    // What follows is the zone, which a date of its own does not have.
    let (rest, offset) = zone(pieces, end);
    pieces.drain(at..rest);
    Some((Time::new(hour, minute, second, 0).ok()?, offset))
}

/// Takes the time out of `29.02.2020 13.12`: two numbers behind a whole date.
pub(super) fn take_dotted(pieces: &mut Vec<Piece>) -> Option<Zoned> {
    let dot = Piece::Sign('.');
    let [
        ..,
        Piece::Number(day),
        a,
        Piece::Number(_),
        b,
        Piece::Number(year),
        Piece::Number(hour),
        c,
        Piece::Number(minute),
    ] = pieces.as_slice()
    else {
        return None;
    };
    let is_date = *a == dot && *b == dot && *c == dot && day.len() <= 2 && year.len() == 4;
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    let time = Time::new(hour, minute, 0, 0).ok().filter(|_| is_date)?;
    pieces.truncate(pieces.len() - 3);
    Some((time, None))
}

/// Splits `20140408T101500` and `20140408101500`.
fn split_compact(pieces: &mut Vec<Piece>) {
    // 950404 122212
    if let [Piece::Number(date), Piece::Number(time)] = pieces.as_slice()
        && matches!(date.len(), 6 | 8)
        && time.len() == 6
    {
        let time = clock(time);
        pieces.splice(1.., time);
        return;
    }
    let Some(at) = pieces.iter().position(
        |piece| matches!(piece, Piece::Number(digits) if matches!(digits.len(), 10 | 12 | 14)),
    ) else {
        // A number behind `T` is a time.
        let t = pieces.iter().position(|piece| *piece == Piece::Word("t".to_owned()));
        if let Some(at) = t
            && let Some(Piece::Number(digits)) = pieces.get(at + 1)
            && !matches!(pieces.get(at + 2), Some(Piece::Sign(':')))
        {
            let time = digits.clone();
            pieces.splice(at..at + 2, clock(&time));
        } else if let Some(at) = t {
            pieces.remove(at);
        }
        return;
    };
    let Some(Piece::Number(digits)) = pieces.get(at) else { return };
    if let Some((date, time)) = digits.split_at_checked(8)
        && date.starts_with(['1', '2'])
    {
        let mut split = vec![Piece::Number(date.to_owned())];
        split.extend(clock(time));
        pieces.splice(at..=at, split);
    }
}

/// Writes 1015 as 10:15.
fn clock(digits: &str) -> Vec<Piece> {
    let mut written = Vec::new();
    let mut rest = digits;
    while let Some((pair, more)) = rest.split_at_checked(2) {
        if !written.is_empty() {
            written.push(Piece::Sign(':'));
        }
        written.push(Piece::Number(pair.to_owned()));
        rest = more;
    }
    if written.len() == 1 {
        written.extend([Piece::Sign(':'), Piece::Number("00".to_owned())]);
    }
    written
}

/// Where a time begins and ends, and hour, minute, second.
type Found = (usize, usize, [i8; 3]);

/// Finds 10:15, 10:15:30, 10:15:30.5.
fn colons(pieces: &[Piece]) -> Option<Found> {
    let colon = pieces.iter().position(|piece| *piece == Piece::Sign(':'))?;
    let at = colon.checked_sub(1)?;
    let (hour, minute) = (small(pieces.get(at)?)?, small(pieces.get(colon + 1)?)?);
    let mut end = colon + 2;
    let mut second = 0;
    if pieces.get(end) == Some(&Piece::Sign(':'))
        && let Some(found) = pieces.get(end + 1).and_then(small)
    {
        (second, end) = (found, end + 2);
        if matches!(pieces.get(end), Some(Piece::Sign('.' | ',')))
            && matches!(pieces.get(end + 1), Some(Piece::Number(_)))
        {
            end += 2;
        }
    }
    Some((at, end, [hour, minute, second]))
}

/// Finds 10h36m28s, 10h 36, 10時36分, 7 часов 10 минут.
fn letters(pieces: &[Piece]) -> Option<Found> {
    let is = |at: usize, unit: &str| {
        let found = match pieces.get(at) {
            Some(Piece::Word(word)) => standard(Kind::Clock, word),
            Some(Piece::Sign(sign)) => standard(Kind::Clock, &sign.to_string()),
            _ => None,
        };
        found == Some(unit)
    };
    let at = (0..pieces.len()).find(|at| small(&pieces[*at]).is_some() && is(at + 1, "hour"))?;
    let hour = small(&pieces[at])?;
    let mut end = at + 2;
    let mut rest = [0, 0];
    for (slot, unit) in rest.iter_mut().zip(["minute", "second"]) {
        let Some(value) = pieces.get(end).and_then(small) else { break };
        *slot = value;
        end += if is(end + 1, unit) { 2 } else { 1 };
    }
    Some((at, end, [hour, rest[0], rest[1]]))
}

/// Finds 12.16 pm: a dot makes a time where a half of the day follows.
fn dotted(pieces: &[Piece]) -> Option<Found> {
    let at = (0..pieces.len()).find(|at| {
        let is_minute =
            matches!(pieces.get(at + 2), Some(Piece::Number(digits)) if digits.len() == 2);
        is_minute
            && small(&pieces[*at]).is_some_and(|hour| hour < 24)
            && pieces.get(at + 1) == Some(&Piece::Sign('.'))
            && half(pieces, at + 3).is_some()
    })?;
    Some((at, at + 3, [small(&pieces[at])?, small(&pieces[at + 2])?, 0]))
}

/// Finds noon and midnight.
fn named(pieces: &[Piece]) -> Option<Found> {
    pieces.iter().enumerate().find_map(|(at, piece)| {
        let Piece::Word(word) = piece else { return None };
        match standard(Kind::Clock, word)? {
            "noon" => Some((at, at + 1, [12, 0, 0])),
            "midnight" => Some((at, at + 1, [0, 0, 0])),
            _ => None,
        }
    })
}

/// Finds 10 pm.
fn hour_alone(pieces: &[Piece]) -> Option<Found> {
    let at = (0..pieces.len()).find(|at| {
        small(&pieces[*at]).is_some_and(|hour| (1..=12).contains(&hour))
            && half(pieces, at + 1).is_some()
    })?;
    Some((at, at + 1, [small(&pieces[at])?, 0, 0]))
}

/// Finds am or pm, also as a.m. and as `in the evening`, and where it ends.
fn half(pieces: &[Piece], at: usize) -> Option<(usize, Meaning)> {
    let Some(Piece::Word(word)) = pieces.get(at) else { return None };
    let (word, end) = match (pieces.get(at + 1), pieces.get(at + 2)) {
        (Some(Piece::Sign('.')), Some(Piece::Word(m))) if m == "m" => (format!("{word}m"), at + 3),
        _ => (word.clone(), at + 1),
    };
    let clock = standard(Kind::Clock, &word);
    // `8:00 de la tarde` and `12 de junio`, while `8:00 de.` is a Hungarian morning.
    if clock == Some("of") && matches!(pieces.get(end), Some(Piece::Word(_))) {
        return half(pieces, end);
    }
    match (MEANINGS.get(&word).copied(), clock) {
        (Some(half @ (Meaning::Am | Meaning::Pm)), _) => Some((end, half)),
        (_, Some("am")) => Some((end, Meaning::Am)),
        (_, Some("pm")) => Some((end, Meaning::Pm)),
        _ => None,
    }
}

/// Skips Z, UTC, +02:00, EST and the like, and returns how many minutes that is ahead of UTC; none for
/// what no zone is ahead or behind.
fn zone(pieces: &[Piece], from: usize) -> (usize, Option<i32>) {
    let mut end = from;
    let mut offset = None;
    if let Some(Piece::Word(word)) = pieces.get(end)
        && let Some((_, minutes)) = ZONES.iter().find(|(name, _)| name == word)
    {
        end += 1;
        offset = Some(*minutes);
    }
    let sign = match pieces.get(end) {
        Some(Piece::Sign('+')) => 1,
        Some(Piece::Sign('-')) => -1,
        _ => return (end, offset),
    };
    let Some(Piece::Number(digits)) = pieces.get(end + 1) else { return (end, offset) };
    // 10:15 - 2014-04-08 is no offset.
    let continues = matches!(pieces.get(end + 2), Some(Piece::Sign('-' | '/' | '.')));
    if from == 0 || continues || !matches!(digits.len(), 1 | 2 | 4) {
        return (end, offset);
    }
    let number: Option<i32> = digits.parse().ok();
    let hours = number.map(|number| if digits.len() == 4 { number / 100 } else { number });
    let mut minutes = number.map(|number| if digits.len() == 4 { number % 100 } else { 0 });
    end += 2;
    if pieces.get(end) == Some(&Piece::Sign(':'))
        && let Some(Piece::Number(more)) = pieces.get(end + 1)
    {
        minutes = more.parse().ok();
        end += 2;
    }
    let hours = hours.filter(|hours| *hours <= 14);
    let minutes = minutes.filter(|minutes| (0..60).contains(minutes));
    let ahead = hours.zip(minutes).map(|(hours, minutes)| sign * (hours * 60 + minutes));
    (end, ahead)
}

/// Abbreviations of zones that stand behind times, with the minutes that they are ahead of UTC.
const ZONES: [(&str, i32); 24] = [
    ("z", 0),
    ("utc", 0),
    ("gmt", 0),
    ("wet", 0),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("cest", 120),
    ("eet", 120),
    ("eest", 180),
    ("msk", 180),
    ("ist", 330),
    ("wib", 420),
    ("hkt", 480),
    ("jst", 540),
    ("kst", 540),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
];

/// Returns a number of at most two digits.
fn small(piece: &Piece) -> Option<i8> {
    match piece {
        Piece::Number(digits) if digits.len() <= 2 => digits.parse().ok(),
        _ => None,
    }
}
