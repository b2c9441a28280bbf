//! Postal addresses, taken apart: number, street, unit, box, city, state, post code, country.
//!
//! Two orders are known: that of North America and Britain, where the number leads and the post code
//! ends, and that of most of Europe, where the post code leads the city. Which one it is, the post code tells.

use super::places::{country, subdivision};
use super::reading::Reading;
use super::wordlists::{Kind, standard};
use crate::folding::fold;

mod postcode;
mod split;

use postcode::Style;

/// The most words of an address.
const MAX_WORDS: usize = 60;

/// A word, and whether a comma or a line ends behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    text: String,
    ends_segment: bool,
    /// Whether something was taken out behind it.
    is_cut: bool,
}

/// The parts of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Address {
    number: String,
    street: String,
    unit: String,
    unit_kind: &'static str,
    box_number: String,
    city: String,
    state: String,
    state_code: String,
    postcode: String,
    country: String,
}

/// Reads an address; `region` is the country where it does not say.
pub(super) fn read(text: &str, region: Option<&str>) -> Reading {
    let mut words = words(text);
    if words.is_empty() || words.len() > MAX_WORDS {
        return Reading::nothing("no address was found");
    }
    let mut address = Address::default();
    take_country(&mut words, &mut address);
    let style = postcode::take(&mut words, &mut address.postcode);
    take_box(&mut words, &mut address);
    match style {
        Style::BeforeCity(at) => european(&mut words, at, &mut address),
        Style::AtEnd | Style::None => american(&mut words, &mut address, region),
    }
    finish(address, style)
}

/// Splits a text into words.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for segment in text.split([',', ';', '\n']) {
        let spaced = segment.replace('#', " # ");
        let n_before = words.len();
        words.extend(spaced.split_whitespace().map(|word| Word {
            text: word.to_owned(),
            ends_segment: false,
            is_cut: false,
        }));
        if words.len() > n_before
            && let Some(last) = words.last_mut()
        {
            last.ends_segment = true;
        }
    }
    words
}

/// Takes the country off the end, where it is written out.
fn take_country(words: &mut Vec<Word>, address: &mut Address) {
    for length in (1..=3).rev() {
        let Some(start) = words.len().checked_sub(length).filter(|start| *start > 1) else {
            continue;
        };
        let text = joined(&words[start..]);
        // `CA`, `DE`, `IN` are states more often than countries.
        let is_written_out = fold(&text).len() > 3 || matches!(fold(&text).as_str(), "usa" | "uk");
        let begins_segment = words[start - 1].ends_segment
            || matches!(fold(&text).as_str(), "usa" | "united states");
        if is_written_out
            && begins_segment
            && subdivision("US", &text).is_none()
            && let Some(found) = country(&text).filter(|found| found.confidence > 0.95)
        {
            found.country.alpha2.clone_into(&mut address.country);
            words.truncate(start);
            if let Some(last) = words.last_mut() {
                last.ends_segment = true;
            }
            return;
        }
    }
}

/// Takes the box out: the last one, for what stands before it is the box of a bank within a box.
fn take_box(words: &mut Vec<Word>, address: &mut Address) {
    for at in (0..words.len()).rev() {
        let Some(length) = (1..=3).rev().find(|length| is_box(words, at, *length)) else {
            continue;
        };
        // `p.o. box`: the mark may have begun before.
        let begin = (1..=2)
            .filter_map(|more| Some((at.checked_sub(more)?, length + more)))
            .rfind(|(at, length)| is_box(words, *at, *length));
        let (at, length) = begin.unwrap_or((at, length));
        // `cs 198422` and `42 d`: letters belong to the number.
        let mut end = at + length + 1 + usize::from(is_prefix(words, at + length));
        let is_letter = |word: &Word| {
            word.text.len() == 1
                && word.text.bytes().all(|byte| byte.is_ascii_alphabetic())
                && standard(Kind::Direction, &word.text).is_none()
        };
        let ends_there = words.get(end - 1).is_some_and(|word| word.ends_segment);
        end += usize::from(!ends_there && words.get(end).is_some_and(is_letter));
        address.box_number = bare(&joined(&words[at + length..end]));
        close_before(words, at);
        words.drain(at..end);
        return;
    }
}

/// Tells whether a mark of a box stands here, with its number behind it.
fn is_box(words: &[Word], at: usize, length: usize) -> bool {
    let Some(mark) = words.get(at..at + length) else { return false };
    let skipped = usize::from(is_prefix(words, at + length));
    let Some(number) = words.get(at + length + skipped) else { return false };
    let text = joined(mark);
    // `RR 2 Box 484`: the box is on a rural route.
    let is_rural = words.first().is_some_and(|word| {
        matches!(fold(&word.text).as_str(), "rr" | "hc" | "rt" | "route" | "rural")
    });
    let follows_number = at
        .checked_sub(1)
        .and_then(|before| words.get(before))
        .is_some_and(|word| word.text.bytes().all(|byte| byte.is_ascii_digit()));
    let is_alone = length == 1 && fold(&text) == "box";
    let is_plain = number.text.bytes().all(|byte| byte.is_ascii_digit());
    standard(Kind::Box, &text).is_some()
        && (!is_alone || at == 0 || is_rural || follows_number || is_plain)
        && number.text.chars().any(|character| character.is_ascii_digit())
}

/// Tells whether letters lead the number of a box: `Drawer CS 198422`.
fn is_prefix(words: &[Word], at: usize) -> bool {
    let Some([letters, number]) = words.get(at..at + 2) else { return false };
    letters.text.len() <= 2
        && letters.text.bytes().all(|byte| byte.is_ascii_alphabetic())
        && number.text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Marks the word before a place as the end of its segment: what stood there is taken out.
fn close_before(words: &mut [Word], at: usize) {
    if let Some(before) = at.checked_sub(1).and_then(|before| words.get_mut(before)) {
        before.is_cut = !before.ends_segment;
        before.ends_segment = true;
    }
}

/// Reads what remains of number, street, unit, city, state.
fn american(words: &mut Vec<Word>, address: &mut Address, region: Option<&str>) {
    let code = if address.country.is_empty() {
        region.unwrap_or(postcode::country_of(&address.postcode))
    } else {
        &address.country
    };
    let code = code.to_owned();
    take_state(words, address, &code);
    split::take_units(words, address);
    split::drop_names(words, !address.box_number.is_empty());
    let starts_with_number =
        words.first().is_some_and(|word| is_house_number(&word.text)) && words.len() > 1;
    if starts_with_number {
        address.number = bare(&words.remove(0).text);
        // 12 1/2 Main Street, 12 A Main Street
        while words.first().is_some_and(|word| {
            is_fraction(&word.text) || is_grid(&word.text) && is_grid(&address.number)
        }) {
            address.number = format!("{} {}", address.number, words.remove(0).text);
        }
    }
    let has_street = starts_with_number || address.box_number.is_empty();
    let split =
        split::city_begin(words, &address.postcode, has_street, !address.box_number.is_empty());
    address.city = joined(&words[split..]);
    words.truncate(split);
    if has_street {
        split::take_street(words, address);
    }
    if address.city.is_empty() && address.number.is_empty() {
        address.city = std::mem::take(&mut address.street);
    }
    if address.number.is_empty() {
        number_behind(address);
    }
}

/// Takes the state off the end: its code, or its name of up to three words.
fn take_state(words: &mut Vec<Word>, address: &mut Address, code: &str) {
    for length in (1..=3).rev() {
        let Some(start) = words.len().checked_sub(length).filter(|start| *start > 0) else {
            continue;
        };
        let text = joined(&words[start..]);
        let Some(found) = subdivision(code, &text) else { continue };
        let is_exact = fold(found.name) == fold(&text)
            || found
                .code
                .split('-')
                .nth(1)
                .is_some_and(|short| short == bare(&text).replace('.', "").to_uppercase());
        if is_exact {
            address.state = bare(&text);
            found.code.split('-').nth(1).unwrap_or_default().clone_into(&mut address.state_code);
            words.truncate(start);
            close_before(words, start);
            return;
        }
    }
}

/// Reads the order of most of Europe: street and number, then post code and city.
fn european(words: &mut Vec<Word>, at: usize, address: &mut Address) {
    let city: Vec<Word> = words.split_off(at.min(words.len()));
    let end = city.iter().position(|word| word.ends_segment).map_or(city.len(), |end| end + 1);
    let mut named = joined(&city[..end]);
    // `Roma RM`: the province behind an Italian city.
    let province = named.rsplit_once(' ').map(|(_, province)| province.to_owned());
    let is_code =
        |text: &String| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    if let Some(province) = province.filter(is_code) {
        named.truncate(named.len() - 3);
        address.state = province;
    }
    address.city = named;
    if address.state.is_empty() {
        address.state = joined(&city[end..]);
    }
    split::take_units(words, address);
    if words
        .first()
        .is_some_and(|word| word.text.starts_with(|character: char| character.is_ascii_digit()))
        && words.len() > 1
    {
        address.number = bare(&words.remove(0).text);
        address.street = joined(words);
    } else {
        address.street = joined(words);
        number_behind(address);
    }
}

/// Takes the number off the end of a street: `Hauptstraße 5 a`.
fn number_behind(address: &mut Address) {
    let words: Vec<&str> = address.street.split(' ').collect();
    let last_digit = words
        .iter()
        .rposition(|word| word.starts_with(|character: char| character.is_ascii_digit()));
    if let Some(at) = last_digit.filter(|at| *at > 0 && words.len() - at <= 2) {
        let (street, number) = (words[..at].join(" "), words[at..].join(" "));
        street.trim_end_matches(',').clone_into(&mut address.street);
        address.number = number;
    }
}

/// Tells whether a word can lead an address: 12, 12a, One, N16282.
fn is_house_number(text: &str) -> bool {
    const WORDS: [&str; 10] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    text.starts_with(|character: char| character.is_ascii_digit())
        || WORDS.contains(&fold(text).as_str())
        || is_grid(text)
}

/// Numbers of a grid, as in Wisconsin: W206N, N16570.
fn is_grid(text: &str) -> bool {
    let mut characters = text.chars();
    let leads = characters
        .next()
        .is_some_and(|first| matches!(first.to_ascii_uppercase(), 'N' | 'S' | 'E' | 'W'));
    leads && characters.next().is_some_and(|second| second.is_ascii_digit())
}

fn is_fraction(text: &str) -> bool {
    text.split_once('/').is_some_and(|(over, under)| {
        !over.is_empty()
            && [over, under]
                .iter()
                .all(|part| part.chars().all(|character| character.is_ascii_digit()))
    })
}

/// Takes signs off both ends of a word.
fn bare(text: &str) -> String {
    text.trim_matches([',', ';', '.', '(', ')', '"', '\'']).to_owned()
}

fn joined(words: &[Word]) -> String {
    let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    words.join(" ").trim_matches([',', ' ', '-']).to_owned()
}

fn finish(address: Address, style: Style) -> Reading {
    let is_street =
        !address.street.is_empty() && !address.number.is_empty() || !address.box_number.is_empty();
    let (confidence, reason) = match (style, is_street, address.city.is_empty()) {
        (Style::None, true, false) if !address.state.is_empty() => {
            (0.8, "number, street, city and state; no post code")
        }
        (Style::None, true, _) => (0.55, "a number and a street; no post code"),
        (_, true, false) => (0.93, "number, street, city and post code"),
        (Style::AtEnd | Style::BeforeCity(_), false, false) => {
            (0.6, "a city and a post code; no number with a street")
        }
        _ => (0.3, "too little of an address was found"),
    };
    let box_text = if address.box_number.is_empty() {
        String::new()
    } else {
        format!("PO Box {}", address.box_number)
    };
    let unit = match (address.unit_kind, address.unit.as_str()) {
        (_, "") => String::new(),
        ("#", unit) => format!("# {unit}"),
        (kind, unit) => format!("{kind} {unit}"),
    };
    let line = match style {
        Style::BeforeCity(_) => format!("{} {}", address.street, address.number),
        _ => format!("{} {}", address.number, address.street),
    };
    let place = match style {
        Style::BeforeCity(_) => format!("{} {}", address.postcode, address.city),
        _ => address.city.clone(),
    };
    let state = match style {
        Style::BeforeCity(_) => address.state.clone(),
        _ if address.state_code.is_empty() => format!("{} {}", address.state, address.postcode),
        _ => format!("{} {}", address.state_code, address.postcode),
    };
    let lines = [line, unit, box_text, place, state, address.country.clone()];
    let whole: Vec<&str> =
        lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    if confidence < 0.5 {
        return Reading::nothing(reason);
    }
    Reading::new(whole.join(", "), confidence, reason)
        .with("number", address.number)
        .with("street", address.street)
        .with("unit", address.unit)
        .with("box", address.box_number)
        .with("city", address.city)
        .with("state", address.state)
        .with("state_code", address.state_code)
        .with("postcode", address.postcode)
        .with("country", address.country)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, expected) in [
            (
                "1600 Pennsylvania Ave NW, Washington, DC 20500",
                ["1600", "Pennsylvania Ave NW", "", "Washington", "DC", "20500"],
            ),
            (
                "350 5th Ave New York NY 10118-0110",
                ["350", "5th Ave", "", "New York", "NY", "10118-0110"],
            ),
            (
                "12 Park Ave Apt 3B Walnut Creek California 94596",
                ["12", "Park Ave", "3B", "Walnut Creek", "California", "94596"],
            ),
            ("77 Highway 50 Kenai AK 99611", ["77", "Highway 50", "", "Kenai", "AK", "99611"]),
            ("PO Box 12, Springfield IL 62701", ["", "", "", "Springfield", "IL", "62701"]),
            (
                "Unter den Linden 77, 10117 Berlin, Deutschland",
                ["77", "Unter den Linden", "", "Berlin", "", "10117"],
            ),
            (
                "5 Avenue Anatole France\n75007 Paris",
                ["5", "Avenue Anatole France", "", "Paris", "", "75007"],
            ),
            ("1 Main Street, London N1 9GU", ["1", "Main Street", "", "London", "", "N1 9GU"]),
        ] {
            let reading = read(text, None);
            let part = |name| reading.parts.get(name).cloned().unwrap_or_default();
            let found = ["number", "street", "unit", "city", "state", "postcode"].map(part);
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(read("PO Box 12, Springfield IL 62701", None).parts["box"], "12");
        assert_eq!(read("hello", None).standard, None);
    }
}
