//! `validation_report`: asks a model what the mistakes in data mean.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::context::Context;
use crate::error::ToolError;
use crate::prompt;
use crate::service::{Prompt, PromptArgument};

/// The prompt.
pub(super) const PROMPT: Prompt = Prompt {
    name: "validation_report",
    title: "What mistakes in data mean",
    description: "Asks for a report on the answer of one of the validating tools.",
    arguments: &[PromptArgument {
        name: "validation_results",
        description: "The answer of a validating tool, as JSON.",
        required: true,
    }],
    render,
};

fn render(_: &Context<'_>, arguments: &BTreeMap<String, String>) -> Result<String, ToolError> {
    let results: Value = prompt::json(arguments, "validation_results")?;
    let verdict = ["is_valid", "is_intact"].iter().find_map(|name| results.get(name)?.as_bool());
    let Some(verdict) = verdict else {
        let problem = "is no answer of a validating tool, which has `is_valid` or `is_intact`";
        return Err(ToolError::argument("validation_results", problem));
    };
    let verdict = if verdict { "passed" } else { "did not pass" };
    Ok(format!(
        "Data {verdict} its validation. This is what was found:\n\n{results:#}\n\nWrite a report: \
         what is wrong, which of it matters most, what may have caused it, and what to do first."
    ))
}
