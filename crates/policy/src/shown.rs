//! What a connection remembers of the credential that it showed last: digests, which cost more than all
//! else that is done to find out who asks, and are the same with every request.
//!
//! What a credential opens is not remembered. That is looked up each time, so that one which was taken
//! back opens nothing.

use gantry_core::keys::Digest;
use parking_lot::Mutex;
use subtle::ConstantTimeEq as _;

use crate::jwt::Fingerprint;
use crate::keys::Pepper;

/// Longer credentials are not remembered: a connection is to hold little.
const LONGEST: usize = 4 * 1024;
/// Peppers under which a key is looked for: that of the configuration's keys, and that of stored ones.
const PEPPERS: usize = 2;

/// The credential that a connection showed last.
#[derive(Default)]
pub struct Shown(Mutex<Option<Last>>);

struct Last {
    credential: Box<[u8]>,
    of_token: Option<Fingerprint>,
    /// With what tells the pepper from others; the latest stands last.
    of_key: [Option<(u64, Digest)>; PEPPERS],
}

impl Shown {
    /// Returns what [`Pepper::digest`] does.
    pub fn digest(&self, credential: &[u8], pepper: &Pepper) -> Digest {
        self.of(credential, |last| {
            let id = pepper.id();
            if let Some((_, digest)) = last.of_key.iter().flatten().find(|(known, _)| *known == id)
            {
                return *digest;
            }
            let digest = pepper.digest(&last.credential);
            last.of_key = [last.of_key[PEPPERS - 1], Some((id, digest))];
            digest
        })
        .unwrap_or_else(|| pepper.digest(credential))
    }

    /// Returns what [`Fingerprint::of`] does.
    pub fn fingerprint(&self, credential: &[u8]) -> Fingerprint {
        self.of(credential, |last| {
            *last.of_token.get_or_insert_with(|| Fingerprint::of(&last.credential))
        })
        .unwrap_or_else(|| Fingerprint::of(credential))
    }

    /// Asks for a digest of a credential, which is then the last one; `None` if it is not remembered.
    fn of<T>(&self, credential: &[u8], ask: impl FnOnce(&mut Last) -> T) -> Option<T> {
        let mut last = self.0.lock();
        let is_same = |last: &Last| is_same(&last.credential, credential);
        if !last.as_ref().is_some_and(is_same) {
            *last = (credential.len() <= LONGEST).then(|| Last {
                credential: credential.into(),
                of_token: None,
                of_key: [None; PEPPERS],
            });
        }
        last.as_mut().map(ask)
    }
}

/// Compares in constant time: a proxy may have several clients on one connection. Eight bytes at a step, for
/// every request asks.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (ones, _) = one.as_chunks();
    let (others, _) = other.as_chunks();
    let differences = ones
        .iter()
        .zip(others)
        .map(|(one, other)| u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*other));
    let differing = differences.fold(0, |all, bits| all | bits);
    // What fills no eight bytes is compared together with some of those before it, if there are any.
    let is_rest_same = match (one.last_chunk::<8>(), other.last_chunk::<8>()) {
        (Some(one), Some(other)) => u64::from_ne_bytes(*one).ct_eq(&u64::from_ne_bytes(*other)),
        _ => one.ct_eq(other),
    };
    one.len() == other.len() && bool::from(differing.ct_eq(&0) & is_rest_same)
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shown").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_same_remembered_or_not() {
        let [one, two, three] = [(); 3].map(|()| Pepper::random().unwrap());
        let shown = Shown::default();
        let long = vec![b'x'; LONGEST + 1];
        // Each one several times, and others between: what is remembered of one is never taken for another.
        for credential in [&b"first"[..], b"first", b"other", &long, b"", b"first", &long] {
            for pepper in [&one, &two, &one, &three, &two, &three] {
                assert_eq!(shown.digest(credential, pepper), pepper.digest(credential));
            }
            assert_eq!(shown.fingerprint(credential), Fingerprint::of(credential));
        }
        assert!(shown.0.lock().is_none(), "the last one was too long");
    }

    #[test]
    fn credentials_are_the_same_if_every_byte_is() {
        for length in 0..40_u8 {
            let one: Vec<u8> = (0..length).collect();
            assert!(is_same(&one, &one.clone()));
            let longer = [&one[..], b"x"].concat();
            assert!(!is_same(&one, &longer) && !is_same(&longer, &one));
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 0x80;
                assert!(!is_same(&one, &other));
            }
        }
    }

    #[test]
    fn a_pepper_of_the_same_secret_has_the_same_digests() {
        let [one, two] = [(); 2].map(|()| Pepper::new(b"a pepper of sixteen bytes").unwrap());
        let shown = Shown::default();
        assert_eq!(shown.digest(b"key", &one), shown.digest(b"key", &two));
        assert_eq!(shown.digest(b"key", &one), shown.digest(b"key", &one.clone()));
    }
}
