//! `validate_session`: whether a handle is good.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::requests::client_of;
use super::session::{self, Session, State};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "validate_session",
    alias: None,
    title: "Check a session",
    description: "Tells whether a session of the caller can go on, and until when, without \
                  counting as a request within it.",
    annotations: Annotations::TELLS,
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A handle of nobody",
        arguments: r#"{"session_id": "00"}"#,
        answer: r#"{"valid": false, "reason": "Invalid or expired session"}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The handle.
    session_id: String,
    /// The client's token. With it, the session has to be one of that client.
    #[serde(default)]
    auth_token: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether requests within it are taken.
    valid: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Unix seconds at which it expires if nothing is heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    /// The session, as long as it can be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Session>,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let invalid = || Answer {
        valid: false,
        reason: Some("Invalid or expired session".to_owned()),
        expires_at: None,
        session: None,
    };
    let client = match arguments.auth_token {
        Some(token) => match client_of(context, &token) {
            Ok(client) => Some(client),
            Err(_) => return Ok(invalid()),
        },
        None => None,
    };
    let is_theirs =
        |session: &Session| client.as_ref().is_none_or(|client| *client == session.client_id);
    let found = session::look(context, &arguments.session_id)?.filter(is_theirs);
    let Some(session) = found else { return Ok(invalid()) };
    let reason = match session.state {
        State::Initializing | State::Active => None,
        State::Suspended => Some("it is suspended; resume it with `session/resume`".to_owned()),
        State::Expired => Some("it has expired".to_owned()),
        State::Terminated => Some("it was terminated".to_owned()),
    };
    let expires_at = session.is_open().then(|| session.last_activity + session::LIFE);
    Ok(Answer { valid: reason.is_none(), reason, expires_at, session: Some(session) })
}
