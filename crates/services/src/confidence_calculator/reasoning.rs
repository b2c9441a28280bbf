//! `calculate_reasoning_confidence_mcp`: how far a conclusion can be trusted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alignment;
use super::factors::{Factor, HIGHEST, LOWEST, Reasoning, WEIGHTS};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_reasoning_confidence_mcp",
    alias: Some("calculate_reasoning_confidence"),
    title: "Say how far a conclusion can be trusted",
    description: "Says how far a conclusion can be trusted, from 0.05 to 0.95: by its evidence, its \
                  steps, whether the answer fits the question, how often such conclusions were \
                  right, how simple the reasoning is, and what validators said.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Nothing is known",
            arguments: r#"{"reasoning_context": {}}"#,
            answer: r#"{"confidence": 0.375, "factor_breakdown": {
                "evidence_quality": {"value": 0.2, "weight": 0.25, "contribution": 0.05},
                "historical_success": {"value": 0.5, "weight": 0.15}}}"#,
        },
        Example {
            title: "Evidence, steps and a history, of which the evidence alone counts",
            arguments: r#"{"reasoning_context": {
                "question": "Why is the sky blue?",
                "answer": "The sky is blue because air scatters blue light most.",
                "evidence": [{"source_type": "academic"}, {"source_type": "verified"}],
                "reasoning_chain": [
                    {"premise": "air scatters short waves", "inference_rule": "modus_ponens"},
                    {"conclusion": "blue light is scattered"}],
                "historical_data": {"total_attempts": 10, "successful_attempts": 8}},
                "custom_weights": {"evidence_quality": 1, "logical_consistency": 0,
                    "semantic_alignment": 0, "historical_success": 0, "complexity_penalty": 0,
                    "validation_score": 0}}"#,
            answer: r#"{"confidence": 0.85, "factor_breakdown": {
                "logical_consistency": {"value": 1}, "semantic_alignment": {"value": 1},
                "historical_success": {"value": 0.72}, "complexity_penalty": {"value": 1}},
                "recommendations": []}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// How the conclusion came about.
    reasoning_context: Reasoning,
    /// How much each factor counts; those that are left out keep their weight, and all are scaled to
    /// 1 together.
    #[serde(default)]
    custom_weights: BTreeMap<Factor, f64>,
    /// Whether the answer explains itself.
    #[serde(default = "yes")]
    include_explanation: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// How far the conclusion can be trusted.
    confidence: f64,
    /// What each factor contributes.
    factor_breakdown: BTreeMap<Factor, Share>,
    /// What would raise it.
    recommendations: Vec<&'static str>,
    /// The factors in one sentence, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Share {
    /// Between 0 and 1.
    value: f64,
    /// How much it counts.
    weight: f64,
    /// The product of both.
    contribution: f64,
}

fn yes() -> bool {
    true
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { reasoning_context, custom_weights, include_explanation } = arguments;
    alignment::check("reasoning_context.question", &reasoning_context.question)?;
    alignment::check("reasoning_context.answer", &reasoning_context.answer)?;
    let values = reasoning_context.factors("reasoning_context")?;
    let weights = weights(&custom_weights)?;
    let factor_breakdown: BTreeMap<Factor, Share> = weights
        .into_iter()
        .zip(values)
        .map(|((factor, weight), value)| {
            (factor, Share { value, weight, contribution: value * weight })
        })
        .collect();
    let sum: f64 = factor_breakdown.values().map(|share| share.contribution).sum();
    let confidence = sum.clamp(LOWEST, HIGHEST);
    Ok(Answer {
        confidence,
        recommendations: recommendations(&factor_breakdown, confidence),
        explanation: include_explanation.then(|| explain(&factor_breakdown, confidence)),
        factor_breakdown,
    })
}

/// Returns the weights, scaled to 1 together.
fn weights(custom: &BTreeMap<Factor, f64>) -> Result<[(Factor, f64); 6], ToolError> {
    for (factor, weight) in custom {
        if *weight < 0.0 {
            let problem = format!("{factor:?} is {weight}; give 0 or more");
            return Err(ToolError::argument("custom_weights", problem));
        }
    }
    let weights =
        WEIGHTS.map(|(factor, weight)| (factor, custom.get(&factor).copied().unwrap_or(weight)));
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if sum == 0.0 || !sum.is_finite() {
        let problem = "are all 0 or beyond what a number can hold; give at least one weight";
        return Err(ToolError::argument("custom_weights", problem));
    }
    Ok(weights.map(|(factor, weight)| (factor, weight / sum)))
}

fn recommendations(factors: &BTreeMap<Factor, Share>, confidence: f64) -> Vec<&'static str> {
    let low = |factor, limit| factors.get(&factor).is_some_and(|share| share.value < limit);
    let mut said = Vec::new();
    if low(Factor::EvidenceQuality, 0.5) {
        said.push("find evidence of academic or verified sources");
    }
    if low(Factor::LogicalConsistency, 0.6) {
        said.push("make each step follow from the one before");
    }
    if low(Factor::SemanticAlignment, 0.5) {
        said.push("answer what the question asks");
    }
    if low(Factor::HistoricalSuccess, 0.5) {
        said.push("look why such conclusions were wrong before");
    }
    if low(Factor::ComplexityPenalty, 0.7) {
        said.push("reason in fewer steps, without circles");
    }
    if low(Factor::ValidationScore, 0.4) {
        said.push("have the conclusion validated");
    }
    if confidence < 0.4 {
        said.push("try another way to the answer");
    }
    said
}

fn explain(factors: &BTreeMap<Factor, Share>, confidence: f64) -> String {
    let mut text = format!("The confidence is {confidence:.2}:");
    for (at, (factor, share)) in factors.iter().enumerate() {
        let separator = if at == 0 { ' ' } else { ',' };
        let space = if at == 0 { "" } else { " " };
        let name = factor.name();
        let _ = write!(
            text,
            "{separator}{space}{name} of {:.2} adds {:.3}",
            share.value, share.contribution
        );
    }
    text.push('.');
    text
}

impl Factor {
    /// Returns its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::EvidenceQuality => "evidence quality",
            Self::LogicalConsistency => "logical consistency",
            Self::SemanticAlignment => "semantic alignment",
            Self::HistoricalSuccess => "historical success",
            Self::ComplexityPenalty => "simplicity",
            Self::ValidationScore => "validation",
        }
    }
}
