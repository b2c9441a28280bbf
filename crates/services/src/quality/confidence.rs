//! `calculate_confidence_score`: how far a result can be trusted by what can be seen of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dimension::is_filled;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};
use crate::validation::patterns::Pattern;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_confidence_score",
    alias: None,
    title: "Say how far a result can be trusted",
    description: "Says how far a result, an object, can be trusted, from 0 to 1: by whether its \
                  required fields have values (completeness), texts have their formats (format), \
                  numbers are in their ranges (range), it agrees with a baseline (accuracy), and \
                  with earlier results (consistency).",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A field that is missing, and a number that differs",
        arguments: r#"{"result": {"name": "Ada", "age": 36}, "baseline": {"name": "Ada", "age": 40},
            "validation_methods": ["completeness", "accuracy", "range"],
            "context": {"required_fields": ["name", "city"],
                "ranges": {"age": {"min": 0, "max": 120}}}}"#,
        answer: r#"{"confidence": 0.8166666666666667, "method_scores": {"completeness": 0.5,
            "accuracy": 0.95, "range": 1}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The result.
    result: Map<String, Value>,
    /// By what it is judged.
    #[schemars(length(min = 1))]
    validation_methods: Vec<Method>,
    /// What the methods need to know.
    #[serde(default)]
    context: Knowledge,
    /// What the result should be; `accuracy` needs it.
    #[serde(default)]
    baseline: Option<Map<String, Value>>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
enum Method {
    /// How far earlier results agree with it.
    Consistency,
    /// The share of required fields that have a value.
    Completeness,
    /// How far it agrees with the baseline.
    Accuracy,
    /// The share of texts that have their format.
    Format,
    /// The share of numbers that are in their range.
    Range,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Knowledge {
    /// The fields that a result has to have; `completeness` needs it.
    required_fields: Vec<String>,
    /// By field: its format; `format` needs it.
    formats: BTreeMap<String, Pattern>,
    /// By field: between which numbers it is; `range` needs it.
    ranges: BTreeMap<String, Range>,
    /// Earlier results; `consistency` needs them.
    previous_results: Vec<Map<String, Value>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Range {
    /// The least.
    #[serde(default)]
    min: Option<f64>,
    /// The largest.
    #[serde(default)]
    max: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The mean of the methods.
    confidence: f64,
    /// What each method says.
    method_scores: BTreeMap<Method, f64>,
}

#[expect(clippy::needless_pass_by_value, reason = "every tool is given its arguments whole")]
fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    if arguments.validation_methods.is_empty() {
        return Err(ToolError::argument("validation_methods", "is empty; name at least one"));
    }
    let mut method_scores = BTreeMap::new();
    for method in &arguments.validation_methods {
        method_scores.insert(*method, arguments.score(*method)?);
    }
    let sum: f64 = method_scores.values().sum();
    Ok(Answer { confidence: sum / as_f64(method_scores.len()), method_scores })
}

impl Arguments {
    fn score(&self, method: Method) -> Result<f64, ToolError> {
        let Knowledge { required_fields, formats, ranges, previous_results } = &self.context;
        let result = &self.result;
        let needs = |field: &str| {
            let problem = format!("is needed for {method:?} and was not given").to_lowercase();
            ToolError::argument(field, problem)
        };
        match method {
            Method::Completeness => {
                let filled = required_fields.iter().map(|field| is_filled(result.get(field)));
                mean(filled.map(f64::from)).ok_or_else(|| needs("context.required_fields"))
            }
            Method::Format => {
                let fits = formats.iter().map(|(field, pattern)| {
                    let text = result.get(field).and_then(Value::as_str);
                    text.is_some_and(|text| pattern.fits(text))
                });
                mean(fits.map(f64::from)).ok_or_else(|| needs("context.formats"))
            }
            Method::Range => {
                let within = ranges.iter().map(|(field, range)| {
                    let number = result.get(field).and_then(Value::as_f64);
                    number.is_some_and(|number| range.has(number))
                });
                mean(within.map(f64::from)).ok_or_else(|| needs("context.ranges"))
            }
            Method::Accuracy => {
                let baseline = self.baseline.as_ref().ok_or_else(|| needs("baseline"))?;
                Ok(agreement(result, baseline))
            }
            Method::Consistency => {
                let agreements = previous_results.iter().map(|one| agreement(result, one));
                mean(agreements).ok_or_else(|| needs("context.previous_results"))
            }
        }
    }
}

impl Range {
    fn has(&self, number: f64) -> bool {
        self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max)
    }
}

/// Returns how far two objects agree: of the fields of either, numbers by how near they are, others
/// by whether they are the same.
pub(super) fn agreement(left: &Map<String, Value>, right: &Map<String, Value>) -> f64 {
    let further = right.keys().filter(|field| !left.contains_key(*field));
    let fields = left.keys().chain(further);
    let agreements = fields.map(|field| match (left.get(field), right.get(field)) {
        (Some(left), Some(right)) => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => {
                let largest = left.abs().max(right.abs());
                if largest == 0.0 { 1.0 } else { (1.0 - (left - right).abs() / largest).max(0.0) }
            }
            _ => f64::from(left == right),
        },
        _ => 0.0,
    });
    mean(agreements).unwrap_or(1.0)
}

fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut count, mut sum) = (0, 0.0);
    for number in numbers {
        count += 1;
        sum += number;
    }
    (count > 0).then(|| sum / as_f64(count))
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 fields")]
pub(super) fn as_f64(count: usize) -> f64 {
    count as f64
}
