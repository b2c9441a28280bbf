//! `services`: the built-in services, as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::NameText;

/// The built-in services.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Services {
    /// Which of them are offered on `/mcp`; each is always found at `/mcp/NAME`. `all` stands for
    /// all of them. Left out, they are offered there as long as nothing else is configured.
    /// Since 0.1.
    pub on_mcp: Option<Vec<NameText>>,
}
