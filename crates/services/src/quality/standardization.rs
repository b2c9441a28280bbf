//! `assess_standardization_quality`: what a standardisation came to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::confidence::{agreement, as_f64};
use super::data_quality::Level;
use super::dimension::is_filled;
use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "assess_standardization_quality",
    alias: None,
    title: "Say what a standardisation came to",
    description: "Compares records before and after they were standardised: how many there still \
                  are, how many fields of the target have a value, how confident the \
                  standardisation was, and, with the right records beside them, how many fields \
                  are right.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Two records with the right ones beside them",
        arguments: r#"{"original_data": [{"x": "oslo"}, {"x": "bergn"}],
            "standardized_data": [{"city": "Oslo"}, {"city": "Berlin"}],
            "target_fields": ["city"], "confidences": [0.9, 0.5],
            "expected_data": [{"city": "Oslo"}, {"city": "Bergen"}]}"#,
        answer: r#"{"overall_score": 0.8, "quality_level": "good", "scores": {"success_rate": 1,
            "completeness": 1, "average_confidence": 0.7, "accuracy": 0.5}, "wrong_records": [1]}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The records before.
    #[schemars(length(min = 1))]
    original_data: Vec<Value>,
    /// The records after, in the same order; null where there is none.
    standardized_data: Vec<Option<Map<String, Value>>>,
    /// The fields that a standardised record should have.
    #[serde(default)]
    target_fields: Vec<String>,
    /// How confident the standardisation was of each, from 0 to 1.
    #[serde(default)]
    confidences: Vec<f64>,
    /// What the records should have become.
    #[serde(default)]
    expected_data: Option<Vec<Map<String, Value>>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The mean of the scores that could be computed.
    overall_score: f64,
    /// The same in a word.
    quality_level: Level,
    /// What each comes to: `success_rate`, and as far as they could be computed `completeness`,
    /// `average_confidence` and `accuracy`.
    scores: BTreeMap<&'static str, f64>,
    /// The positions of the records that are not what they should be.
    wrong_records: Vec<usize>,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { original_data, standardized_data, target_fields, confidences, expected_data } =
        arguments;
    let n_records = original_data.len();
    if n_records == 0 {
        return Err(ToolError::argument("original_data", "is empty; give at least one record"));
    }
    let expected_len = expected_data.as_ref().map(Vec::len);
    for (field, length) in [
        ("standardized_data", Some(standardized_data.len())),
        ("confidences", Some(confidences.len()).filter(|length| *length > 0)),
        ("expected_data", expected_len),
    ] {
        if length.is_some_and(|length| length != n_records) {
            let problem = format!("has not one entry for each of the {n_records} records");
            return Err(ToolError::argument(field, problem));
        }
    }
    for (at, confidence) in confidences.iter().enumerate() {
        number_within(&format!("confidences[{at}]"), *confidence, 0.0..=1.0)?;
    }
    context.check()?;
    let done: Vec<&Map<String, Value>> = standardized_data.iter().flatten().collect();
    let count = as_f64(n_records);
    let mut scores = BTreeMap::from([("success_rate", as_f64(done.len()) / count)]);
    if !target_fields.is_empty() && !done.is_empty() {
        let filled = |record: &&Map<String, Value>| {
            target_fields.iter().filter(|field| is_filled(record.get(*field))).count()
        };
        let whole = as_f64(target_fields.len() * done.len());
        scores.insert("completeness", as_f64(done.iter().map(filled).sum()) / whole);
    }
    if !confidences.is_empty() {
        scores.insert("average_confidence", confidences.iter().sum::<f64>() / count);
    }
    let mut wrong_records = Vec::new();
    if let Some(expected) = &expected_data {
        let mut right = 0.0;
        for (at, (found, expected)) in standardized_data.iter().zip(expected).enumerate() {
            right += found.as_ref().map_or(0.0, |found| agreement(found, expected));
            if found.as_ref() != Some(expected) {
                wrong_records.push(at);
            }
        }
        scores.insert("accuracy", right / count);
    }
    let overall_score = scores.values().sum::<f64>() / as_f64(scores.len());
    Ok(Answer { overall_score, quality_level: Level::of(overall_score), scores, wrong_records })
}
