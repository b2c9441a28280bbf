//! The page that the answers make.

use std::fmt::Write as _;

use super::door::Told;

const HEAD: &str = "\
# Refusals

What a client is told when its request is not served, on every way in. This page is written by the test that asks a
running gateway each of these (`governance::refusals`).

A cell says the HTTP status, the number of the JSON-RPC error (over the HTTP API: its word) and the code, which has
[a page of its own](errors.md). Legacy clients get errors of calls with the status 200, as their revisions want it; over
the transport of 2024-11-05 a message is taken with 202 and answered on the stream. On a pipe there is no status, and who
asks is the user of the machine. Headers are the same on all ways in that have the status.

| refused because | `/mcp`, 2026-07-28 | `/mcp`, 2025-11-25 | `/sse` | `/api` | pipe | headers |
|---|---|---|---|---|---|---|
";

/// One refusal.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) why: &'static str,
    /// By the doors in order; `None` where it cannot happen.
    pub(super) told: Vec<Option<Told>>,
}

/// Writes the page.
pub(super) fn write(rows: &[Row]) -> String {
    let mut page = HEAD.to_owned();
    for row in rows {
        let cells: Vec<_> =
            row.told.iter().map(|told| told.as_ref().map_or_else(none, cell)).collect();
        let mut headers: Vec<_> =
            row.told.iter().flatten().flat_map(|told| &told.headers).collect();
        headers.sort();
        headers.dedup();
        let headers: Vec<_> = headers.into_iter().map(|header| format!("`{header}`")).collect();
        let _ = writeln!(
            page,
            "| {}: {} | {} | {} |",
            row.name,
            row.why,
            cells.join(" | "),
            headers.join("<br>")
        );
    }
    page
}

fn none() -> String {
    "–".to_owned()
}

fn cell(told: &Told) -> String {
    let status = (told.status > 0).then(|| told.status.to_string());
    let number = (!told.number.is_empty()).then(|| format!("`{}`", told.number));
    let code = (!told.code.is_empty()).then(|| format!("[{0}](../errors/{0}.md)", told.code));
    let parts: Vec<_> = [status, number, code].into_iter().flatten().collect();
    parts.join(" ")
}
