//! The time of day within a date.

use jiff::civil::Time;

use super::{MEANINGS, Meaning, Piece};

/// Takes the time of day out of the pieces of a date, if there is one.
pub(super) fn take(pieces: &mut Vec<Piece>) -> Option<Time> {
    split_compact(pieces);
    let found = colons(pieces)
        .or_else(|| letters(pieces))
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
    let rest = zone_end(pieces, end);
    pieces.drain(at..rest);
    Time::new(hour, minute, second, 0).ok()
}

/// Takes the time out of `29.02.2020 13.12`: two numbers behind a whole date.
pub(super) fn take_dotted(pieces: &mut Vec<Piece>) -> Option<Time> {
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
    Some(time)
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

/// Finds 10h36m28s, 10h 36, 10時36分.
fn letters(pieces: &[Piece]) -> Option<Found> {
    let is = |at: usize, names: &[&str]| match pieces.get(at) {
        Some(Piece::Word(word)) => names.contains(&word.as_str()),
        Some(Piece::Sign(sign)) => names.contains(&sign.to_string().as_str()),
        _ => false,
    };
    let hours = ["h", "hr", "hrs", "hour", "hours", "時", "时", "시"];
    let at = (0..pieces.len()).find(|at| small(&pieces[*at]).is_some() && is(at + 1, &hours))?;
    let hour = small(&pieces[at])?;
    let mut end = at + 2;
    let mut rest = [0, 0];
    for (slot, names) in rest.iter_mut().zip([["m", "min", "分", "분"], ["s", "sec", "秒", "초"]])
    {
        let Some(value) = pieces.get(end).and_then(small) else { break };
        *slot = value;
        end += if is(end + 1, &names) { 2 } else { 1 };
    }
    Some((at, end, [hour, rest[0], rest[1]]))
}

/// Finds noon and midnight.
fn named(pieces: &[Piece]) -> Option<Found> {
    let at = pieces.iter().position(
        |piece| matches!(piece, Piece::Word(word) if word == "noon" || word == "midnight"),
    )?;
    let hour = if pieces[at] == Piece::Word("noon".to_owned()) { 12 } else { 0 };
    Some((at, at + 1, [hour, 0, 0]))
}

/// Finds 10 pm.
fn hour_alone(pieces: &[Piece]) -> Option<Found> {
    let at = (0..pieces.len()).find(|at| {
        small(&pieces[*at]).is_some_and(|hour| (1..=12).contains(&hour))
            && half(pieces, at + 1).is_some()
    })?;
    Some((at, at + 1, [small(&pieces[at])?, 0, 0]))
}

/// Finds am or pm, also as a.m., and where it ends.
fn half(pieces: &[Piece], at: usize) -> Option<(usize, Meaning)> {
    let Some(Piece::Word(word)) = pieces.get(at) else { return None };
    let (word, end) = match (pieces.get(at + 1), pieces.get(at + 2)) {
        (Some(Piece::Sign('.')), Some(Piece::Word(m))) if m == "m" => (format!("{word}m"), at + 3),
        _ => (word.clone(), at + 1),
    };
    match MEANINGS.get(&word).copied() {
        Some(half @ (Meaning::Am | Meaning::Pm)) => Some((end, half)),
        _ => None,
    }
}

/// Skips Z, UTC, +02:00, EST and the like.
fn zone_end(pieces: &[Piece], from: usize) -> usize {
    let mut end = from;
    if let Some(Piece::Word(word)) = pieces.get(end)
        && (word == "z" || ZONES.contains(&word.as_str()))
    {
        end += 1;
    }
    let is_offset = matches!(pieces.get(end), Some(Piece::Sign('+' | '-')))
        && matches!(pieces.get(end + 1), Some(Piece::Number(digits)) if matches!(digits.len(), 2 | 4))
        && from > 0;
    // 10:15 - 2014-04-08 is no offset.
    let continues = matches!(pieces.get(end + 2), Some(Piece::Sign('-' | '/' | '.')));
    if is_offset && !continues {
        end += 2;
        if pieces.get(end) == Some(&Piece::Sign(':'))
            && matches!(pieces.get(end + 1), Some(Piece::Number(_)))
        {
            end += 2;
        }
    }
    end
}

/// Abbreviations of zones that stand behind times.
const ZONES: [&str; 20] = [
    "utc", "gmt", "est", "edt", "cst", "cdt", "mst", "mdt", "pst", "pdt", "cet", "cest", "bst",
    "ist", "jst", "msk", "eet", "eest", "wet", "west",
];

/// Returns a number of at most two digits.
fn small(piece: &Piece) -> Option<i8> {
    match piece {
        Piece::Number(digits) if digits.len() <= 2 => digits.parse().ok(),
        _ => None,
    }
}
