//! A token taken apart: three parts with dots between, of which the first says how it is signed.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{BadToken, LONGEST};

/// What a token may say that it is: a token for resources (RFC 9068), or nothing in particular.
const TYPES: [&str; 4] = ["JWT", "at+jwt", "application/at+jwt", "application/jwt"];

/// A token taken apart. Nothing in it is believed.
#[derive(Debug)]
pub struct Compact<'a> {
    head: Head,
    /// What the signature is over: the first two parts.
    signed: &'a [u8],
    signature: Vec<u8>,
    claims: Vec<u8>,
}

/// The first part.
#[derive(Debug, Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

/// The claim by which it is found whose keys are to be asked.
#[derive(Deserialize)]
struct Whose {
    iss: Option<String>,
}

impl<'a> Compact<'a> {
    /// Tells whether a credential looks like a token, so that it is worth to be taken apart.
    pub fn is_likely(credential: &[u8]) -> bool {
        credential.len() <= LONGEST
            && credential.starts_with(b"ey")
            && credential.split(|byte| *byte == b'.').count() == 3
    }

    /// Takes a token apart.
    ///
    /// # Errors
    /// [`BadToken::Malformed`].
    pub fn parse(token: &'a [u8]) -> Result<Self, BadToken> {
        if token.len() > LONGEST {
            return Err(BadToken::Malformed("it is too long"));
        }
        let mut parts = token.split(|byte| *byte == b'.');
        let (Some(head), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadToken::Malformed("it has not three parts"));
        };
        let signed = token.get(..head.len() + 1 + claims.len()).unwrap_or_default();
        let head: Head = serde_json::from_slice(&decoded(head)?)
            .map_err(|_| BadToken::Malformed("its head cannot be read"))?;
        // RFC 7515, section 4.1.11: what is critical has to be understood, and nothing is.
        if head.crit.is_some() {
            return Err(BadToken::Malformed("it asks for an extension"));
        }
        let is_known = |typ: &str| TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ));
        if !head.typ.as_deref().is_none_or(is_known) {
            return Err(BadToken::Malformed("it is of another type"));
        }
        Ok(Self { head, signed, signature: decoded(signature)?, claims: decoded(claims)? })
    }

    /// Returns the algorithm that it says it is signed with.
    pub fn algorithm(&self) -> &str {
        &self.head.alg
    }

    /// Returns the name of the key that it says it is signed with.
    pub fn key_id(&self) -> Option<&str> {
        self.head.kid.as_deref()
    }

    /// Returns the issuer that it says it has, to find the keys by.
    pub fn issuer(&self) -> Option<String> {
        serde_json::from_slice::<Whose>(&self.claims).ok()?.iss
    }

    pub(super) fn signed(&self) -> &[u8] {
        self.signed
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(super) fn claims(&self) -> &[u8] {
        &self.claims
    }
}

fn decoded(part: &[u8]) -> Result<Vec<u8>, BadToken> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| BadToken::Malformed("a part is not base64url"))
}
