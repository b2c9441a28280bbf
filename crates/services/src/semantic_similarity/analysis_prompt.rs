//! `similarity_analysis`: asks a model what texts have to do with each other.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::measure::Method;
use super::pair::by_category;
use super::texts::Texts;
use crate::context::Context;
use crate::error::ToolError;
use crate::prompt;
use crate::service::{Prompt, PromptArgument};

/// The most texts, since each is compared with each.
const MAX_TEXTS: usize = 20;

/// The prompt.
pub(super) const PROMPT: Prompt = Prompt {
    name: "similarity_analysis",
    title: "What texts have to do with each other",
    description: "Asks what several texts have to do with each other, with how alike they are.",
    arguments: &[
        PromptArgument {
            name: "texts",
            description: "The texts, a JSON array of 2 to 20.",
            required: true,
        },
        PromptArgument {
            name: "analysis_type",
            description: "What to look at: pairwise, group or semantic; all if not given.",
            required: false,
        },
    ],
    render,
};

fn render(
    context: &Context<'_>,
    arguments: &BTreeMap<String, String>,
) -> Result<String, ToolError> {
    let texts: Vec<String> = prompt::json(arguments, "texts")?;
    let known = ["pairwise", "group", "semantic"];
    let focus = prompt::focus(arguments, "analysis_type", &known)?;
    if !(2..=MAX_TEXTS).contains(&texts.len()) {
        let problem = format!("has {} texts; give 2 to {MAX_TEXTS}", texts.len());
        return Err(ToolError::argument("texts", problem));
    }
    let named = texts.iter().map(|text| ("texts".to_owned(), text.as_str()));
    let compared = Texts::new(context, Method::Hybrid, &named.collect::<Vec<_>>())?;
    let wants = |part| focus.is_none_or(|focus| focus == part);
    let mut prompt = String::from("These texts are to be looked at together:\n");
    for (at, text) in texts.iter().enumerate() {
        let _ = writeln!(prompt, "{}. {text}", at + 1);
    }
    if wants("pairwise") || wants("group") {
        prompt.push_str("\nHow alike they are, from 0 to 1:\n");
        for left in 0..texts.len() {
            for right in left + 1..texts.len() {
                let similarity = compared.compare(Method::Hybrid, left, right);
                let _ = writeln!(prompt, "- {} and {}: {similarity:.2}", left + 1, right + 1);
            }
        }
    }
    if wants("semantic") {
        prompt.push_str("\nWhat they are about:\n");
        for at in 0..texts.len() {
            let categories: Vec<&str> = by_category(compared.bag(at)).into_keys().collect();
            let _ = writeln!(prompt, "- {}: {}", at + 1, categories.join(", "));
        }
    }
    prompt.push_str("\nSay ");
    prompt.push_str(match focus {
        Some("pairwise") => "which of them say the same and where each two differ.",
        Some("group") => "how far they agree as a group, and which stands apart.",
        Some("semantic") => "what each is about, and what they have in common.",
        _ => "which of them say the same, where they differ, and which stands apart.",
    });
    Ok(prompt)
}
