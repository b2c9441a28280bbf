//! `mcp_server`: the service about itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::requests::stats;
use super::session::{LIFE, MAX_SESSIONS};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};
use crate::usage::ToolUsage;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "mcp_server",
    alias: None,
    title: "State of the session service",
    description: "Tells how many sessions the caller has in which state, the limits of sessions, \
                  and how often the tools were called since the start.",
    annotations: Annotations::TELLS,
    effort: Effort::Waits,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Before any session was opened",
        arguments: "{}",
        answer: r#"{"service": "session_management", "session_seconds": 86400,
                    "sessions": {"total_sessions": 0, "by_state": {}}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The service.
    service: &'static str,
    /// The caller's own sessions: `total_sessions`, `by_state`, `total_messages` and
    /// `total_subscriptions`.
    sessions: Value,
    /// Seconds without a request after which a session expires.
    session_seconds: u64,
    /// The most sessions of one caller.
    most_sessions: usize,
    /// The calls of each tool since the start, whoever made them.
    tools: BTreeMap<&'static str, ToolUsage>,
}

fn carry_out(context: &Context<'_>, _: NoArguments) -> Result<Answer, ToolError> {
    Ok(Answer {
        service: context.service.name,
        sessions: stats(context)?,
        session_seconds: LIFE,
        most_sessions: MAX_SESSIONS,
        tools: context.usage().tools(context),
    })
}
