//! `sessions`, `streams`: what legacy clients are given beyond their answers, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, SizeText};

/// The sessions of legacy clients.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// Where sessions are kept. A gateway that lives inside of a command or behind a pipe keeps
    /// them in memory, whatever this says. Takes effect at the next start. Since 0.1.
    pub store: SessionStoreKind,
    /// How long a session lives that nothing is heard of. Since 0.1.
    pub idle: DurationText,
}

/// Where sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionStoreKind {
    /// In the database that `storage` names: they outlive the process.
    Database,
    /// In memory: after a restart they go on without log level and subscriptions.
    Memory,
}

/// What is kept of the event streams of legacy clients, so that a stream that was cut can be
/// resumed with `Last-Event-ID`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Streams {
    /// The most events kept for one session. Since 0.1.
    #[schemars(range(min = 1, max = 65_536))]
    pub replay_events: u32,
    /// The most bytes kept for one session. Since 0.1.
    pub replay_bytes: SizeText,
    /// The most bytes kept for all sessions together. Since 0.1.
    pub replay_total: SizeText,
    /// The longest that an event is kept. Since 0.1.
    pub replay_time: DurationText,
    /// How long a client is told to wait before it opens a stream again. Since 0.1.
    pub retry: DurationText,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { store: SessionStoreKind::Database, idle: DurationText::from("24h") }
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            replay_events: 1000,
            replay_bytes: SizeText::from("1MiB"),
            replay_total: SizeText::from("64MiB"),
            replay_time: DurationText::from("5m"),
            retry: DurationText::from("1s"),
        }
    }
}
