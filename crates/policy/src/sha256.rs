//! SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), for what is digested with every call.
//!
//! By ring, which uses the processor's instructions for SHA where they are, and vector instructions where
//! they are not. Many texts at once are digested side by side, by `tape-sha256`.

use std::sync::LazyLock;

use ring::{digest, hmac};

/// Bytes of a digest.
pub(crate) const BYTES: usize = 32;
/// A digest.
pub(crate) type Hash = [u8; BYTES];

/// Fewer texts than that are digested faster one by one.
const FEW: usize = 4;
/// Texts by which it is found out whether several are digested well: more than any processor does at once, and
/// of all lengths that differ in how they end.
const SAMPLES: usize = 100;

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

/// Digests each of several texts, side by side where that is faster.
pub(crate) fn sha256_each(texts: &[&[u8]]) -> Vec<Hash> {
    if texts.len() < FEW || !*AGREES {
        return texts.iter().map(|text| sha256(text)).collect();
    }
    side_by_side(texts)
}

fn side_by_side(texts: &[&[u8]]) -> Vec<Hash> {
    let mut hashes = vec![Hash::default(); texts.len()];
    tape_sha256::hash_many(texts, &mut hashes);
    hashes
}

/// Whether both ways come to the same on this processor. There is other code for each family of them, and
/// what it got wrong would be found when a trail is checked, which is too late.
static AGREES: LazyLock<bool> = LazyLock::new(|| {
    let text: Vec<u8> = (0..=u8::MAX).cycle().take(6 * SAMPLES).collect();
    let texts: Vec<&[u8]> = (0..SAMPLES).map(|n| &text[n..6 * n]).collect();
    let agrees =
        side_by_side(&texts).iter().eq(&texts.iter().map(|text| sha256(text)).collect::<Vec<_>>());
    if !agrees {
        gantry_core::log::error!(
            kind = tape_sha256::backend(),
            "This processor's way to digest several texts at once is wrong and is not used."
        );
    }
    agrees
});

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
    fn each_of_several_texts_has_its_own_digest() {
        assert!(*AGREES);
        let texts: Vec<Vec<u8>> = (0..70).map(|n| vec![b'x'; 19 * n]).collect();
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        for n in 0..texts.len() {
            let one_by_one: Vec<_> = texts[..n].iter().map(|text| sha256(text)).collect();
            assert_eq!(sha256_each(&texts[..n]), one_by_one);
        }
    }

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
