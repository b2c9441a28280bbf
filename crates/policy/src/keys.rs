//! Keys of clients: those that the configuration names, and those that the gateway made.
//!
//! A key is looked up by its digest, an HMAC-SHA-256 under a secret of the gateway's own, the pepper:
//! without it nobody can tell from a stolen database whether a key is in it, and nobody who sends
//! keys knows anything of the digests that are compared, so that the time of a lookup says nothing.
//! All keys are in memory, and a lookup is one digest and one step in a map: there is no cache that
//! could know a key which was taken back. Only the digest may be remembered ([`crate::shown`]).
//!
//! No clock here: who asks says what time it is. Which keys there are is stored by
//! [`gantry_core::keys::KeyStore`].

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gantry_core::keys::{Digest, KeyChange, StoredKey};
use gantry_core::seal::{self, SealError};
use gantry_core::{Grants, Principal};

use crate::admin::{TokenError, check_name, check_secret};
use crate::credential::Denied;
use crate::sha256::MacKey;
use crate::shown::Shown;

/// What every key that the gateway makes begins with, so that people and scanners know one.
pub const MARK: &str = "gk_";
/// Characters of the public part after the mark: 50 bits, to tell keys apart.
const ID: usize = 10;
const ID_LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Seconds between two times at which a use is written down.
const USE_INTERVAL: u64 = 60;

/// The secret that digests are made with.
#[derive(Clone)]
pub struct Pepper {
    key: MacKey,
    fingerprint: u32,
    /// Tells it from others of this process.
    id: u64,
}

/// Peppers that this process has made.
static PEPPERS: AtomicU64 = AtomicU64::new(0);

/// A key as the configuration has it.
#[derive(Clone)]
pub struct KeyEntry {
    /// The principal that it stands for; several keys may share one, so that they can be replaced one
    /// after the other.
    pub name: String,
    /// What a client sends.
    pub secret: String,
    /// What it grants.
    pub grants: Grants,
    /// Unix seconds from which on it opens nothing.
    pub expires_at: Option<u64>,
}

/// A key that was just made; shown once.
pub struct DrawnKey {
    /// The whole key.
    pub text: String,
    /// Its public part: the mark and some letters.
    pub id: Box<str>,
}

/// What is known of a key.
#[derive(Debug)]
pub struct Key {
    /// Its public part; empty for one of the configuration.
    pub id: Box<str>,
    /// Whom it stands for, and what it grants.
    pub principal: Arc<Principal>,
    /// Unix seconds.
    pub made_at: u64,
    /// Unix seconds from which on it opens nothing.
    pub expires_at: Option<u64>,
    /// Unix seconds at which it was taken back.
    pub revoked_at: Option<u64>,
    /// Of the pepper that its digest was made with.
    pepper: u32,
    /// Unix seconds; 0 if it was never used.
    used_at: AtomicU64,
}

/// What a key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It opens.
    Active,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
    /// The pepper is another one since it was made.
    Unusable,
}

/// Nobody without the pepper can choose digests that meet, so that a fast hash is enough.
type Keys = HashMap<Digest, Arc<Key>, foldhash::fast::RandomState>;

/// Keys by their digests. Immutable but for when each was used; a change makes a new one.
pub struct KeyTable {
    pepper: Pepper,
    keys: Keys,
}

// === impl Pepper ===

impl Pepper {
    /// Fewest bytes of one that somebody chose.
    pub const LEAST: usize = 16;

    /// Takes the secret.
    ///
    /// # Errors
    /// [`SealError::TooShort`].
    pub fn new(secret: &[u8]) -> Result<Self, SealError> {
        if secret.len() < Self::LEAST {
            return Err(SealError::TooShort { least: Self::LEAST, found: secret.len() });
        }
        let key = MacKey::new(secret);
        let [a, b, c, d, ..] = key.sign(&[b"gantry/pepper/1"]);
        // Ordering: the number orders nothing but itself.
        let id = PEPPERS.fetch_add(1, Ordering::Relaxed);
        Ok(Self { key, fingerprint: u32::from_be_bytes([a, b, c, d]), id })
    }

    /// Draws one, for keys that are not stored.
    pub fn random() -> Result<Self, SealError> {
        Self::new(&seal::random::<32>()?)
    }

    /// Returns the digest of a key.
    pub fn digest(&self, secret: &[u8]) -> Digest {
        self.key.sign(&[secret])
    }

    /// Tells it from others of this process; clones have the same.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Tells it from others, and nothing of it.
    pub fn fingerprint(&self) -> u32 {
        self.fingerprint
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pepper(<redacted>)")
    }
}

// === impl KeyEntry ===

impl fmt::Debug for KeyEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl DrawnKey ===

impl DrawnKey {
    /// Draws a key: `gk_`, the public part, `_`, and 256 random bits.
    pub fn draw() -> Result<Self, SealError> {
        let letter = |byte: u8| char::from(ID_LETTERS[usize::from(byte) % ID_LETTERS.len()]);
        let letters: String = seal::random::<ID>()?.into_iter().map(letter).collect();
        let id = format!("{MARK}{letters}");
        let secret = BASE64_URL_SAFE_NO_PAD.encode(seal::random::<32>()?);
        Ok(Self { text: format!("{id}_{secret}"), id: id.into_boxed_str() })
    }
}

impl fmt::Debug for DrawnKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DrawnKey").field("id", &self.id).finish_non_exhaustive()
    }
}

// === impl Key ===

impl Key {
    /// Returns when it was used last, in unix seconds; within a minute for one that was read from a
    /// store.
    pub fn used_at(&self) -> Option<u64> {
        Some(self.used_at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// Notes a use, and tells whether it is time to write it down.
    pub fn note_use(&self, now: u64) -> bool {
        let last = self.used_at.load(Ordering::Relaxed);
        // Ordering: the number stands alone; of two at once one writes it down.
        let swap =
            |now| self.used_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
        now >= last.saturating_add(USE_INTERVAL) && swap(now).is_ok()
    }

    /// Tells whether it opens at a moment.
    fn check(&self, now: impl FnOnce() -> u64) -> Result<(), Denied> {
        if self.revoked_at.is_some() {
            return Err(Denied::Revoked);
        }
        match self.expires_at {
            Some(at) if at <= now() => Err(Denied::Expired),
            _ => Ok(()),
        }
    }

    fn of_stored(key: StoredKey) -> Self {
        let grants = Grants {
            scopes: key.scopes.map(Into::into),
            roles: key.roles,
            tier: key.tier,
            credential: Some(format!("key {}", key.id).into_boxed_str()),
        };
        Self {
            principal: Arc::new(Principal { grants, ..Principal::of_gantry(&key.name) }),
            id: key.id,
            made_at: key.made_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            pepper: key.pepper,
            used_at: AtomicU64::new(key.used_at.unwrap_or(0)),
        }
    }

    /// Returns the same key with another end.
    fn ending(&self, expires_at: Option<u64>, revoked_at: Option<u64>) -> Self {
        Self {
            id: self.id.clone(),
            principal: Arc::clone(&self.principal),
            made_at: self.made_at,
            expires_at,
            revoked_at,
            pepper: self.pepper,
            used_at: AtomicU64::new(self.used_at.load(Ordering::Relaxed)),
        }
    }
}

// === impl KeyTable ===

impl KeyTable {
    /// Takes the keys of a configuration and forgets their secrets. Their digests are nowhere else,
    /// so their pepper is drawn.
    pub fn of_config(entries: Vec<KeyEntry>) -> Result<Self, ConfigError> {
        let pepper = Pepper::random()?;
        let mut keys = Keys::default();
        for entry in entries {
            check_name(&entry.name)?;
            check_secret(&entry.name, &entry.secret)?;
            let digest = pepper.digest(entry.secret.as_bytes());
            let principal = Principal { grants: entry.grants, ..Principal::of_gantry(&entry.name) };
            let key = Key {
                id: Box::default(),
                principal: Arc::new(principal),
                made_at: 0,
                expires_at: entry.expires_at,
                revoked_at: None,
                pepper: pepper.fingerprint,
                used_at: AtomicU64::new(0),
            };
            if let Some(first) = keys.insert(digest, Arc::new(key)) {
                let first = first.principal.subject.to_string();
                return Err(TokenError::Shared { first, second: entry.name }.into());
            }
        }
        Ok(Self { pepper, keys })
    }

    /// Takes the keys of a store.
    pub fn of_store(stored: Vec<StoredKey>, pepper: Pepper) -> Self {
        let entry = |key: StoredKey| (key.digest, Arc::new(Key::of_stored(key)));
        Self { pepper, keys: stored.into_iter().map(entry).collect() }
    }

    /// Returns the table as it is after changes, made in their order as a store makes them.
    #[must_use]
    pub fn changed(&self, changes: &[KeyChange]) -> Self {
        let mut keys = self.keys.clone();
        for change in changes {
            match change {
                KeyChange::Make(key) => {
                    keys.insert(key.digest, Arc::new(Key::of_stored((**key).clone())));
                }
                KeyChange::Forget { id } => keys.retain(|_, key| key.id != *id),
                KeyChange::Expire { id, at } => edit(&mut keys, id, |key| {
                    let at = key.expires_at.map_or(*at, |earlier| earlier.min(*at));
                    key.ending(Some(at), key.revoked_at)
                }),
                KeyChange::Revoke { id, at } => edit(&mut keys, id, |key| {
                    key.ending(key.expires_at, key.revoked_at.or(Some(*at)))
                }),
            }
        }
        Self { pepper: self.pepper.clone(), keys }
    }

    /// Tells whether there is no key, not even one that opens nothing any more.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns how many keys there are, those that open nothing any more among them.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Finds the key that a client presents, if it opens at `now` (unix seconds), which is asked for only where the
    /// key has an end. `shown` is what its connection remembers.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn find(
        &self,
        secret: &[u8],
        shown: &Shown,
        now: impl FnOnce() -> u64,
    ) -> Result<&Arc<Key>, Denied> {
        if self.keys.is_empty() {
            return Err(Denied::Wrong);
        }
        let key = self.keys.get(&shown.digest(secret, &self.pepper)).ok_or(Denied::Wrong)?;
        key.check(now).map(|()| key)
    }

    /// Returns a key by its public part.
    pub fn get(&self, id: &str) -> Option<&Arc<Key>> {
        self.keys.values().find(|key| *key.id == *id)
    }

    /// Returns every key, the oldest first.
    pub fn all(&self) -> Vec<Arc<Key>> {
        let mut keys: Vec<_> = self.keys.values().map(Arc::clone).collect();
        keys.sort_by(|one, other| (one.made_at, &one.id).cmp(&(other.made_at, &other.id)));
        keys
    }

    /// Tells what a key of this table is good for at `now` (unix seconds).
    pub fn state(&self, key: &Key, now: u64) -> KeyState {
        match key.check(|| now) {
            Err(Denied::Revoked) => KeyState::Revoked,
            Err(_) => KeyState::Expired,
            Ok(()) if key.pepper != self.pepper.fingerprint => KeyState::Unusable,
            Ok(()) => KeyState::Active,
        }
    }

    /// Returns the secret that digests of this table are made with.
    pub fn pepper(&self) -> &Pepper {
        &self.pepper
    }
}

fn edit(keys: &mut Keys, id: &str, change: impl FnOnce(&Key) -> Key) {
    if let Some(key) = keys.values_mut().find(|key| *key.id == *id) {
        *key = Arc::new(change(key));
    }
}

impl fmt::Debug for KeyTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keys.values().map(|key| (&key.id, &key.principal.subject));
        formatter.debug_tuple("KeyTable").field(&names.collect::<Vec<_>>()).finish()
    }
}

/// Why the keys of a configuration are not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// One of them is not good.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] SealError),
}

#[cfg(test)]
mod tests;
