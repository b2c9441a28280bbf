//! Static bearer tokens: the clients' and the administrator's (RFC 6750, section 2.1).
//!
//! Only SHA-256 digests are kept, and what a caller presents is compared with all of them in
//! constant time. A digest without salt or stretching is enough because secrets have a least
//! length; passwords of people have no place here.
//! Who the caller is once a token is accepted: [`gantry_core::Principal`].

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gantry_core::Principal;
use gantry_core::seal::{self, SealError};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

/// Fewest characters of a secret: 16 random ones of base64 hold 96 bits.
pub const LEAST_SECRET: usize = 16;
/// More characters than any token has; longer ones are refused before they are hashed.
const MOST_SECRET: usize = 4096;
/// Names that the gateway gives to callers without a token.
const RESERVED: &[&str] = &["anonymous", "local"];

/// A token as the configuration has it.
#[derive(Clone)]
pub struct TokenEntry {
    /// The principal it stands for; several tokens may share one, so that they can be replaced
    /// one after the other.
    pub name: String,
    /// What a client sends after `Bearer`.
    pub secret: String,
}

/// The tokens that clients may present. Immutable; a reload makes new ones.
pub struct Tokens {
    entries: Vec<Entry>,
    anonymous: Arc<Principal>,
}

/// The token that opens the admin routes, and no others.
pub struct AdminToken {
    digest: Digest,
}

/// Why a caller was not let in.
///
/// The answer is 401 with the same body for all; only the header tells, as RFC 6750 wants it,
/// whether a token was presented at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No bearer token was presented.
    #[error("no bearer token was presented")]
    Missing,
    /// The presented token is not known.
    #[error("the presented bearer token is not known")]
    Wrong,
}

/// Why a token of the configuration is not taken. Never holds the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A short secret can be guessed.
    #[error("the token of `{name}` has {found} characters, it needs at least {LEAST_SECRET}")]
    TooShort {
        /// Whose.
        name: String,
        /// Characters.
        found: usize,
    },
    /// A long secret would be refused when presented.
    #[error("the token of `{name}` has {found} characters, it may have at most {MOST_SECRET}")]
    TooLong {
        /// Whose.
        name: String,
        /// Characters.
        found: usize,
    },
    /// It could not be sent in a header.
    #[error("the token of `{name}` may only have visible ASCII characters, without spaces")]
    NotVisible {
        /// Whose.
        name: String,
    },
    /// The name would pass for callers that have no token.
    #[error("a token cannot be named `{name}`, that is what callers without a token are called")]
    ReservedName {
        /// The name.
        name: String,
    },
    /// A token without a principal.
    #[error("a token must have a name")]
    NoName,
    /// One secret would stand for two principals.
    #[error("`{first}` and `{second}` have the same token, give each its own")]
    Shared {
        /// The earlier entry.
        first: String,
        /// The later entry.
        second: String,
    },
}

type Digest = [u8; 32];

struct Entry {
    digest: Digest,
    principal: Arc<Principal>,
}

// === impl Tokens ===

impl Tokens {
    /// Takes the tokens of a configuration and forgets their secrets.
    pub fn new(tokens: Vec<TokenEntry>) -> Result<Self, TokenError> {
        let mut owners: HashMap<Digest, String> = HashMap::new();
        let mut entries = Vec::with_capacity(tokens.len());
        for token in tokens {
            check_name(&token.name)?;
            check_secret(&token.name, &token.secret)?;
            let digest = digest(token.secret.as_bytes());
            let principal = Arc::new(Principal::of_gantry(&token.name));
            match owners.insert(digest, token.name.clone()) {
                Some(first) if first != token.name => {
                    return Err(TokenError::Shared { first, second: token.name });
                }
                _ => entries.push(Entry { digest, principal }),
            }
        }
        Ok(Self { entries, anonymous: Arc::new(Principal::anonymous()) })
    }

    /// Tells whether clients need no token.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Finds the principal of a request by its `Authorization` header.
    ///
    /// Without a single configured token everybody is anonymous, whatever they send.
    /// The caller refuses requests that repeat the header.
    ///
    /// # Errors
    /// [`Denied`]: answer 401.
    pub fn authenticate(&self, authorization: Option<&[u8]>) -> Result<Arc<Principal>, Denied> {
        if self.entries.is_empty() {
            return Ok(Arc::clone(&self.anonymous));
        }
        let presented = digest(bearer(authorization)?);
        // Every entry is compared, whether or not an earlier one fits: the time says nothing.
        let mut found = Choice::from(0);
        let mut position = 0_u32;
        for (index, entry) in (0_u32..).zip(&self.entries) {
            let equal = entry.digest.ct_eq(&presented);
            position.conditional_assign(&index, equal);
            found |= equal;
        }
        let entry = bool::from(found).then(|| self.entries.get(position as usize)).flatten();
        entry.map(|entry| Arc::clone(&entry.principal)).ok_or(Denied::Wrong)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.entries.iter().map(|entry| &entry.principal.subject);
        formatter.debug_tuple("Tokens").field(&names.collect::<Vec<_>>()).finish()
    }
}

// === impl TokenEntry ===

impl fmt::Debug for TokenEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenEntry")
            .field("name", &self.name)
            .field("secret", &"<redacted>")
            .finish()
    }
}

// === impl AdminToken ===

impl AdminToken {
    /// Takes the token and forgets all but its digest.
    pub fn new(secret: &str) -> Result<Self, TokenError> {
        check_secret("admin", secret)?;
        Ok(Self { digest: digest(secret.as_bytes()) })
    }

    /// Makes a secret of 256 random bits, as base64url without padding.
    pub fn generate() -> Result<String, SealError> {
        Ok(BASE64_URL_SAFE_NO_PAD.encode(seal::random::<32>()?))
    }

    /// Checks the `Authorization` header of a request to an admin route.
    ///
    /// # Errors
    /// [`Denied`]: answer 401.
    pub fn verify(&self, authorization: Option<&[u8]>) -> Result<(), Denied> {
        let presented = digest(bearer(authorization)?);
        if bool::from(self.digest.ct_eq(&presented)) { Ok(()) } else { Err(Denied::Wrong) }
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AdminToken(<redacted>)")
    }
}

// === impl Denied ===

impl Denied {
    /// Returns the value of the `WWW-Authenticate` header (RFC 6750, section 3).
    pub fn www_authenticate(self) -> &'static str {
        match self {
            Self::Missing => r#"Bearer realm="gantry""#,
            Self::Wrong => r#"Bearer realm="gantry", error="invalid_token""#,
        }
    }
}

fn check_name(name: &str) -> Result<(), TokenError> {
    if name.is_empty() {
        return Err(TokenError::NoName);
    }
    if RESERVED.contains(&name) {
        return Err(TokenError::ReservedName { name: name.to_owned() });
    }
    Ok(())
}

fn check_secret(name: &str, secret: &str) -> Result<(), TokenError> {
    let (name, found) = (name.to_owned(), secret.chars().count());
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::NotVisible { name });
    }
    if found < LEAST_SECRET {
        return Err(TokenError::TooShort { name, found });
    }
    if found > MOST_SECRET {
        return Err(TokenError::TooLong { name, found });
    }
    Ok(())
}

fn digest(secret: &[u8]) -> Digest {
    Sha256::digest(secret).into()
}

/// Takes the token out of an `Authorization` header. Another scheme counts as no token.
fn bearer(authorization: Option<&[u8]>) -> Result<&[u8], Denied> {
    const SCHEME: &[u8] = b"bearer";
    let header = authorization.ok_or(Denied::Missing)?.trim_ascii();
    let (scheme, rest) = header.split_at_checked(SCHEME.len()).ok_or(Denied::Missing)?;
    let is_bearer =
        scheme.eq_ignore_ascii_case(SCHEME) && rest.first().is_none_or(u8::is_ascii_whitespace);
    if !is_bearer {
        return Err(Denied::Missing);
    }
    let token = rest.trim_ascii_start();
    if token.is_empty() || token.len() > MOST_SECRET {
        return Err(Denied::Wrong);
    }
    Ok(token)
}

#[cfg(test)]
mod tests;
