//! `GET /api/audit`: the entries of the audit trail that the database keeps, a page at a time.

use std::time::SystemTime;

use gantry_core::ErrorCode;
use gantry_core::audit::Query;
use http::StatusCode;
use serde_json::value::RawValue;

use super::call::{Call, Outcome, reply};
use super::error::ApiError;
use super::model::{AuditEntries, Part};
use super::table::FIRST_PAGE;
use crate::audit::{ON_A_PAGE, unix_milliseconds};

/// `GET /api/audit`.
pub(super) async fn find(call: Call) -> Outcome {
    if !call.live.config.audit.database {
        let message = "the database keeps no entries: set `audit.database: true`, or use \
                       `gantry audit search` on the file";
        return Err(
            ApiError::new(ErrorCode::AuditNotStored, message).with_status(StatusCode::CONFLICT)
        );
    }
    let text = |name: &str| call.parameters.find(name).map(str::to_owned);
    let query = Query {
        since: moment(&call, "since")?,
        until: moment(&call, "until")?,
        principal: text("principal"),
        name: text("name"),
        event: text("event"),
        outcome: text("outcome"),
        request_id: text("request_id"),
    };
    let page = call.parameters.number("page", FIRST_PAGE);
    let limit = call.parameters.number("limit", ON_A_PAGE).min(ON_A_PAGE);
    let skip = page.saturating_sub(1).saturating_mul(limit);
    let found = call.shared.store.find(&query, skip, u32::try_from(limit).unwrap_or(u32::MAX));
    let (lines, total) = found.await.map_err(|error| {
        gantry_core::log::error!(%error, "The audit trail was not searched.");
        ApiError::new(ErrorCode::StorageFailed, "the database failed; the log says why")
    })?;
    // The lines as they are chained, so that whoever gets all of them can check the chain.
    let entries = lines.into_iter().filter_map(|line| RawValue::from_string(line).ok()).collect();
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    reply(StatusCode::OK, &AuditEntries { entries, page: Part { page, limit, total } })
}

fn moment(call: &Call, name: &str) -> Result<Option<u64>, ApiError> {
    let Some(text) = call.parameters.find(name) else { return Ok(None) };
    let moment: Option<SystemTime> = humantime::parse_rfc3339_weak(text).ok();
    let expected = || {
        ApiError::malformed(format!(
            "`{name}` must be a moment in UTC such as `2026-11-25T08:30:00Z`"
        ))
    };
    moment.map(|moment| Some(unix_milliseconds(moment))).ok_or_else(expected)
}
