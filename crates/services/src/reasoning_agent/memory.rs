//! What is kept for a principal between calls: analyses, patterns, messages.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::Context;
use crate::error::ToolError;
use crate::ports::{PortError, Record};

/// How long something is kept, in seconds.
const KEPT: u64 = 24 * 60 * 60;
/// The most bytes of a record; what is longer is not kept.
const MAX_RECORD: usize = 1 << 20;
/// The most records of a kind that are shown.
pub(super) const MAX_SHOWN: usize = 20;

/// Kinds of records.
pub(super) const DECOMPOSITIONS: &str = "reasoning.decomposition";
pub(super) const PATTERNS: &str = "reasoning.patterns";
pub(super) const SYNTHESES: &str = "reasoning.synthesis";
pub(super) const MESSAGES: &str = "reasoning.messages";

/// Keeps something for the caller.
pub(super) fn keep(
    context: &Context<'_>,
    kind: &str,
    what: &impl Serialize,
) -> Result<(), ToolError> {
    let value = serde_json::to_vec(what)
        .map_err(|error| ToolError::Unwritable { problem: error.to_string() })?;
    if value.len() > MAX_RECORD {
        return Ok(());
    }
    let now = context.ports().clock.unix_seconds();
    // Records of one second that say the same are one.
    let key = format!("{now:012}-{:016x}", checksum(&value));
    let record = Record { key, value: Bytes::from(value), expires_at: Some(now + KEPT) };
    context.ports().records.put(kind, &owner(context), record).map_err(|error| unavailable(&error))
}

/// Returns what was kept for the caller, the latest first.
pub(super) fn recall<T: DeserializeOwned>(
    context: &Context<'_>,
    kind: &str,
) -> Result<Vec<T>, ToolError> {
    let records = context
        .ports()
        .records
        .list(kind, &owner(context), MAX_SHOWN)
        .map_err(|error| unavailable(&error))?;
    // A record of another release that cannot be read any more is no reason to show none.
    Ok(records.iter().filter_map(|record| serde_json::from_slice(&record.value).ok()).collect())
}

/// Returns the JSON of a resource: what was kept for the caller.
pub(super) fn resource(context: &Context<'_>, kind: &str, name: &str) -> Result<Value, ToolError> {
    let kept: Vec<Value> = recall(context, kind)?;
    Ok(serde_json::json!({ name: kept, "count": kept.len() }))
}

fn owner(context: &Context<'_>) -> String {
    format!("{}\n{}", context.principal.issuer, context.principal.subject)
}

fn unavailable(error: &PortError) -> ToolError {
    ToolError::Unavailable { what: "records", problem: error.to_string() }
}

/// FNV-1a: tells records apart, and nothing more.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
