//! `performance_analysis_report`: asks a model what figures mean.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::context::Context;
use crate::error::ToolError;
use crate::prompt;
use crate::service::{Prompt, PromptArgument};

/// The prompt.
pub(super) const PROMPT: Prompt = Prompt {
    name: "performance_analysis_report",
    title: "What figures mean",
    description: "Asks for a report on the answer of one of the tools that measure.",
    arguments: &[PromptArgument {
        name: "performance_results",
        description: "The answer of a tool that measures, as JSON.",
        required: true,
    }],
    render,
};

fn render(_: &Context<'_>, arguments: &BTreeMap<String, String>) -> Result<String, ToolError> {
    let results: Value = prompt::json(arguments, "performance_results")?;
    let known = ["mean_ms", "targets", "verdict", "services"];
    if !known.iter().any(|name| results.get(name).is_some()) {
        let problem = "is no answer of a tool that measures";
        return Err(ToolError::argument("performance_results", problem));
    }
    Ok(format!(
        "This was measured, with durations in milliseconds:\n\n{results:#}\n\nWrite a report: \
         whether that is fast enough, what stands out, what may have caused it, and what to \
         measure next."
    ))
}
