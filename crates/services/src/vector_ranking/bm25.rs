//! BM25: how well the words of a document answer a query.
//!
//! A word counts for as much as it is rare: ln(1 + (N - n + 0.5) / (n + 0.5)), which is never
//! negative, where the original formula without the 1 punishes words that most documents have.

use super::index::{Matches, Posting, TermMatches};

/// How fast a word that is repeated stops to count for more.
pub(super) const DEFAULT_K1: f64 = 1.2;
/// How far a long document counts for less.
pub(super) const DEFAULT_B: f64 = 0.75;

/// The two constants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bm25 {
    /// See [`DEFAULT_K1`].
    pub(super) k1: f64,
    /// See [`DEFAULT_B`].
    pub(super) b: f64,
}

impl Default for Bm25 {
    fn default() -> Self {
        Self { k1: DEFAULT_K1, b: DEFAULT_B }
    }
}

impl Bm25 {
    /// Returns the score of each document.
    pub(super) fn scores(self, matches: &Matches<'_>) -> Vec<f64> {
        let mut scores = vec![0.0; matches.lengths.len()];
        let average = matches.average_length();
        for term in &matches.terms {
            let weight = matches.rarity(term) * f64::from(term.n_times);
            for posting in term.postings.iter() {
                scores[posting.document as usize] +=
                    weight * self.saturation(*posting, matches, average);
            }
        }
        scores
    }

    /// Returns what one word adds to the score of a document.
    pub(super) fn term_score(
        self,
        matches: &Matches<'_>,
        term: &TermMatches<'_>,
        posting: Posting,
    ) -> f64 {
        let weight = matches.rarity(term) * f64::from(term.n_times);
        weight * self.saturation(posting, matches, matches.average_length())
    }

    fn saturation(self, posting: Posting, matches: &Matches<'_>, average: f64) -> f64 {
        let count = f64::from(posting.count);
        let length = f64::from(matches.lengths[posting.document as usize]);
        let norm = 1.0 - self.b + self.b * length / average;
        count * (self.k1 + 1.0) / (count + self.k1 * norm)
    }
}

impl Matches<'_> {
    /// Returns how many words all documents have together.
    pub(super) fn n_words(&self) -> u64 {
        self.lengths.iter().map(|length| u64::from(*length)).sum()
    }

    /// Returns how many words a document has on average; 0 if there is none.
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^53 words")]
    pub(super) fn average_length(&self) -> f64 {
        if self.lengths.is_empty() {
            0.0
        } else {
            self.n_words() as f64 / self.lengths.len() as f64
        }
    }

    /// Returns for how much a word counts.
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^53 documents")]
    pub(super) fn rarity(&self, term: &TermMatches<'_>) -> f64 {
        let (all, having) = (self.lengths.len() as f64, term.postings.len() as f64);
        ((all - having + 0.5) / (having + 0.5)).ln_1p()
    }
}

/// Divides by the highest score, unless that is 0, and returns it.
pub(super) fn normalize(scores: &mut [f64]) -> f64 {
    let highest = scores.iter().copied().fold(0.0, f64::max);
    if highest > 0.0 {
        for score in scores {
            *score /= highest;
        }
    }
    highest
}
