//! The page of the reference about the HTTP API, and its `OpenAPI` document, made from the table of
//! routes.

use std::fmt::Write as _;

use super::openapi;
use super::parameter::Place;
use super::table::{Access, Gives, OPERATIONS, Operation, Takes};

const PREFACE: &str = "\
# The HTTP API

The servers behind the gateway for programs that do not speak MCP; [the guide](../guides/http-api.md) shows how it is used.
`GET /api/openapi.json` gives the same as an OpenAPI 3.1 document, which is also in
[`schema/openapi.json`](../../schema/openapi.json).

Who may use a route:

| | |
|---|---|
| read | a client with a token or key, anybody on the loopback while there are none, and the administrator |
| call | the same without the administrator |
| admin | the administrator: the token of `admin.token` in the data folder |

Whatever has a body, or changes or calls something, takes `Content-Type: application/json` alone, even where the body may be
empty. Unknown parameters are refused.
";

const ERRORS: &str = "
## Errors

Every answer that is an error has the same form; `details.code` is the number that `gantry explain` knows.

```json
{
  \"error\": {
    \"code\": \"RESOURCE_NOT_FOUND\",
    \"message\": \"no server has the name `nobody`; `GET /api/servers` lists them\",
    \"details\": { \"code\": \"E0301\" },
    \"request_id\": \"6f1d2c-1\",
    \"timestamp\": \"2026-11-25T12:00:00Z\"
  }
}
```

| status | code | when |
|---|---|---|
| 400, 405, 408, 409, 413, 415 | `INVALID_PARAMETERS` | the request cannot be carried out as it is |
| 401 | `AUTHENTICATION_FAILED` | no token, or an unknown one |
| 403 | `AUTHORIZATION_DENIED` | the token does not open this, or the configuration does not allow it |
| 404 | `RESOURCE_NOT_FOUND` | no such route, server, tool or resource, or the caller may not see it |
| 429 | `RATE_LIMIT_EXCEEDED` | a limit of the gateway is reached |
| 500 | `SERVER_ERROR` | the gateway failed |
| 502 | `TOOL_EXECUTION_FAILED` | the server answered with an error; `details.rpc` has it |
| 503 | `SERVER_UNAVAILABLE` | the server cannot be reached, or is not used |
| 504 | `TIMEOUT_EXCEEDED` | the server did not answer in time |

A tool that ran and says that it failed is an answer with status 200 and `success: false`.
";

/// Returns the page as Markdown.
pub fn markdown() -> String {
    let mut page = PREFACE.to_owned();
    page.push_str("\n## The routes\n\n| method | path | who | what it does |\n|---|---|---|---|\n");
    for operation in OPERATIONS {
        let Operation { method, path, summary, .. } = operation;
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| `{method}` | `{path}` | {} | {summary} |", who(operation.access));
    }
    for operation in OPERATIONS {
        section(&mut page, operation);
    }
    page.push_str(ERRORS);
    page
}

/// Returns the `OpenAPI` document as JSON.
pub fn openapi() -> String {
    openapi::text()
}

fn section(page: &mut String, operation: &Operation) {
    let Operation { method, path, summary, .. } = operation;
    // Writing to a string cannot fail.
    let _ = write!(page, "\n## `{method} {path}`\n\n{summary}.\n");
    if !operation.parameters.is_empty() {
        page.push_str("\n| parameter | in | meaning |\n|---|---|---|\n");
    }
    for parameter in operation.parameters {
        let place = match parameter.place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Required => "query, required",
            Place::Repeated => "query, may be repeated",
        };
        let _ = writeln!(page, "| `{}` | {place} | {} |", parameter.name, parameter.meaning);
    }
    let takes = match operation.takes {
        Takes::Nothing => "nothing",
        Takes::Maybe(_) => "a JSON object, or nothing",
        Takes::Json(_) => "a JSON object",
    };
    let gives = match operation.gives {
        Gives::Json(status, _) => format!("{status}, JSON"),
        Gives::Events => "200, an event stream".to_owned(),
        Gives::Nothing => "204, nothing".to_owned(),
    };
    let failures: Vec<_> =
        openapi::failures(operation).iter().map(|(status, _)| status.to_string()).collect();
    let _ = writeln!(page, "\nTakes {takes}; gives {gives}. Errors: {}.", failures.join(", "));
}

fn who(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Call => "call",
        Access::Admin => "admin",
    }
}
