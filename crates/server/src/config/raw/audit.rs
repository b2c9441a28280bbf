//! `audit`: who did what is recorded where, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, PatternText, SizeText};

/// The audit trail: an entry for each call, each refusal, each session and each change, chained by
/// hashes. Nothing is recorded unless `file`, `database` or `stdout` says where. What is changed here
/// takes effect at the next start.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Record at all; `false` leaves unused what else is said here. Since 0.1.
    pub enabled: bool,
    /// A file to which entries are added, a line of JSON each; its folder is made. A relative path
    /// begins at the folder of this file. It belongs to one gateway. Since 0.1.
    pub file: Option<String>,
    /// When the file is begun anew, and how long old ones are kept. Since 0.1.
    pub rotation: AuditRotation,
    /// Keep entries in the database, where `gantry audit search` and `GET /api/audit` find them.
    /// Since 0.1.
    pub database: bool,
    /// How long entries are kept in the database; for ever if left out. Since 0.1.
    pub retention: Option<DurationText>,
    /// Write entries to standard output as well, a line of JSON each. Since 0.1.
    pub stdout: bool,
    /// When an entry must be durable. Since 0.1.
    pub sync: AuditSync,
    /// What happens to calls while no entry can be written and the spool is full. Since 0.1.
    pub when_full: AuditFull,
    /// The most bytes of entries that wait for each place that fails: in memory, then in the folder
    /// `audit` of the data folder. Since 0.1.
    pub spool: SizeText,
    /// What is recorded of the arguments of calls. Since 0.1.
    pub arguments: AuditArguments,
    /// What else is left out of arguments: names of members, in which `*` stands for anything, and JSON
    /// pointers such as `/customer/iban`. Members that are named like passwords, tokens, secrets or keys
    /// are left out anyway. Since 0.1.
    pub redact: Vec<String>,
    /// The events that are recorded, such as `tool.*`; without it all but `authentication.success` and
    /// `authorization.granted`. Since 0.1.
    pub events: Vec<PatternText>,
}

/// When the file is begun anew, and how long old ones are kept. The chain goes on over all of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditRotation {
    /// A file that would become larger is named `FILE.1`, and a new one is begun. Since 0.1.
    pub max_size: SizeText,
    /// The most old files that are kept beside it. Since 0.1.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_files: u16,
    /// Old files without a younger line are removed; with it, a file is begun anew each day, or
    /// sooner if this is shorter. Since 0.1.
    pub max_age: Option<DurationText>,
    /// The most that a file and its old ones may have together; the oldest go. Since 0.1.
    pub total_size: Option<SizeText>,
}

/// When an entry must be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditSync {
    /// Within 50 milliseconds, many at once; no answer waits for it.
    Group,
    /// Before its call is answered.
    Each,
}

/// What happens to calls that can have no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditFull {
    /// They are refused.
    Refuse,
    /// They are carried out, and their entries are counted as dropped.
    Drop,
}

/// What is recorded of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditArguments {
    /// Nothing.
    None,
    /// What is no secret, long texts cut.
    Redacted,
    /// Everything but the gateway's own secrets.
    Full,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            enabled: true,
            file: None,
            rotation: AuditRotation::default(),
            database: false,
            retention: None,
            stdout: false,
            sync: AuditSync::Group,
            when_full: AuditFull::Refuse,
            spool: SizeText::from("64MiB"),
            arguments: AuditArguments::Redacted,
            redact: Vec::new(),
            events: Vec::new(),
        }
    }
}

impl Default for AuditRotation {
    fn default() -> Self {
        Self { max_size: SizeText::from("100MiB"), max_files: 100, max_age: None, total_size: None }
    }
}
