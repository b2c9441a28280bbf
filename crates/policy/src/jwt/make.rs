//! Makes a token that is signed with a shared secret, for development and for programs of one's own.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Map, Value, json};

use crate::jwks::{BadSecret, check_secret};

/// What a new token says.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// The claim that the subject stands in.
    pub subject_claim: String,
    /// For whom it speaks.
    pub subject: String,
    /// What it grants.
    pub scopes: Vec<String>,
    /// Roles, under the name of their claim.
    pub roles: Option<(String, Vec<String>)>,
    /// The tier, under the name of its claim.
    pub tier: Option<(String, String)>,
    /// Who makes it.
    pub issuer: Option<String>,
    /// For whom it is.
    pub audiences: Vec<String>,
    /// Unix seconds at which it begins.
    pub issued_at: u64,
    /// Unix seconds from which on it opens nothing.
    pub expires_at: u64,
    /// What tells it from any other.
    pub id: String,
}

/// Signs a token with HMAC-SHA-256.
///
/// # Errors
/// [`BadSecret`].
pub fn make(token: &NewToken, secret: &str) -> Result<String, BadSecret> {
    check_secret(secret)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let head = json!({ "alg": "HS256", "typ": "JWT" });
    let signed = format!("{}.{}", part(&head), part(&token.claims()));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

impl NewToken {
    fn claims(&self) -> Value {
        let mut claims = Map::new();
        let mut say = |name: &str, value: Value| {
            // A claim whose name has dots lies in others; the gateway finds it by its whole name too.
            claims.insert(name.to_owned(), value);
        };
        if let Some(issuer) = &self.issuer {
            say("iss", issuer.as_str().into());
        }
        say(&self.subject_claim, self.subject.as_str().into());
        match self.audiences.as_slice() {
            [] => {}
            [one] => say("aud", one.as_str().into()),
            several => say("aud", json!(several)),
        }
        say("iat", self.issued_at.into());
        say("exp", self.expires_at.into());
        say("jti", self.id.as_str().into());
        if !self.scopes.is_empty() {
            say("scope", self.scopes.join(" ").into());
        }
        if let Some((name, roles)) = self.roles.as_ref().filter(|(_, roles)| !roles.is_empty()) {
            say(name, json!(roles));
        }
        if let Some((name, tier)) = &self.tier {
            say(name, tier.as_str().into());
        }
        Value::Object(claims)
    }
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}
