//! `calculate_completeness_score`: which fields have a value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dimension::is_filled;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// How much a required field counts.
const REQUIRED: f64 = 1.0;
/// How much another counts.
const OPTIONAL: f64 = 0.5;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_completeness_score",
    alias: None,
    title: "Say how complete a record is",
    description: "Says which fields of a record have a value, and how complete it is, from 0 to 1: \
                  a required field counts 1 and an optional one 0.5, unless it has a weight of its \
                  own.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "An empty text is no value, unless that is asked for",
        arguments: r#"{"data": {"name": "Ada", "city": ""}, "required_fields": ["name", "city"],
            "optional_fields": ["phone"]}"#,
        answer: r#"{"completeness_score": 0.4, "missing_fields": ["city", "phone"],
            "present_fields": ["name"], "total_fields": 3, "present_count": 1, "missing_count": 2,
            "recommendations": ["fill in the required field `city`"]}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The record.
    data: Map<String, Value>,
    /// The fields that it has to have.
    required_fields: Vec<String>,
    /// The fields that it may have.
    #[serde(default)]
    optional_fields: Vec<String>,
    /// How much fields count, by name.
    #[serde(default)]
    field_weights: BTreeMap<String, f64>,
    /// What is taken for a value.
    #[serde(default)]
    empty_value_handling: Emptiness,
}

/// What is taken for a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Emptiness {
    /// Not null, and no empty text, array or object.
    #[default]
    Strict,
    /// Not null.
    Lenient,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// From 0 to 1; 1 if no field is asked for.
    completeness_score: f64,
    /// The fields without a value.
    missing_fields: Vec<String>,
    /// The fields with one.
    present_fields: Vec<String>,
    /// By field: 1 if it has a value, else 0.
    field_scores: BTreeMap<String, f64>,
    /// How many fields are asked for.
    total_fields: usize,
    /// How many have a value.
    present_count: usize,
    /// How many have none.
    missing_count: usize,
    /// What would make it complete.
    recommendations: Vec<String>,
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { data, required_fields, optional_fields, field_weights, empty_value_handling } =
        arguments;
    for (field, weight) in &field_weights {
        if *weight < 0.0 {
            let problem = format!("is {weight}; give 0 or more");
            return Err(ToolError::argument(format!("field_weights.{field}"), problem));
        }
    }
    let is_present = |field: &String| match empty_value_handling {
        Emptiness::Strict => is_filled(data.get(field)),
        Emptiness::Lenient => data.get(field).is_some_and(|value| !value.is_null()),
    };
    let (mut present, mut missing) = (Vec::new(), Vec::new());
    let (mut score, mut whole) = (0.0, 0.0);
    let mut field_scores = BTreeMap::new();
    let required = required_fields.iter().map(|field| (field, REQUIRED));
    for (field, weight) in required.chain(optional_fields.iter().map(|field| (field, OPTIONAL))) {
        let weight = field_weights.get(field).copied().unwrap_or(weight);
        let is_there = is_present(field);
        whole += weight;
        score += if is_there { weight } else { 0.0 };
        field_scores.insert(field.clone(), f64::from(is_there));
        if is_there { &mut present } else { &mut missing }.push(field.clone());
    }
    let wanted = required_fields.iter().filter(|field| !is_present(field));
    Ok(Answer {
        completeness_score: if whole > 0.0 { score / whole } else { 1.0 },
        recommendations: wanted
            .map(|field| format!("fill in the required field `{field}`"))
            .collect(),
        total_fields: present.len() + missing.len(),
        present_count: present.len(),
        missing_count: missing.len(),
        missing_fields: missing,
        present_fields: present,
        field_scores,
    })
}
