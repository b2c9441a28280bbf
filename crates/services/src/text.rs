//! Texts as words.
//!
//! Words are found by the rules of Unicode (UAX #29) and compared in the form NFKC and in lower case.
//! Scripts that put no space between words (Chinese, Japanese, Thai and their neighbours) give
//! overlapping pairs of characters instead, which is the usual way to search them without a
//! dictionary. What is common words only, and so says nothing, is in [`stop_words`].

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

pub(crate) mod stop_words;

/// Calls `take` with each word of a text.
pub(crate) fn each_word(text: &str, mut take: impl FnMut(&str)) {
    let mut word = String::new();
    if text.is_ascii() {
        for found in text.unicode_words() {
            word.clear();
            word.push_str(found);
            word.make_ascii_lowercase();
            take(&word);
        }
        return;
    }
    // No word has a space inside, so what is ASCII in other texts is quick as well.
    for part in text.split_ascii_whitespace() {
        if part.is_ascii() {
            each_word(part, &mut take as &mut dyn FnMut(&str));
        } else {
            let folded: String = part.nfkc().flat_map(char::to_lowercase).collect();
            // NFKC takes marks that stand alone apart into a space and the mark.
            for part in folded.split_whitespace() {
                each_unicode_word(part, &mut take);
            }
        }
    }
}

/// Returns the words of a text in their order.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, |word| words.push(word.to_owned()));
    words
}

/// Returns the number of characters of a word, as a reader counts them.
pub(crate) fn length(word: &str) -> usize {
    if word.is_ascii() { word.len() } else { word.graphemes(true).count() }
}

fn each_unicode_word(text: &str, take: &mut impl FnMut(&str)) {
    // The characters of the run of a script without spaces that ends where the last word did.
    let mut run: Vec<&str> = Vec::new();
    let mut end = 0;
    for (at, word) in text.unicode_word_indices() {
        let is_unspaced = word.chars().next().is_some_and(is_unspaced);
        if !is_unspaced || at != end {
            take_pairs(&mut run, take);
        }
        end = at + word.len();
        if is_unspaced {
            run.extend(word.graphemes(true));
        } else {
            take(word);
        }
    }
    take_pairs(&mut run, take);
}

/// Takes the overlapping pairs of a run, or its one character.
fn take_pairs(run: &mut Vec<&str>, take: &mut impl FnMut(&str)) {
    if let [one] = run[..] {
        take(one);
    }
    for pair in run.windows(2) {
        take(&pair.concat());
    }
    run.clear();
}

/// Tells whether a character is of a script that puts no space between words.
fn is_unspaced(character: char) -> bool {
    matches!(
        u32::from(character),
        0x0E00..=0x0EFF // Thai, Lao
            | 0x1000..=0x109F // Burmese
            | 0x1780..=0x17FF // Khmer
            | 0x3040..=0x30FF // Japanese syllables
            | 0x3400..=0x4DBF
            | 0x4E00..=0x9FFF // Han
            | 0xF900..=0xFAFF
            | 0x20000..=0x3FFFF
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{length, words};

    #[test]
    fn words_are_found_by_the_rules_of_unicode() {
        for (text, expected) in [
            ("", vec![]),
            (" -- ... ", vec![]),
            (
                "Don't STOP, e-mail me at 3.14 o'clock!",
                vec!["don't", "stop", "e", "mail", "me", "at", "3.14", "o'clock"],
            ),
            ("Straße und Ärger", vec!["straße", "und", "ärger"]),
            ("naïve Zoe\u{308}", vec!["naïve", "zoë"]),
            ("ﬁne ＡＢＣ １２", vec!["fine", "abc", "12"]),
            ("Ελληνικά και Русский", vec!["ελληνικά", "και", "русский"]),
            ("日本語のテキスト", vec!["日本", "本語", "語の", "のテ", "テキ", "キス", "スト"]),
            ("水 and 火", vec!["水", "and", "火"]),
            ("GPU加速", vec!["gpu", "加速"]),
            ("\u{FE72}", vec!["\u{64C}"]),
            ("สวัสดี", vec!["สวั", "วัส", "สดี"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_is_as_long_as_a_reader_sees_it() {
        assert_eq!(length("abc"), 3);
        assert_eq!(length("zoe\u{308}"), 3);
        assert_eq!(length("日本"), 2);
    }

    proptest! {
        #[test]
        fn words_are_in_lower_case_and_stay_as_they_are(text in "\\PC{0,60}") {
            let once = words(&text);
            for word in &once {
                prop_assert!(!word.is_empty() && !word.contains(char::is_whitespace), "{word:?}");
            }
            let joined = once.join(" ");
            // Letters whose lower case is longer than one letter may fall apart differently.
            if text.is_ascii() {
                prop_assert_eq!(words(&joined), once);
            }
        }

        #[test]
        fn ascii_is_read_alike_alone_and_beside_other_letters(text in "[ -~]{0,40}") {
            let mut beside = words(&format!("{text} ä"));
            let last = beside.pop();
            prop_assert_eq!(last.as_deref(), Some("ä"));
            prop_assert_eq!(beside, words(&text));
        }
    }
}
