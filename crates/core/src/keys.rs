//! The port to the API keys that the gateway made: what is kept of each, which is not the key.
//!
//! A key is drawn, shown once and forgotten; its digest stays. What a key opens is decided in
//! `gantry_policy`.

use crate::BoxFuture;
use crate::store::StoreError;

/// A keyed digest of a secret.
pub type Digest = [u8; 32];

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its public part, by which it is named.
    pub id: Box<str>,
    /// Its digest.
    pub digest: Digest,
    /// A fingerprint of the pepper that the digest was made with: under another one the key opens
    /// nothing.
    pub pepper: u32,
    /// The principal that a bearer of the key is.
    pub name: Box<str>,
    /// The scopes that limit it; `None` if it is not limited by scopes.
    pub scopes: Option<Box<[Box<str>]>>,
    /// The roles that rules may name.
    pub roles: Box<[Box<str>]>,
    /// The tier whose limits apply.
    pub tier: Option<Box<str>>,
    /// Unix seconds at which it was made.
    pub made_at: u64,
    /// Unix seconds from which on it opens nothing.
    pub expires_at: Option<u64>,
    /// Unix seconds of a use, to within a minute of the last one.
    pub used_at: Option<u64>,
    /// Unix seconds at which it was taken back.
    pub revoked_at: Option<u64>,
}

/// A change of the stored keys. One that names a key that is not there changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// A new key. Fails if one of its id or digest is there.
    Make(Box<StoredKey>),
    /// A key opens nothing from these unix seconds on, or from earlier on if that is so already.
    Expire {
        /// Which.
        id: Box<str>,
        /// Unix seconds.
        at: u64,
    },
    /// A key was taken back; the first time stands.
    Revoke {
        /// Which.
        id: Box<str>,
        /// Unix seconds.
        at: u64,
    },
    /// Nothing is known of a key any more.
    Forget {
        /// Which.
        id: Box<str>,
    },
}

/// Keeps API keys. There are so few that whoever checks them holds all in memory.
pub trait KeyStore: Send + Sync + std::fmt::Debug + 'static {
    /// Returns every key, by when it was made and by its id.
    fn keys(&self) -> BoxFuture<'_, Result<Vec<StoredKey>, StoreError>>;
    /// Makes changes in their order, all or none; they are kept when this returns.
    fn change_keys(&self, changes: Vec<KeyChange>) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Notes that a key was used at these unix seconds; an earlier moment changes nothing.
    fn key_used(&self, id: &str, at: u64) -> BoxFuture<'_, Result<(), StoreError>>;
}
