//! `assess_data_quality`: how good a set of records is.

use std::collections::BTreeMap;

use jsonschema::PatternOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dimension::{Dataset, Dimension, WEIGHTS};
use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The least that a dimension should come to if nothing else is asked for.
pub(super) const THRESHOLD: f64 = 0.7;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "assess_data_quality",
    alias: None,
    title: "Say how good data is",
    description: "Says how good a set of records is, by completeness, accuracy, consistency, \
                  timeliness, validity and uniqueness, each from 0 to 1, and all together. A \
                  dimension that the records say nothing about is left out.",
    annotations: Annotations::TELLS,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Three records, of which one comes twice",
        arguments: r#"{"dataset": [
            {"name": "Ada", "email": "ada@example.org", "age": 36},
            {"name": "Bob", "email": "nobody", "age": "37"},
            {"name": "Ada", "email": "ada@example.org", "age": 36}]}"#,
        answer: r#"{"dimension_scores": {"completeness": 1, "accuracy": 1,
            "consistency": 0.8888888888888888, "validity": 0.6666666666666666,
            "uniqueness": 0.6666666666666666}, "not_assessed": ["timeliness"],
            "overall_score": 0.9150326797385621, "quality_level": "excellent",
            "records_assessed": 3}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The records.
    #[schemars(length(min = 1))]
    dataset: Vec<Map<String, Value>>,
    /// The dimensions; all if it is not given.
    #[serde(default)]
    quality_dimensions: Option<Vec<Dimension>>,
    /// How much each counts; those that are left out keep their weight.
    #[serde(default)]
    dimension_weights: BTreeMap<Dimension, f64>,
    /// The least that each should come to, 0.7 where it is left out.
    #[serde(default)]
    thresholds: BTreeMap<Dimension, f64>,
    /// The schema of a record (JSON Schema 2020-12).
    #[serde(default)]
    schema: Option<Value>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The weighted mean of the dimensions that were assessed.
    overall_score: f64,
    /// The same in a word.
    quality_level: Level,
    /// What each dimension comes to.
    dimension_scores: BTreeMap<Dimension, f64>,
    /// The dimensions that the records say nothing about.
    not_assessed: Vec<Dimension>,
    /// The dimensions that do not come to what they should.
    issues: Vec<String>,
    /// What to do.
    recommendations: Vec<String>,
    /// How many records there are.
    records_assessed: usize,
}

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// 0.9 or more.
    Excellent,
    /// 0.75 or more.
    Good,
    /// 0.5 or more.
    Fair,
    /// Less.
    Poor,
}

impl Level {
    /// Returns the level of a score.
    pub(super) fn of(score: f64) -> Self {
        match score {
            0.9.. => Self::Excellent,
            0.75.. => Self::Good,
            0.5.. => Self::Fair,
            _ => Self::Poor,
        }
    }
}

/// Reads the schema of a record.
pub(super) fn validator(schema: &Value) -> Result<jsonschema::Validator, ToolError> {
    jsonschema::options()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| ToolError::argument("schema", format!("is no schema: {error}")))
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { dataset, quality_dimensions, dimension_weights, thresholds, schema } =
        arguments;
    if dataset.is_empty() {
        return Err(ToolError::argument("dataset", "is empty; give at least one record"));
    }
    let name = |dimension: &Dimension| format!("{dimension:?}").to_lowercase();
    for (dimension, weight) in &dimension_weights {
        number_within(&format!("dimension_weights.{}", name(dimension)), *weight, 0.0..=1e9)?;
    }
    let required = schema.as_ref().and_then(|schema| schema.get("required")?.as_array());
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    #[expect(clippy::cast_precision_loss, reason = "the time of day needs no more than 53 bits")]
    let now = context.ports().clock.unix_seconds() as f64;
    let set = Dataset {
        records: &dataset,
        required: required.map(str::to_owned).collect(),
        validator: schema.as_ref().map(validator).transpose()?,
        now,
    };
    let wanted = quality_dimensions.unwrap_or_else(|| WEIGHTS.map(|(one, _)| one).to_vec());
    let mut dimension_scores = BTreeMap::new();
    let mut not_assessed = Vec::new();
    for dimension in wanted {
        context.check()?;
        match set.assess(dimension) {
            Some(score) => {
                dimension_scores.insert(dimension, score);
            }
            None => not_assessed.push(dimension),
        }
    }
    let weight = |dimension: &Dimension| {
        let usual = WEIGHTS.iter().find(|(one, _)| one == dimension).map(|(_, weight)| *weight);
        dimension_weights.get(dimension).copied().or(usual).unwrap_or_default()
    };
    let whole: f64 = dimension_scores.keys().map(weight).sum();
    let sum: f64 = dimension_scores.iter().map(|(one, score)| weight(one) * score).sum();
    let overall_score = if whole > 0.0 { sum / whole } else { 0.0 };
    let low: Vec<(&Dimension, f64, f64)> = dimension_scores
        .iter()
        .map(|(one, score)| (one, *score, thresholds.get(one).copied().unwrap_or(THRESHOLD)))
        .filter(|(_, score, threshold)| score < threshold)
        .collect();
    Ok(Answer {
        overall_score,
        quality_level: Level::of(overall_score),
        issues: low
            .iter()
            .map(|(one, score, least)| format!("{} is {score:.2}, below {least:.2}", name(one)))
            .collect(),
        recommendations: low.iter().map(|(one, ..)| one.advice().to_owned()).collect(),
        dimension_scores,
        not_assessed,
        records_assessed: dataset.len(),
    })
}

impl Dimension {
    /// Says what raises it.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Completeness => "fill in the fields that have no value",
            Self::Accuracy => "check the numbers that are far from the others of their field",
            Self::Consistency => "write the values of a field in one type",
            Self::Timeliness => "renew what is older than a year",
            Self::Validity => "mend the records that do not have the form that they should have",
            Self::Uniqueness => "remove the records that come again",
        }
    }
}
