//! The entries of the audit trail for backups, which commands make.
//!
//! A running gateway holds its trail: it is told what was done, over the socket of the data folder. Where
//! none runs, the command writes the entry itself. A backup that cannot be recorded is made all the
//! same: it may be what saves the trail.

use std::path::Path;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_core::audit::Event;
use gantry_storage::backup::{Restored, Summary};
use gantry_storage::{DataFolder, LockError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Site, Wish};
use crate::accept;
use crate::admin::{Admin, AdminError};
use crate::audit::seen::Changing;
use crate::audit::{AuditError, Trail};

/// Where a running gateway is told.
pub(crate) const ROUTE: &str = "/api/admin/backups";
/// The longest that an entry is waited for.
const CLOSE: Duration = Duration::from_secs(10);

/// What was done with a backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noted {
    /// The file.
    file: String,
    /// Whether it was put back, and not made.
    #[serde(skip)]
    is_put_back: bool,
    /// What there is to say of it.
    #[serde(default)]
    detail: Option<String>,
    /// Whether it was done; a code is not always known.
    done: bool,
    /// Why it was not.
    #[serde(default)]
    code: Option<String>,
}

/// Why there is no entry of a backup.
#[derive(Debug, thiserror::Error)]
pub enum Unrecorded {
    /// The running gateway did not take it.
    #[error("the running gateway was not told")]
    Gateway(#[source] AdminError),
    /// The data folder cannot be held.
    #[error("the data folder cannot be held")]
    Folder(#[source] LockError),
    /// The trail cannot be opened.
    #[error("the audit trail cannot be opened")]
    Trail(#[source] AuditError),
    /// The trail takes nothing.
    #[error("the audit trail takes no entries")]
    Full,
    /// The system gives no threads.
    #[error("the system gives no threads")]
    Threads(#[source] std::io::Error),
}

// === impl Noted ===

impl Noted {
    pub(super) fn made(wish: &Wish<'_>, made: Result<&Summary, ErrorCode>) -> Self {
        let encrypted = if wish.passphrase.is_some() { "encrypted" } else { "not encrypted" };
        let keys = if wish.with_keys { ", with the gateway's keys" } else { "" };
        Self {
            file: shown(wish.path),
            is_put_back: false,
            detail: Some(format!("{encrypted}{keys}")),
            done: made.is_ok(),
            code: made.err().map(|code| code.code().to_owned()),
        }
    }

    pub(super) fn put_back(path: &Path, restored: Result<&Restored, ErrorCode>) -> Self {
        let of = |restored: &Restored| {
            let header = &restored.summary.header;
            format!("made {} by Gantry {}", super::made_at(&restored.summary), header.release)
        };
        Self {
            file: shown(path),
            is_put_back: true,
            detail: restored.as_ref().ok().map(|restored| of(restored)),
            done: restored.is_ok(),
            code: restored.err().map(|code| code.code().to_owned()),
        }
    }

    /// Takes room for the entry.
    pub(crate) fn begin(&self, audit: &gantry_core::audit::Audit) -> Result<Changing, ErrorCode> {
        let event = if self.is_put_back { Event::BackupRestored } else { Event::BackupCreated };
        let changing = Changing::begin(audit, event, &self.file)?;
        Ok(match &self.detail {
            Some(detail) => changing.saying(detail.chars().take(200).collect::<String>()),
            None => changing,
        })
    }

    /// Returns how it ended.
    pub(crate) fn ended(&self) -> Result<(), Option<ErrorCode>> {
        if self.done { Ok(()) } else { Err(self.code.as_deref().and_then(ErrorCode::find)) }
    }
}

// === impl Site ===

impl Site<'_> {
    /// Records what was done, in the running gateway's trail if one runs.
    pub(super) fn record(&self, noted: &Noted) -> Result<(), Unrecorded> {
        let telling = async {
            match Admin::at(self.data).await {
                Ok(mut admin) => {
                    let body = serde_json::to_value(noted).unwrap_or(Value::Null);
                    admin.post_json(ROUTE, &body).await.map(|_| true)
                }
                Err(AdminError::NoGateway { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        };
        let runtime = accept::runtime().map_err(Unrecorded::Threads)?;
        if runtime.block_on(telling).map_err(Unrecorded::Gateway)? || !self.config.audit.enabled {
            return Ok(());
        }
        let _held = DataFolder::open(self.data).map_err(Unrecorded::Folder)?;
        self.record_beside(noted)
    }

    /// Records what was done while this process holds the data folder.
    pub(super) fn record_beside(&self, noted: &Noted) -> Result<(), Unrecorded> {
        let writing = async {
            let trail = Trail::of_command(self.config, self.data).await;
            let trail = trail.map_err(Unrecorded::Trail)?;
            let changing = noted.begin(&trail.audit()).map_err(|_| Unrecorded::Full)?.by_local();
            // What the places do not take waits on the disk.
            let kept = changing.end(noted.ended()).await;
            trail.close(CLOSE).await;
            kept.map_err(|_| Unrecorded::Full)
        };
        let runtime = accept::runtime().map_err(Unrecorded::Threads)?;
        runtime.block_on(writing)
    }
}

/// Returns the whole way to a file, which is what tells it from others of its name.
fn shown(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
