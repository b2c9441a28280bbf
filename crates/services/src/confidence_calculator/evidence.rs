//! `calculate_evidence_quality_mcp`: of what kind evidence is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::factors::{evidence_quality, quality};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_evidence_quality_mcp",
    alias: Some("calculate_evidence_quality"),
    title: "Say how good evidence is",
    description: "Says how good evidence is by the kinds of its sources, from 0 to 1: academic 0.9, \
                  verified 0.8, empirical 0.7, others 0.4, plain text 0.3, and 0.2 if there is none.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Two pieces",
            arguments: r#"{"evidence": [{"source_type": "academic"}, "I heard so"]}"#,
            answer: r#"{"quality_score": 0.6}"#,
        },
        Example {
            title: "More than three count for a fifth more",
            arguments: r#"{"return_details": true, "evidence": [
                {"source_type": "verified"}, {"source_type": "verified"},
                {"source_type": "empirical"}, {"source_type": "blog"}]}"#,
            answer: r#"{"quality_score": 0.81, "evidence_count": 4,
                "evidence_composition": {"verified": 2, "empirical": 1, "blog": 1},
                "has_academic_sources": false, "has_verified_sources": true,
                "item_scores": [0.8, 0.8, 0.7, 0.4]}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The evidence: objects with a `source_type`, or anything else.
    evidence: Vec<Value>,
    /// Whether the answer says of what the evidence consists.
    #[serde(default)]
    return_details: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// How good the evidence is, from 0 to 1.
    quality_score: f64,
    #[serde(flatten)]
    details: Option<Details>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Details {
    /// How many pieces there are of each kind of source; those that name none are `unknown`.
    evidence_composition: BTreeMap<String, usize>,
    /// How many pieces there are.
    evidence_count: usize,
    /// Whether one is academic.
    has_academic_sources: bool,
    /// Whether one is verified.
    has_verified_sources: bool,
    /// How good each piece is.
    item_scores: Vec<f64>,
}

#[expect(clippy::unnecessary_wraps, reason = "other tools refuse what they are given")]
fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { evidence, return_details } = arguments;
    Ok(Answer {
        quality_score: evidence_quality(&evidence),
        details: return_details.then(|| details(&evidence)),
    })
}

fn details(evidence: &[Value]) -> Details {
    let mut composition: BTreeMap<String, usize> = BTreeMap::new();
    for piece in evidence {
        let kind = piece.get("source_type").and_then(Value::as_str).unwrap_or("unknown");
        *composition.entry(kind.to_owned()).or_default() += 1;
    }
    Details {
        evidence_count: evidence.len(),
        has_academic_sources: composition.contains_key("academic"),
        has_verified_sources: composition.contains_key("verified"),
        evidence_composition: composition,
        item_scores: evidence.iter().map(quality).collect(),
    }
}
