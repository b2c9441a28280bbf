//! Texts that are compared with each other.

use super::measure::{Bag, Components, Method};
use crate::arguments::{MAX_TEXT, text_within};
use crate::context::Context;
use crate::embedding::embed;
use crate::error::ToolError;
use crate::vector_similarity::metric::{Metric, compare};

/// The most pairs of words whose meaning is compared in one call, which take some ten seconds.
const MAX_WORD_PAIRS: usize = 100_000_000;

/// Texts, prepared for comparisons.
#[derive(Debug)]
pub(super) struct Texts {
    bags: Vec<Bag>,
    /// By text: its embedding, if meaning is asked for and there is a model.
    vectors: Option<Vec<Vec<f64>>>,
    /// What compares meaning: `lexical`, or the model.
    pub(super) measure: Option<String>,
}

impl Texts {
    /// Prepares texts, of which each stands in the arguments where its field says.
    pub(super) fn new(
        context: &Context<'_>,
        method: Method,
        texts: &[(String, &str)],
    ) -> Result<Self, ToolError> {
        let mut bags = Vec::with_capacity(texts.len());
        for (field, text) in texts {
            context.check()?;
            text_within(field, text, MAX_TEXT)?;
            bags.push(Bag::new(text));
        }
        let model = context.ports().embeddings.as_deref().filter(|_| method.is_semantic());
        let Some(model) = model else {
            if method.is_semantic() {
                for (bag, (field, _)) in bags.iter().zip(texts) {
                    bag.check(field)?;
                }
            }
            let measure = method.is_semantic().then(|| "lexical".to_owned());
            return Ok(Self { bags, vectors: None, measure });
        };
        let plain: Vec<&str> = texts.iter().map(|(_, text)| *text).collect();
        let vectors = embed(model, &plain)?;
        Ok(Self { bags, vectors: Some(vectors), measure: Some(model.model().to_owned()) })
    }

    /// Refuses a text without a word.
    pub(super) fn check_words(&self, at: usize, field: &str) -> Result<(), ToolError> {
        if self.bags[at].len() > 0 {
            return Ok(());
        }
        Err(ToolError::argument(field, "has no word; give at least one"))
    }

    /// Refuses comparisons that would take too long.
    pub(super) fn check_work(
        &self,
        field: &str,
        mut pairs: impl Iterator<Item = (usize, usize)>,
    ) -> Result<(), ToolError> {
        if self.vectors.is_some() || self.measure.is_none() {
            return Ok(());
        }
        let work = |(left, right): (usize, usize)| self.bags[left].len() * self.bags[right].len();
        let enough = pairs.try_fold(0_usize, |sum, pair| {
            Some(sum.saturating_add(work(pair))).filter(|sum| *sum <= MAX_WORD_PAIRS)
        });
        if enough.is_some() {
            return Ok(());
        }
        let problem = format!(
            "have too many words: the meaning of at most {MAX_WORD_PAIRS} pairs of words is \
             compared, so give fewer texts, or use the method `cosine`"
        );
        Err(ToolError::argument(field, problem))
    }

    /// Compares two of the texts; the result is between 0 and 1.
    pub(super) fn compare(&self, method: Method, left: usize, right: usize) -> f64 {
        match method {
            Method::Jaccard => self.bags[left].jaccard(&self.bags[right]),
            Method::Cosine => self.bags[left].cosine(&self.bags[right]),
            Method::Semantic => self.semantic(left, right),
            Method::Hybrid => self.components(left, right).hybrid(),
        }
    }

    /// Compares two of the texts by all parts.
    pub(super) fn components(&self, left: usize, right: usize) -> Components {
        Components {
            jaccard: self.bags[left].jaccard(&self.bags[right]),
            cosine: self.bags[left].cosine(&self.bags[right]),
            semantic: self.semantic(left, right),
        }
    }

    fn semantic(&self, left: usize, right: usize) -> f64 {
        match &self.vectors {
            Some(vectors) => {
                compare(Metric::Cosine, &vectors[left], &vectors[right]).similarity.max(0.0)
            }
            None => self.bags[left].nearness(&self.bags[right]),
        }
    }

    /// Returns a prepared text.
    pub(super) fn bag(&self, at: usize) -> &Bag {
        &self.bags[at]
    }
}
