//! `assess_data_product_quality`: whether data keeps what a data product promises.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::data_quality::{Level, THRESHOLD, validator};
use super::dimension::{Dataset, Dimension};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "assess_data_product_quality",
    alias: None,
    title: "Say whether data keeps its promise",
    description: "Says whether records keep what the definition of a data product promises: its \
                  schema, and the least that each dimension of quality has to come to.",
    annotations: Annotations::TELLS,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A field that is often missing",
        arguments: r#"{"product_definition": {"name": "customers",
                "schema": {"required": ["id", "city"]}},
            "data_source": {"records": [{"id": 1, "city": "Oslo"}, {"id": 2}]},
            "quality_requirements": {"completeness": 0.9},
            "assessment_criteria": ["completeness", "uniqueness"]}"#,
        answer: r#"{"product": "customers", "meets_requirements": false, "overall_score": 0.875,
            "assessments": {
                "completeness": {"score": 0.75, "required": 0.9, "met": false},
                "uniqueness": {"score": 1, "required": 0.7, "met": true}}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What the product promises.
    product_definition: Definition,
    /// What is delivered.
    data_source: Source,
    /// The least that each dimension has to come to, 0.7 where it is left out.
    #[serde(default)]
    quality_requirements: BTreeMap<Dimension, f64>,
    /// The dimensions.
    #[serde(default = "criteria")]
    assessment_criteria: Vec<Dimension>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Definition {
    /// Its name.
    #[serde(default)]
    name: Option<String>,
    /// The schema of a record (JSON Schema 2020-12).
    #[serde(default)]
    schema: Option<Value>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Source {
    /// The records, or some of them.
    records: Vec<Map<String, Value>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The name of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// Whether every dimension that was assessed comes to what it has to.
    meets_requirements: bool,
    /// The mean of the dimensions that were assessed.
    overall_score: f64,
    /// The same in a word.
    quality_level: Level,
    /// By dimension: what it comes to.
    assessments: BTreeMap<Dimension, Assessment>,
    /// The dimensions that the records say nothing about.
    not_assessed: Vec<Dimension>,
    /// What to do.
    recommendations: Vec<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Assessment {
    /// What it comes to.
    score: f64,
    /// What it has to come to.
    required: f64,
    /// Whether it does.
    met: bool,
}

fn criteria() -> Vec<Dimension> {
    vec![
        Dimension::Completeness,
        Dimension::Accuracy,
        Dimension::Consistency,
        Dimension::Timeliness,
    ]
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { product_definition, data_source, quality_requirements, assessment_criteria } =
        arguments;
    if data_source.records.is_empty() {
        let problem = "is empty; give at least one record";
        return Err(ToolError::argument("data_source.records", problem));
    }
    let schema = product_definition.schema.as_ref();
    let required = schema.and_then(|schema| schema.get("required")?.as_array());
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    #[expect(clippy::cast_precision_loss, reason = "the time of day needs no more than 53 bits")]
    let now = context.ports().clock.unix_seconds() as f64;
    let set = Dataset {
        records: &data_source.records,
        required: required.map(str::to_owned).collect(),
        validator: schema.map(validator).transpose()?,
        now,
    };
    let mut assessments = BTreeMap::new();
    let mut not_assessed = Vec::new();
    for dimension in assessment_criteria {
        context.check()?;
        let Some(score) = set.assess(dimension) else {
            not_assessed.push(dimension);
            continue;
        };
        let required = quality_requirements.get(&dimension).copied().unwrap_or(THRESHOLD);
        assessments.insert(dimension, Assessment { score, required, met: score >= required });
    }
    let sum: f64 = assessments.values().map(|assessment| assessment.score).sum();
    let count = super::confidence::as_f64(assessments.len().max(1));
    let unmet = assessments.iter().filter(|(_, assessment)| !assessment.met);
    Ok(Answer {
        product: product_definition.name,
        meets_requirements: assessments.values().all(|assessment| assessment.met),
        overall_score: sum / count,
        quality_level: Level::of(sum / count),
        recommendations: unmet.map(|(dimension, _)| dimension.advice()).collect(),
        assessments,
        not_assessed,
    })
}
