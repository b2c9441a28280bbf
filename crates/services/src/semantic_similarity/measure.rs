//! How alike two texts are.
//!
//! What is compared are their telling words. By `jaccard`, the share of the words of either that are
//! in both; by `cosine`, the angle between the counts of words; by `semantic`, for each word of
//! either the nearest of the other text, on average over both texts; `hybrid` weighs the three. A
//! model for embeddings, if the operator named one, takes the place of the semantic measure.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::term::Term;
use crate::error::ToolError;
use crate::text::{self, stop_words};

/// The most different words of a text whose meaning is compared.
pub(crate) const MAX_TERMS: usize = 2000;

/// How texts are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    /// The share of the words of either that are in both.
    Jaccard,
    /// The angle between the counts of words.
    Cosine,
    /// The nearness of meaning: of embeddings if the operator named a model, else of words.
    Semantic,
    /// 0.3 of jaccard, 0.3 of cosine, 0.4 of semantic.
    #[default]
    Hybrid,
}

/// How much each part of a hybrid similarity counts.
pub(super) const WEIGHTS: Components = Components { jaccard: 0.3, cosine: 0.3, semantic: 0.4 };

/// The parts of a hybrid similarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub(super) struct Components {
    /// The share of the words of either that are in both.
    pub(super) jaccard: f64,
    /// The angle between the counts of words.
    pub(super) cosine: f64,
    /// The nearness of meaning.
    pub(super) semantic: f64,
}

/// A text, prepared for comparisons.
#[derive(Debug, Default)]
pub(crate) struct Bag {
    /// Its telling words, each once, in the order in which they come.
    terms: Vec<(Term, f64)>,
    by_word: HashMap<String, usize>,
}

impl Components {
    /// Returns the weighted sum.
    pub(super) fn hybrid(&self) -> f64 {
        self.jaccard * WEIGHTS.jaccard
            + self.cosine * WEIGHTS.cosine
            + self.semantic * WEIGHTS.semantic
    }
}

impl Method {
    /// Tells whether meaning has a part in it.
    pub(super) fn is_semantic(self) -> bool {
        matches!(self, Self::Semantic | Self::Hybrid)
    }
}

impl Bag {
    /// Prepares a text.
    pub(crate) fn new(text: &str) -> Self {
        let mut bag = Self::default();
        for word in stop_words::telling(text::words(text)) {
            if let Some(&at) = bag.by_word.get(&word) {
                bag.terms[at].1 += 1.0;
            } else {
                bag.terms.push((Term::new(&word), 1.0));
                bag.by_word.insert(word, bag.terms.len() - 1);
            }
        }
        bag
    }

    /// Returns how many different telling words there are.
    pub(crate) fn len(&self) -> usize {
        self.terms.len()
    }

    /// Returns the telling words.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|(term, _)| term.word.as_str())
    }

    /// Returns the words prepared for comparisons.
    pub(super) fn terms(&self) -> impl Iterator<Item = (&Term, f64)> {
        self.terms.iter().map(|(term, count)| (term, *count))
    }

    /// Refuses a text of too many words.
    pub(super) fn check(&self, field: &str) -> Result<(), ToolError> {
        if self.len() <= MAX_TERMS {
            return Ok(());
        }
        let problem = format!(
            "has {} different words; meaning is compared for at most {MAX_TERMS}, so give a part \
             of it, or use the method `cosine`",
            self.len()
        );
        Err(ToolError::argument(field, problem))
    }

    fn count(&self, word: &str) -> f64 {
        self.by_word.get(word).map_or(0.0, |at| self.terms[*at].1)
    }

    /// Returns the share of the words of either that are in both.
    #[expect(clippy::cast_precision_loss, reason = "no text has 2^53 words")]
    pub(super) fn jaccard(&self, other: &Self) -> f64 {
        let n_common = self.words().filter(|word| other.by_word.contains_key(*word)).count();
        let n_either = self.len() + other.len() - n_common;
        if n_either == 0 { 0.0 } else { n_common as f64 / n_either as f64 }
    }

    /// Returns the cosine of the angle between the counts of words.
    pub(super) fn cosine(&self, other: &Self) -> f64 {
        let product: f64 =
            self.terms.iter().map(|(term, count)| count * other.count(&term.word)).sum();
        let squares = |bag: &Self| bag.terms.iter().map(|(_, count)| count * count).sum::<f64>();
        let norms = (squares(self) * squares(other)).sqrt();
        if norms == 0.0 { 0.0 } else { (product / norms).min(1.0) }
    }

    /// Returns how near the words of both are to each other.
    pub(super) fn nearness(&self, other: &Self) -> f64 {
        f64::midpoint(self.covered_by(other), other.covered_by(self))
    }

    /// Returns how near the words of another text come to the words of this one, on average.
    pub(crate) fn covered_by(&self, other: &Self) -> f64 {
        let (mut near, mut n_words) = (0.0, 0.0);
        for (term, count) in &self.terms {
            n_words += count;
            near += count * other.nearest(term);
        }
        if n_words == 0.0 { 0.0 } else { near / n_words }
    }

    fn nearest(&self, term: &Term) -> f64 {
        if self.by_word.contains_key(&term.word) {
            return 1.0;
        }
        self.terms.iter().map(|(other, _)| term.nearness(other)).fold(0.0, f64::max)
    }
}
