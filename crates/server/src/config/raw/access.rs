//! `auth`: who may use the gateway, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Jwt, OAuth};

/// Who may use the gateway. Once somebody is named here or a key was made, `/mcp` needs a credential
/// on the loopback too.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Whether clients need a credential even if none is named here: for a gateway beyond the loopback
    /// whose keys are all made by `gantry keys create`. Since 0.1.
    pub required: bool,
    /// Bearer tokens that open everything that clients may use. Since 0.1.
    pub tokens: Vec<Token>,
    /// Keys of clients, with what they grant. More are made by `gantry keys create`, and are kept in
    /// the data folder. Since 0.1.
    pub api_keys: Vec<ApiKey>,
    /// Tokens that are signed (JWT). Since 0.1.
    pub jwt: Option<Jwt>,
    /// Tokens of a provider at which clients sign in. Since 0.1.
    pub oauth: Option<OAuth>,
    /// The header in which a key or token may be sent instead of `Authorization: Bearer`. Since 0.1.
    pub api_key_header: String,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            required: false,
            tokens: Vec::new(),
            api_keys: Vec::new(),
            jwt: None,
            oauth: None,
            api_key_header: "X-API-Key".to_owned(),
        }
    }
}

/// A key of a client, whom it stands for and what it grants.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApiKey {
    /// The principal that a bearer of the key is. Several keys may name one principal, so that a key
    /// can be replaced without an interruption. Required. Since 0.1.
    pub name: Option<String>,
    /// The key, at least 16 characters: `${ALICE_KEY}` or `${file:alice.key}`. Required. Since 0.1.
    pub key: Option<String>,
    /// The scopes that limit it, such as `mcp:read`, `mcp:write` and `tools:git__log:call`; `read`,
    /// `write` and `admin` stand for the first two. Without the key nothing is limited, and an empty
    /// list opens nothing. Since 0.1.
    pub scopes: Option<Vec<String>>,
    /// Roles that rules may name. Since 0.1.
    pub roles: Vec<String>,
    /// The tier whose limits apply. Since 0.1.
    pub tier: Option<String>,
    /// When it ends: a date such as `2027-01-31`, in whose first second it ends already, or a time such as
    /// `2027-01-31T12:00:00Z`. Since 0.1.
    pub expires: Option<String>,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ApiKey").field("name", &self.name).finish_non_exhaustive()
    }
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
