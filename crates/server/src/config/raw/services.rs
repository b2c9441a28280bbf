//! `services`: the built-in services, as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::{NameText, SizeText};
use super::{Embeddings, Streaming};

/// The built-in services.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Services {
    /// Which of them are offered on `/mcp`; each is always found at `/mcp/NAME`. `all` stands for
    /// all of them. Left out, they are offered there as long as nothing else is configured.
    /// Since 0.1.
    pub on_mcp: Option<Vec<NameText>>,
    /// The address of listeners of their own, one for each of `names`: ports 8101 to 8109. Left out,
    /// none is opened at the start, and `gantry services start` opens them at the host of
    /// `server.listen`. Since 0.1.
    pub listen: Option<String>,
    /// Which of them have a listener from the start, where `listen` says so; `all` stands for all of
    /// them. Since 0.1.
    pub names: Option<Vec<NameText>>,
    /// Which of several gateways on one machine this is: each takes ports that are 100 above those of
    /// the one before. Since 0.1.
    #[schemars(range(min = 0, max = 500))]
    pub instance: u16,
    /// What clients of `resource_streaming` can subscribe to. Since 0.1.
    pub streaming: Streaming,
    /// A model that makes vectors of texts. Since 0.1.
    pub embeddings: Option<Embeddings>,
    /// The folder in which results are written; it must be there. Takes effect at the next start.
    /// Since 0.1.
    pub output: Option<String>,
    /// The most bytes that the files of `output` may have together. Since 0.1.
    pub output_limit: SizeText,
    /// Files with words of your own for `data_standardization`: tables with tabs, or lists of terms in
    /// files named `.json`. Of two that know a word, the first counts. Since 0.1.
    pub vocabulary: Vec<String>,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            on_mcp: None,
            listen: None,
            names: None,
            instance: 0,
            streaming: Streaming::default(),
            embeddings: None,
            output: None,
            output_limit: SizeText::from("1GiB"),
            vocabulary: Vec::new(),
        }
    }
}
