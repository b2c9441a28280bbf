//! The token by which a client shows that it is the one that opened a session: a JSON Web Token
//! signed with HMAC-SHA-256 (RFC 7519, RFC 7515; `HS256` of RFC 7518).
//!
//! The gateway authenticates callers; this tells clients of one principal apart. So only tokens of
//! our own making are read: header and claims have one form each.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::ports::TokenKey;

/// Seconds for which a token is good: 30 days.
const LIFE: u64 = 30 * 24 * 60 * 60;
/// The most bytes of a token.
const MAX_TOKEN: usize = 4096;
/// `{"alg":"HS256","typ":"JWT"}`; nothing else is taken.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// What a token says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    /// The client.
    sub: String,
    /// The principal that it belongs to.
    iss: String,
    /// Unix seconds.
    iat: u64,
    /// Unix seconds.
    exp: u64,
}

/// Makes a token for a client of a principal.
pub(super) fn issue(key: &TokenKey, principal: &str, client: &str, now: u64) -> String {
    let (sub, iss) = (client.to_owned(), principal.to_owned());
    let claims = Claims { sub, iss, iat: now, exp: now.saturating_add(LIFE) };
    let claims = serde_json::to_vec(&claims).expect("texts and numbers can be written as JSON");
    let signed = format!("{HEADER}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(mac(key, &signed).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// Returns the client of a token that is good for this principal now.
pub(super) fn client(key: &TokenKey, principal: &str, token: &str, now: u64) -> Option<String> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    // In constant time.
    mac(key, signed).verify_slice(&signature).ok()?;
    let (header, claims) = signed.split_once('.')?;
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let is_good = header == HEADER && claims.iss == principal && now < claims.exp;
    is_good.then_some(claims.sub)
}

fn mac(key: &TokenKey, signed: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("any length of key will do");
    mac.update(signed.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::{LIFE, client, issue};
    use crate::ports::TokenKey;

    #[test]
    fn a_token_is_good_for_its_principal_until_it_expires() {
        let key = TokenKey::new([7; 32]);
        let token = issue(&key, "gantry ada", "phone", 1000);
        let check = |token: &str, principal: &str, now| client(&key, principal, token, now);
        assert_eq!(check(&token, "gantry ada", 1000).as_deref(), Some("phone"));
        assert_eq!(check(&token, "gantry ada", 1000 + LIFE - 1).as_deref(), Some("phone"));
        assert_eq!(check(&token, "gantry ada", 1000 + LIFE), None);
        assert_eq!(check(&token, "gantry bob", 1000), None);
        assert_eq!(client(&TokenKey::new([8; 32]), "gantry ada", &token, 1000), None);
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character of a signature has bits that mean nothing; they are refused, too.
            assert_eq!(check(&changed, "gantry ada", 1000), None, "{at}");
        }
        for nonsense in ["", ".", "..", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            assert_eq!(check(nonsense, "gantry ada", 1000), None, "{nonsense}");
        }
    }
}
