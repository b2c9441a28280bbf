//! `ranking_analysis`: asks a model what a ranking is worth.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::weights::Parts;
use crate::context::Context;
use crate::error::ToolError;
use crate::prompt;
use crate::service::{Prompt, PromptArgument};

/// The prompt.
pub(super) const PROMPT: Prompt = Prompt {
    name: "ranking_analysis",
    title: "What a ranking is worth",
    description: "Asks what the results of hybrid_ranking_search_mcp are worth, with their scores.",
    arguments: &[
        PromptArgument {
            name: "ranked_results",
            description: "The `ranked_results` of hybrid_ranking_search_mcp, as JSON.",
            required: true,
        },
        PromptArgument {
            name: "analysis_type",
            description: "What to look at: distribution, diversity or quality; all if not given.",
            required: false,
        },
    ],
    render,
};

/// The parts of a result that are looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ranked {
    doc_id: String,
    hybrid_score: f64,
    #[serde(default)]
    ranking_components: Option<Parts>,
}

fn render(_: &Context<'_>, arguments: &BTreeMap<String, String>) -> Result<String, ToolError> {
    let results: Vec<Ranked> = prompt::json(arguments, "ranked_results")?;
    let known = ["distribution", "diversity", "quality"];
    let focus = prompt::focus(arguments, "analysis_type", &known)?;
    let (Some(first), Some(last)) = (results.first(), results.last()) else {
        return Err(ToolError::argument("ranked_results", "has no results to look at"));
    };
    let mut text = format!(
        "{} documents were ranked. The scores go from {:.3} to {:.3}:\n",
        results.len(),
        first.hybrid_score,
        last.hybrid_score
    );
    for (at, result) in results.iter().take(50).enumerate() {
        let _ = write!(text, "{}. {}: {:.3}", at + 1, result.doc_id, result.hybrid_score);
        if let Some(parts) = result.ranking_components {
            let [vectors, words, links, context] = parts.numbers();
            let _ = write!(
                text,
                " (vectors {vectors:.3}, words {words:.3}, links {links:.3}, context {context:.3})"
            );
        }
        text.push('\n');
    }
    text.push_str("\nSay ");
    text.push_str(match focus {
        Some("distribution") => "how the scores are spread, and where a cut would make sense.",
        Some("diversity") => "whether the results are different from each other or repeat one.",
        Some("quality") => "whether the order is what the parts speak for, and what looks wrong.",
        _ => {
            "how the scores are spread, which part decides the order, whether the results repeat \
             each other, and what looks wrong."
        }
    });
    Ok(text)
}
