//! Servers that the HTTP API made: kept in the database, and used beside those of the file.
//!
//! The file wins: an entry that has the name of one of its servers or views is kept and not used.
//! Neither is one that starts a program while `admin.allow_commands` does not say that it may.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gantry_core::ErrorCode;
use gantry_core::store::{ServerStore, StoreError};
use gantry_gateway::spec::{Connection, GatewaySpec, UpstreamSpec};
use parking_lot::Mutex;
use serde_json::Value;

use crate::config::{self, Config, Problem};

/// The servers that the API made.
#[derive(Debug, Default)]
pub(crate) struct Added {
    entries: Mutex<BTreeMap<String, Arc<Entry>>>,
    /// One change of the servers at a time, whether by the API or by a reload.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

/// One of them.
pub(crate) struct Entry {
    /// As it was sent; may hold secrets.
    pub(crate) written: Value,
    /// What it means, or what is wrong with it: rules may have changed since it was stored.
    pub(crate) checked: Result<UpstreamSpec, String>,
}

/// What becomes of an entry.
#[derive(Debug)]
pub(crate) enum Standing<'a> {
    /// It is used.
    Used(&'a UpstreamSpec),
    /// The file has a server or a view of this name.
    Hidden,
    /// It is kept and not used.
    Refused {
        /// Which kind of cause.
        code: ErrorCode,
        /// The cause.
        why: String,
    },
}

// === impl Added ===

impl Added {
    /// Reads what is stored. Relative paths begin at `folder`.
    pub(crate) async fn load(store: &dyn ServerStore, folder: &Path) -> Result<Self, StoreError> {
        let stored = store.servers().await?;
        let entries = stored.into_iter().map(|server| {
            let written = serde_json::from_str(&server.entry).unwrap_or(Value::Null);
            let entry = Arc::new(Entry::new(&server.name, written, folder));
            (server.name, entry)
        });
        Ok(Self { entries: Mutex::new(entries.collect()), changing: tokio::sync::Mutex::default() })
    }

    /// Returns one by its name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Entry>> {
        self.entries.lock().get(name).cloned()
    }

    /// Returns all, by name.
    pub(crate) fn all(&self) -> BTreeMap<String, Arc<Entry>> {
        self.entries.lock().clone()
    }

    /// Takes one in, or in the place of the one of the same name.
    pub(crate) fn put(&self, name: &str, entry: Entry) {
        self.entries.lock().insert(name.to_owned(), Arc::new(entry));
    }

    /// Forgets one.
    pub(crate) fn remove(&self, name: &str) {
        self.entries.lock().remove(name);
    }

    /// Returns the servers of the file and, after them, those of the API that are used; says in the
    /// log which are not.
    pub(crate) fn merge(&self, config: &Config) -> GatewaySpec {
        let mut spec = config.gateway.clone();
        for (server, entry) in self.all() {
            match entry.standing(&server, config) {
                Standing::Used(own) => spec.servers.push(own.clone()),
                Standing::Hidden => gantry_core::log::warn!(
                    server,
                    "A server that the HTTP API made is not used: the file has its name."
                ),
                Standing::Refused { code, why } => {
                    gantry_core::log::warn!(server, %code, why, "A server that the HTTP API made is not used.");
                }
            }
        }
        spec
    }
}

// === impl Entry ===

impl Entry {
    /// Takes what was sent, and checks it.
    pub(crate) fn new(name: &str, written: Value, folder: &Path) -> Self {
        let checked = config::check_entry(name, &written, folder).map_err(|problems| {
            let lines: Vec<_> =
                problems.iter().map(|problem: &Problem| problem.render(None)).collect();
            lines.join("\n")
        });
        Self { written, checked }
    }

    /// Says what becomes of it beside this configuration of the file.
    pub(crate) fn standing(&self, name: &str, config: &Config) -> Standing<'_> {
        let is_view = || config.gateway.views.iter().any(|view| view.name == name);
        if config.upstream(name).is_some() || is_view() {
            return Standing::Hidden;
        }
        match &self.checked {
            Err(why) => Standing::Refused { code: ErrorCode::ServerEntryInvalid, why: why.clone() },
            Ok(spec) if may_start(spec, config) => Standing::Used(spec),
            Ok(_) => Standing::Refused {
                code: ErrorCode::CommandsNotAllowed,
                why: "it starts a program, which `admin.allow_commands` does not allow".to_owned(),
            },
        }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Entry").field("checked", &self.checked).finish_non_exhaustive()
    }
}

/// Tells whether the API may make such a server.
pub(crate) fn may_start(spec: &UpstreamSpec, config: &Config) -> bool {
    config.admin.allow_commands || !matches!(spec.connection, Connection::Stdio { .. })
}
