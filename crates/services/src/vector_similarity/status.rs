//! `mcp_vector_similarity`: the service about itself.

use crate::schema;
use crate::status::Status;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "mcp_vector_similarity",
    alias: None,
    title: "State of the similarity service",
    description: "Tells how often the tools of the vector similarity service were called since the \
                  start, and which calls the caller made last.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Status>,
    examples: &[Example {
        title: "Before anything was called",
        arguments: "{}",
        answer: r#"{"service": "vector_similarity", "tools": {}, "last_calls": []}"#,
    }],
    run: |context, raw| tool::tell(context, raw, Status::of),
};
