//! `storage`: the database, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::DurationText;

/// Where what outlives the process is kept: upstreams, sessions, servers made over the HTTP API.
/// Takes effect at the next start.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// A PostgreSQL database, version 13 or later: `postgres://USER:PASSWORD@HOST:5432/DATABASE`.
    /// Without it everything is in the data folder, in SQLite. Parameters are `sslmode`
    /// (`disable`, `prefer`, `require`, `verify-ca`, `verify-full`), `sslrootcert`, `sslcert`,
    /// `sslkey`, and `host` for the folder of a unix socket. Everything stands in the schema
    /// `gantry`. Since 0.1.
    pub url: Option<String>,
    /// The role, instead of that in `url`. Since 0.1.
    pub username: Option<String>,
    /// The password, instead of that in `url`: `${DB_PASSWORD}` or `${file:db.password}`.
    /// Since 0.1.
    pub password: Option<String>,
    /// The connections to `url`. Since 0.1.
    pub pool: StoragePool,
}

/// The connections to a PostgreSQL server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoragePool {
    /// At once at most. Since 0.1.
    #[schemars(range(min = 1, max = 1000))]
    pub max: u32,
    /// Kept open while there is nothing to do. Since 0.1.
    #[schemars(range(min = 0, max = 1000))]
    pub min: u32,
    /// The longest wait for one, and for the server at the start. Since 0.1.
    pub acquire_timeout: DurationText,
    /// After which one that does nothing is closed. Since 0.1.
    pub idle_timeout: DurationText,
    /// After which one is closed in any case and replaced. Since 0.1.
    pub max_lifetime: DurationText,
}

impl Default for StoragePool {
    fn default() -> Self {
        Self {
            max: 20,
            min: 1,
            acquire_timeout: DurationText::from("5s"),
            idle_timeout: DurationText::from("5m"),
            max_lifetime: DurationText::from("30m"),
        }
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Storage").field("pool", &self.pool).finish_non_exhaustive()
    }
}
