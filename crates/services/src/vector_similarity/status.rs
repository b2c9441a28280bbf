//! `mcp_vector_similarity`: the service about itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};
use crate::usage::{RecentCall, ToolUsage};

/// The most calls that are shown.
const MAX_SHOWN: usize = 20;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "mcp_vector_similarity",
    alias: None,
    title: "State of the similarity service",
    description: "Tells what the vector similarity service takes, how often its tools were called \
                  since the start, and which calls the caller made last.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Before anything was called",
        arguments: "{}",
        answer: r#"{"service": "vector_similarity", "tools": {}, "last_calls": []}"#,
    }],
    run: |context, raw| tool::tell(context, raw, carry_out),
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The service.
    service: &'static str,
    /// The calls of each tool since the start, whoever made them.
    tools: BTreeMap<&'static str, ToolUsage>,
    /// The caller's own last calls, the latest first.
    last_calls: Vec<RecentCall>,
}

fn carry_out(context: &Context<'_>) -> Answer {
    Answer {
        service: context.service.name,
        tools: context.usage().tools(context),
        last_calls: context.usage().last_calls(context, MAX_SHOWN),
    }
}
