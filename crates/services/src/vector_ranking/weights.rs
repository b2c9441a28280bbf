//! The parts of a hybrid ranking and their weights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ToolError;

/// A number for each part: a weight, or a score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Parts {
    /// How near the vectors are.
    pub(super) vector_similarity: f64,
    /// How well the words match (BM25).
    pub(super) bm25_score: f64,
    /// How much the links say for it (`PageRank`).
    pub(super) page_rank_score: f64,
    /// How well it fits what else is known of the search.
    pub(super) contextual_relevance: f64,
}

/// The weights if none are given.
pub(super) const DEFAULT_WEIGHTS: Parts = Parts {
    vector_similarity: 0.4,
    bm25_score: 0.3,
    page_rank_score: 0.2,
    contextual_relevance: 0.1,
};

/// What is not given counts for nothing.
impl Default for Parts {
    fn default() -> Self {
        Self {
            vector_similarity: 0.0,
            bm25_score: 0.0,
            page_rank_score: 0.0,
            contextual_relevance: 0.0,
        }
    }
}

impl Parts {
    /// Returns the numbers in the order of the fields.
    pub(super) fn numbers(self) -> [f64; 4] {
        [self.vector_similarity, self.bm25_score, self.page_rank_score, self.contextual_relevance]
    }

    fn of(
        [vector_similarity, bm25_score, page_rank_score, contextual_relevance]: [f64; 4],
    ) -> Self {
        Self { vector_similarity, bm25_score, page_rank_score, contextual_relevance }
    }

    /// Scales weights so that all together are 1.
    pub(super) fn normalized(self) -> Result<Self, ToolError> {
        const NAMES: [&str; 4] =
            ["vectorSimilarity", "bm25Score", "pageRankScore", "contextualRelevance"];
        let numbers = self.numbers();
        for (name, number) in NAMES.into_iter().zip(numbers) {
            if number < 0.0 {
                let field = format!("ranking_weights.{name}");
                let problem = format!("is {number}; give 0 or more");
                return Err(ToolError::argument(field, problem));
            }
        }
        let sum: f64 = numbers.iter().sum();
        if sum == 0.0 || !sum.is_finite() {
            let problem = "are all 0 or beyond what a number can hold; give at least one weight";
            return Err(ToolError::argument("ranking_weights", problem));
        }
        Ok(Self::of(numbers.map(|number| number / sum)))
    }

    /// Returns the sum of the products.
    pub(super) fn weighted(self, weights: Self) -> f64 {
        self.numbers().iter().zip(weights.numbers()).map(|(part, weight)| part * weight).sum()
    }
}
