//! A look at the database from outside, for commands.

use gantry_storage::Postgres;

use crate::accept;
use crate::config::{Config, Storage};
use crate::start_error::StartError;

/// Looks whether a gateway could use the database server of a configuration, and returns where it is
/// and its version; `None` if the database is in the data folder.
///
/// # Errors
///
/// A gateway could not start, and why.
pub fn look(config: &Config) -> Option<Result<String, StartError>> {
    let Storage::Postgres(config) = &config.storage else { return None };
    let runtime = match accept::runtime() {
        Ok(runtime) => runtime,
        Err(source) => return Some(Err(StartError::Runtime { source })),
    };
    let seen = runtime.block_on(Postgres::look(config));
    let seen = seen.map_err(|source| StartError::DatabaseServer { source });
    Some(seen.map(|version| format!("`{}`, PostgreSQL {version}", config.place())))
}
