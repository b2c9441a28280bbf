//! English words that mean nearly the same, and what they are about.
//!
//! It is a small table. Where meaning matters more than that, the operator names an endpoint for
//! embeddings.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A line for each category: its name, a colon, groups of words between bars.
const TABLE: &str = include_str!("thesaurus.txt");

static THESAURUS: LazyLock<Thesaurus> = LazyLock::new(Thesaurus::read);

/// What is known of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The number of its group of synonyms.
    pub(super) group: usize,
    /// What it is about.
    pub(super) category: &'static str,
}

#[derive(Debug, Default)]
struct Thesaurus {
    /// A word that has several meanings is here with the first.
    by_word: HashMap<&'static str, Entry>,
    groups: Vec<Vec<&'static str>>,
    categories: Vec<&'static str>,
}

impl Thesaurus {
    fn read() -> Self {
        let mut thesaurus = Self::default();
        for (category, groups) in TABLE.lines().filter_map(|line| line.split_once(": ")) {
            thesaurus.categories.push(category);
            for words in groups.split(" | ") {
                let group = thesaurus.groups.len();
                let words: Vec<&str> = words.split(' ').collect();
                for word in &words {
                    thesaurus.by_word.entry(word).or_insert(Entry { group, category });
                }
                thesaurus.groups.push(words);
            }
        }
        thesaurus
    }
}

/// Finds a word, or the word that it is a form of.
pub(super) fn find(word: &str) -> Option<Entry> {
    let by_word = &THESAURUS.by_word;
    if let Some(entry) = by_word.get(word) {
        return Some(*entry);
    }
    for ending in ["s", "es", "ed", "d", "ing", "ly", "r", "er"] {
        let Some(stem) = word.strip_suffix(ending) else { continue };
        if let Some(entry) = by_word.get(stem) {
            return Some(*entry);
        }
        // `making` is of `make`, and `stopped` of `stop`.
        let whole = format!("{stem}e");
        let mut letters = stem.chars();
        let halved = letters.next_back().filter(|last| letters.as_str().ends_with(*last));
        let halved = halved.and_then(|_| by_word.get(letters.as_str()));
        if let Some(entry) = by_word.get(whole.as_str()).or(halved) {
            return Some(*entry);
        }
    }
    let stem = word.strip_suffix("ies").or_else(|| word.strip_suffix("ied"))?;
    by_word.get(format!("{stem}y").as_str()).copied()
}

/// Returns the words of a group.
pub(super) fn group(group: usize) -> &'static [&'static str] {
    &THESAURUS.groups[group]
}

/// Returns how many groups there are.
pub(super) fn n_groups() -> usize {
    THESAURUS.groups.len()
}

/// Returns what words are about.
pub(super) fn categories() -> &'static [&'static str] {
    &THESAURUS.categories
}

#[cfg(test)]
mod tests {
    use super::{THESAURUS, categories, find, group, n_groups};

    #[test]
    fn a_form_is_found_by_its_word() {
        for (form, word) in [
            ("making", "make"),
            ("built", ""),
            ("creates", "create"),
            ("created", "create"),
            ("stopped", "stop"),
            ("companies", "company"),
            ("boxes", ""),
            ("quickly", "quick"),
            ("applied", "apply"),
        ] {
            assert_eq!(find(form), find(word), "{form}");
            assert_eq!(find(form).is_some(), !word.is_empty(), "{form}");
        }
    }

    #[test]
    fn every_group_has_synonyms_that_are_found() {
        assert!(n_groups() > 150 && categories().len() > 15);
        for number in 0..n_groups() {
            assert!(group(number).len() > 1, "{:?}", group(number));
            for word in group(number) {
                assert!(THESAURUS.by_word.contains_key(word), "{word}");
                assert_eq!(crate::text::words(word), [*word]);
            }
        }
    }
}
