//! `broadcast_notification`: one notification to every session of the caller.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::failed;
use crate::arguments::text_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// What methods of broadcasts begin with, so that none passes for one of the protocol's own.
const PREFIX: &str = "notifications/broadcast/";
/// The most bytes of the parameters.
const MAX_PARAMS: usize = 64 * 1024;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "broadcast_notification",
    alias: None,
    title: "Tell all own sessions",
    description: "Sends a notification to every open session of the caller: clients of theirs on \
                  other machines, say. Other principals do not get it. Its method begins with \
                  `notifications/broadcast/`.",
    annotations: Annotations {
        read_only: false,
        destructive: false,
        idempotent: false,
        open_world: false,
    },
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Nobody to tell",
        arguments: r#"{"topic": "build", "params": {"state": "done"}}"#,
        answer: r#"{"method": "notifications/broadcast/build", "sessions": 0}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What it is about: letters, digits, `_`, `-` and `/`.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z0-9_/-]+$"))]
    topic: String,
    /// What is told.
    #[serde(default)]
    params: Map<String, Value>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The method of the notification.
    method: String,
    /// The sessions that were told.
    sessions: usize,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { topic, params } = arguments;
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_-/".contains(letter);
    if topic.is_empty() || topic.len() > 64 || !topic.chars().all(is_letter) {
        let problem = "must have 1 to 64 letters, digits, `_`, `-` or `/`";
        return Err(ToolError::argument("topic", problem));
    }
    let params = Value::Object(params);
    text_within("params", &params.to_string(), MAX_PARAMS)?;
    let method = format!("{PREFIX}{topic}");
    let gateway = context.ports().gateway.as_deref();
    // Without a gateway there are no sessions.
    let told = gateway.map(|gateway| gateway.broadcast(context.principal, &method, &params));
    Ok(Answer { method, sessions: told.transpose().map_err(failed)?.unwrap_or(0) })
}
