//! Signed tokens, for commands: `gantry token` makes one, for development and for programs of one's own,
//! and `gantry doctor` asks whether the keys of issuers can be had.
//!
//! They are made from the configuration alone, by whoever has its secret; the running gateway has no
//! part in it, and keeps nothing of them. Tokens that others sign are looked at in `identity`.

use std::time::Duration;

use gantry_core::seal::{self, SealError};
use gantry_core::{Clock, ErrorCode, Tasks};
use gantry_policy::jwks::BadSecret;
use gantry_policy::jwt::{self, is_ours};
use gantry_policy::scopes::{self, BadWords};
use serde::Serialize;

use crate::config::{Auth, Config, Env, Secret, parse_duration};
use crate::identity::Issuers;
use crate::identity::fetch::Fetcher;
use crate::{compose, timestamp};

/// How long a token holds where the configuration has no `auth.jwt`.
const LIFE: Duration = Duration::from_hours(24);
/// The longest that one may hold.
const LONGEST_LIFE: Duration = Duration::from_hours(24 * 366);
/// What a token grants unless somebody says less.
const EVERYTHING: &str = "*:*";

/// What a token shall say.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The principal.
    pub subject: String,
    /// The scopes; everything without any.
    pub scopes: Vec<String>,
    /// The roles.
    pub roles: Vec<String>,
    /// The tier.
    pub tier: Option<String>,
    /// How long it holds, as `24h`; as long as the configuration says without it.
    pub expires_in: Option<String>,
    /// What it is signed with, instead of the configuration's own.
    pub secret: Option<Secret>,
}

/// A token that was made.
#[derive(Debug, Clone, Serialize)]
pub struct MadeToken {
    /// It.
    pub token: String,
    /// The principal.
    pub subject: String,
    /// Who made it, if that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// When it ends, as RFC 3339 in UTC.
    pub expires_at: String,
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is nothing to sign it with.
    #[error("the configuration has no `auth.jwt.secret` to sign a token with")]
    NoSecret,
    /// Anybody could sign it.
    #[error("the secret cannot be used: it {source}")]
    Secret {
        /// Why.
        source: BadSecret,
    },
    /// A scope, a role or the tier is no word.
    #[error("the token cannot be made")]
    Words(#[from] BadWords),
    /// The name or the time makes no sense.
    #[error("{what}")]
    Invalid {
        /// Why.
        what: &'static str,
    },
    /// The system gave no random bytes.
    #[error("no name for the token could be drawn")]
    Random(#[from] SealError),
}

impl TokenError {
    /// Returns the code of the cause, where there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::NoSecret => Some(ErrorCode::NoTokenSecret),
            Self::Secret { .. } => Some(ErrorCode::WeakSecret),
            Self::Words(_) | Self::Invalid { .. } | Self::Random(_) => None,
        }
    }
}

/// Asks the issuers of a configuration for their keys: how many each has, or why they cannot be had.
pub async fn issuers(config: &Config, env: &Env) -> Vec<(String, Result<usize, String>)> {
    let (Ok(issuers), Ok(client)) = (Issuers::of(&config.auth), compose::outbound(env)) else {
        return Vec::new();
    };
    Fetcher::new(client, Tasks::new()).look(&issuers).await
}

/// Makes a token that a gateway with this configuration takes.
///
/// # Errors
/// [`TokenError`].
pub fn make(auth: &Auth, wanted: Wanted, clock: &dyn Clock) -> Result<MadeToken, TokenError> {
    let configured = auth.jwt.as_ref().filter(|_| auth.jwt_secret().is_some());
    let secret = wanted.secret.as_ref().or(auth.jwt_secret()).ok_or(TokenError::NoSecret)?;
    let is_sound = !wanted.subject.is_empty()
        && wanted.subject.len() <= 256
        && !wanted.subject.chars().any(char::is_control);
    if !is_sound {
        let what = "the subject must have 1 to 256 bytes and no control characters";
        return Err(TokenError::Invalid { what });
    }
    let default = [EVERYTHING.to_owned()];
    let words = if wanted.scopes.is_empty() { &default[..] } else { &wanted.scopes };
    let scopes = scopes::scopes(words.iter().map(String::as_str))?;
    scopes::words_of(wanted.roles.iter().chain(&wanted.tier).map(String::as_str))?;
    let life = match &wanted.expires_in {
        Some(text) => parse_duration(text)
            .filter(|life| (Duration::from_secs(1)..=LONGEST_LIFE).contains(life)),
        None => Some(configured.map_or(LIFE, |jwt| jwt.expires_in)),
    };
    let what = "the time must be a duration such as `24h`, at most `366d`";
    let life = life.ok_or(TokenError::Invalid { what })?;
    let issued_at = clock.unix_seconds();
    let expires_at = issued_at + life.as_secs();
    let mapping = configured.map(|jwt| &jwt.trust.mapping);
    let named = |claim: Option<&Box<str>>, usual: &str| {
        claim.map_or_else(|| usual.to_owned(), ToString::to_string)
    };
    let roles = named(mapping.and_then(|mapping| mapping.roles.as_ref()), "roles");
    let tier = named(mapping.and_then(|mapping| mapping.tier.as_ref()), "tier");
    let issuer = configured.and_then(|jwt| jwt.trust.issuer.as_deref()).map(str::to_owned);
    let token = jwt::NewToken {
        subject_claim: named(mapping.and_then(|mapping| mapping.subject.first()), "sub"),
        subject: wanted.subject.clone(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        roles: Some((roles, wanted.roles)),
        tier: wanted.tier.map(|given| (tier, given)),
        issuer: issuer.clone().filter(|issuer| !is_ours(issuer)),
        audiences: configured
            .iter()
            .filter_map(|jwt| jwt.trust.audiences.first())
            .map(ToString::to_string)
            .collect(),
        issued_at,
        expires_at,
        id: format!("{:032x}", u128::from_be_bytes(seal::random::<16>()?)),
    };
    let text =
        jwt::make(&token, secret.expose()).map_err(|source| TokenError::Secret { source })?;
    Ok(MadeToken {
        token: text,
        subject: wanted.subject,
        issuer,
        scopes: token.scopes,
        expires_at: timestamp::of_unix(expires_at),
    })
}
