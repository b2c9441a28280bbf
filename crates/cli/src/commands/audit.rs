//! `gantry audit`: whether a trail is what was written, and what is in it.

use std::path::{Path, PathBuf};

use gantry_core::audit::Query;
use gantry_core::{Clock as _, ErrorCode, SystemClock};
use gantry_server::audit::search;
use gantry_server::audit::verify::{self, Head, Report, VerifyError};
use gantry_server::reach::Ground;
use serde_json::{Value, json};

use crate::cli::{AuditCommand, AuditSearch, Format, FormatName};
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

/// The columns of a table of entries.
const COLUMNS: [&str; 7] = ["time", "event", "outcome", "principal", "about", "request", "took"];

pub(crate) fn run(place: &Place, command: AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify { files, anchor, format } => {
            verify_trails(place, &files, anchor.as_deref(), format)
        }
        AuditCommand::Search(arguments) => search_trail(place, &arguments),
    }
}

fn verify_trails(
    place: &Place,
    files: &[PathBuf],
    anchor: Option<&str>,
    format: Format,
) -> Result<(), Failure> {
    let anchor = anchor.map(read_anchor).transpose()?;
    let reports = match files {
        [] => verify_own(place, anchor)?,
        [file] => {
            let own = place.config().ok().and_then(|config| config.audit.file);
            let is_own = own.is_some() && std::path::absolute(file).ok() == own;
            let kept = if is_own { heads(place)?.0 } else { None };
            let anchors: Vec<_> = kept.into_iter().chain(anchor).collect();
            vec![verify::file(file, &anchors).map_err(|error| unread(&error))?]
        }
        files => {
            vec![verify::files(files, anchor.as_slice()).map_err(|error| unread(&error))?]
        }
    };
    let is_whole = reports.iter().all(|report| report.broken.is_none());
    if !output::data(format, &reports.iter().map(value).collect())? {
        for report in &reports {
            output::line(&sentence(report))?;
            if report.torn > 0 {
                output::aside(
                    "warning: the last entries have no seal: they are being written, or a process was killed\n",
                );
            }
            if report.broken.is_none() && !report.has_anchor {
                output::hint(
                    "without a head that was kept nobody can tell whether entries are missing at the end",
                );
            }
        }
    }
    if is_whole {
        return Ok(());
    }
    Err(Failure::new("an audit trail is not what was written").with_code(ErrorCode::AuditBroken))
}

/// Checks what the configuration names, and what the database keeps.
fn verify_own(place: &Place, anchor: Option<Head>) -> Result<Vec<Report>, Failure> {
    let config = place.config()?;
    let (of_file, of_database) = heads(place)?;
    let mut reports = Vec::new();
    if let Some(file) = &config.audit.file {
        let anchors: Vec<_> = of_file.into_iter().chain(anchor).collect();
        reports.push(verify::file(file, &anchors).map_err(|error| unread(&error))?);
    }
    if config.audit.database || of_database.is_some() {
        let ground = Ground::new()
            .map_err(|error| Failure::new("cannot read the database").because(&error))?;
        let found = ground.run(verify::database(&config.storage, &place.data_folder, of_database));
        reports.extend(found.map_err(|error| unread(&error))?);
    }
    if reports.is_empty() {
        return Err(Failure::new("nothing is recorded by this configuration")
            .with_hint("name the files of a trail, or set `audit.file` or `audit.database`"));
    }
    Ok(reports)
}

fn heads(place: &Place) -> Result<(Option<Head>, Option<Head>), Failure> {
    verify::kept_heads(&place.data_folder).map_err(|error| unread(&error))
}

fn read_anchor(text: &str) -> Result<Head, Failure> {
    Head::parse(text).ok_or_else(|| {
        Failure::new("the anchor is no head of a trail")
            .with_hint("write it as the log has it: `--anchor 'SEQ HASH'`, the hash in lower case")
    })
}

fn unread(error: &VerifyError) -> Failure {
    Failure::new("cannot read the audit trail").because(error)
}

fn value(report: &Report) -> Value {
    let broken = report.broken.as_ref().map(|place| {
        json!({
            "file": place.file.as_deref().map(|file| file.display().to_string()),
            "line": place.line,
            "what": place.what.to_string(),
        })
    });
    json!({
        "trail": report.trail,
        "whole": report.broken.is_none(),
        "broken": broken,
        "first": report.first,
        "last": report.last.as_ref().map(|last| last.seq),
        "head": report.last.as_ref().map(Head::to_text),
        "anchored": report.has_anchor,
        "torn_bytes": report.torn,
    })
}

fn sentence(report: &Report) -> String {
    let trail = &report.trail;
    if let Some(place) = &report.broken {
        let file =
            place.file.as_deref().map_or_else(|| trail.clone(), |file| file.display().to_string());
        return format!("{file}, line {}: {}", place.line, place.what);
    }
    match (report.first, &report.last) {
        (Some(first), Some(last)) => {
            format!("{trail}: entries {first} to {} are what was written", last.seq)
        }
        _ => format!("{trail}: there are no entries"),
    }
}

fn search_trail(place: &Place, arguments: &AuditSearch) -> Result<(), Failure> {
    let query = query(arguments)?;
    let configured = || place.config().map(|config| config.audit);
    let file = match &arguments.file {
        Some(file) => Some(file.clone()),
        // The file needs no gateway.
        None if !arguments.database => configured()?.file,
        None => None,
    };
    let (entries, total) = match file {
        Some(file) => in_file(&file, &query, arguments.limit)?,
        None => in_database(place, arguments, &query)?,
    };
    match arguments.format.format {
        FormatName::Json => output::json(&json!(entries))?,
        FormatName::Yaml => output::text(&gantry_server::config::to_yaml(&json!(entries)))?,
        FormatName::Table if entries.is_empty() => output::line("Nothing is found.")?,
        FormatName::Table => {
            let rows: Vec<_> = entries.iter().map(row).collect();
            output::table(&COLUMNS, &rows)?;
        }
    }
    let shown = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    if shown < total {
        output::hint(&format!(
            "{total} are found and the youngest {shown} shown; `--limit` shows more"
        ));
    }
    Ok(())
}

fn in_file(file: &Path, query: &Query, limit: u16) -> Result<(Vec<Value>, u64), Failure> {
    search::files(file, query, usize::from(limit)).map_err(|error| unread(&error))
}

fn in_database(
    place: &Place,
    arguments: &AuditSearch,
    query: &Query,
) -> Result<(Vec<Value>, u64), Failure> {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (name, moment) in [("since", query.since), ("until", query.until)] {
        if let Some(moment) = moment {
            pairs.append_pair(name, &search::rfc3339(moment));
        }
    }
    for (name, text) in [
        ("principal", &query.principal),
        ("name", &query.name),
        ("event", &query.event),
        ("outcome", &query.outcome),
        ("request_id", &query.request_id),
    ] {
        if let Some(text) = text {
            pairs.append_pair(name, text);
        }
    }
    pairs.append_pair("limit", &arguments.limit.to_string());
    let path = format!("/api/audit?{}", pairs.finish());
    let found =
        remote::administering(place, "cannot search the audit trail", async |mut admin| {
            admin.get(&path).await
        })?;
    let entries = found["entries"].as_array().cloned().unwrap_or_default();
    Ok((entries, found["total"].as_u64().unwrap_or(0)))
}

fn query(arguments: &AuditSearch) -> Result<Query, Failure> {
    let now = SystemClock.now();
    let moment = |text: &Option<String>| {
        let Some(text) = text else { return Ok(None) };
        search::moment(text, now).map(Some).ok_or_else(|| {
            Failure::new(format!("`{text}` is no moment")).with_hint(
                "write a day or a moment in UTC, such as `2026-11-25` or `2026-11-25T08:30:00Z`, or how long ago: `15m`",
            )
        })
    };
    Ok(Query {
        since: moment(&arguments.since)?,
        until: moment(&arguments.until)?,
        principal: arguments.principal.clone(),
        name: arguments.tool.clone(),
        event: arguments.event.clone(),
        outcome: arguments.outcome.clone(),
        request_id: arguments.request_id.clone(),
    })
}

fn row(entry: &Value) -> Vec<String> {
    let text = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
    let about = search::about(entry).to_owned();
    let took = entry["duration_us"].as_u64().map_or_else(String::new, |micros| {
        let (whole, tenths) = (micros / 1000, micros % 1000 / 100);
        format!("{whole}.{tenths} ms")
    });
    let outcome = match entry["code"].as_str() {
        Some(code) => format!("{} {code}", text("outcome")),
        None => text("outcome"),
    };
    vec![
        text("timestamp"),
        text("event_type"),
        outcome,
        text("principal"),
        about,
        text("request_id"),
        took,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_row() {
        let entry = json!({
            "timestamp": "2026-11-25T08:30:00.250Z", "event_type": "tool.failed",
            "outcome": "refused", "code": "E0415", "principal": "ada", "tool_name": "git__log",
            "request_id": "r-1", "duration_us": 12_345,
        });
        let expected = [
            "2026-11-25T08:30:00.250Z",
            "tool.failed",
            "refused E0415",
            "ada",
            "git__log",
            "r-1",
            "12.3 ms",
        ];
        assert_eq!(row(&entry), expected);
    }
}
