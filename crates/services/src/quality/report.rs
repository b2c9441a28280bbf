//! `quality_assessment_report`: asks a model what the quality of data is worth.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::context::Context;
use crate::error::ToolError;
use crate::prompt;
use crate::service::{Prompt, PromptArgument};

/// The prompt.
pub(super) const PROMPT: Prompt = Prompt {
    name: "quality_assessment_report",
    title: "What the quality of data is worth",
    description: "Asks for a report on the answer of one of the tools that assess quality.",
    arguments: &[PromptArgument {
        name: "assessment_results",
        description: "The answer of a tool that assesses quality, as JSON.",
        required: true,
    }],
    render,
};

fn render(_: &Context<'_>, arguments: &BTreeMap<String, String>) -> Result<String, ToolError> {
    let results: Value = prompt::json(arguments, "assessment_results")?;
    let names = ["overall_score", "completeness_score", "confidence"];
    let Some(score) = names.iter().find_map(|name| results.get(name)?.as_f64()) else {
        let problem = "is no answer of a tool that assesses quality, which has a score";
        return Err(ToolError::argument("assessment_results", problem));
    };
    Ok(format!(
        "The quality of data was assessed and comes to {score:.2}, where 1 is the best. This is \
         what was found:\n\n{results:#}\n\nWrite a report: what is good, what is not, what that \
         means for whoever uses the data, and what to do first."
    ))
}
