//! What a token says of its subject, and the principal that it becomes.

use gantry_core::{Grants, Principal};
use serde_json::{Map, Value};

use super::BadToken;
use crate::scopes;

/// Most bytes of a subject.
const LONGEST_SUBJECT: usize = 256;
/// The claims that scopes stand in, of which the first that is there counts: RFC 9068, then what other
/// issuers write.
const SCOPES: [&str; 3] = ["scope", "scp", "permissions"];
/// Most audiences of one token.
const MOST_AUDIENCES: usize = 64;

type Words = Box<[Box<str>]>;

/// Which claims say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The claims that may hold the subject; the first that is there counts.
    pub subject: Vec<Box<str>>,
    /// The claim with roles: a name, or names with dots between where claims lie in one another.
    pub roles: Option<Box<str>>,
    /// The claim with the tier, in the same way.
    pub tier: Option<Box<str>>,
    /// Whether the scopes of a token limit it. If so, one without any opens nothing.
    pub limited_by_scopes: bool,
}

/// The claims of a token whose signature is good.
#[derive(Debug)]
pub(super) struct Claims(Map<String, Value>);

// === impl Claims ===

impl Claims {
    pub(super) fn parse(json: &[u8]) -> Result<Self, BadToken> {
        let claims = serde_json::from_slice(json);
        claims.map(Self).map_err(|_| BadToken::Malformed("its claims are no JSON object"))
    }

    /// Returns a text; `None` where there is none.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, BadToken> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(BadToken::Claim(name.into())),
        }
    }

    /// Returns a moment in unix seconds, which may be written with a fraction.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<u64>, BadToken> {
        let bad = || BadToken::Claim(name.into());
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => {
                let whole = number.as_u64().or_else(|| whole_of(number.as_f64()?));
                whole.map(Some).ok_or_else(bad)
            }
            Some(_) => Err(bad()),
        }
    }

    /// Returns for whom the token is: one text, or several.
    pub(super) fn audiences(&self) -> Result<Box<[Box<str>]>, BadToken> {
        let bad = || BadToken::Claim("aud".into());
        match self.0.get("aud") {
            None | Some(Value::Null) => Ok(Box::default()),
            Some(Value::String(text)) => Ok(Box::new([text.as_str().into()])),
            Some(Value::Array(list)) if list.len() <= MOST_AUDIENCES => {
                list.iter().map(|one| one.as_str().map(Box::from).ok_or_else(bad)).collect()
            }
            Some(_) => Err(bad()),
        }
    }

    /// Returns the scopes; none where nothing says any.
    pub(super) fn scopes(&self) -> Result<Words, BadToken> {
        let claim = |name: &str| self.0.get(name).filter(|value| !value.is_null());
        let found = SCOPES.iter().find_map(|name| Some((*name, claim(name)?)));
        let Some((name, value)) = found else { return Ok(Words::default()) };
        scopes::scopes(words(name, value)?).map_err(|_| BadToken::Claim(name.into()))
    }

    /// Finds a claim by its name, or by the names on the way to it. A name may itself have dots, as
    /// those that begin with an address.
    fn find(&self, path: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(path) {
            return Some(value);
        }
        let mut steps = path.split('.');
        let first = self.0.get(steps.next()?)?;
        steps.try_fold(first, |value, step| value.get(step))
    }
}

// === impl Mapping ===

impl Mapping {
    /// Makes the principal.
    pub(super) fn principal(
        &self,
        claims: &Claims,
        issuer: &str,
        scopes: Words,
    ) -> Result<Principal, BadToken> {
        let mut subject = None;
        for name in &self.subject {
            subject = subject.or(claims.text(name)?);
        }
        let is_sound = |text: &&str| {
            !text.is_empty() && text.len() <= LONGEST_SUBJECT && !text.chars().any(char::is_control)
        };
        let named = self.subject.first().map_or("sub", |name| &**name);
        let subject = subject.filter(is_sound).ok_or_else(|| BadToken::Claim(named.into()))?;
        let grants = Grants {
            scopes: self.limited_by_scopes.then(|| scopes.into()),
            roles: self.roles(claims)?,
            tier: self.tier(claims)?,
            credential: Some(format!("token of {issuer}").into_boxed_str()),
        };
        Ok(Principal { grants, ..Principal::new(issuer, subject) })
    }

    fn roles(&self, claims: &Claims) -> Result<Words, BadToken> {
        let Some(name) = &self.roles else { return Ok(Box::default()) };
        let Some(value) = claims.find(name) else { return Ok(Box::default()) };
        // Left out, a role might be one that a rule denies something to.
        scopes::words_of(words(name, value)?).map_err(|_| BadToken::Claim(name.clone()))
    }

    fn tier(&self, claims: &Claims) -> Result<Option<Box<str>>, BadToken> {
        let Some(name) = &self.tier else { return Ok(None) };
        let bad = || BadToken::Claim(name.clone());
        match claims.find(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(tier)) => {
                scopes::check_word(tier).map_err(|_| bad())?;
                Ok(Some(tier.as_str().into()))
            }
            Some(_) => Err(bad()),
        }
    }
}

/// Reads words: one text with blanks between, or a list.
fn words<'a>(name: &str, value: &'a Value) -> Result<Vec<&'a str>, BadToken> {
    let bad = || BadToken::Claim(name.into());
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text.split_ascii_whitespace().collect()),
        Value::Array(list) => list.iter().map(|one| one.as_str().ok_or_else(bad)).collect(),
        _ => Err(bad()),
    }
}

/// Returns the whole seconds of a number that is one of this or the next thousands of years.
fn whole_of(number: f64) -> Option<u64> {
    const FAR: f64 = 1e12;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked below, and the fraction is not wanted"
    )]
    let whole = number as u64;
    (0.0..=FAR).contains(&number).then_some(whole)
}
