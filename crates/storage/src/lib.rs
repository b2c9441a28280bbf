//! What outlives the process: the data folder with its lock and secrets, and the database in it.
//!
//! Implements the storing ports of [`gantry_core::store`], [`gantry_core::session`] and
//! [`gantry_core::audit`]; what is
//! stored and when is decided elsewhere. SQLite is the only back end so far. Every back end runs
//! the contract suite of the test kit, so that nobody can tell them apart.
#![warn(missing_docs)]

pub mod folder;
pub mod sqlite;

pub use folder::{DataFolder, LockError, SecretError};
pub use sqlite::{AuditReader, Connections, OpenError, Sqlite, StoredServer};
