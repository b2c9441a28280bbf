//! Trees that are made and not read: values of variables, and what other systems' files say.

use super::{Data, Entry, Location, Node, Scalar};
use crate::config::path::{Path, Step};

impl Data {
    pub(crate) fn empty_mapping() -> Self {
        Self::Mapping { entries: Vec::new(), is_flow: false }
    }

    /// What stands for nothing at all.
    pub(crate) fn nothing() -> Self {
        Self::Scalar(Scalar { text: String::new(), is_plain: true, written: None })
    }

    /// A text as if it stood in quotes.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Scalar(Scalar { text: text.into(), is_plain: false, written: None })
    }

    /// A number or a truth value.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::Scalar(Scalar { text: text.into(), is_plain: true, written: None })
    }
}

impl Node {
    /// A value that stands at `at`, or in no file if that is [`Location::NOWHERE`].
    pub(crate) fn new(data: Data, at: Location) -> Self {
        Self { data, at, bytes: 0..0, is_shared: false }
    }

    /// A value that stands in no file.
    pub(crate) fn nowhere(data: Data) -> Self {
        Self::new(data, Location::NOWHERE)
    }

    /// Returns what stands at `path`, if that is not nothing.
    pub(crate) fn find(&self, path: &Path) -> Option<&Self> {
        let found = path.steps().iter().try_fold(self, |node, step| match (step, &node.data) {
            (Step::Key(key), _) => node.entry(key).map(|entry| &entry.value),
            (Step::Index(index), Data::Sequence { entries }) => entries.get(*index),
            (Step::Index(_), _) => None,
        });
        found.filter(|node| !node.is_null())
    }

    /// Puts `value` at `path`, making the mappings on the way; `false` if something else is there.
    pub(crate) fn insert(&mut self, path: &Path, value: Self) -> bool {
        let mut node = self;
        for step in path.steps() {
            let Step::Key(key) = step else { return false };
            if node.is_null() {
                node.data = Data::empty_mapping();
            }
            let Data::Mapping { entries, .. } = &mut node.data else { return false };
            let at = entries.iter().position(|entry| entry.key == *key).unwrap_or_else(|| {
                entries.push(Entry::new(key, Self::new(Data::nothing(), value.at)));
                entries.len() - 1
            });
            node = &mut entries[at].value;
        }
        *node = value;
        true
    }

    /// Adds to the index of the file in which everything in it stands.
    pub(crate) fn shift_files(&mut self, offset: usize) {
        self.at.file += offset;
        match &mut self.data {
            Data::Scalar(_) => {}
            Data::Sequence { entries } => {
                for entry in entries {
                    entry.shift_files(offset);
                }
            }
            Data::Mapping { entries, .. } => {
                for entry in entries {
                    entry.key_at.file += offset;
                    entry.value.shift_files(offset);
                }
            }
        }
    }

    /// Returns the entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Mapping { entries, .. } => entries,
            Data::Scalar(_) | Data::Sequence { .. } => &[],
        }
    }

    /// Returns the text of a single value that is something.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
            _ => None,
        }
    }
}

impl Entry {
    /// An entry whose key stands where its value does.
    pub(crate) fn new(key: &str, value: Node) -> Self {
        Self { key: key.to_owned(), key_at: value.at, key_bytes: 0..0, value }
    }
}
