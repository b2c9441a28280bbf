//! Tokens that were verified, by their SHA-256: a token that is known costs a digest and a step in a
//! map, and no signature.
//!
//! There are two generations. When the younger one is full it becomes the older one, and what was
//! not used since is forgotten: nothing is searched for room, and no more is kept than twice the
//! bound.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::Verified;
use crate::sha256::{Hash, sha256};

/// Most tokens of a generation.
const MOST: usize = 8192;

/// What a token is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(Hash);

/// Tokens that were verified.
#[derive(Default)]
pub struct Known {
    generations: RwLock<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Fingerprint, Arc<Verified>>,
    old: HashMap<Fingerprint, Arc<Verified>>,
}

// === impl Fingerprint ===

impl Fingerprint {
    /// Digests a token.
    pub fn of(token: &[u8]) -> Self {
        Self(sha256(token))
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Fingerprint").finish_non_exhaustive()
    }
}

// === impl Known ===

impl Known {
    /// Finds a token.
    pub fn find(&self, name: Fingerprint) -> Option<Arc<Verified>> {
        let generations = self.generations.read();
        if let Some(known) = generations.young.get(&name) {
            return Some(Arc::clone(known));
        }
        let known = Arc::clone(generations.old.get(&name)?);
        drop(generations);
        self.generations.write().keep(name, Arc::clone(&known));
        Some(known)
    }

    /// Keeps a token that was verified.
    pub fn keep(&self, name: Fingerprint, verified: &Arc<Verified>) {
        self.generations.write().keep(name, Arc::clone(verified));
    }

    /// Forgets all: a key that one of them was signed with may be gone.
    pub fn clear(&self) {
        *self.generations.write() = Generations::default();
    }

    /// Returns how many are kept.
    pub fn len(&self) -> usize {
        let generations = self.generations.read();
        generations.young.len() + generations.old.len()
    }

    /// Tells whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

// === impl Generations ===

impl Generations {
    fn keep(&mut self, name: Fingerprint, verified: Arc<Verified>) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&name);
        self.young.insert(name, verified);
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Known").field("len", &self.len()).finish()
    }
}
