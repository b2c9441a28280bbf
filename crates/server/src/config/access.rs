//! `auth`: who may use the gateway, checked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use gantry_core::{ErrorCode, Grants};
use gantry_policy::scopes::{self, BadWords};
use http::HeaderName;

use super::check::Checker;
use super::identity::{self, Jwt, JwtKeys, OAuth};
use super::path::Path;
use super::problem::Problem;
use super::raw;
use super::secret::Secret;

/// Shorter ones can be guessed.
const SHORTEST_TOKEN: usize = 16;
/// Longer ones do not fit into a header with everything else.
const LONGEST_TOKEN: usize = 4096;
const LONGEST_NAME: usize = 128;
/// Principals that are not told by a token, and why nobody else may be called so.
const TAKEN_NAMES: [(&str, &str); 2] = [
    ("local", "a name other than `local`, which is the unix socket's"),
    ("anonymous", "a name other than `anonymous`, which is everybody's without a token"),
];

/// Headers that mean something else already, or are taken away on the way.
const NOT_FOR_KEYS: [&str; 12] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "origin",
    "connection",
    "transfer-encoding",
    "content-length",
    "content-type",
    "accept",
    "upgrade",
    "te",
];

/// Who may use the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Whether clients need a credential even if none is named here.
    pub required: bool,
    /// Bearer tokens.
    pub tokens: Vec<Token>,
    /// Keys, with what they grant.
    pub api_keys: Vec<ApiKey>,
    /// Signed tokens.
    pub jwt: Option<Jwt>,
    /// Tokens of a provider at which clients sign in.
    pub oauth: Option<OAuth>,
    /// The header in which a key may be sent.
    pub api_key_header: HeaderName,
}

/// A bearer token and whom it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The principal.
    pub name: String,
    /// The token.
    pub token: Secret,
}

/// A key, whom it stands for and what it grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The principal.
    pub name: String,
    /// The key.
    pub key: Secret,
    /// What it grants.
    pub grants: Grants,
    /// Unix seconds from which on it opens nothing.
    pub expires_at: Option<u64>,
}

/// The secrets that were seen, and where.
type Owners<'a> = HashMap<&'a str, Path>;

impl Auth {
    /// Tells whether clients need a credential. Keys that the gateway made may say so too.
    pub fn is_required(&self) -> bool {
        self.required || self.n_credentials() > 0 || self.takes_tokens()
    }

    /// Tells whether tokens open something that others sign.
    pub fn takes_tokens(&self) -> bool {
        self.jwt.is_some() || self.oauth.is_some()
    }

    /// Returns the secret that signed tokens are made with, if there is one.
    pub fn jwt_secret(&self) -> Option<&Secret> {
        match &self.jwt.as_ref()?.keys {
            JwtKeys::Secret(secret) => Some(secret),
            JwtKeys::Url(_) => None,
        }
    }

    /// Returns how many credentials are named.
    pub fn n_credentials(&self) -> usize {
        self.tokens.len() + self.api_keys.len()
    }
}

/// Checks `auth`.
pub(crate) fn check(raw: &raw::Auth, checker: &mut Checker<'_>) -> Auth {
    let path = Path::root().key("auth");
    let mut owners = Owners::new();
    let tokens = check_tokens(&raw.tokens, &path.key("tokens"), &mut owners, checker);
    let api_keys = check_keys(&raw.api_keys, &path.key("api_keys"), &mut owners, checker);
    let api_key_header = check_header(&raw.api_key_header, &path.key("api_key_header"), checker);
    let (jwt, oauth) = (identity::jwt(raw, checker), identity::oauth(raw, checker));
    Auth { required: raw.required, tokens, api_keys, jwt, oauth, api_key_header }
}

fn check_tokens<'a>(
    raw: &'a [raw::Token],
    path: &Path,
    owners: &mut Owners<'a>,
    checker: &mut Checker<'_>,
) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, entry) in raw.iter().enumerate() {
        let at = path.index(index);
        let (Some(name), Some(token)) = (&entry.name, &entry.token) else {
            let missing = if entry.name.is_none() { "name" } else { "token" };
            checker.conflict(&at, format!("`{at}` has no `{missing}`"), None);
            continue;
        };
        check_name(name, &at.key("name"), checker);
        check_secret(token, &at.key("token"), owners, checker);
        tokens.push(Token { name: name.clone(), token: Secret::new(token) });
    }
    tokens
}

fn check_keys<'a>(
    raw: &'a [raw::ApiKey],
    path: &Path,
    owners: &mut Owners<'a>,
    checker: &mut Checker<'_>,
) -> Vec<ApiKey> {
    let mut keys = Vec::new();
    for (index, entry) in raw.iter().enumerate() {
        let at = path.index(index);
        let (Some(name), Some(key)) = (&entry.name, &entry.key) else {
            let missing = if entry.name.is_none() { "name" } else { "key" };
            checker.conflict(&at, format!("`{at}` has no `{missing}`"), None);
            continue;
        };
        check_name(name, &at.key("name"), checker);
        check_secret(key, &at.key("key"), owners, checker);
        let grants = check_grants(entry, &at, checker);
        let expires_at = entry.expires.as_ref().and_then(|text| {
            let moment = moment(text);
            if moment.is_none() {
                let expected =
                    "a date such as `2027-01-31` or a time such as `2027-01-31T12:00:00Z`";
                checker.invalid(&at.key("expires"), text, expected);
            }
            moment
        });
        keys.push(ApiKey { name: name.clone(), key: Secret::new(key), grants, expires_at });
    }
    keys
}

fn check_grants(entry: &raw::ApiKey, at: &Path, checker: &mut Checker<'_>) -> Grants {
    let mut read = |key: &str, words: Result<Box<[Box<str>]>, BadWords>| {
        words.unwrap_or_else(|error| {
            let at = at.key(key);
            let message = format!("`{at}` cannot be used: {error}");
            checker.push(Problem::new(ErrorCode::ConfigInvalidValue, &at, message));
            Box::default()
        })
    };
    let scopes = entry.scopes.as_ref();
    let scopes =
        scopes.map(|words| read("scopes", scopes::scopes(words.iter().map(String::as_str))));
    let roles = read("roles", scopes::words_of(entry.roles.iter().map(String::as_str)));
    let tier = entry.tier.as_deref().filter(|tier| {
        let checked = scopes::check_word(tier).map(|()| Box::default());
        let is_good = checked.is_ok();
        read("tier", checked);
        is_good
    });
    let credential = Some(at.to_string().into_boxed_str());
    let scopes = scopes.map(Arc::from);
    Grants { scopes, roles, tier: tier.map(Box::from), credential }
}

fn check_header(text: &str, path: &Path, checker: &mut Checker<'_>) -> HeaderName {
    let name = HeaderName::from_bytes(text.as_bytes()).ok();
    let name = name.filter(|name| {
        !NOT_FOR_KEYS.contains(&name.as_str()) && !name.as_str().starts_with("mcp-")
    });
    name.unwrap_or_else(|| {
        checker.invalid(path, text, "the name of a header that means nothing else, as `X-API-Key`");
        HeaderName::from_static("x-api-key")
    })
}

/// Reads a date or a time of RFC 3339, as unix seconds.
pub(crate) fn moment(text: &str) -> Option<u64> {
    let is_date = text.len() == "2027-01-31".len();
    let full = if is_date { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let moment = humantime::parse_rfc3339(&full).ok()?;
    moment.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

fn check_name(name: &str, path: &Path, checker: &mut Checker<'_>) {
    let is_printable = name.chars().all(|character| character.is_ascii_graphic());
    if name.is_empty() || name.len() > LONGEST_NAME || !is_printable {
        checker.invalid(path, name, "1 to 128 visible ASCII characters without spaces");
    } else if let Some((_, expected)) = TAKEN_NAMES.iter().find(|(taken, _)| name == *taken) {
        checker.invalid(path, name, expected);
    }
}

/// Never shows the secret, however it was written.
fn check_secret<'a>(
    token: &'a str,
    path: &Path,
    owners: &mut Owners<'a>,
    checker: &mut Checker<'_>,
) {
    if let Some(first) = owners.insert(token, path.clone()) {
        let message = format!("`{path}` is the same as `{first}`");
        checker.push(
            Problem::new(ErrorCode::ConfigConflict, path, message)
                .with_hint(Some("each stands for one principal; make a new one")),
        );
    }
    let message = if token.len() < SHORTEST_TOKEN {
        format!("`{path}` must have at least {SHORTEST_TOKEN} characters")
    } else if token.len() > LONGEST_TOKEN {
        format!("`{path}` must have at most {LONGEST_TOKEN} characters")
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        format!("`{path}` must have visible ASCII characters without spaces only")
    } else {
        return;
    };
    let hint = "`openssl rand -base64 32` makes a good one";
    checker.push(Problem::new(ErrorCode::ConfigInvalidValue, path, message).with_hint(Some(hint)));
}
