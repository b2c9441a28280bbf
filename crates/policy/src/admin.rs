//! The administrator's token, and what every secret of the configuration must be.
//!
//! Only a SHA-256 digest is kept, and what a caller presents is compared in constant time. A digest
//! without salt or stretching is enough because secrets have a least length; passwords of people
//! have no place here.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gantry_core::seal::{self, SealError};
use subtle::ConstantTimeEq as _;

use crate::credential::{Denied, bearer};
use crate::sha256::{Hash, sha256};

/// Fewest characters of a secret: 16 random ones of base64 hold 96 bits.
pub const LEAST_SECRET: usize = 16;
/// Most characters of a secret: longer ones do not fit into a header with everything else.
pub const LONGEST_SECRET: usize = 4096;
/// Names that the gateway gives to callers without a credential.
const RESERVED: &[&str] = &["anonymous", "local"];

/// The token that opens the admin routes, and no others.
pub struct AdminToken {
    digest: Hash,
}

/// Why a token or key is not taken. Never holds the secret.
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
    #[error("the token of `{name}` has {found} characters, it may have at most {LONGEST_SECRET}")]
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
    #[error(
        "a client cannot be named `{name}`, that is what callers without a credential are called"
    )]
    ReservedName {
        /// The name.
        name: String,
    },
    /// A token without a principal.
    #[error(
        "a client must have a name: 1 to {LONGEST_NAME} visible ASCII characters without spaces"
    )]
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

/// Most characters of a principal's name.
pub const LONGEST_NAME: usize = 128;

// === impl AdminToken ===

impl AdminToken {
    /// Takes the token and forgets all but its digest.
    pub fn new(secret: &str) -> Result<Self, TokenError> {
        check_secret("admin", secret)?;
        Ok(Self { digest: sha256(secret.as_bytes()) })
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
        let presented = sha256(bearer(authorization)?);
        if bool::from(self.digest.ct_eq(&presented)) { Ok(()) } else { Err(Denied::Wrong) }
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AdminToken(<redacted>)")
    }
}

/// Checks what a principal is called.
///
/// # Errors
/// [`TokenError::NoName`] or [`TokenError::ReservedName`].
pub fn check_name(name: &str) -> Result<(), TokenError> {
    let is_visible = name.bytes().all(|byte| byte.is_ascii_graphic());
    if name.is_empty() || name.len() > LONGEST_NAME || !is_visible {
        return Err(TokenError::NoName);
    }
    if RESERVED.contains(&name) {
        return Err(TokenError::ReservedName { name: name.to_owned() });
    }
    Ok(())
}

/// Checks a secret that somebody chose.
pub(crate) fn check_secret(name: &str, secret: &str) -> Result<(), TokenError> {
    let (name, found) = (name.to_owned(), secret.chars().count());
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::NotVisible { name });
    }
    if found < LEAST_SECRET {
        return Err(TokenError::TooShort { name, found });
    }
    if found > LONGEST_SECRET {
        return Err(TokenError::TooLong { name, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{AdminToken, Denied, TokenError, check_name, check_secret};

    #[test]
    fn a_generated_admin_token_opens_its_own_door_alone() {
        let (first, second) = (AdminToken::generate().unwrap(), AdminToken::generate().unwrap());
        assert_ne!(first, second);
        assert_eq!(first.len(), 43);
        let admin = AdminToken::new(&first).unwrap();
        assert_eq!(admin.verify(Some(format!("Bearer {first}").as_bytes())), Ok(()));
        assert_eq!(admin.verify(Some(format!("Bearer {second}").as_bytes())), Err(Denied::Wrong));
        assert_eq!(admin.verify(Some(b"Bearer ")), Err(Denied::Wrong));
        assert_eq!(admin.verify(Some(format!("Basic {first}").as_bytes())), Err(Denied::Missing));
        assert_eq!(admin.verify(None), Err(Denied::Missing));
        assert!(AdminToken::new("").is_err());
        assert!(!format!("{admin:?}").contains(&first));
    }

    #[test]
    fn weak_secrets_and_misleading_names_are_not_taken() {
        let short = TokenError::TooShort { name: "a".to_owned(), found: 15 };
        assert_eq!(check_secret("a", "123456789012345"), Err(short));
        // An unset variable with an empty default ends here.
        assert!(matches!(check_secret("a", ""), Err(TokenError::TooShort { found: 0, .. })));
        let long = "x".repeat(4097);
        assert!(matches!(check_secret("a", &long), Err(TokenError::TooLong { .. })));
        for secret in
            ["with a space in the middle", "ümlaut-0123456789012345", "new\nline-0123456789012345"]
        {
            let refused = check_secret("a", secret).unwrap_err();
            assert_eq!(refused, TokenError::NotVisible { name: "a".to_owned() });
            assert!(!format!("{refused} {refused:?}").contains(secret));
        }
        for name in ["", "two words", "é", &"x".repeat(129)] {
            assert_eq!(check_name(name), Err(TokenError::NoName), "{name}");
        }
        for name in ["anonymous", "local"] {
            assert!(matches!(check_name(name), Err(TokenError::ReservedName { .. })));
        }
    }
}
