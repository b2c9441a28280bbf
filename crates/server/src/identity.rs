//! Tokens that others sign, while the gateway serves: whose they are, whether they are good, and the
//! keys to tell that.
//!
//! [`Issuers`] is a part of [`crate::live`]. Requests ask it without waiting; the layer of the HTTP
//! stack that finds out who asks has [`fetch`] bring missing keys before. [`resource`] is what clients
//! are told of where tokens come from.
//!
//! Keys that were fetched are used for `keys_kept` when the issuer is away, and a verified token
//! until it ends or the keys change. Where nobody can tell whether a token is good it opens nothing,
//! and the answer says that trying again may help: to call it invalid would make the client throw
//! it away.

pub(crate) mod fetch;
pub(crate) mod resource;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use gantry_core::Principal;
use gantry_policy::Denied;
use gantry_policy::jwks::KeySet;
use gantry_policy::jwt::{BadToken, Compact, Fingerprint, Known, Trust, Verified};
use gantry_policy::rate::Meter;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::{Auth, JwtKeys, Secret};
use crate::start_error::StartError;

/// Keys that are older are fetched again, behind the requests.
const FRESH: Duration = Duration::from_mins(10);

/// Everybody whose tokens are taken.
#[derive(Debug, Default)]
pub(crate) struct Issuers {
    all: Vec<Arc<Issuer>>,
}

/// One of them, with its keys and the tokens that were verified with them.
#[derive(Debug)]
pub(crate) struct Issuer {
    source: Source,
    /// Where keys are fetched; what was fetched last.
    keys: ArcSwapOption<Keys>,
    known: Known,
    /// One fetch at a time.
    fetching: tokio::sync::Mutex<()>,
    /// How the last fetch ended, and when.
    tried: Mutex<Option<Tried>>,
    /// Counts fetches, so that nobody can have the gateway ask as often as they like.
    fetches: Meter,
    begun: Instant,
}

/// What the configuration says of an issuer. As long as it stays the same, so do its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    trust: Trust,
    place: Place,
    keys_kept: Duration,
}

/// Where keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A shared secret.
    Secret(Secret),
    /// At an address.
    Url(String),
    /// Where the metadata of the provider say.
    Discovered(String),
}

/// Keys as they were fetched.
#[derive(Debug)]
struct Keys {
    set: KeySet,
    /// As they came, to tell whether they have changed.
    text: Bytes,
    at: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Tried {
    has_failed: bool,
    at: Instant,
}

/// Why an issuer has to be asked for its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nobody can tell whether the token is good.
    Now,
    /// They may have changed.
    Soon,
}

// === impl Issuers ===

impl Issuers {
    /// Takes the issuers of a configuration; nothing is fetched yet.
    pub(crate) fn of(auth: &Auth) -> Result<Self, StartError> {
        let jwt = auth.jwt.iter().map(|jwt| Source {
            trust: jwt.trust.clone(),
            place: match &jwt.keys {
                JwtKeys::Secret(secret) => Place::Secret(secret.clone()),
                JwtKeys::Url(url) => Place::Url(url.clone()),
            },
            keys_kept: jwt.keys_kept,
        });
        let oauth = auth.oauth.iter().map(|oauth| Source {
            trust: oauth.trust.clone(),
            place: match &oauth.jwks_url {
                Some(url) => Place::Url(url.clone()),
                None => Place::Discovered(oauth.issuer.clone()),
            },
            keys_kept: oauth.keys_kept,
        });
        let all: Result<_, _> = jwt.chain(oauth).map(Issuer::new).collect();
        Ok(Self { all: all? })
    }

    /// Keeps the keys of those that were there before and have not changed.
    pub(crate) fn adopt(&mut self, before: &Self) {
        for issuer in &mut self.all {
            let same = before.all.iter().find(|known| known.source == issuer.source);
            if let Some(known) = same {
                *issuer = Arc::clone(known);
            }
        }
    }

    /// Tells whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Tells whether a credential may be a token of one of them.
    pub(crate) fn may_know(&self, credential: &[u8]) -> bool {
        !self.is_empty() && Compact::is_likely(credential)
    }

    /// Finds whom a token that was verified before stands for; `None` if it is not known. `address` has
    /// the names of what is asked.
    pub(crate) fn known(
        &self,
        name: Fingerprint,
        address: &[String],
        now: u64,
    ) -> Option<Result<Arc<Principal>, Denied>> {
        let (issuer, verified) = self.all.iter().find_map(|issuer| {
            let verified = issuer.known.find(name)?;
            (!issuer.are_keys_gone()).then_some((issuer, verified))
        })?;
        Some(issuer.admit(&verified, address, now))
    }

    /// Verifies a token with the keys that are there.
    ///
    /// # Errors
    /// [`Denied`]; [`Denied::Unverifiable`] where the keys are not there.
    pub(crate) fn verify(
        &self,
        credential: &[u8],
        address: &[String],
        now: u64,
    ) -> Result<Arc<Principal>, Denied> {
        let token = Compact::parse(credential).map_err(|bad| told(&bad, None))?;
        let Some(issuer) = self.whose(&token) else {
            return Err(told(&BadToken::Issuer, None));
        };
        let Some(keys) = issuer.keys.load_full().filter(|_| !issuer.are_keys_gone()) else {
            return Err(Denied::Unverifiable);
        };
        match issuer.source.trust.verify(&token, &keys.set, now) {
            Ok(verified) => {
                let verified = Arc::new(verified);
                issuer.known.keep(Fingerprint::of(credential), &verified);
                // Ordering: keys are replaced first and tokens forgotten then, so that one which was
                // kept after that has seen the new keys here.
                if issuer.keys.load().as_ref().is_none_or(|now| now.text != keys.text) {
                    issuer.known.clear();
                }
                issuer.admit(&verified, address, now)
            }
            // There may be a newer key that nobody could tell us of.
            Err(BadToken::UnknownKey) if issuer.is_away() => Err(Denied::Unverifiable),
            Err(bad) => Err(told(&bad, Some(issuer))),
        }
    }

    /// Tells whose keys have to be fetched to verify a token that is not known.
    pub(crate) fn wanting(&self, credential: &[u8]) -> Option<(Arc<Issuer>, Need)> {
        if !self.may_know(credential) {
            return None;
        }
        let token = Compact::parse(credential).ok()?;
        let issuer = self.whose(&token)?;
        issuer.need(&token).map(|need| (Arc::clone(issuer), need))
    }

    /// Finds the issuer that a token says it has; one without a name takes what no other does.
    fn whose(&self, token: &Compact<'_>) -> Option<&Arc<Issuer>> {
        let named = token.issuer();
        let has_name = |issuer: &&Arc<Issuer>| {
            let own = issuer.source.trust.issuer.as_deref();
            own.is_some() && own == named.as_deref()
        };
        let unnamed = || self.all.iter().find(|issuer| issuer.source.trust.issuer.is_none());
        self.all.iter().find(has_name).or_else(unnamed)
    }
}

// === impl Issuer ===

impl Issuer {
    fn new(source: Source) -> Result<Arc<Self>, StartError> {
        let begun = Instant::now();
        let keys = match &source.place {
            Place::Secret(secret) => {
                let set = KeySet::of_secret(secret.expose())
                    .map_err(|source| StartError::TokenSecret { source })?;
                Some(Arc::new(Keys { set, text: Bytes::new(), at: begun }))
            }
            Place::Url(_) | Place::Discovered(_) => None,
        };
        Ok(Arc::new(Self {
            source,
            keys: ArcSwapOption::new(keys),
            known: Known::default(),
            fetching: tokio::sync::Mutex::default(),
            tried: Mutex::default(),
            fetches: Meter::default(),
            begun,
        }))
    }

    /// Returns its name for the log.
    fn name(&self) -> &str {
        self.source.trust.issuer.as_deref().unwrap_or(gantry_policy::jwt::UNNAMED_ISSUER)
    }

    fn admit(
        &self,
        verified: &Verified,
        address: &[String],
        now: u64,
    ) -> Result<Arc<Principal>, Denied> {
        let checked = self.source.trust.check(verified, address, now);
        checked.map_err(|bad| told(&bad, Some(self)))?;
        Ok(Arc::clone(&verified.principal))
    }

    /// Tells whether its keys are too old to be believed, or were never there.
    fn are_keys_gone(&self) -> bool {
        let is_fetched = !matches!(self.source.place, Place::Secret(_));
        let age = self.keys.load().as_ref().map(|keys| keys.at.elapsed());
        is_fetched && age.is_none_or(|age| age > self.source.keys_kept)
    }

    /// Tells whether it could not be reached when it was asked last.
    fn is_away(&self) -> bool {
        self.tried.lock().is_some_and(|tried| tried.has_failed)
    }

    fn need(&self, token: &Compact<'_>) -> Option<Need> {
        if matches!(self.source.place, Place::Secret(_)) {
            return None;
        }
        let keys = self.keys.load();
        let Some(keys) = keys.as_ref().filter(|_| !self.are_keys_gone()) else {
            return Some(Need::Now);
        };
        if keys.set.candidates(token.key_id()).next().is_none() {
            return Some(Need::Now);
        }
        (keys.at.elapsed() > FRESH).then_some(Need::Soon)
    }

    /// Takes up keys; tokens that were verified with others are verified again.
    fn take_up(&self, set: KeySet, text: Bytes) {
        let at = Instant::now();
        let is_same = self.keys.load().as_ref().is_some_and(|before| before.text == text);
        let n_keys = set.len();
        self.keys.store(Some(Arc::new(Keys { set, text, at })));
        if !is_same {
            self.known.clear();
            gantry_core::log::info!(
                issuer = self.name(),
                n_keys,
                "The keys of an issuer were fetched."
            );
        }
        *self.tried.lock() = Some(Tried { has_failed: false, at });
    }
}

/// Says for the log what is wrong with a token, and what the client is told.
fn told(bad: &BadToken, issuer: Option<&Issuer>) -> Denied {
    let issuer = issuer.map(Issuer::name);
    gantry_core::log::debug!(reason = %bad, issuer, "A signed token opens nothing.");
    match bad {
        BadToken::Expired => Denied::TokenExpired,
        BadToken::NotYet => Denied::TokenNotYet,
        BadToken::Audience => Denied::TokenForOthers,
        BadToken::Scope => Denied::TokenTooNarrow,
        BadToken::Malformed(_)
        | BadToken::UnknownKey
        | BadToken::Algorithm
        | BadToken::Signature
        | BadToken::Issuer
        | BadToken::Claim(_) => Denied::Wrong,
    }
}

#[cfg(test)]
mod tests;
