//! What a backup says of itself.

use serde::{Deserialize, Serialize};

/// The format that this version writes, and the last that it reads.
pub(super) const FORMAT: u32 = 1;

/// What it is a backup of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// How the backup is built.
    pub(super) format: u32,
    /// The release that made it.
    pub release: String,
    /// Unix seconds at which it was made.
    pub made_at: u64,
    /// The back end it was made from, by its name.
    pub back_end: String,
    /// The migrations that the database had.
    pub(super) schema: Vec<i64>,
    /// In the order in which they follow.
    pub(super) tables: Vec<TableHeader>,
}

/// A table and its columns, in the order in which rows have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableHeader {
    pub(super) name: String,
    pub(super) columns: Vec<(String, Kind)>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Integer,
    Text,
    Bytes,
}

impl Header {
    /// Returns a table by its name.
    pub(super) fn table(&self, name: &str) -> Option<&TableHeader> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// Size and digest of one member of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

/// The last member: whoever has it has all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) members: Vec<Member>,
}
