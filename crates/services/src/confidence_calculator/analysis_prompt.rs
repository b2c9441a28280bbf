//! `confidence_analysis`: asks a model how a conclusion could be trusted more.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::factors::{HIGHEST, LOWEST, Reasoning, WEIGHTS};
use crate::context::Context;
use crate::error::ToolError;
use crate::prompt;
use crate::service::{Prompt, PromptArgument};

/// The prompt.
pub(super) const PROMPT: Prompt = Prompt {
    name: "confidence_analysis",
    title: "How a conclusion could be trusted more",
    description: "Asks how a conclusion could be trusted more, with what each factor says.",
    arguments: &[
        PromptArgument {
            name: "context",
            description: "The reasoning_context of calculate_reasoning_confidence_mcp, as JSON.",
            required: true,
        },
        PromptArgument {
            name: "focus_area",
            description: "What to look at: evidence, logic or alignment; all if not given.",
            required: false,
        },
    ],
    render,
};

fn render(_: &Context<'_>, arguments: &BTreeMap<String, String>) -> Result<String, ToolError> {
    let reasoning: Reasoning = prompt::json(arguments, "context")?;
    let focus = prompt::focus(arguments, "focus_area", &["evidence", "logic", "alignment"])?;
    let values = reasoning.factors("context")?;
    let sum: f64 = values.iter().zip(WEIGHTS).map(|(value, (_, weight))| value * weight).sum();
    let mut text = format!(
        "The answer `{}` to the question `{}` is trusted to {:.0} %:\n",
        reasoning.answer,
        reasoning.question,
        sum.clamp(LOWEST, HIGHEST) * 100.0
    );
    for (value, (factor, weight)) in values.iter().zip(WEIGHTS) {
        let _ = writeln!(text, "- {}: {value:.2}, of weight {weight:.2}", factor.name());
    }
    text.push_str("\nSay ");
    text.push_str(match focus {
        Some("evidence") => "which evidence is missing, and where it could be found.",
        Some("logic") => "which steps do not follow, and what would mend them.",
        Some("alignment") => "what the question asks that the answer does not say.",
        _ => "what would raise the confidence most, and how to come by it.",
    });
    Ok(text)
}
