//! What is known of a search beside its query.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::document::Document;
use crate::arguments::number_within;
use crate::error::ToolError;

/// A document is worth less for its age for so many days; from then on its age adds nothing.
const FADING_DAYS: f64 = 365.0;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// What is known of a search beside its query.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchContext {
    /// What the searcher likes.
    #[serde(default)]
    user_preferences: Preferences,
    /// How much a document of today counts for its age; one of a year ago counts for nothing.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    recency_weight: f64,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Preferences {
    /// The categories that the searcher likes; the share of them that a document has counts.
    #[serde(default)]
    preferred_categories: Vec<String>,
}

impl SearchContext {
    /// Refuses what makes no sense.
    pub(super) fn check(&self) -> Result<(), ToolError> {
        number_within("search_context.recency_weight", self.recency_weight, 0.0..=1.0)
    }

    /// Returns how well a document fits, between 0 and 1; `now` is in Unix seconds.
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^53 categories")]
    pub(super) fn relevance(&self, document: &Document, now: f64) -> f64 {
        let mut relevance = 0.0;
        if let Some(written) = document.timestamp {
            let days = (now - written.0).max(0.0) / SECONDS_PER_DAY;
            relevance += self.recency_weight * (1.0 - days / FADING_DAYS).max(0.0);
        }
        let preferred: HashSet<&String> =
            self.user_preferences.preferred_categories.iter().collect();
        if !preferred.is_empty() {
            let categories: HashSet<&String> = document.categories.iter().collect();
            let n_common = preferred.intersection(&categories).count();
            relevance += n_common as f64 / preferred.len() as f64;
        }
        relevance.min(1.0)
    }
}
