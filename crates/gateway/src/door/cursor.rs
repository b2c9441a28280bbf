//! Where the next page of a list starts: sealed, and bound to the list that the page before came
//! from, so that no entry is skipped or shown twice.

use gantry_core::Principal;
use gantry_core::seal::{KeyRing, Purpose, SealError};

use crate::snapshot::{Section, View};

const VERSION: u8 = 1;

/// What a cursor is good for: one section of one view in one state, for one principal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) view: &'a View,
    pub(super) section: Section,
    pub(super) principal: &'a Principal,
}

impl Place<'_> {
    /// Seals the start of a page.
    pub(super) fn seal(&self, keys: &KeyRing, start: usize) -> Result<String, SealError> {
        let mut payload = self.head();
        payload.extend_from_slice(&(start as u64).to_be_bytes());
        keys.seal(Purpose::Cursor, &payload)
    }

    /// Opens a cursor; `None` for one that is not ours, or was given for another list or for an
    /// earlier state of this one.
    pub(super) fn open(&self, keys: &KeyRing, cursor: &str) -> Option<usize> {
        let payload = keys.open(Purpose::Cursor, cursor)?;
        let start = payload.strip_prefix(self.head().as_slice())?;
        let start = u64::from_be_bytes(start.try_into().ok()?);
        usize::try_from(start).ok()
    }

    fn head(&self) -> Vec<u8> {
        let section = match self.section {
            Section::Tools => 1,
            Section::Resources => 2,
            Section::Templates => 3,
            Section::Prompts => 4,
        };
        let mut head = Vec::with_capacity(64);
        head.extend_from_slice(&[VERSION, section]);
        head.extend_from_slice(&self.view.digest(self.section).to_be_bytes());
        head.extend_from_slice(&self.principal.fingerprint().to_be_bytes());
        head.extend_from_slice(&(self.view.name.len() as u64).to_be_bytes());
        head.extend_from_slice(self.view.name.as_bytes());
        head
    }
}
