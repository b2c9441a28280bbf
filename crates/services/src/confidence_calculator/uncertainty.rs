//! `adjust_confidence_for_uncertainty_mcp` and `calculate_fallback_confidence`: confidence where
//! something is amiss.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::factors::{HIGHEST, LOWEST};
use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// What remains of a confidence for each uncertainty.
pub(super) const REMAINDERS: [(&str, f64); 6] = [
    ("missing_evidence", 0.85),
    ("contradictory_evidence", 0.7),
    ("weak_inference", 0.8),
    ("unvalidated_source", 0.9),
    ("complex_reasoning", 0.9),
    ("limited_data", 0.85),
];
/// What remains for one that is not in the table.
pub(super) const OTHER_REMAINDER: f64 = 0.95;

/// How far an answer can be trusted that came about in a lesser way.
pub(super) const FALLBACKS: [(&str, f64); 7] = [
    ("no_historical_data", 0.3),
    ("single_agent_fallback", 0.35),
    ("internal_analysis", 0.4),
    ("simplified_implementation", 0.45),
    ("partial_evidence", 0.5),
    ("consensus_fallback", 0.55),
    ("validated_fallback", 0.6),
];
/// The same for a way that is not in the table.
pub(super) const OTHER_FALLBACK: f64 = 0.4;

/// The tool that adjusts.
pub(super) const ADJUST: Tool = Tool {
    name: "adjust_confidence_for_uncertainty_mcp",
    alias: Some("adjust_confidence_for_uncertainty"),
    title: "Lower a confidence for what is uncertain",
    description: "Multiplies a confidence by what remains for each uncertainty: missing_evidence \
                  0.85, contradictory_evidence 0.7, weak_inference 0.8, unvalidated_source 0.9, \
                  complex_reasoning 0.9, limited_data 0.85, any other 0.95. The result is between \
                  0.05 and 0.95.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Two uncertainties",
        arguments: r#"{"base_confidence": 0.8,
            "uncertainty_factors": ["weak_inference", "limited_data"]}"#,
        answer: r#"{"original_confidence": 0.8, "adjusted_confidence": 0.544,
            "total_penalty": 0.32, "factor_impacts": {"weak_inference": 0.2, "limited_data": 0.15}}"#,
    }],
    run: |context, raw| tool::run(context, raw, adjust),
};

/// The tool for lesser ways.
pub(super) const FALLBACK: Tool = Tool {
    name: "calculate_fallback_confidence",
    alias: None,
    title: "Confidence of an answer that came about in a lesser way",
    description: "Says how far an answer can be trusted that came about in a lesser way: \
                  no_historical_data 0.3, single_agent_fallback 0.35, internal_analysis 0.4, \
                  simplified_implementation 0.45, partial_evidence 0.5, consensus_fallback 0.55, \
                  validated_fallback 0.6, any other 0.4.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Scenario>,
    output_schema: schema::output::<Fallback>,
    examples: &[
        Example {
            title: "A part of the evidence is missing",
            arguments: r#"{"scenario": "partial_evidence"}"#,
            answer: r#"{"confidence": 0.5, "scenario": "partial_evidence", "known": true}"#,
        },
        Example {
            title: "A way that is not in the table",
            arguments: r#"{"scenario": "guesswork"}"#,
            answer: r#"{"confidence": 0.4, "known": false}"#,
        },
    ],
    run: |context, raw| {
        tool::run(context, raw, |_, Scenario { scenario }| {
            let found = find(&FALLBACKS, &scenario);
            let confidence = found.unwrap_or(OTHER_FALLBACK);
            Ok(Fallback { confidence, scenario, known: found.is_some() })
        })
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The confidence, from 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    base_confidence: f64,
    /// What is uncertain; each counts as often as it is named.
    #[schemars(length(max = 100))]
    uncertainty_factors: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The confidence as it was given.
    original_confidence: f64,
    /// What remains of it, between 0.05 and 0.95.
    adjusted_confidence: f64,
    /// The share that all uncertainties take away together.
    total_penalty: f64,
    /// The share that each takes away.
    factor_impacts: IndexMap<String, f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// How the answer came about.
    scenario: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Fallback {
    /// How far the answer can be trusted.
    confidence: f64,
    /// How it came about.
    scenario: String,
    /// Whether that is in the table.
    known: bool,
}

fn find(table: &[(&str, f64)], name: &str) -> Option<f64> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn adjust(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { base_confidence, uncertainty_factors } = arguments;
    number_within("base_confidence", base_confidence, 0.0..=1.0)?;
    if uncertainty_factors.len() > 100 {
        let problem = format!("has {} entries; give at most 100", uncertainty_factors.len());
        return Err(ToolError::argument("uncertainty_factors", problem));
    }
    let mut remainder = 1.0;
    let mut factor_impacts = IndexMap::new();
    for factor in uncertainty_factors {
        let of_factor = find(&REMAINDERS, &factor).unwrap_or(OTHER_REMAINDER);
        remainder *= of_factor;
        factor_impacts.insert(factor, 1.0 - of_factor);
    }
    Ok(Answer {
        original_confidence: base_confidence,
        adjusted_confidence: (base_confidence * remainder).clamp(LOWEST, HIGHEST),
        total_penalty: 1.0 - remainder,
        factor_impacts,
    })
}
