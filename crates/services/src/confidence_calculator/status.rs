//! `mcp_confidence_calculator` and `confidence://calculator/status`: the service about itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::factors::{Factor, HIGHEST, LOWEST, WEIGHTS};
use super::uncertainty::{FALLBACKS, OTHER_FALLBACK, OTHER_REMAINDER, REMAINDERS};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::service::Resource;
use crate::status::Status;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "mcp_confidence_calculator",
    alias: None,
    title: "State of the confidence service",
    description: "Tells the weights of the factors and the bounds of a confidence, how often the \
                  tools of the service were called since the start, and which calls the caller \
                  made last.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Before anything was called",
        arguments: "{}",
        answer: r#"{"service": "confidence_calculator", "last_calls": [],
            "factor_weights": {"evidence_quality": 0.25, "logical_consistency": 0.2,
                "semantic_alignment": 0.2, "historical_success": 0.15, "complexity_penalty": 0.1,
                "validation_score": 0.1},
            "confidence_bounds": {"min": 0.05, "max": 0.95}}"#,
    }],
    run: |context, raw| tool::tell(context, raw, carry_out),
};

/// The resource.
pub(super) const RESOURCE: Resource = Resource {
    uri: "confidence://calculator/status",
    title: "How confidences are calculated",
    description: "The factors with their weights, the bounds, the uncertainties and the lesser \
                  ways with what they are worth.",
    read,
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    #[serde(flatten)]
    status: Status,
    /// How much each factor counts.
    factor_weights: BTreeMap<Factor, f64>,
    /// Between which numbers a confidence is.
    confidence_bounds: Bounds,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Bounds {
    min: f64,
    max: f64,
}

fn carry_out(context: &Context<'_>) -> Answer {
    Answer {
        status: Status::of(context),
        factor_weights: WEIGHTS.into_iter().collect(),
        confidence_bounds: Bounds { min: LOWEST, max: HIGHEST },
    }
}

#[expect(clippy::unnecessary_wraps, reason = "other resources may fail")]
fn read(_: &Context<'_>) -> Result<Value, ToolError> {
    let table = |pairs: &[(&str, f64)]| -> Value {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    };
    let weights: BTreeMap<Factor, f64> = WEIGHTS.into_iter().collect();
    Ok(json!({
        "available_factors": WEIGHTS.map(|(factor, _)| factor),
        "factor_weights": weights,
        "confidence_bounds": { "min": LOWEST, "max": HIGHEST },
        "uncertainty_factors": table(&REMAINDERS),
        "other_uncertainty": OTHER_REMAINDER,
        "fallback_scenarios": table(&FALLBACKS),
        "other_fallback": OTHER_FALLBACK,
    }))
}
