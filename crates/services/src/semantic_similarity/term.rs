//! A word, and how near another is to it.

use super::thesaurus::{self, Entry};

/// How near synonyms are.
pub(crate) const SYNONYMS: f64 = 0.8;
/// How near words are that are about the same.
pub(crate) const SAME_CATEGORY: f64 = 0.3;
/// From here on words that are written alike are taken for forms of one.
pub(crate) const WRITTEN_ALIKE: f64 = 0.4;

/// A word, prepared for comparisons.
#[derive(Debug, Clone)]
pub(super) struct Term {
    /// The word.
    pub(super) word: String,
    /// What the thesaurus knows of it.
    pub(super) entry: Option<Entry>,
    /// Each three letters in a row, with an edge before and behind the word; ascending.
    trigrams: Vec<[char; 3]>,
}

/// What stands for the edge of a word.
const EDGE: char = '\u{0}';

impl Term {
    /// Prepares a word.
    pub(super) fn new(word: &str) -> Self {
        let letters: Vec<char> = [EDGE].into_iter().chain(word.chars()).chain([EDGE]).collect();
        let mut trigrams: Vec<[char; 3]> =
            letters.windows(3).filter_map(|window| window.try_into().ok()).collect();
        trigrams.sort_unstable();
        trigrams.dedup();
        Self { word: word.to_owned(), entry: thesaurus::find(word), trigrams }
    }

    /// Returns how near two words are: 1 if they are the same, else the highest of what their
    /// meanings and their spelling say.
    pub(super) fn nearness(&self, other: &Self) -> f64 {
        if self.word == other.word {
            return 1.0;
        }
        let by_meaning = match (self.entry, other.entry) {
            (Some(left), Some(right)) if left.group == right.group => SYNONYMS,
            (Some(left), Some(right)) if left.category == right.category => SAME_CATEGORY,
            _ => 0.0,
        };
        f64::max(by_meaning, self.written_alike(other))
    }

    /// Returns twice the share of common trigrams (Dice), or 0 if that is too little to say anything.
    #[expect(clippy::cast_precision_loss, reason = "no word has 2^53 letters")]
    fn written_alike(&self, other: &Self) -> f64 {
        let n_both = self.trigrams.len() + other.trigrams.len();
        let (mut at, mut n_common) = (0, 0);
        for trigram in &self.trigrams {
            while other.trigrams.get(at).is_some_and(|one| one < trigram) {
                at += 1;
            }
            n_common += usize::from(other.trigrams.get(at) == Some(trigram));
        }
        let dice = 2.0 * n_common as f64 / n_both as f64;
        if dice < WRITTEN_ALIKE { 0.0 } else { dice }
    }
}
