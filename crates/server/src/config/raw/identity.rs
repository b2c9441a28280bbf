//! `auth.jwt` and `auth.oauth`: tokens that others sign, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::DurationText;

/// Tokens that are signed (JWT), by a secret that is shared or by the keys of an issuer.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jwt {
    /// The secret that tokens are signed with (HS256), at least 32 bytes: `${JWT_SECRET}` or
    /// `${file:jwt.secret}`. Whoever has it can be anybody. Since 0.1.
    pub secret: Option<String>,
    /// Instead of `secret`: where the issuer publishes its keys (a JSON Web Key Set). `issuer` and
    /// `audience` are needed then. Since 0.1.
    pub jwks_url: Option<String>,
    /// Who makes the tokens: what their claim `iss` has to be. Without it tokens with a shared secret
    /// need none, and their principals have the issuer `jwt`. Since 0.1.
    pub issuer: Option<String>,
    /// For whom tokens have to be: one of these has to be in their claim `aud`. Without any, a token
    /// that names an audience is refused. Since 0.1.
    pub audience: Vec<String>,
    /// How far the clocks of the issuer and the gateway may be apart. Since 0.1.
    pub skew: DurationText,
    /// How long a token of `gantry token` holds. Since 0.1.
    pub expires_in: DurationText,
    /// How long the keys of `jwks_url` are used that cannot be fetched again. Since 0.1.
    pub keys_kept: DurationText,
    /// The claim with the name of the principal. Without it `sub` and, with a shared secret, `user_id`.
    /// Since 0.1.
    pub subject_claim: Option<String>,
    /// The claim with the roles that rules may name: a name, or names with dots between where claims
    /// lie in one another, as `realm_access.roles`. Since 0.1.
    pub roles_claim: String,
    /// The claim with the tier whose limits apply. Since 0.1.
    pub tier_claim: String,
    /// Whether tokens are limited by their scopes, in `scope`, `scp` or `permissions`; a token without
    /// any opens nothing then. Without it only `access` limits them. Since 0.1.
    pub limited_by_scopes: bool,
}

/// Clients that sign in at an OAuth 2 or OpenID provider: the gateway takes its tokens, and tells
/// clients where to get them (RFC 9728).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth {
    /// The provider, exactly as it calls itself. Its metadata is found below this address (RFC 8414,
    /// OpenID Connect Discovery). Required. Since 0.1.
    pub issuer: Option<String>,
    /// Where its keys are, if they are not to be found by its metadata. Since 0.1.
    pub jwks_url: Option<String>,
    /// The address by which clients know `/mcp`, as `https://mcp.example.com/mcp`: what they ask tokens
    /// for and what those have to name (RFC 8707). Without it, the scheme and host that a client has
    /// used, as one of `server.trusted_proxies` passes them on. Since 0.1.
    pub resource: Option<String>,
    /// Further audiences of tokens that are taken, for providers that do not know RFC 8707.
    /// Since 0.1.
    pub audience: Vec<String>,
    /// Scopes that every token needs. One that lacks some is answered with 403 and what is missing.
    /// Since 0.1.
    pub required_scopes: Vec<String>,
    /// The scopes that clients are told they can ask for. Since 0.1.
    pub scopes_supported: Vec<String>,
    /// How far the clocks of the provider and the gateway may be apart. Since 0.1.
    pub skew: DurationText,
    /// How long keys of the provider are used that cannot be fetched again. Since 0.1.
    pub keys_kept: DurationText,
    /// The claim with the name of the principal. Since 0.1.
    pub subject_claim: String,
    /// The claim with the roles that rules may name, as in `auth.jwt`. Since 0.1.
    pub roles_claim: String,
    /// The claim with the tier whose limits apply. Since 0.1.
    pub tier_claim: String,
    /// Whether tokens are limited by their scopes, as in `auth.jwt`. Since 0.1.
    pub limited_by_scopes: bool,
}

impl Default for Jwt {
    fn default() -> Self {
        Self {
            secret: None,
            jwks_url: None,
            issuer: None,
            audience: Vec::new(),
            skew: DurationText::from("30s"),
            expires_in: DurationText::from("24h"),
            keys_kept: DurationText::from("24h"),
            subject_claim: None,
            roles_claim: "roles".to_owned(),
            tier_claim: "tier".to_owned(),
            limited_by_scopes: true,
        }
    }
}

impl Default for OAuth {
    fn default() -> Self {
        Self {
            issuer: None,
            jwks_url: None,
            resource: None,
            audience: Vec::new(),
            required_scopes: Vec::new(),
            scopes_supported: vec!["mcp:read".to_owned(), "mcp:write".to_owned()],
            skew: DurationText::from("30s"),
            keys_kept: DurationText::from("24h"),
            subject_claim: "sub".to_owned(),
            roles_claim: "roles".to_owned(),
            tier_claim: "tier".to_owned(),
            limited_by_scopes: true,
        }
    }
}

impl std::fmt::Debug for Jwt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Jwt").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
