//! `auth.jwt` and `auth.oauth`: tokens that others sign, checked.

use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_policy::jwks::{self, SHORTEST_SECRET};
use gantry_policy::jwt::{Mapping, Trust, is_ours};
use gantry_policy::scopes;
use url::{Host, Url};

use super::check::Checker;
use super::path::Path;
use super::problem::Problem;
use super::raw;
use super::raw::DurationText;
use super::secret::Secret;

/// Most bytes of an issuer, an audience or the name of a claim.
const LONGEST: usize = 512;
/// Most audiences that are taken.
const MOST_AUDIENCES: usize = 64;
/// Clocks that are further apart are wrong.
const MOST_SKEW: Duration = Duration::from_mins(5);
/// The longest that a token of ours may hold.
const LONGEST_LIFE: Duration = Duration::from_hours(24 * 366);
/// The longest that keys may be used that cannot be fetched again.
const LONGEST_KEPT: Duration = Duration::from_hours(24 * 7);

/// Signed tokens, by a secret that is shared or by the keys of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// What they are verified with.
    pub keys: JwtKeys,
    /// What is expected of them.
    pub trust: Trust,
    /// How long one that the gateway makes holds.
    pub expires_in: Duration,
    /// How long keys are used that cannot be fetched again.
    pub keys_kept: Duration,
}

/// What signed tokens are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwtKeys {
    /// A shared secret.
    Secret(Secret),
    /// Keys that the issuer publishes at this address.
    Url(String),
}

/// A provider at which clients sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// As it calls itself.
    pub issuer: String,
    /// Where its keys are; `None` if its metadata says so.
    pub jwks_url: Option<String>,
    /// By which address clients know `/mcp`; `None` for the one that they use.
    pub resource: Option<String>,
    /// Scopes that clients can ask for.
    pub scopes_supported: Box<[Box<str>]>,
    /// What is expected of tokens.
    pub trust: Trust,
    /// How long keys are used that cannot be fetched again.
    pub keys_kept: Duration,
}

/// Checks `auth.jwt`.
pub(crate) fn jwt(raw: &raw::Auth, checker: &mut Checker<'_>) -> Option<Jwt> {
    let raw = raw.jwt.as_ref()?;
    let path = Path::root().key("auth").key("jwt");
    let keys = jwt_keys(raw, &path, checker);
    let issuer = raw.issuer.as_ref().map(|text| issuer(text, &path.key("issuer"), checker));
    let audiences = names(&raw.audience, &path.key("audience"), checker);
    let is_shared = matches!(keys, Some(JwtKeys::Secret(_)));
    let subject = match &raw.subject_claim {
        Some(name) => vec![claim(name, &path.key("subject_claim"), checker)],
        None if is_shared => vec!["sub".into(), "user_id".into()],
        None => vec!["sub".into()],
    };
    let mapping = Mapping {
        subject,
        roles: Some(claim(&raw.roles_claim, &path.key("roles_claim"), checker)),
        tier: Some(claim(&raw.tier_claim, &path.key("tier_claim"), checker)),
        limited_by_scopes: raw.limited_by_scopes,
    };
    let skew = skew(&raw.skew, &path, checker);
    let lives = (Duration::from_mins(1), LONGEST_LIFE);
    Some(Jwt {
        trust: Trust {
            issuer,
            audiences,
            own_address: false,
            skew,
            required_scopes: Box::default(),
            mapping,
        },
        expires_in: checker.duration(&path.key("expires_in"), &raw.expires_in, lives),
        keys_kept: keys_kept(&raw.keys_kept, &path, checker),
        keys: keys?,
    })
}

/// Checks `auth.oauth`.
pub(crate) fn oauth(raw: &raw::Auth, checker: &mut Checker<'_>) -> Option<OAuth> {
    let others = raw.jwt.as_ref().and_then(|jwt| jwt.issuer.as_ref());
    let raw = raw.oauth.as_ref()?;
    let path = Path::root().key("auth").key("oauth");
    let Some(name) = &raw.issuer else {
        checker.conflict(&path, format!("`{path}` has no `issuer`"), None);
        return None;
    };
    let at = path.key("issuer");
    if others == Some(name) {
        checker.conflict(
            &at,
            format!("`{at}` is that of `auth.jwt` too"),
            Some("keep one of them"),
        );
    }
    address(name, &at, checker);
    let issuer = issuer(name, &at, checker);
    let mapping = Mapping {
        subject: vec![claim(&raw.subject_claim, &path.key("subject_claim"), checker)],
        roles: Some(claim(&raw.roles_claim, &path.key("roles_claim"), checker)),
        tier: Some(claim(&raw.tier_claim, &path.key("tier_claim"), checker)),
        limited_by_scopes: raw.limited_by_scopes,
    };
    let mut own = |text: &Option<String>, key: &str| {
        text.as_ref().map(|text| {
            address(text, &path.key(key), checker);
            text.clone()
        })
    };
    let (jwks_url, resource) = (own(&raw.jwks_url, "jwks_url"), own(&raw.resource, "resource"));
    let audiences = names(&raw.audience, &path.key("audience"), checker);
    let skew = skew(&raw.skew, &path, checker);
    Some(OAuth {
        issuer: name.clone(),
        jwks_url,
        resource,
        scopes_supported: words(&raw.scopes_supported, &path.key("scopes_supported"), checker),
        trust: Trust {
            issuer: Some(issuer),
            audiences,
            own_address: true,
            skew,
            required_scopes: words(&raw.required_scopes, &path.key("required_scopes"), checker),
            mapping,
        },
        keys_kept: keys_kept(&raw.keys_kept, &path, checker),
    })
}

fn jwt_keys(raw: &raw::Jwt, path: &Path, checker: &mut Checker<'_>) -> Option<JwtKeys> {
    match (&raw.secret, &raw.jwks_url) {
        (Some(text), None) => {
            secret(text, &path.key("secret"), checker);
            Some(JwtKeys::Secret(Secret::new(text)))
        }
        (None, Some(url)) => {
            address(url, &path.key("jwks_url"), checker);
            let missing = if raw.issuer.is_none() {
                Some("issuer")
            } else {
                raw.audience.is_empty().then_some("audience")
            };
            if let Some(missing) = missing {
                let message = format!("`{path}` has `jwks_url` and no `{missing}`");
                let hint = "an issuer has many customers: say whose tokens are meant, and for whom";
                checker.conflict(path, message, Some(hint));
            }
            Some(JwtKeys::Url(url.clone()))
        }
        (given, _) => {
            let which = if given.is_some() { "both" } else { "neither" };
            let message = format!("`{path}` has {which} of `secret` and `jwks_url`");
            let hint = "tokens are verified with a shared secret or with the keys of their issuer; \
                        a provider beside a secret goes into `auth.oauth`";
            checker.conflict(path, message, Some(hint));
            None
        }
    }
}

/// Never shows the secret.
fn secret(text: &str, path: &Path, checker: &mut Checker<'_>) {
    let Err(problem) = jwks::check_secret(text) else { return };
    let message = format!("`{path}` {problem}");
    let hint = format!("`openssl rand -base64 {SHORTEST_SECRET}` makes a good one");
    checker.push(Problem::new(ErrorCode::WeakSecret, path, message).with_hint(Some(hint)));
}

/// Tokens of the gateway's own principals there are none.
fn issuer(text: &str, path: &Path, checker: &mut Checker<'_>) -> Box<str> {
    let is_good = is_name(text) && !text.contains('#') && !is_ours(text);
    if !is_good {
        let expected = "the issuer as it stands in tokens: visible ASCII characters without `#`, and \
                        not `gantry`, which is the gateway itself";
        checker.invalid(path, text, expected);
    }
    text.into()
}

fn names(list: &[String], path: &Path, checker: &mut Checker<'_>) -> Vec<Box<str>> {
    if list.len() > MOST_AUDIENCES {
        checker.conflict(path, format!("`{path}` has more than {MOST_AUDIENCES} entries"), None);
    }
    for (index, text) in list.iter().enumerate() {
        if !is_name(text) {
            checker.invalid(&path.index(index), text, "visible ASCII characters");
        }
    }
    list.iter().map(|text| text.as_str().into()).collect()
}

fn claim(text: &str, path: &Path, checker: &mut Checker<'_>) -> Box<str> {
    if !is_name(text) {
        checker.invalid(path, text, "the name of a claim such as `roles`");
    }
    text.into()
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

fn words(list: &[String], path: &Path, checker: &mut Checker<'_>) -> Box<[Box<str>]> {
    scopes::scopes(list.iter().map(String::as_str)).unwrap_or_else(|error| {
        let message = format!("`{path}` cannot be used: {error}");
        checker.push(Problem::new(ErrorCode::ConfigInvalidValue, path, message));
        Box::default()
    })
}

fn skew(text: &DurationText, path: &Path, checker: &mut Checker<'_>) -> u64 {
    checker.duration(&path.key("skew"), text, (Duration::ZERO, MOST_SKEW)).as_secs()
}

fn keys_kept(text: &DurationText, path: &Path, checker: &mut Checker<'_>) -> Duration {
    let bounds = (Duration::from_mins(1), LONGEST_KEPT);
    checker.duration(&path.key("keys_kept"), text, bounds)
}

/// Checks an address that tells who is trusted: nobody on the way may answer in its place.
fn address(text: &str, path: &Path, checker: &mut Checker<'_>) {
    let is_near = |url: &Url| match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let is_good = |url: &Url| {
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_near(url));
        let is_bare = url.username().is_empty() && url.password().is_none();
        is_safe && is_bare && url.query().is_none() && url.fragment().is_none()
    };
    if text.len() > LONGEST || !Url::parse(text).is_ok_and(|url| is_good(&url)) {
        let expected = "an address with `https`, or with `http` on this machine, without a query";
        checker.invalid(path, text, expected);
    }
}

#[cfg(test)]
mod tests;
