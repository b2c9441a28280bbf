//! Sealed tokens: what a client holds for us and cannot read, forge or use elsewhere.
//!
//! XChaCha20-Poly1305 under a key that HKDF-SHA-256 (RFC 5869) derives from the ring's secret for
//! each purpose, so that a cursor can never pass for a session. Tokens are base64url without
//! padding: `version | key id | nonce | sealed payload`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};

const VERSION: u8 = 1;
const NONCE: usize = 24;
/// Longer ones are refused unread; ours have at most a fraction of it.
const MAX_TOKEN: usize = 8192;

/// The purpose of a token; part of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A legacy session id.
    Session,
    /// A list cursor.
    Cursor,
    /// What an approval is for, while its client asks for it.
    Approval,
}

/// The secrets that tokens are sealed with: the current one and, while it is replaced, the
/// previous one.
pub struct KeyRing {
    keys: Vec<SealKey>,
}

struct SealKey {
    id: u8,
    session: XChaCha20Poly1305,
    cursor: XChaCha20Poly1305,
    approval: XChaCha20Poly1305,
    signing: [u8; 32],
}

/// Why the operating system's randomness or a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Weak secrets are refused.
    #[error("a secret for this needs at least {least} bytes, this one has {found}")]
    TooShort {
        /// Bytes.
        least: usize,
        /// Bytes.
        found: usize,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

impl KeyRing {
    /// Shortest secret taken.
    pub const LEAST_SECRET: usize = 32;

    /// Makes a ring; the first secret seals, all open.
    pub fn new(secrets: &[&[u8]]) -> Result<Self, SealError> {
        let keys =
            secrets.iter().map(|secret| SealKey::derive(secret)).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    /// Makes a ring of one random secret, for processes that keep nothing.
    pub fn random() -> Result<Self, SealError> {
        Self::new(&[&random::<32>()?])
    }

    /// Returns a secret for what is signed and not sealed; another one than seals anything, and the
    /// same as long as the ring's current secret is.
    pub fn signing_secret(&self) -> [u8; 32] {
        // An empty ring seals nothing, and what it signs nobody can check.
        self.keys.first().map_or([0; 32], |key| key.signing)
    }

    /// Seals a payload.
    pub fn seal(&self, purpose: Purpose, payload: &[u8]) -> Result<String, SealError> {
        let key = self.keys.first().ok_or(SealError::TooShort { least: 1, found: 0 })?;
        let nonce = random::<NONCE>()?;
        let head = [VERSION, key.id];
        let sealed = key
            .cipher(purpose)
            .encrypt(&XNonce::from(nonce), Payload { msg: payload, aad: &head })
            .map_err(|_| SealError::NoRandomness)?;
        let mut token = Vec::with_capacity(2 + NONCE + sealed.len());
        token.extend_from_slice(&head);
        token.extend_from_slice(&nonce);
        token.extend_from_slice(&sealed);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(token))
    }

    /// Opens a token; `None` for whatever this ring did not seal for this purpose.
    pub fn open(&self, purpose: Purpose, token: &str) -> Option<Vec<u8>> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (head, rest) = bytes.split_at_checked(2)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        if head[0] != VERSION {
            return None;
        }
        let key = self.keys.iter().find(|key| key.id == head[1])?;
        key.cipher(purpose).decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: head }).ok()
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KeyRing").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl SealKey {
    fn derive(secret: &[u8]) -> Result<Self, SealError> {
        if secret.len() < KeyRing::LEAST_SECRET {
            return Err(SealError::TooShort { least: KeyRing::LEAST_SECRET, found: secret.len() });
        }
        let derive = Hkdf::<Sha256>::new(Some(b"gantry/seal/1"), secret);
        let key = |label: &[u8]| {
            let mut key = [0_u8; 32];
            derive.expand(label, &mut key).expect("32 bytes are a valid HKDF-SHA-256 length");
            key
        };
        let cipher = |label: &[u8]| XChaCha20Poly1305::new(&Key::from(key(label)));
        let id = Sha256::digest([b"gantry/seal/id/1".as_slice(), secret].concat())[0];
        let (session, cursor) = (cipher(b"session"), cipher(b"cursor"));
        let (approval, signing) = (cipher(b"approval"), key(b"signing"));
        Ok(Self { id, session, cursor, approval, signing })
    }

    fn cipher(&self, purpose: Purpose) -> &XChaCha20Poly1305 {
        match purpose {
            Purpose::Session => &self.session,
            Purpose::Cursor => &self.cursor,
            Purpose::Approval => &self.approval,
        }
    }
}

/// Returns random bytes of the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, Purpose};

    #[test]
    fn a_token_opens_for_its_purpose_and_ring_alone() {
        let ring = KeyRing::random().unwrap();
        let token = ring.seal(Purpose::Session, b"payload").unwrap();
        assert_eq!(ring.open(Purpose::Session, &token).as_deref(), Some(&b"payload"[..]));
        assert_eq!(ring.open(Purpose::Cursor, &token), None);
        assert_eq!(KeyRing::random().unwrap().open(Purpose::Session, &token), None);
    }

    #[test]
    fn a_changed_or_cut_token_does_not_open() {
        let ring = KeyRing::random().unwrap();
        let token = ring.seal(Purpose::Session, b"payload").unwrap();
        for end in 0..token.len() {
            assert_eq!(ring.open(Purpose::Session, token.get(..end).unwrap()), None);
        }
        assert_eq!(ring.open(Purpose::Session, &format!("{token}x")), None);
        assert_eq!(ring.open(Purpose::Session, ""), None);
        assert_eq!(ring.open(Purpose::Session, "é"), None);
    }

    #[test]
    fn a_previous_secret_still_opens() {
        let (old, new) = ([1_u8; 32], [2_u8; 32]);
        let token = KeyRing::new(&[&old]).unwrap().seal(Purpose::Cursor, b"x").unwrap();
        assert!(KeyRing::new(&[&new, &old]).unwrap().open(Purpose::Cursor, &token).is_some());
        assert!(KeyRing::new(&[&new]).unwrap().open(Purpose::Cursor, &token).is_none());
    }
}
