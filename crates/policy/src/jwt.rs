//! Signed tokens: JSON Web Tokens (RFC 7519) in the compact form of signatures (RFC 7515), and what
//! the gateway makes of them.
//!
//! 1. [`Compact`] is a token taken apart, of which nothing is believed but where to look for the key.
//! 2. [`crate::jwks`] has the keys, each with its own algorithm.
//! 3. [`Trust::verify`] holds the token against a key, and its claims against what is expected.
//! 4. [`Known`] keeps what was verified, until it ends.
//!
//! No clock and no socket: who asks says what time it is and has the keys.

mod claims;
mod compact;
mod known;
mod make;

use std::sync::Arc;

use gantry_core::Principal;

pub use claims::Mapping;
pub use compact::Compact;
pub use known::{Fingerprint, Known};
pub use make::{NewToken, make};

use crate::jwks::KeySet;
use claims::Claims;

/// The longest token that is looked at, in bytes; what issuers make is a quarter of it.
pub const LONGEST: usize = 16 * 1024;
/// The issuer of principals whose tokens are signed with a shared secret and need to name none.
pub const UNNAMED_ISSUER: &str = "jwt";

/// What is expected of the tokens of one issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// What `iss` has to be; `None` where tokens with a shared secret need none.
    pub issuer: Option<Box<str>>,
    /// One of these has to be in `aud`.
    pub audiences: Vec<Box<str>>,
    /// Whether the gateway's own address is an audience too (RFC 8707).
    pub own_address: bool,
    /// How far the clocks of the issuer and the gateway may be apart, in seconds.
    pub skew: u64,
    /// Scopes without which a token opens nothing.
    pub required_scopes: Box<[Box<str>]>,
    /// Which claims say what.
    pub mapping: Mapping,
}

/// A token that is good, for those who are meant by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// For whom it speaks, and what it grants.
    pub principal: Arc<Principal>,
    /// For whom it is.
    pub audiences: Box<[Box<str>]>,
    /// Whether a scope is missing that every token needs.
    pub lacks_scope: bool,
    /// Unix seconds from which on it opens nothing, skew included.
    pub ends_at: u64,
}

/// Why a token opens nothing.
///
/// What is told of a token whose signature was verified is told to somebody who had it in good faith;
/// of all others only that they are no good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is none, or asks for what is not understood.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// No key of the issuer is meant by it.
    #[error("the token is signed with a key that the issuer does not have")]
    UnknownKey,
    /// The key it names verifies with another algorithm.
    #[error("the token names another algorithm than its key has")]
    Algorithm,
    /// The signature is not one of the key.
    #[error("the signature of the token is wrong")]
    Signature,
    /// It is over.
    #[error("the token has expired")]
    Expired,
    /// It is not yet valid.
    #[error("the token is not valid yet")]
    NotYet,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// It is of somebody else.
    #[error("the token has another issuer than the one it is held against")]
    Issuer,
    /// It has not the scopes that every token needs.
    #[error("the token lacks a scope that is needed")]
    Scope,
    /// It lacks what makes a principal, or says it in a way that is not understood.
    #[error("the claim `{0}` of the token is missing or cannot be used")]
    Claim(Box<str>),
}

// === impl Trust ===

impl Trust {
    /// Verifies a token at `now`, in unix seconds. Whether it is for whoever asks is asked of what
    /// this returns, by [`Self::check`].
    ///
    /// # Errors
    /// [`BadToken`]; [`BadToken::UnknownKey`] where a newer key set may have the key.
    pub fn verify(
        &self,
        token: &Compact<'_>,
        keys: &KeySet,
        now: u64,
    ) -> Result<Verified, BadToken> {
        let mut refused = BadToken::UnknownKey;
        for key in keys.candidates(token.key_id()) {
            // The algorithm is the key's. What the token says of it may only be the same.
            if key.algorithm.name() != token.algorithm() {
                if refused == BadToken::UnknownKey {
                    refused = BadToken::Algorithm;
                }
                continue;
            }
            if key.verifies(token.signed(), token.signature()) {
                return self.read(token, now);
            }
            refused = BadToken::Signature;
        }
        Err(refused)
    }

    /// Decides whether a token that was verified opens something at `now`, asked for by `address`,
    /// which are the names of what is asked.
    ///
    /// # Errors
    /// [`BadToken::Expired`], [`BadToken::Audience`], [`BadToken::Scope`].
    pub fn check(&self, token: &Verified, address: &[String], now: u64) -> Result<(), BadToken> {
        if now >= token.ends_at {
            return Err(BadToken::Expired);
        }
        let is_meant = |named: &str| {
            self.audiences.iter().any(|ours| **ours == *named)
                || (self.own_address && address.iter().any(|ours| same_resource(ours, named)))
        };
        // RFC 7519, section 4.1.3: one that names others is for them, where nobody says who we are.
        let is_for_anybody =
            token.audiences.is_empty() && self.audiences.is_empty() && !self.own_address;
        let is_for_us = token.audiences.iter().any(|named| is_meant(named));
        if !is_for_anybody && !is_for_us {
            return Err(BadToken::Audience);
        }
        if token.lacks_scope { Err(BadToken::Scope) } else { Ok(()) }
    }

    /// Reads the claims of a token whose signature is good.
    fn read(&self, token: &Compact<'_>, now: u64) -> Result<Verified, BadToken> {
        let claims = Claims::parse(token.claims())?;
        let named = claims.text("iss")?;
        match (&self.issuer, named) {
            (Some(issuer), Some(named)) if **issuer == *named => {}
            (Some(_), _) => return Err(BadToken::Issuer),
            (None, Some(named)) if is_ours(named) => return Err(BadToken::Issuer),
            (None, _) => {}
        }
        let issuer = self.issuer.as_deref().unwrap_or(UNNAMED_ISSUER);
        let expires_at = claims.seconds("exp")?.ok_or_else(|| BadToken::Claim("exp".into()))?;
        let ends_at = expires_at.saturating_add(self.skew);
        if now >= ends_at {
            return Err(BadToken::Expired);
        }
        let is_early = |begins: u64| begins > now.saturating_add(self.skew);
        if claims.seconds("nbf")?.is_some_and(is_early)
            || claims.seconds("iat")?.is_some_and(is_early)
        {
            return Err(BadToken::NotYet);
        }
        let scopes = claims.scopes()?;
        let lacks_scope = !self.required_scopes.iter().all(|needed| scopes.contains(needed));
        let principal = Arc::new(self.mapping.principal(&claims, issuer, scopes)?);
        Ok(Verified { principal, audiences: claims.audiences()?, lacks_scope, ends_at })
    }
}

/// Tells whether an issuer is the gateway itself, whose principals no token can be.
pub fn is_ours(issuer: &str) -> bool {
    issuer == "gantry" || issuer.starts_with("gantry:")
}

/// Compares two names of a resource: RFC 8707 names it with or without a slash at its end.
fn same_resource(ours: &str, named: &str) -> bool {
    ours.strip_suffix('/').unwrap_or(ours) == named.strip_suffix('/').unwrap_or(named)
}

#[cfg(test)]
mod tests;
