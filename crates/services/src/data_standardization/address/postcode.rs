//! Post codes, and what they say about the order of an address.

use super::Word;

/// Where the post code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// At the end, behind city and state.
    AtEnd,
    /// Before the city, which begins at this word.
    BeforeCity(usize),
    /// There is none.
    None,
}

/// Takes the post code out of the words.
pub(super) fn take(words: &mut Vec<Word>, code: &mut String) -> Style {
    // Two words: SW1A 2AA, M5H 2N2, 111 43, 1012 LG, 62701 1234.
    let n_words = words.len();
    let pair = |at: usize| {
        Some((
            words.get(at)?.text.to_ascii_uppercase(),
            words.get(at + 1)?.text.to_ascii_uppercase(),
        ))
    };
    if let Some(at) = n_words.checked_sub(2)
        && let Some((first, second)) = pair(at)
        && (is_outward(&first) && is_inward(&second)
            || is_zip(&first) && second.len() == 4 && is_digits(&second) && at > 0)
    {
        *code =
            if is_zip(&first) { format!("{first}-{second}") } else { format!("{first} {second}") };
        words.truncate(at);
        end_segment(words);
        return Style::AtEnd;
    }
    if take_broken(words, code) {
        return Style::AtEnd;
    }
    if let Some(last) = words.last().map(|word| word.text.trim_matches(['.', '-']).to_owned())
        && n_words > 1
        && (is_zip(&last) || is_zip_plus(&last) || is_joined(&last) || is_short_zip(words, &last))
    {
        *code = last;
        words.pop();
        end_segment(words);
        return Style::AtEnd;
    }
    before_city(words, code)
}

/// Takes `041 01` and `123456789`: codes that lost their form, behind the code of a state.
fn take_broken(words: &mut Vec<Word>, code: &mut String) -> bool {
    let is_state = |at: Option<usize>| {
        at.and_then(|at| words.get(at)).is_some_and(|word| {
            word.text.len() == 2 && super::subdivision("US", &word.text).is_some()
        })
    };
    let n_words = words.len();
    let text = |back: usize| {
        n_words.checked_sub(back).and_then(|at| words.get(at)).map(|word| word.text.as_str())
    };
    let last = text(1).unwrap_or_default();
    if let Some((zip, more)) = last.split_at_checked(5)
        && last.len() == 9
        && is_digits(last)
        && is_state(n_words.checked_sub(2))
    {
        *code = format!("{zip}-{more}");
        words.truncate(n_words - 1);
    } else if let (Some(first), 2) = (text(2).filter(|first| first.len() == 3), last.len())
        && is_digits(first)
        && is_digits(last)
        && is_state(n_words.checked_sub(3))
    {
        *code = format!("{first}{last}");
        words.truncate(n_words - 2);
    } else {
        return false;
    }
    end_segment(words);
    true
}

/// A ZIP code whose first zero was lost, as spreadsheets do: behind the code of a state.
fn is_short_zip(words: &[Word], last: &str) -> bool {
    let before = words.len().checked_sub(2).and_then(|at| words.get(at));
    last.len() == 4
        && is_digits(last)
        && before.is_some_and(|word| {
            word.text.len() == 2 && super::subdivision("US", &word.text).is_some()
        })
}

fn end_segment(words: &mut [Word]) {
    if let Some(last) = words.last_mut() {
        last.ends_segment = true;
    }
}

/// Finds a post code with a city behind it: at the beginning of a segment, or behind a number.
fn before_city(words: &mut Vec<Word>, code: &mut String) -> Style {
    for at in (1..words.len()).rev() {
        let begins = words[at - 1].ends_segment;
        let text = words[at].text.trim_matches('.').to_owned();
        let next = words.get(at + 1).map(|word| word.text.clone()).unwrap_or_default();
        let plain = text
            .split_once('-')
            .filter(|(country, _)| country.len() <= 2 && country.chars().all(char::is_alphabetic))
            .map_or(text.as_str(), |(_, digits)| digits);
        if next.is_empty() {
            continue;
        }
        let dashed = plain.split_once('-').is_some_and(|(first, second)| {
            is_digits(first)
                && is_digits(second)
                && matches!((first.len(), second.len()), (2 | 4, 3))
        });
        let is_split = plain.len() == 3
            && is_digits(plain)
            && next.len() == 2
            && is_digits(&next)
            && words.get(at + 2).is_some();
        let is_dutch = plain.len() == 4
            && is_digits(plain)
            && next.len() == 2
            && next.chars().all(|character| character.is_ascii_uppercase())
            && words.get(at + 2).is_some();
        let is_plain = is_digits(plain) && matches!(plain.len(), 4 | 5);
        let is_here = begins || is_plain && plain.len() == 5 && at >= 2;
        if !is_here || !(dashed || is_split || is_dutch || is_plain) {
            continue;
        }
        let n_words = if is_split || is_dutch { 2 } else { 1 };
        *code = if n_words == 2 { format!("{plain} {next}") } else { plain.to_owned() };
        words.drain(at..at + n_words);
        end_segment(&mut words[..at]);
        return Style::BeforeCity(at);
    }
    Style::None
}

/// Returns the country whose post codes look like this, if only one does.
pub(super) fn country_of(code: &str) -> &'static str {
    match code.split_once(' ') {
        Some((first, second)) if is_outward(first) && is_inward(second) => {
            if is_canadian(first) {
                "CA"
            } else {
                "GB"
            }
        }
        _ if is_joined(code) => "CA",
        _ => "US",
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_zip(text: &str) -> bool {
    text.len() == 5 && is_digits(text)
}

fn is_zip_plus(text: &str) -> bool {
    text.split_once('-')
        .is_some_and(|(zip, more)| is_zip(zip) && more.len() == 4 && is_digits(more))
}

/// The first half of a code of Britain or Canada: SW1A, N1, M5H.
fn is_outward(text: &str) -> bool {
    (2..=4).contains(&text.len())
        && text.starts_with(|character: char| character.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The second half: 2AA, 2N2.
fn is_inward(text: &str) -> bool {
    text.len() == 3
        && text.starts_with(|character: char| character.is_ascii_digit())
        && text.ends_with(|character: char| character.is_ascii_alphanumeric())
        && text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_canadian(first: &str) -> bool {
    first.len() == 3 && first.ends_with(|character: char| character.is_ascii_uppercase())
}

/// M5H2N2.
fn is_joined(text: &str) -> bool {
    let pattern = text.bytes().enumerate().all(|(at, byte)| {
        if at % 2 == 0 { byte.is_ascii_uppercase() } else { byte.is_ascii_digit() }
    });
    text.len() == 6 && pattern
}
