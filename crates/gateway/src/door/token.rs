//! The id of a legacy session as its client holds it: sealed, so that it can neither be guessed
//! nor used by somebody else.

use gantry_core::Principal;
use gantry_core::seal::{KeyRing, Purpose, SealError};
use gantry_core::session::SessionId;
use gantry_protocol::Revision;

const VERSION: u8 = 1;
const LENGTH: usize = 1 + 16 + 1 + 1 + 8 + 8;

/// What a session id says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionToken {
    /// The session's number.
    pub(super) id: SessionId,
    /// Agreed at `initialize`.
    pub(super) revision: Revision,
    /// What the client can be asked for, should the record be lost: `Profile::bits`.
    pub(super) profile: u8,
    /// Whose it is: `Principal::fingerprint`.
    pub(super) principal: u64,
    /// Unix seconds.
    pub(super) issued: u64,
}

impl SessionToken {
    pub(super) fn seal(&self, keys: &KeyRing) -> Result<String, SealError> {
        let mut payload = Vec::with_capacity(LENGTH);
        payload.push(VERSION);
        payload.extend_from_slice(&self.id);
        payload.push(revision_number(self.revision));
        payload.push(self.profile);
        payload.extend_from_slice(&self.principal.to_be_bytes());
        payload.extend_from_slice(&self.issued.to_be_bytes());
        keys.seal(Purpose::Session, &payload)
    }

    /// Opens a session id; `None` for whatever is none of ours, or is somebody else's.
    pub(super) fn open(keys: &KeyRing, text: &str, principal: &Principal) -> Option<Self> {
        let payload = keys.open(Purpose::Session, text)?;
        let (version, rest) = payload.split_first()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let ([revision, profile], rest) = rest.split_first_chunk::<2>()?;
        let (owner, rest) = rest.split_first_chunk::<8>()?;
        let (issued, rest) = rest.split_first_chunk::<8>()?;
        if *version != VERSION || !rest.is_empty() {
            return None;
        }
        let token = Self {
            id: *id,
            revision: revision_of(*revision)?,
            profile: *profile,
            principal: u64::from_be_bytes(*owner),
            issued: u64::from_be_bytes(*issued),
        };
        (token.principal == principal.fingerprint()).then_some(token)
    }
}

/// The numbers stand in tokens that outlive a process: none may change its meaning.
fn revision_number(revision: Revision) -> u8 {
    match revision {
        Revision::V2024_11_05 => 1,
        Revision::V2025_03_26 => 2,
        Revision::V2025_06_18 => 3,
        Revision::V2025_11_25 => 4,
        Revision::V2026_07_28 => 5,
    }
}

fn revision_of(number: u8) -> Option<Revision> {
    Revision::ALL.into_iter().find(|revision| revision_number(*revision) == number)
}

#[cfg(test)]
mod tests {
    use gantry_core::Principal;
    use gantry_core::seal::{KeyRing, Purpose};
    use gantry_protocol::Revision;

    use super::{SessionToken, VERSION};

    fn token(revision: Revision) -> SessionToken {
        let principal = Principal::of_gantry("ann").fingerprint();
        SessionToken { id: [7; 16], revision, profile: 5, principal, issued: 1_700_000_000 }
    }

    #[test]
    fn a_session_id_says_what_was_sealed_and_fits_a_header() {
        let keys = KeyRing::random().unwrap();
        for revision in Revision::ALL {
            let sealed = token(revision).seal(&keys).unwrap();
            assert!(sealed.len() <= 200, "{}", sealed.len());
            let opened = SessionToken::open(&keys, &sealed, &Principal::of_gantry("ann"));
            assert_eq!(opened, Some(token(revision)));
        }
    }

    #[test]
    fn a_session_id_is_of_no_use_to_somebody_else() {
        let keys = KeyRing::random().unwrap();
        let sealed = token(Revision::V2025_11_25).seal(&keys).unwrap();
        assert_eq!(SessionToken::open(&keys, &sealed, &Principal::of_gantry("bob")), None);
    }

    #[test]
    fn a_payload_of_another_form_is_refused() {
        let keys = KeyRing::random().unwrap();
        for payload in [&[][..], &[VERSION], &[VERSION; 34], &[VERSION; 36], &[9; 35]] {
            let sealed = keys.seal(Purpose::Session, payload).unwrap();
            assert_eq!(SessionToken::open(&keys, &sealed, &Principal::anonymous()), None);
        }
    }
}
