//! Words that say nothing about what a text is about.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A line for each language: its code, a colon, its words.
const TABLE: &str = include_str!("stop_words.txt");

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let languages = TABLE.lines().filter_map(|line| line.split_once(": "));
    languages
        .map(|(code, words)| Language {
            code,
            stop_words: words.split_ascii_whitespace().collect(),
        })
        .collect()
});

/// A language whose common words are known.
#[derive(Debug)]
pub(crate) struct Language {
    /// Its code (ISO 639-1).
    pub(crate) code: &'static str,
    stop_words: HashSet<&'static str>,
}

impl Language {
    /// Tells whether a word says nothing.
    pub(crate) fn is_stop_word(&self, word: &str) -> bool {
        self.stop_words.contains(word)
    }

    /// Returns how many common words are known.
    pub(crate) fn n_stop_words(&self) -> usize {
        self.stop_words.len()
    }
}

/// Returns the languages whose common words are known.
pub(crate) fn languages() -> &'static [Language] {
    &LANGUAGES
}

/// Finds the language of which most words are common ones; none if no word is.
///
/// A word of one language is a common one of another ("die" in German, "more" in English), so the
/// words of all languages together would take too much away.
pub(crate) fn language_of<S: AsRef<str>>(words: &[S]) -> Option<&'static Language> {
    let count = |language: &Language| {
        words.iter().filter(|word| language.is_stop_word(word.as_ref())).count()
    };
    let mut best = None;
    let mut most = 0;
    for language in languages() {
        let count = count(language);
        if count > most {
            (best, most) = (Some(language), count);
        }
    }
    best
}

/// Returns the words that say something; all of them if none does.
pub(crate) fn telling(words: Vec<String>) -> Vec<String> {
    let Some(language) = language_of(&words) else { return words };
    if words.iter().all(|word| language.is_stop_word(word)) {
        return words;
    }
    words.into_iter().filter(|word| !language.is_stop_word(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::{language_of, languages, telling};
    use crate::text::words;

    #[test]
    fn a_language_is_told_by_its_common_words() {
        for (text, expected) in [
            ("the cat and the dog", Some("en")),
            ("die Katze und der Hund", Some("de")),
            ("le chat et le chien sont dans la maison", Some("fr")),
            ("el gato y el perro en la casa", Some("es")),
            ("il gatto e il cane della nonna", Some("it")),
            ("o gato e o cachorro não estão em casa", Some("pt")),
            ("de kat en de hond zijn niet in het huis", Some("nl")),
            ("zebra quartz", None),
        ] {
            let found = language_of(&words(text)).map(|language| language.code);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_text_of_common_words_alone_keeps_them() {
        assert_eq!(telling(words("the quick fox")), ["quick", "fox"]);
        assert_eq!(telling(words("to be or not to be")).len(), 6);
    }

    #[test]
    fn every_common_word_is_a_word() {
        assert_eq!(languages().len(), 7);
        for language in languages() {
            assert!(language.n_stop_words() > 90, "{}", language.code);
            for word in &language.stop_words {
                assert_eq!(words(word), [*word], "{}", language.code);
            }
        }
    }
}
