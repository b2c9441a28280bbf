//! `handle_mcp_request_with_session`: a request within a session, or one that opens a session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::requests::{self, Done, Request};
use super::session::{Failure, Refusal, Session};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// JSON-RPC, "Invalid Request": what clients of sessions know a lost one by.
const INVALID_REQUEST: i64 = -32600;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "handle_mcp_request_with_session",
    alias: None,
    title: "Make a request within a session",
    description: "Opens a session with the method `initialize`, or makes a request within one that \
                  is named by its handle, and answers with a JSON-RPC response. A session expires \
                  a day after its last request.",
    annotations: Annotations {
        read_only: false,
        destructive: false,
        idempotent: false,
        open_world: false,
    },
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Open a session",
            arguments: r#"{"request": {"id": 1, "method": "initialize",
                           "params": {"client_id": "phone", "metadata": {"language": "de"}}}}"#,
            answer: r#"{"response": {"jsonrpc": "2.0", "id": 1}, "session": {
                        "client_id": "phone", "state": "initializing", "message_count": 1,
                        "metadata": {"language": "de"}, "subscriptions": []}}"#,
        },
        Example {
            title: "A handle that is not good any more",
            arguments: r#"{"request": {"id": 2, "method": "ping"}, "session_id": "00"}"#,
            answer: r#"{"response": {"jsonrpc": "2.0", "id": 2, "error":
                        {"code": -32600, "message": "Invalid or expired session"}}}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The request.
    request: Request,
    /// The handle of the session; left out, the request has to be `initialize`.
    #[serde(default)]
    session_id: Option<String>,
    /// The token that the client was given when it opened its first session. With it, the session
    /// has to be one of that client.
    #[serde(default)]
    auth_token: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The JSON-RPC response to the request.
    response: Value,
    /// The session after the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Session>,
    /// The client's token, where the session was opened; good for 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<String>,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { mut request, session_id, auth_token } = arguments;
    let token = auth_token.as_deref();
    let done = match (session_id.as_deref(), request.method.as_str()) {
        (None, "initialize") => requests::initialize(context, &mut request, token),
        (Some(_), "initialize") => {
            let problem = "is not given with `initialize`, which opens a session of its own";
            return Err(ToolError::argument("session_id", problem));
        }
        (Some(id), _) => requests::within(context, id, &mut request, token),
        (None, _) => Err(Failure::Refused(Refusal::Invalid)),
    };
    match done {
        Ok(Done { session, result, token }) => {
            let response = json!({ "jsonrpc": "2.0", "id": request.id, "result": result });
            Ok(Answer { response, session: Some(session), auth_token: token })
        }
        Err(Failure::Refused(refusal)) => {
            let error = json!({ "code": INVALID_REQUEST, "message": refusal.to_string() });
            let response = json!({ "jsonrpc": "2.0", "id": request.id, "error": error });
            Ok(Answer { response, session: None, auth_token: None })
        }
        Err(Failure::Wrong(error)) => Err(error),
    }
}
