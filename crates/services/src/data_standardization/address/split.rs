//! Where in an American address the street ends and the city begins, and what stands between them.

use super::{Address, Kind, Word, bare, close_before, fold, is_house_number, joined, standard};
use crate::data_standardization::places::{is_city, is_post_town};

/// The most words of a town's name.
const MOST_WORDS: usize = 4;
/// The most units of an address: floor, room.
const MOST_UNITS: usize = 4;
/// Kinds of the old road beside the new one: `Highway 71 Business`.
const BRANCHES: [&str; 7] = ["business", "bypass", "byp", "alternate", "alt", "truck", "bus"];

/// Takes apartments, suites, floors out of the middle.
pub(super) fn take_units(words: &mut Vec<Word>, address: &mut Address) {
    // `Apt 4 10A Main Street`: the unit may lead, where a number follows it.
    let leads =
        words.get(2).is_some_and(|third| third.text.starts_with(|it: char| it.is_ascii_digit()));
    let first = usize::from(address.box_number.is_empty() && !leads);
    let mut found: Vec<(&'static str, String)> = Vec::new();
    while found.len() < MOST_UNITS
        && let Some(unit) = take_unit(words, first)
    {
        found.push(unit);
    }
    // Whoever names a building as well means the rooms in it.
    let is_house = |kind: &str| matches!(kind, "Building" | "Department" | "Mail Stop" | "Lot");
    if found.iter().any(|(kind, _)| !is_house(kind)) {
        found.retain(|(kind, _)| !is_house(kind));
    }
    if let Some((kind, _)) = found.first() {
        address.unit_kind = kind;
        let identifiers: Vec<&str> = found.iter().map(|(_, unit)| unit.as_str()).collect();
        address.unit = identifiers.join(" ");
    }
}

fn take_unit(words: &mut Vec<Word>, first: usize) -> Option<(&'static str, String)> {
    for at in first..words.len() {
        let Some(kind) = standard(Kind::Unit, &words[at].text) else { continue };
        // 14th Floor
        let ordinal = at
            .checked_sub(1)
            .filter(|before| *before > 0 && kind == "Floor")
            .and_then(|before| words.get(before))
            .map(|word| bare(&word.text))
            .filter(|text| text.starts_with(|character: char| character.is_ascii_digit()));
        if let Some(ordinal) = ordinal {
            close_before(words, at - 1);
            words.drain(at - 1..=at);
            return Some((kind, ordinal));
        }
        let Some(identifier) = words.get(at + 1) else { continue };
        // `Highway # 50`: the number is that of the road.
        let is_of_road = kind == "#"
            && at.checked_sub(1).and_then(|before| words.get(before)).is_some_and(|before| {
                matches!(standard(Kind::Street, &before.text), Some("Highway" | "Route"))
            });
        if is_of_road {
            continue;
        }
        let text = bare(&identifier.text);
        let most_letters = if kind == "#" { 1 } else { 2 };
        let is_identifier = text.chars().any(|character| character.is_ascii_digit())
            || text.chars().count() <= most_letters;
        // `Suite # 5`: the sign belongs to the word before it.
        let is_signed = identifier.text == "#" && words.get(at + 2).is_some();
        if !is_identifier && !is_signed {
            continue;
        }
        let end = if is_signed { at + 3 } else { at + 2 };
        let unit = bare(&words[end - 1].text);
        close_before(words, at);
        words.drain(at..end);
        return Some((kind, unit));
    }
    None
}

/// Drops names of houses and firms in front of the segment that begins with a number.
pub(super) fn drop_names(words: &mut Vec<Word>, has_box: bool) {
    let leads = |word: &Word| word.text.starts_with(|first: char| first.is_ascii_digit());
    if has_box || words.first().is_none_or(leads) {
        return;
    }
    let begin = (1..words.len().saturating_sub(2)).find(|at| {
        let is_alone = words[*at].ends_segment;
        words[at - 1].ends_segment && leads(&words[*at]) && !is_alone
    });
    let Some(begin) = begin else { return };
    // A road of its own in front of a number is a street, and the number that of a room.
    let is_street = words[..begin].iter().any(|word| standard(Kind::Street, &word.text).is_some());
    if !is_street && !is_house_number(&words[0].text) {
        words.drain(..begin);
    }
}

/// Finds where the city begins; `has_street` says whether something has to be left before it.
pub(super) fn city_begin(words: &[Word], postcode: &str, has_street: bool, has_box: bool) -> usize {
    let comma =
        (1..words.len()).rev().find(|at| words[at - 1].ends_segment && !words[at - 1].is_cut);
    let least = usize::from(has_street && !has_box);
    let town = (1..=MOST_WORDS)
        .rev()
        .filter_map(|length| words.len().checked_sub(length))
        .filter(|at| *at >= comma.unwrap_or(least))
        .find(|at| is_post_town(&joined(&words[*at..]), postcode));
    match (comma, town) {
        // What has a number in front of the town is no part of its name.
        (Some(comma), Some(town)) => {
            let between = &words[comma..town];
            let is_foreign = between.iter().any(|word| {
                word.is_cut
                    || word.text.chars().any(|character| character.is_ascii_digit())
                    || standard(Kind::Unit, &word.text).is_some()
            });
            if is_foreign { town } else { comma }
        }
        (Some(comma), None) => comma,
        (None, Some(town)) => town - usize::from(town > 1 && is_turned(&words[..town])),
        (None, None) if has_street => street_end(words),
        (None, None) => (1..words.len()).rev().find(|at| words[at - 1].is_cut).unwrap_or(0),
    }
}

/// Tells whether the last of these words is a direction that belongs to the city behind it: the street
/// has one already. `Wealthy St SE | E Grand Rapids`, `W 175th St | East Hazel Crest`.
fn is_turned(words: &[Word]) -> bool {
    let direction = |word: &Word| standard(Kind::Direction, &word.text);
    let n_behind = words.iter().rev().take_while(|word| direction(word).is_some()).count();
    let [first, .., last] = words else { return false };
    if direction(last).is_none() || n_behind == words.len() {
        return false;
    }
    let before = words[words.len().saturating_sub(n_behind)..].first().and_then(direction);
    match n_behind {
        1 => {
            let behind_type = words
                .get(words.len().saturating_sub(2))
                .is_some_and(|word| standard(Kind::Street, &word.text).is_some());
            behind_type && direction(first).is_some()
        }
        // `S E` is a quarter of the town in two words.
        2 => before.is_some_and(|before| before.len() == 2),
        _ => true,
    }
}

/// Reads the street out of what stands before the city: its first segment, with the direction that
/// may stand behind a comma. A short segment with a number is a unit, and others are names of houses.
pub(super) fn take_street(words: &[Word], address: &mut Address) {
    let mut segments: Vec<&[Word]> = words.split_inclusive(|word| word.ends_segment).collect();
    if segments.is_empty() {
        return;
    }
    let mut first = segments.remove(0);
    if let Some(unit) = unit_behind(first).filter(|_| address.unit.is_empty()) {
        address.unit = unit;
        address.unit_kind = "#";
        first = &first[..first.len() - 1];
    }
    let mut street = joined(first);
    for segment in segments {
        let turned =
            segment.first().is_some_and(|word| standard(Kind::Direction, &word.text).is_some());
        if turned {
            street = format!("{street} {}", segment[0].text);
        }
        let rest = &segment[usize::from(turned)..];
        let Some(last) = rest.last().filter(|_| rest.len() <= 2) else { continue };
        let identifier = bare(&last.text);
        if address.unit.is_empty() && identifier.chars().any(|it| it.is_ascii_digit()) {
            address.unit = identifier;
            address.unit_kind = "#";
        }
    }
    street.trim_end_matches([',', ' ']).clone_into(&mut address.street);
}

/// Finds a unit that is not called one behind a street: `LaSalle St. M-9`, `10th Ave SW A`.
fn unit_behind(words: &[Word]) -> Option<String> {
    let [.., before, last] = words else { return None };
    let text = bare(&last.text);
    let is_mixed =
        text.chars().any(|it| it.is_ascii_digit()) && text.chars().any(char::is_alphabetic);
    let is_letter = text.chars().count() == 1 && text.chars().all(char::is_alphabetic);
    let kind = standard(Kind::Street, &before.text);
    let is_numbered_road = matches!(kind, Some("Highway" | "Route" | "Road"));
    let is_behind_direction = standard(Kind::Direction, &before.text).is_some()
        && standard(Kind::Direction, &text).is_none()
        && words.len() > 3;
    let is_unit = is_mixed && kind.is_some() && !is_numbered_road && words.len() > 2
        || is_letter && is_behind_direction;
    is_unit.then_some(text)
}

/// Finds where the street ends and the city begins, by what streets are called.
fn street_end(words: &[Word]) -> usize {
    // What was taken out stood behind the street.
    let cut = (1..words.len()).rev().find(|at| words[at - 1].ends_segment);
    if let Some(split) = cut {
        return split;
    }
    let is_type =
        |at: usize| words.get(at).is_some_and(|word| standard(Kind::Street, &word.text).is_some());
    let is_direction = |at: usize| {
        words.get(at).is_some_and(|word| standard(Kind::Direction, &word.text).is_some())
    };
    let is_numbered = |at: usize| words.get(at).is_some_and(|word| is_road_number(&word.text));
    let is_branch =
        |at: usize| words.get(at).is_some_and(|word| BRANCHES.contains(&fold(&word.text).as_str()));
    let leads = usize::from(is_direction(0));
    for at in 0..words.len() {
        if !is_type(at) {
            continue;
        }
        // Highway 50, County Road M, Highway 71 Business.
        if is_numbered(at + 1) && at + 2 < words.len() {
            let end = at + 2 + usize::from(is_branch(at + 2) && at + 3 < words.len());
            return end + usize::from(is_direction(end) && end + 1 < words.len());
        }
        // `Park Avenue`, `Lake View Drive`: the last of several kinds in a row ends the street.
        let is_saint = words.get(at + 1).is_some_and(|word| fold(&word.text) == "st");
        if at <= leads.max(usize::from(at == 0)) && at == 0
            || is_type(at + 1) && !is_saint && at + 2 < words.len()
        {
            continue;
        }
        let end = at + 1;
        let turned = end + usize::from(is_direction(end) && end + 1 < words.len());
        if turned < words.len() {
            return turned;
        }
    }
    // Nothing of that kind: a direction ends it, or a known city begins.
    if let Some(at) = (1..words.len().saturating_sub(1)).find(|at| is_direction(*at)) {
        return at + 1;
    }
    let known = (2..=3)
        .rev()
        .filter_map(|length| words.len().checked_sub(length))
        .find(|at| *at > 0 && is_city(&joined(&words[*at..]), "US"));
    known.unwrap_or_else(|| words.len().saturating_sub(1))
}

fn is_road_number(text: &str) -> bool {
    let text = bare(text);
    text.chars().all(|character| character.is_ascii_digit() || character == '-')
        && !text.is_empty()
        && text.len() < 5
        || text.chars().count() == 1
            && text.chars().all(char::is_alphabetic)
            && standard(Kind::Direction, &text).is_none()
}
