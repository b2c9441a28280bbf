//! What is said of keys over the HTTP API and by commands, as types: the JSON and its description are
//! made from them.

use gantry_core::{Grants, Principal};
use gantry_policy::keys::{Key, KeyState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::timestamp;

/// A key that is to be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewKey {
    /// The principal that a bearer of the key is: 1 to 128 visible ASCII characters. Several keys may
    /// name one. Required.
    pub name: String,
    /// The scopes that limit it, such as `mcp:read`; without the member nothing is limited, and an
    /// empty list opens nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Roles that rules may name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The tier whose limits apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// How long it opens, such as `90d`; without the member it does not end by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
}

/// How a key is replaced by a new one of the same name and grants.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// How long the old key goes on, such as `24h`, which is also what holds without the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<String>,
    /// How long the new key opens; without the member, as long as the old one was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
}

/// A key that was just made.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct MadeKey {
    /// The key itself. It is told this once.
    pub key: String,
    #[serde(flatten)]
    /// What is kept of it.
    pub about: KeyView,
}

/// What is known of a key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    /// Its public part, with which it begins.
    pub id: String,
    /// The principal that a bearer of it is.
    pub name: String,
    /// `active`, `expired`, `revoked`, or `unusable` if it was made under another `API_KEY_SALT`.
    pub state: String,
    /// The scopes that limit it; absent if it is not limited by scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The roles that rules may name.
    pub roles: Vec<String>,
    /// The tier whose limits apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// When it was made.
    pub made_at: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When it was used, to within a minute of the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<String>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
}

/// The keys that the gateway made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct KeyList {
    /// The oldest first.
    pub keys: Vec<KeyView>,
}

// === impl NewKey ===

impl NewKey {
    /// Returns what grants a principal the same.
    pub(crate) fn like(principal: &Principal) -> Self {
        let Grants { scopes, roles, tier, credential: _ } = &principal.grants;
        Self {
            name: principal.subject.to_string(),
            scopes: scopes.as_deref().map(texts),
            roles: texts(roles),
            tier: tier.as_deref().map(str::to_owned),
            expires_in: None,
        }
    }
}

// === impl MadeKey ===

impl std::fmt::Debug for MadeKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MadeKey").field("about", &self.about).finish_non_exhaustive()
    }
}

// === impl KeyView ===

impl KeyView {
    pub(crate) fn new(key: &Key, state: KeyState) -> Self {
        let Grants { scopes, roles, tier, credential: _ } = &key.principal.grants;
        Self {
            id: key.id.to_string(),
            name: key.principal.subject.to_string(),
            state: word(state).to_owned(),
            scopes: scopes.as_deref().map(texts),
            roles: texts(roles),
            tier: tier.as_deref().map(str::to_owned),
            made_at: timestamp::of_unix(key.made_at),
            expires_at: key.expires_at.map(timestamp::of_unix),
            used_at: key.used_at().map(timestamp::of_unix),
            revoked_at: key.revoked_at.map(timestamp::of_unix),
        }
    }
}

/// Returns the word for a state.
pub(crate) fn word(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Expired => "expired",
        KeyState::Revoked => "revoked",
        KeyState::Unusable => "unusable",
    }
}

fn texts(words: &[Box<str>]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
