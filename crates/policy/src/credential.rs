//! What a request shows of its sender: a bearer token (RFC 6750, section 2.1), or a key in a header
//! of its own.
//!
//! Here it is only taken out of the headers; whether it opens anything is decided by whoever knows
//! such credentials.

/// More characters than any credential has; longer ones are refused before they are hashed.
pub const MOST_SECRET: usize = crate::jwt::LONGEST;

/// Why a caller was not let in.
///
/// The answer tells a missing credential from a wrong one, as RFC 6750 wants it, and nothing else:
/// whether there is a key that has expired is for the log and the audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// None was presented.
    #[error("no bearer token was presented")]
    Missing,
    /// The presented one is not known.
    #[error("the presented bearer token is not known")]
    Wrong,
    /// It was good once.
    #[error("the presented key has expired")]
    Expired,
    /// It was taken back.
    #[error("the presented key was revoked")]
    Revoked,
    /// A signed token, in good faith, that is over.
    #[error("the presented token has expired")]
    TokenExpired,
    /// A signed token that begins later.
    #[error("the presented token is not valid yet")]
    TokenNotYet,
    /// A signed token that is for somebody else.
    #[error("the presented token is for another audience")]
    TokenForOthers,
    /// A signed token that lacks a scope which every token needs.
    #[error("the presented token lacks a scope that is needed")]
    TokenTooNarrow,
    /// A signed token whose keys cannot be fetched, so that nobody knows.
    #[error("the presented token cannot be verified now")]
    Unverifiable,
    /// Two that differ were presented.
    #[error("two credentials were presented, and they differ")]
    Ambiguous,
}

/// What a challenge says beside why somebody was not let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invitation {
    /// Where it stands how to get a token (RFC 9728, section 5.1).
    pub metadata: Option<String>,
    /// The scopes that a token needs, with blanks between.
    pub scope: Option<String>,
}

impl Denied {
    /// Returns the value of the `WWW-Authenticate` header (RFC 6750, section 3), which names where to
    /// get a token if there is such a place; `None` where another credential would not help.
    pub fn challenge(self, invitation: Option<&Invitation>) -> Option<String> {
        let mut challenge = r#"Bearer realm="gantry""#.to_owned();
        let mut say = |name: &str, value: &str| {
            // What could end the quotation is in none of our texts; an address that has it is left out.
            if !value.contains(['"', '\\']) {
                challenge.extend([", ", name, "=\"", value, "\""]);
            }
        };
        let (error, description) = self.told()?;
        if !error.is_empty() {
            say("error", error);
        }
        if !description.is_empty() {
            say("error_description", description);
        }
        let invitation = invitation.filter(|_| self != Self::Ambiguous);
        if let Some(scope) = invitation.and_then(|invitation| invitation.scope.as_deref()) {
            say("scope", scope);
        }
        if let Some(url) = invitation.and_then(|invitation| invitation.metadata.as_deref()) {
            say("resource_metadata", url);
        }
        Some(challenge)
    }

    /// Returns the code and the description of RFC 6750, section 3.1. Only whoever had a token in good
    /// faith is told what is wrong with it.
    fn told(self) -> Option<(&'static str, &'static str)> {
        const INVALID: &str = "invalid_token";
        Some(match self {
            Self::Missing => ("", ""),
            Self::Wrong | Self::Expired | Self::Revoked => (INVALID, ""),
            Self::TokenExpired => (INVALID, "the token has expired"),
            Self::TokenNotYet => (INVALID, "the token is not valid yet"),
            Self::TokenForOthers => (INVALID, "the token is for another audience"),
            Self::TokenTooNarrow => {
                ("insufficient_scope", "the token lacks a scope that is needed")
            }
            Self::Ambiguous => ("invalid_request", ""),
            Self::Unverifiable => return None,
        })
    }
}

/// Takes the credential of a client out of the `Authorization` header and the one for keys.
///
/// Where both are there they must say the same: whoever reads the request before or after us might
/// take the other.
///
/// # Errors
/// [`Denied::Missing`], [`Denied::Wrong`] for what can be none, [`Denied::Ambiguous`].
pub fn presented<'a>(
    authorization: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
) -> Result<&'a [u8], Denied> {
    let bearer = bearer(authorization);
    let Some(key) = key.map(<[u8]>::trim_ascii) else { return bearer };
    match bearer {
        Ok(bearer) if bearer == key => Ok(bearer),
        // Of another scheme than ours, for somebody between the client and us.
        Err(Denied::Missing) => sound(key),
        Ok(_) | Err(_) => Err(Denied::Ambiguous),
    }
}

/// Takes the token out of an `Authorization` header. Another scheme counts as no token.
///
/// # Errors
/// [`Denied::Missing`], or [`Denied::Wrong`] for what can be none.
pub fn bearer(authorization: Option<&[u8]>) -> Result<&[u8], Denied> {
    const SCHEME: &[u8] = b"bearer";
    let header = authorization.ok_or(Denied::Missing)?.trim_ascii();
    let (scheme, rest) = header.split_at_checked(SCHEME.len()).ok_or(Denied::Missing)?;
    let is_bearer =
        scheme.eq_ignore_ascii_case(SCHEME) && rest.first().is_none_or(u8::is_ascii_whitespace);
    if !is_bearer {
        return Err(Denied::Missing);
    }
    sound(rest.trim_ascii_start())
}

fn sound(secret: &[u8]) -> Result<&[u8], Denied> {
    if secret.is_empty() || secret.len() > MOST_SECRET { Err(Denied::Wrong) } else { Ok(secret) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_whatever_its_case_and_spacing() {
        for header in ["Bearer abc", "bearer abc", "BEARER abc", "  Bearer   abc ", "Bearer\tabc"] {
            assert_eq!(bearer(Some(header.as_bytes())), Ok(&b"abc"[..]), "{header}");
        }
        for header in ["", "Bear", "Basic YWxpY2U6eA==", "Bearerx", "Bearerabc", "abc"] {
            assert_eq!(bearer(Some(header.as_bytes())), Err(Denied::Missing), "{header}");
        }
        for header in ["Bearer", "Bearer ", "Bearer \t"] {
            assert_eq!(bearer(Some(header.as_bytes())), Err(Denied::Wrong), "{header}");
        }
        let long = [b"Bearer ".as_slice(), &vec![b'a'; 100_000]].concat();
        assert_eq!(bearer(Some(&long)), Err(Denied::Wrong));
        assert_eq!(bearer(None), Err(Denied::Missing));
    }

    #[test]
    fn two_headers_must_say_the_same() {
        let check = |authorization: Option<&'static str>, key: Option<&'static str>| {
            let bytes = |text: Option<&'static str>| text.map(str::as_bytes);
            presented(bytes(authorization), bytes(key))
        };
        assert_eq!(check(None, Some(" abc ")), Ok(&b"abc"[..]));
        assert_eq!(check(Some("Bearer abc"), None), Ok(&b"abc"[..]));
        assert_eq!(check(Some("Bearer abc"), Some("abc")), Ok(&b"abc"[..]));
        assert_eq!(check(Some("Basic eDp5"), Some("abc")), Ok(&b"abc"[..]));
        assert_eq!(check(Some("Bearer abc"), Some("abd")), Err(Denied::Ambiguous));
        assert_eq!(check(Some("Bearer abc"), Some("")), Err(Denied::Ambiguous));
        assert_eq!(check(Some("Bearer "), Some("abc")), Err(Denied::Ambiguous));
        assert_eq!(check(None, Some("")), Err(Denied::Wrong));
        assert_eq!(check(None, None), Err(Denied::Missing));
    }

    #[test]
    fn the_challenge_tells_missing_from_wrong_and_no_more() {
        let challenge = |denied: Denied| denied.challenge(None).unwrap();
        assert_eq!(challenge(Denied::Missing), r#"Bearer realm="gantry""#);
        let wrong = r#"Bearer realm="gantry", error="invalid_token""#;
        for denied in [Denied::Wrong, Denied::Expired, Denied::Revoked] {
            assert_eq!(challenge(denied), wrong, "{denied:?}");
        }
        assert_eq!(Denied::Unverifiable.challenge(None), None);
    }

    #[test]
    fn a_challenge_says_where_a_token_is_to_be_had() {
        let invitation = Invitation {
            metadata: Some("https://a.example/.well-known/x".to_owned()),
            scope: Some("mcp:read mcp:write".to_owned()),
        };
        assert_eq!(
            Denied::TokenTooNarrow.challenge(Some(&invitation)).unwrap(),
            "Bearer realm=\"gantry\", error=\"insufficient_scope\", error_description=\"the token \
             lacks a scope that is needed\", scope=\"mcp:read mcp:write\", \
             resource_metadata=\"https://a.example/.well-known/x\""
        );
        let open = Invitation { metadata: Some("https://a\".example/".to_owned()), scope: None };
        assert_eq!(Denied::Missing.challenge(Some(&open)).unwrap(), r#"Bearer realm="gantry""#);
        let ambiguous = Denied::Ambiguous.challenge(Some(&invitation)).unwrap();
        assert_eq!(ambiguous, r#"Bearer realm="gantry", error="invalid_request""#);
    }
}
