//! Names of people, taken apart.

use super::reading::Reading;
use super::wordlists::{Kind, standard};
use crate::folding::capitalized;

mod order;

/// Reads the name of a person.
pub(super) fn read(text: &str) -> Reading {
    let cleaned = without_asides(text);
    let (family_first, given_part) = match split_comma(&cleaned) {
        Some((family, given)) => (Some(family), given),
        None => (None, cleaned.clone()),
    };
    let mut words: Vec<&str> = given_part
        .split_whitespace()
        .map(|word| word.trim_matches([',', ';']))
        .filter(|word| !word.is_empty())
        .collect();
    let prefix = take_prefixes(&mut words);
    let suffix = take_suffixes(&mut words, usize::from(family_first.is_none()));
    let mut family: Vec<&str> = family_first
        .as_deref()
        .map(|family| family.split_whitespace().collect())
        .unwrap_or_default();
    let late = take_suffixes(&mut family, 1);
    let suffix = if suffix.is_empty() { late } else { suffix };
    let is_reversed = !family.is_empty();
    let leads = !is_reversed && order::family_leads(&words);
    if leads {
        family = vec![words.remove(0)];
    } else if !is_reversed && words.len() > 1 {
        family = words.split_off(family_start(&words));
    }
    if words.is_empty() && family.is_empty() {
        return Reading::nothing("no name was found");
    }
    let n_given = if is_double(&words) { 2 } else { 1 };
    let given = words.get(..n_given.min(words.len())).unwrap_or_default().join(" ");
    let middle = words.get(n_given..).unwrap_or_default().join(" ");
    let family = family.join(" ");
    let shout = text.chars().filter(|character| character.is_alphabetic()).all(char::is_uppercase)
        || text.chars().filter(|character| character.is_alphabetic()).all(char::is_lowercase);
    let case = |name: &str| if shout { cased(name) } else { name.to_owned() };
    let (given, middle, family) = (case(&given), case(&middle), case(&family));
    let whole = [prefix, &given, &middle, &family, suffix].map(str::to_owned);
    let whole: Vec<String> = whole.into_iter().filter(|part| !part.is_empty()).collect();
    let (confidence, reason) = match (is_reversed, family.is_empty()) {
        (true, _) => (0.95, "the family name stands before the comma"),
        (false, _) if leads => (0.7, "the first is a family name and the second a given name"),
        (false, false) if words.len() <= 2 => (0.9, "the family name stands last"),
        (false, false) => (0.75, "the family name was taken to be the last"),
        (false, true) => (0.5, "a single name"),
    };
    Reading::new(whole.join(" "), confidence, reason)
        .with("prefix", prefix)
        .with("given", given)
        .with("middle", middle)
        .with("family", family)
        .with("suffix", suffix)
}

/// Tells whether the first two words are one given name: `Mary Jo`.
fn is_double(words: &[&str]) -> bool {
    let Some([first, second]) = words.get(..2) else { return false };
    let seconds: &[&str] = match first.to_lowercase().as_str() {
        "mary" => &["jo", "lou", "beth", "kay", "sue", "pat"],
        "jo" => &["ann", "anne", "beth", "ellen"],
        "billy" | "bobby" => &["joe", "bob", "jack", "ray", "lee"],
        "peggy" | "betty" => &["sue", "jo", "lou"],
        _ => return false,
    };
    seconds.contains(&second.to_lowercase().as_str())
}

/// Takes out what stands in brackets or quotes: nicknames, roles.
fn without_asides(text: &str) -> String {
    let mut kept = String::new();
    let mut closing = None;
    for character in text.chars() {
        match (closing, character) {
            (Some(end), _) if character == end => closing = None,
            (Some(_), _) => {}
            (None, '(') => closing = Some(')'),
            (None, '"' | '“') => closing = Some(if character == '"' { '"' } else { '”' }),
            (None, _) => kept.push(character),
        }
    }
    kept
}

/// Splits `Doe, John`; what stands behind the comma may be a suffix alone.
fn split_comma(text: &str) -> Option<(String, String)> {
    let (before, after) = text.split_once(',')?;
    let (before, after) = (before.trim(), after.trim());
    if before.is_empty() || after.is_empty() {
        return None;
    }
    // `Carolyn E, Savage`: a family name does not end with an initial.
    let initial =
        before.rsplit(' ').next().is_some_and(|last| last.trim_end_matches('.').len() == 1);
    if initial && before.contains(' ') && !after.contains(' ') {
        return None;
    }
    let mut words = after.split([' ', ',']).filter(|word| !word.is_empty());
    let is_suffix = words.all(|word| standard(Kind::Suffix, word).is_some());
    (!is_suffix).then(|| (before.to_owned(), after.to_owned()))
}

fn take_prefixes(words: &mut Vec<&str>) -> &'static str {
    let mut prefix = "";
    while words.len() > 1
        && let Some(found) = words.first().and_then(|word| standard(Kind::Prefix, word))
    {
        // `M.` alone is an initial where a name follows that begins like one.
        if prefix.is_empty() {
            prefix = found;
        }
        words.remove(0);
    }
    prefix
}

fn take_suffixes(words: &mut Vec<&str>, kept: usize) -> &'static str {
    let mut suffix = "";
    while words.len() > kept.max(1)
        && let Some(found) = words.last().and_then(|word| standard(Kind::Suffix, word))
    {
        suffix = found;
        words.pop();
    }
    suffix
}

/// Finds where the family name begins: the last word, with the particles before it.
fn family_start(words: &[&str]) -> usize {
    let mut at = words.len() - 1;
    // A single letter before the last name is an initial; `y` and `e` join two family names.
    let is_initial =
        |word: &str| word.trim_end_matches('.').chars().count() == 1 && !matches!(word, "y" | "e");
    while at > 1 && standard(Kind::Particle, words[at - 1]).is_some() && !is_initial(words[at - 1])
    {
        at -= 1;
    }
    at
}

/// Writes a name that came in one case as names are written.
fn cased(name: &str) -> String {
    let words = name.split(' ').map(|word| {
        let lower = word.to_lowercase();
        if standard(Kind::Particle, &lower).is_some()
            && !matches!(lower.as_str(), "st" | "st." | "san" | "santa" | "al" | "mac")
        {
            return lower;
        }
        let capital = capitalized(&lower);
        match capital.strip_prefix("Mc") {
            Some(rest) if rest.len() > 1 => format!("Mc{}", capitalized(rest)),
            _ => capital,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn names_are_taken_apart() {
        for (text, expected) in [
            ("JOHN Q. PUBLIC", ["", "John", "Q.", "Public", ""]),
            ("Public, John Q.", ["", "John", "Q.", "Public", ""]),
            ("Dr. Martin Luther King, Jr.", ["Dr.", "Martin", "Luther", "King", "Jr."]),
            ("Ludwig van Beethoven", ["", "Ludwig", "", "van Beethoven", ""]),
            ("maria de la cruz", ["", "Maria", "", "de la Cruz", ""]),
            ("RONALD MCDONALD III", ["", "Ronald", "", "McDonald", "III"]),
            ("Robert (Bob) Smith", ["", "Robert", "", "Smith", ""]),
            ("Cher", ["", "Cher", "", "", ""]),
            ("James O Davis", ["", "James", "O", "Davis", ""]),
            ("Cook Aaron", ["", "Aaron", "", "Cook", ""]),
            ("Swanson Peter A", ["", "Peter", "A", "Swanson", ""]),
            ("Aaron Cook", ["", "Aaron", "", "Cook", ""]),
            ("State Senator Thomas James", ["Senator", "Thomas", "", "James", ""]),
            ("WESTWOOD, MARY JO", ["", "Mary Jo", "", "Westwood", ""]),
            ("Carolyn E, Savage", ["", "Carolyn", "E", "Savage", ""]),
            ("Thomas James", ["", "Thomas", "", "James", ""]),
        ] {
            let reading = read(text);
            let part = |name| reading.parts.get(name).cloned().unwrap_or_default();
            let found = ["prefix", "given", "middle", "family", "suffix"].map(part);
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(read(" , ").standard, None);
    }
}
