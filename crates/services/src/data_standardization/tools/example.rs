//! `example_mcp_integration`: the whole way of a small batch, step by step.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::workflow::{self, Report};
use crate::context::Context;
use crate::data_standardization::item::Batch;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};

/// The tool.
pub(in crate::data_standardization) const TOOL: Tool = Tool {
    name: "example_mcp_integration",
    alias: None,
    title: "Show a standardisation",
    description: "Runs the workflow on a small batch of its own and shows the calls with which a \
                  client does the same for its own data.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "The example itself",
        arguments: "{}",
        answer: r#"{"report": {"status": "completed", "summary": {"total": 6, "standardized": 6}}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The calls, in the order in which to make them; the first is the one whose report follows.
    calls: Vec<Call>,
    /// What the workflow said.
    report: Report,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Call {
    /// What it is for.
    purpose: &'static str,
    /// The tool.
    tool: &'static str,
    /// Its arguments.
    arguments: Value,
}

fn carry_out(context: &Context<'_>, _: NoArguments) -> Result<Answer, ToolError> {
    let request = json!({
        "account": ["1200 - Accts Receivable", "Office rent"],
        "location": ["munich, bavaria, germany", "San Francisco, CA"],
        "product": ["Practical Steel Chair", "BANANAS ORGANIC 1KG"],
    });
    let batch: Batch = serde_json::from_value(request.clone())
        .map_err(|error| ToolError::Unreadable { problem: error.to_string() })?;
    let report = workflow::run(context, &batch.read("request.")?, &[])?;
    let calls = vec![
        Call {
            purpose: "standardise between quality gates",
            tool: workflow::TOOL.name,
            arguments: json!({ "request": request }),
        },
        Call {
            purpose: "validate what came out of it, kind by kind",
            tool: super::validate::TOOL.name,
            arguments: json!({ "kind": "account", "data": [] }),
        },
        Call {
            purpose: "save it",
            tool: super::save::TOOL.name,
            arguments: json!({ "results": {}, "name": "example" }),
        },
    ];
    Ok(Answer { calls, report })
}
