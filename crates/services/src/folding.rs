//! Texts as they are compared: without case, accents, punctuation and foreign digits.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Returns a text as it is compared with others: letters and digits in lower case without
/// accents, everything else one space.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.nfkd().filter(|character| !is_combining_mark(*character)) {
        match plain(character) {
            Some(" and ") => {
                let space = if folded.is_empty() || folded.ends_with(' ') { "" } else { " " };
                folded.push_str(space);
                folded.push_str("and ");
            }
            Some(letters) => folded.push_str(letters),
            None if character.is_alphanumeric() => folded.extend(character.to_lowercase()),
            // An apostrophe joins: `people's` is one word.
            None if matches!(character, '\'' | '’' | '`' | 'ʼ') => {}
            None if folded.ends_with(' ') || folded.is_empty() => {}
            None => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// Letters that no decomposition takes apart.
fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' | 'ẞ' => "ss",
        'ø' | 'Ø' => "o",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ł' | 'Ł' => "l",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'þ' | 'Þ' => "th",
        'ı' => "i",
        'ħ' | 'Ħ' => "h",
        '&' => " and ",
        _ => return None,
    })
}

/// Writes the decimal digits of every script as ASCII, and unusual spaces and dashes as plain ones.
pub(crate) fn ascii_digits(text: &str) -> String {
    text.chars().map(ascii_digit).collect()
}

/// Where the decimal digits of a script begin (Unicode, general category Nd).
const ZEROS: [u32; 16] = [
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50,
    0xED0, 0x1040, 0xFF10,
];

fn ascii_digit(character: char) -> char {
    match character {
        '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{3000}' => ' ',
        '−' | '‐' | '‑' | '–' | '—' => '-',
        '٫' => '.',
        '٬' => '\'',
        _ => {
            let code = u32::from(character);
            let digit = ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|n| *n < 10));
            digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(character)
        }
    }
}

/// Returns the words of a folded text.
pub(crate) fn words(folded: &str) -> Vec<&str> {
    folded.split(' ').filter(|word| !word.is_empty()).collect()
}

/// Returns an English noun in the singular, by its ending.
pub(crate) fn singular(word: &str) -> String {
    if word.len() < 4 || word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return format!("{stem}y");
    }
    for (ending, kept) in
        [("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("toes", "to")]
    {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{stem}{kept}");
        }
    }
    if let Some(stem) = word
        .strip_suffix("ves")
        .filter(|stem| stem.ends_with('l') || stem.ends_with("ea") || stem.ends_with("oa"))
    {
        return format!("{stem}f");
    }
    word.strip_suffix('s').unwrap_or(word).to_owned()
}

/// Writes every word with a capital letter in front.
pub(crate) fn capitalized(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut begins = true;
    for character in text.chars() {
        if begins && character.is_alphabetic() {
            written.extend(character.to_uppercase());
        } else {
            written.push(character);
        }
        begins = !character.is_alphanumeric() && !matches!(character, '\'' | '’');
    }
    written
}

#[cfg(test)]
mod tests {
    use super::{ascii_digits, capitalized, fold, singular};

    #[test]
    fn texts_that_read_the_same_fold_to_the_same() {
        for (text, folded) in [
            ("  São   Paulo ", "sao paulo"),
            ("STRAẞE", "strasse"),
            ("Straße", "strasse"),
            ("Łódź", "lodz"),
            ("R & D", "r and d"),
            ("people’s", "peoples"),
            ("Côte d'Ivoire", "cote divoire"),
            ("ﬁne", "fine"),
            ("...", ""),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn digits_of_other_scripts_are_digits() {
        assert_eq!(ascii_digits("٣٤٥ १२ １９\u{a0}7−3"), "345 12 19 7-3");
    }

    #[test]
    fn nouns_lose_their_plural() {
        for (plural, one) in [
            ("bananas", "banana"),
            ("berries", "berry"),
            ("boxes", "box"),
            ("glasses", "glass"),
            ("glass", "glass"),
            ("shoes", "shoe"),
            ("tomatoes", "tomato"),
            ("loaves", "loaf"),
            ("gas", "gas"),
        ] {
            assert_eq!(singular(plural), one);
        }
    }

    #[test]
    fn capitals_stand_in_front_of_words() {
        assert_eq!(capitalized("o'neil van-dyke"), "O'neil Van-Dyke");
    }
}
