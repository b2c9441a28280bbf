//! What outlives the process: the data folder with its lock and secrets, and the database.
//!
//! Implements the storing ports of [`gantry_core::store`], [`gantry_core::session`] and
//! [`gantry_core::audit`] and [`gantry_core::keys`]; what is stored and when is decided elsewhere. Two
//! back ends, [`sqlite`] in the data folder and
//! [`postgres`], run the contract suite of the test kit, so that nobody can tell them apart;
//! [`Database`] is either of them.
#![warn(missing_docs)]

pub mod backup;
pub mod folder;
pub mod postgres;
pub mod sqlite;

mod audit_reader;
mod rows;
mod schema;
mod statements;

use gantry_core::BoxFuture;
use gantry_core::audit::AuditStore;
use gantry_core::keys::KeyStore;
use gantry_core::session::SessionStore;
use gantry_core::store::{OfferStore, RecordStore, ServerStore};

pub use audit_reader::AuditReader;
pub use folder::{DataFolder, LockError, SecretError};
pub use postgres::{Postgres, PostgresConfig};
pub use sqlite::{OpenError, Sqlite};

/// Which back end a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file in the data folder: if it fails, the machine does.
    Sqlite,
    /// A server, which may be away for a while and come back.
    Postgres,
}

/// How the connections of a database are used at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// At work now.
    pub active: u32,
    /// Open and doing nothing.
    pub idle: u32,
    /// At once at most. That of SQLite which writes is not among them.
    pub max: u32,
}

/// Everything that is kept, in one database.
pub trait Database:
    OfferStore + SessionStore + ServerStore + KeyStore + AuditStore + RecordStore
{
    /// Returns which back end it is.
    fn kind(&self) -> Kind;
    /// Tells how its connections are used.
    fn connections(&self) -> Connections;
    /// Commits what was handed over, and closes it. Later writes and reads are refused. May be
    /// called more than once.
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl Connections {
    /// The two numbers are counted one after the other, so that one may be behind.
    fn of(open: u32, idle: usize, max: u32) -> Self {
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        Self { active: open.saturating_sub(idle), idle, max }
    }
}

impl Kind {
    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}
