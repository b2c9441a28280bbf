//! `auth`: who may use the gateway, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// Who may use the gateway.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Bearer tokens. Once there is one, `/mcp` needs one on the loopback too. Since 0.1.
    pub tokens: Vec<Token>,
}

/// A bearer token and whom it stands for.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Token {
    /// The principal that a bearer of the token is. Several tokens may name one principal, so that
    /// a token can be replaced without an interruption. Required. Since 0.1.
    pub name: Option<String>,
    /// The token, at least 16 characters: `${ALICE_TOKEN}` or `${file:alice.token}`. Required.
    /// Since 0.1.
    pub token: Option<String>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Token").field("name", &self.name).finish_non_exhaustive()
    }
}
