//! Who calls.

use std::hash::{DefaultHasher, Hash, Hasher as _};

/// An identity, as authentication established it.
///
/// Handles (sessions, cursors) are bound to (issuer, subject), never to the credential, so that a
/// refreshed token goes on (`docs/eras.md`, identity).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    /// Who vouches: `gantry` for itself, or the URL of an issuer.
    pub issuer: Box<str>,
    /// The name within the issuer.
    pub subject: Box<str>,
}

impl Principal {
    /// Returns the principal of the loopback without authentication.
    pub fn anonymous() -> Self {
        Self::of_gantry("anonymous")
    }

    /// Returns the principal of the unix socket and of stdio.
    pub fn local() -> Self {
        Self::of_gantry("local")
    }

    /// Returns a principal that the configuration names.
    pub fn of_gantry(subject: &str) -> Self {
        Self { issuer: "gantry".into(), subject: subject.into() }
    }

    /// Returns a short fingerprint to bind a sealed handle to.
    ///
    /// It need not resist forgery: it stands inside a sealed token.
    pub fn fingerprint(&self) -> u64 {
        // `DefaultHasher::new` has fixed keys, so that replicas and restarts agree.
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}
