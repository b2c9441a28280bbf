//! What a request shows of its sender: a bearer token (RFC 6750, section 2.1), or a key in a header
//! of its own.
//!
//! Here it is only taken out of the headers; whether it opens anything is decided by whoever knows
//! such credentials.

/// More characters than any credential has; longer ones are refused before they are hashed.
pub const MOST_SECRET: usize = 4096;

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
    /// Two that differ were presented.
    #[error("two credentials were presented, and they differ")]
    Ambiguous,
}

impl Denied {
    /// Returns the value of the `WWW-Authenticate` header (RFC 6750, section 3).
    pub fn www_authenticate(self) -> &'static str {
        match self {
            Self::Missing => r#"Bearer realm="gantry""#,
            Self::Wrong | Self::Expired | Self::Revoked => {
                r#"Bearer realm="gantry", error="invalid_token""#
            }
            Self::Ambiguous => r#"Bearer realm="gantry", error="invalid_request""#,
        }
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
        assert_eq!(Denied::Missing.www_authenticate(), r#"Bearer realm="gantry""#);
        let wrong = r#"Bearer realm="gantry", error="invalid_token""#;
        for denied in [Denied::Wrong, Denied::Expired, Denied::Revoked] {
            assert_eq!(denied.www_authenticate(), wrong, "{denied:?}");
        }
    }
}
