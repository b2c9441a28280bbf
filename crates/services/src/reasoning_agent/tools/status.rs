//! What the service tells of itself: what it can ask its caller, what it offers, what was said.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::error::ToolError;
use crate::reasoning_agent::memory::{self, MESSAGES};
use crate::reasoning_agent::process::Message;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};
use crate::usage::ToolUsage;

/// What the service asks of its callers.
pub(in crate::reasoning_agent) const CLIENT: Tool = Tool {
    name: "mcp_client",
    alias: None,
    title: "What is asked of callers",
    description: "Tells when the caller's own model is asked, by which request, and what is done where there is none; and whether the caller wants progress.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<ClientAnswer>,
    examples: &[Example {
        title: "The rule",
        arguments: "{}",
        answer: r#"{"asks_by": "sampling/createMessage", "wants_progress": false}"#,
    }],
    run: |context, raw| tool::tell(context, raw, client),
};

/// What the service offers.
pub(in crate::reasoning_agent) const SERVER: Tool = Tool {
    name: "mcp_server",
    alias: None,
    title: "State of the reasoning service",
    description: "Tells which tools and resources the service has, and how often its tools were called since the start.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<ServerAnswer>,
    examples: &[Example {
        title: "Before anything was called",
        arguments: "{}",
        answer: r#"{"service": "reasoning_agent", "port": 8105, "calls": {}}"#,
    }],
    run: |context, raw| tool::tell(context, raw, server),
};

/// All that was said.
pub(in crate::reasoning_agent) const HISTORY: Tool = history_tool(
    "mcp_history",
    "Messages between skills",
    "Tells what the skills said to each other for the caller's last questions of the last day.",
    |context, raw| tool::run(context, raw, |context, _: NoArguments| messages(context, |_| true)),
);

/// What was asked.
pub(in crate::reasoning_agent) const REQUESTS: Tool = history_tool(
    "mcp_requests",
    "Requests between skills",
    "Tells what the skills asked each other for the caller's last questions of the last day.",
    |context, raw| {
        tool::run(context, raw, |context, _: NoArguments| {
            messages(context, |message| message.direction == "request")
        })
    },
);

/// What was answered.
pub(in crate::reasoning_agent) const RESPONSES: Tool = history_tool(
    "mcp_responses",
    "Responses between skills",
    "Tells what the skills answered each other for the caller's last questions of the last day.",
    |context, raw| {
        tool::run(context, raw, |context, _: NoArguments| {
            messages(context, |message| message.direction == "response")
        })
    },
);

type Run = fn(&Context<'_>, &[u8]) -> Result<crate::output::Output, ToolError>;

const fn history_tool(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    run: Run,
) -> Tool {
    Tool {
        name,
        alias: None,
        title,
        description,
        annotations: Annotations::TELLS,
        effort: Effort::Heavy,
        input_schema: schema::input::<NoArguments>,
        output_schema: schema::output::<HistoryAnswer>,
        examples: &[Example {
            title: "Before anything was asked",
            arguments: "{}",
            answer: r#"{"messages": [], "count": 0}"#,
        }],
        run,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct ClientAnswer {
    /// When the caller's model is asked.
    asks_when: &'static str,
    /// By which request.
    asks_by: &'static str,
    /// What is done without a model.
    without_model: &'static str,
    /// Whether this caller wants progress.
    wants_progress: bool,
}

fn client(context: &Context<'_>) -> ClientAnswer {
    ClientAnswer {
        asks_when: "neither the statements of a question nor its sources answer it, and `use_model` is not false",
        asks_by: "sampling/createMessage",
        without_model: "the answer says that nothing answers the question, with confidence 0",
        wants_progress: context.link.wants_progress(),
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct ServerAnswer {
    /// The service.
    service: &'static str,
    /// Its port where it has a listener of its own.
    port: u16,
    /// Its tools.
    tools: Vec<&'static str>,
    /// Its resources.
    resources: Vec<&'static str>,
    /// The calls of each tool since the start, whoever made them.
    calls: BTreeMap<&'static str, ToolUsage>,
}

fn server(context: &Context<'_>) -> ServerAnswer {
    ServerAnswer {
        service: context.service.name,
        port: context.service.port,
        tools: context.service.every_tool().map(|tool| tool.name).collect(),
        resources: context.service.resources.iter().map(|resource| resource.uri).collect(),
        calls: context.usage().tools(context),
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct HistoryAnswer {
    /// The messages, those of the latest question first.
    messages: Vec<Message>,
    /// How many there are.
    count: usize,
}

fn messages(
    context: &Context<'_>,
    is_wanted: fn(&Message) -> bool,
) -> Result<HistoryAnswer, ToolError> {
    let kept: Vec<Vec<Message>> = memory::recall(context, MESSAGES)?;
    let messages: Vec<Message> = kept.into_iter().flatten().filter(is_wanted).collect();
    Ok(HistoryAnswer { count: messages.len(), messages })
}
