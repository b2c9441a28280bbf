//! What the built-in services reach outside of the gateway, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::DurationText;

/// A model that makes vectors of texts, behind an endpoint like that of `OpenAI`. Without it, nearness
/// of meaning is judged by words. Takes effect at the next start.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Embeddings {
    /// The endpoint, such as `https://api.openai.com/v1`; `/embeddings` is added unless it ends so.
    /// Since 0.1.
    pub url: Option<String>,
    /// The name of the model. Since 0.1.
    pub model: Option<String>,
    /// Is sent as a bearer token: `${OPENAI_API_KEY}` or `${file:openai.key}`. Since 0.1.
    pub api_key: Option<String>,
    /// Whether a name in `url` may stand for an address that is not public. An address in its place,
    /// and `localhost`, always may. Since 0.1.
    pub private: bool,
    /// The longest that the vectors of one call may take. Since 0.1.
    pub timeout: DurationText,
}

impl Default for Embeddings {
    fn default() -> Self {
        Self {
            url: None,
            model: None,
            api_key: None,
            private: false,
            timeout: DurationText::from("30s"),
        }
    }
}

impl std::fmt::Debug for Embeddings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Embeddings").field("model", &self.model).finish_non_exhaustive()
    }
}
