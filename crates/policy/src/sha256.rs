//! SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), for what is digested with every call.
//!
//! By ring, which uses the processor's instructions for SHA where they are, and vector instructions where
//! they are not.

use ring::{digest, hmac};

/// Bytes of a digest.
pub(crate) const BYTES: usize = 32;
/// A digest.
pub(crate) type Hash = [u8; BYTES];

/// A text that is digested piece by piece.
#[derive(Clone)]
pub(crate) struct Sha256(digest::Context);

/// A key for messages, which has been taken in: each costs the digest of itself.
#[derive(Clone)]
pub(crate) struct MacKey(hmac::Key);

/// Digests a text.
pub(crate) fn sha256(text: &[u8]) -> Hash {
    bytes(digest::digest(&digest::SHA256, text).as_ref())
}

fn bytes(digest: &[u8]) -> Hash {
    let mut hash = [0; BYTES];
    // Both algorithms have digests of this length.
    hash.copy_from_slice(digest);
    hash
}

// === impl Sha256 ===

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub(crate) fn finish(self) -> Hash {
        bytes(self.0.finish().as_ref())
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sha256").finish_non_exhaustive()
    }
}

// === impl MacKey ===

impl MacKey {
    /// Takes a key of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Authenticates a message in its pieces.
    pub(crate) fn sign(&self, message: &[&[u8]]) -> Hash {
        let mut mac = hmac::Context::with_key(&self.0);
        for piece in message {
            mac.update(piece);
        }
        bytes(mac.sign().as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::chain::hex;

    #[test]
    fn digests_are_those_of_the_standards() {
        // FIPS 180-4, the example of one block.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut pieces = Sha256::new();
        pieces.update(b"a");
        pieces.update(b"bc");
        assert_eq!(
            (hex(&sha256(b"abc")), hex(&pieces.finish())),
            (expected.into(), expected.into())
        );
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let signed = MacKey::new(b"Jefe").sign(&[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hex(&signed), expected);
    }
}
