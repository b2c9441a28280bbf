//! Who calls, and what their credential grants.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The issuer that only the gateway itself can be.
const ADMINISTRATOR: &str = "gantry:admin";

/// An identity, as authentication established it.
///
/// Handles (sessions, cursors) are bound to (issuer, subject), never to the credential, so that a
/// refreshed token goes on (`docs/eras.md`, identity). So two principals are equal if these are,
/// whatever their credentials grant.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Who vouches: `gantry` for itself, or the URL of an issuer.
    pub issuer: Box<str>,
    /// The name within the issuer.
    pub subject: Box<str>,
    /// What the credential of this request grants.
    pub grants: Grants,
}

/// What a credential grants to whoever shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The scopes that limit it, such as `mcp:read`; `None` if it is not limited by scopes.
    pub scopes: Option<Arc<[Box<str>]>>,
    /// The roles that rules may name.
    pub roles: Box<[Box<str>]>,
    /// The tier whose limits apply.
    pub tier: Option<Box<str>>,
    /// Which credential it was, for the audit trail: its kind and public part, never a secret.
    pub credential: Option<Box<str>>,
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
        Self::new("gantry", subject)
    }

    /// Returns the administrator who is no client: it looks at everything and calls nothing.
    pub fn administrator() -> Self {
        Self::new(ADMINISTRATOR, "administrator")
    }

    /// Tells whether this is the administrator who is no client.
    pub fn is_administrator(&self) -> bool {
        &*self.issuer == ADMINISTRATOR
    }

    /// Returns a principal to whom nothing is granted beyond what everybody has.
    pub fn new(issuer: &str, subject: &str) -> Self {
        Self { issuer: issuer.into(), subject: subject.into(), grants: Grants::default() }
    }

    /// Tells whether this is the user of this machine whose gateway it is.
    pub fn is_local(&self) -> bool {
        self.key() == ("gantry", "local")
    }

    /// Tells whether it is nobody in particular.
    pub fn is_anonymous(&self) -> bool {
        self.key() == ("gantry", "anonymous")
    }

    fn key(&self) -> (&str, &str) {
        (&self.issuer, &self.subject)
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

impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Principal {}

impl Hash for Principal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for Principal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Principal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::{Grants, Principal};

    #[test]
    fn a_credential_makes_no_other_identity() {
        let plain = Principal::new("https://id.example.com/", "ada");
        let grants = Grants { tier: Some("gold".into()), ..Grants::default() };
        let gold = Principal { grants, ..plain.clone() };
        assert_eq!(plain, gold);
        assert_eq!(plain.fingerprint(), gold.fingerprint());
        assert_ne!(plain, Principal::new("gantry", "ada"));
    }
}
