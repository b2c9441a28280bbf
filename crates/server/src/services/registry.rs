//! `service_registry.json` in the data folder: which services have listeners of their own, for scripts
//! that look for them. It is there as long as one has.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::listeners::OpenListener;
use crate::audit::write_whole;
use crate::banner::reachable;
use crate::timestamp::rfc3339;

/// Its name.
const FILE: &str = "service_registry.json";

/// The file.
#[derive(Debug)]
pub(super) struct Registry {
    path: PathBuf,
}

impl Registry {
    pub(super) fn of(data: &Path) -> Self {
        Self { path: data.join(FILE) }
    }

    /// Writes it whole, or takes it away when there is nothing to tell; one that a process left behind
    /// goes too.
    pub(super) fn write(&self, open: &[OpenListener], now: SystemTime) -> io::Result<()> {
        if open.is_empty() {
            self.remove();
            return Ok(());
        }
        write_whole(&self.path, &format!("{:#}\n", content(open, now)))
    }

    pub(super) fn remove(&self) {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                gantry_core::log::warn!(%error, "The file that tells of the services cannot be removed.");
            }
            _ => {}
        }
    }
}

fn content(open: &[OpenListener], now: SystemTime) -> Value {
    let service = |open: &OpenListener| {
        json!({
            "service": open.service.name,
            "description": open.service.description,
            "port": open.address.port(),
            "tools": open.service.tools.len(),
            "url": format!("http://{}/mcp", reachable(open.address)),
            "status": "running",
            "pid": std::process::id(),
            "started_at": rfc3339(open.since),
        })
    };
    let ports = || open.iter().map(|open| open.address.port());
    let (first, last) = (ports().min().unwrap_or_default(), ports().max().unwrap_or_default());
    json!({
        "services": open.iter().map(service).collect::<Vec<_>>(),
        "total_servers": open.len(),
        "port_range": format!("{first}-{last}"),
        "generated_at": rfc3339(now),
    })
}
