//! Makes the reference page of the figures from [`TABLE`](super::TABLE).

use std::fmt::Write as _;

use super::TABLE;

const PREFACE: &str = "\
# Metrics

`/metrics` and `/actuator/prometheus` serve these, in the Prometheus text format 0.0.4 or, for whoever names it in
`Accept`, as OpenMetrics 1.0. `/actuator/metrics` has some of them as JSON. [Watching it](../guides/monitoring.md) says
how to use them.

Labels are names of the configuration, of the tools offered, and words of the gateway's own: no request makes a series.
A counter begins with 0 when the process does. Several names for one figure are for people who come from other systems,
whose dashboards go on working; what Gantry does not have is not served, rather than served as 0.

| name | type | labels | says | same as | since |
|---|---|---|---|---|---|
";

/// What the words in labels mean.
const WORDS: &str = "
* `outcome` of `gantry_*` is `ok`, `tool_error` (the tool said it failed), `error` (the server refused), `unavailable`,
  `timeout`, `cancelled` or `input_required` (the server wants more of the client; the end is counted when it comes).
* `status` of tool executions is `success` for `ok`, `error` for every other end.
* `error_type` is `tool_error`, `error`, `unavailable`, `timeout`, or `refused` at the door.
* `status` of `gantry_http_requests_total` is a class such as `2xx`; elsewhere statuses are numbers.
* `uri` and `route` are the paths of routes, without what follows: `/mcp`, `/actuator`; `UNKNOWN` is all that leads
  nowhere.
* `process_*` is there on Linux.
";

/// Returns the page as Markdown.
pub fn markdown() -> String {
    let mut page = PREFACE.to_owned();
    for row in TABLE {
        let labels: Vec<_> = row.labels.iter().map(|label| format!("`{label}`")).collect();
        let alias = row.alias_of.map(|name| format!("`{name}`")).unwrap_or_default();
        let only = row.only_with.map(|key| format!("; only with `{key}`")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {}{only} | {alias} | {} |",
            row.name,
            row.kind.name(),
            labels.join(", "),
            row.meaning,
            row.since
        );
    }
    page.push_str(WORDS);
    page
}
