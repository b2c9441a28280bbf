//! Looks for entries in the files of a trail, without a gateway.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::time::{Duration, SystemTime};

use gantry_core::audit::Query;
use gantry_policy::audit::name_of;
use serde_json::Value;

use super::files::{OpenFile, open_with_older};
use super::unix_milliseconds;
use super::verify::VerifyError;
use crate::timestamp;

/// Returns the youngest entries of a file and of those before it that are found, the youngest first, and
/// how many there are. Lines that are no entries are passed over: finding them is for
/// [`verify`](super::verify).
///
/// # Errors
///
/// A file cannot be read.
pub fn files(path: &Path, query: &Query, limit: usize) -> Result<(Vec<Value>, u64), VerifyError> {
    let mut found = VecDeque::new();
    let mut total = 0;
    for OpenFile { path, file } in open_with_older(path)? {
        let failed = |source: io::Error| VerifyError::File { path: path.clone(), source };
        for line in BufReader::new(file).lines() {
            let line = match line {
                Ok(line) => line,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => continue,
                Err(error) => return Err(failed(error)),
            };
            let Ok(entry) = serde_json::from_str::<Value>(&line) else { continue };
            if !fits(query, &entry) {
                continue;
            }
            total += 1;
            found.push_front(entry);
            found.truncate(limit);
        }
    }
    Ok((found.into(), total))
}

/// Returns what an entry is about: a tool, a prompt, a URI, a server, a key; empty if nothing.
pub fn about(entry: &Value) -> &str {
    name_of(entry)
}

/// Reads a moment as Unix milliseconds: a day or a moment in UTC, or how long before `now`.
pub fn moment(text: &str, now: SystemTime) -> Option<u64> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Some(unix_milliseconds(now.checked_sub(ago)?));
    }
    let midnight = format!("{text}T00:00:00Z");
    let moment =
        humantime::parse_rfc3339_weak(text).or_else(|_| humantime::parse_rfc3339(&midnight));
    moment.ok().map(unix_milliseconds)
}

/// Writes Unix milliseconds as RFC 3339 in UTC.
pub fn rfc3339(milliseconds: u64) -> String {
    timestamp::rfc3339(SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds))
}

/// Holds an entry against what is looked for.
fn fits(query: &Query, entry: &Value) -> bool {
    let text = |member: &str| entry.get(member).and_then(Value::as_str).unwrap_or_default();
    let is =
        |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|text| text == found);
    let at = || {
        let moment: Option<SystemTime> = humantime::parse_rfc3339(text("timestamp")).ok();
        moment.map_or(0, unix_milliseconds)
    };
    is(&query.principal, text("principal"))
        && is(&query.name, name_of(entry))
        && is(&query.event, text("event_type"))
        && is(&query.outcome, text("outcome"))
        && is(&query.request_id, text("request_id"))
        && query.since.is_none_or(|since| at() >= since)
        && query.until.is_none_or(|until| at() < until)
}
