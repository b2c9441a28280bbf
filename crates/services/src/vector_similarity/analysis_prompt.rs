//! `vector_similarity_analysis`: asks a model what results of a comparison mean.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::metric::sum_of;
use crate::context::Context;
use crate::error::ToolError;
use crate::prompt;
use crate::service::{Prompt, PromptArgument};

/// The prompt.
pub(super) const PROMPT: Prompt = Prompt {
    name: "vector_similarity_analysis",
    title: "What similar vectors mean",
    description: "Asks what the results of batch_vector_similarity_mcp mean, with their spread and \
                  their outliers.",
    arguments: &[
        PromptArgument {
            name: "similarity_results",
            description: "The answer of batch_vector_similarity_mcp, as JSON.",
            required: true,
        },
        PromptArgument {
            name: "analysis_focus",
            description: "What to look at: distribution, outliers or clusters; all if not given.",
            required: false,
        },
    ],
    render,
};

/// The parts of the answer that are looked at.
#[derive(Debug, Deserialize)]
struct Batch {
    results: Vec<Found>,
    #[serde(default)]
    metric_used: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Found {
    id: String,
    similarity: f64,
}

fn render(_: &Context<'_>, arguments: &BTreeMap<String, String>) -> Result<String, ToolError> {
    let Batch { results, metric_used } = prompt::json(arguments, "similarity_results")?;
    let known = ["distribution", "outliers", "clusters"];
    let focus = prompt::focus(arguments, "analysis_focus", &known)?;
    if results.is_empty() {
        return Err(ToolError::argument("similarity_results", "has no results to look at"));
    }
    let wants = |part| focus.is_none_or(|focus| focus == part);
    let similarities: Vec<f64> = results.iter().map(|found| found.similarity).collect();
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^53 results")]
    let count = similarities.len() as f64;
    let mean = similarities.iter().sum::<f64>() / count;
    let deviation = (sum_of(&similarities, |one| (one - mean) * (one - mean)) / count).sqrt();
    let metric = metric_used.as_deref().unwrap_or("an unknown metric");
    let mut text = format!(
        "{count} vectors were found to be similar by {metric}. Their similarities have the mean \
         {mean:.4} and the standard deviation {deviation:.4}.\n"
    );
    if wants("distribution") || wants("clusters") {
        text.push_str("\nThe similarities, best first:\n");
        for found in results.iter().take(50) {
            let _ = writeln!(text, "- {}: {:.4}", found.id, found.similarity);
        }
    }
    if wants("outliers") {
        text.push_str("\nFurther than two deviations from the mean:\n");
        let far = |found: &&Found| (found.similarity - mean).abs() > 2.0 * deviation;
        for found in results.iter().filter(far).take(20) {
            let _ = writeln!(text, "- {}: {:.4}", found.id, found.similarity);
        }
    }
    text.push_str("\nSay what this tells about the data");
    text.push_str(match focus {
        Some("distribution") => ", above all how the similarities are spread.",
        Some("outliers") => ", above all which results stand apart and why they may.",
        Some("clusters") => ", above all which results belong together.",
        _ => ": how the similarities are spread, what stands apart, and what belongs together.",
    });
    Ok(text)
}
