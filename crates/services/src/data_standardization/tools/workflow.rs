//! `mcp_enhanced_standardization_workflow`: a batch between two gates of quality.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::batch::by_kind;
use crate::context::Context;
use crate::data_standardization::hierarchy::Kind;
use crate::data_standardization::item::{
    self, Batch, Item, Standardized, Summary, Term, round, standardize, summarize,
};
use crate::data_standardization::quality::{self, Quality, Rules};
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The least quality of the items as they come.
pub(in crate::data_standardization) const INITIAL_GATE: f64 = 0.7;
/// The least mean of success rate and confidence of what comes out.
pub(in crate::data_standardization) const FINAL_GATE: f64 = 0.8;

/// The tool.
pub(in crate::data_standardization) const TOOL: Tool = Tool {
    name: "mcp_enhanced_standardization_workflow",
    alias: None,
    title: "Standardise between quality gates",
    description: "Assesses the items, stops if their quality is below 0.7, standardises them, and \
                  says whether the mean of success rate and confidence reaches 0.8.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Report>,
    examples: &[
        Example {
            title: "Items that pass both gates",
            arguments: r#"{"request": {"location": ["Paris, France", "Tokyo, Japan"]}}"#,
            answer: r#"{"status": "completed", "gates": [{"gate": "initial", "threshold": 0.7, "passed": true},
                {"gate": "post_processing", "threshold": 0.8, "passed": true}]}"#,
        },
        Example {
            title: "Items that are mostly nothing",
            arguments: r#"{"request": {"account": ["", "", "n/a"]}}"#,
            answer: r#"{"status": "initial_quality_failed", "summary": null, "gates": [{"gate": "initial", "passed": false}]}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The items by kind.
    request: Batch,
    /// Terms of your own, which come before the tables.
    #[serde(default)]
    vocabulary: Vec<Term>,
}

/// How far a workflow came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::data_standardization) enum Status {
    /// Both gates are passed.
    Completed,
    /// The items are not good enough to begin with; nothing was standardised.
    InitialQualityFailed,
    /// Too little was found; the results are there to be looked at.
    PostProcessingFailed,
}

/// A gate with what came to it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(in crate::data_standardization) struct Gate {
    /// `initial` or `post_processing`.
    #[serde(rename = "gate")]
    pub(in crate::data_standardization) name: &'static str,
    /// What was measured.
    pub(in crate::data_standardization) score: f64,
    /// What has to be reached.
    pub(in crate::data_standardization) threshold: f64,
    /// Whether it is.
    pub(in crate::data_standardization) passed: bool,
}

/// What a workflow did.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(in crate::data_standardization) struct Report {
    /// How far it came.
    pub(in crate::data_standardization) status: Status,
    /// The gates that it came to.
    pub(in crate::data_standardization) gates: Vec<Gate>,
    /// The quality of the items as they came.
    pub(in crate::data_standardization) initial_quality: Quality,
    /// What became of each item, by kind; empty if the first gate was not passed.
    pub(in crate::data_standardization) results: BTreeMap<Kind, Vec<Standardized>>,
    /// What became of all; nothing if the first gate was not passed.
    pub(in crate::data_standardization) summary: Option<Summary>,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Report, ToolError> {
    let Arguments { request, vocabulary } = arguments;
    run(context, &request.read("request.")?, &vocabulary)
}

/// Carries a workflow out.
pub(super) fn run(
    context: &Context<'_>,
    lists: &[(Kind, Vec<Item>)],
    terms: &[Term],
) -> Result<Report, ToolError> {
    if lists.is_empty() {
        return Err(ToolError::argument(
            "request",
            "has no items; give `account`, `location` or `product`",
        ));
    }
    let vocabulary = item::vocabulary(terms)?;
    let initial = initial_quality(context, lists);
    let first = gate("initial", initial.overall, INITIAL_GATE);
    if !first.passed {
        return Ok(Report {
            status: Status::InitialQualityFailed,
            gates: vec![first],
            initial_quality: initial,
            results: BTreeMap::new(),
            summary: None,
        });
    }
    let standardized = standardize(context, lists, &vocabulary)?;
    let summary = summarize(&standardized);
    let second = gate(
        "post_processing",
        f64::midpoint(summary.success_rate, summary.average_confidence),
        FINAL_GATE,
    );
    let status = if second.passed { Status::Completed } else { Status::PostProcessingFailed };
    Ok(Report {
        status,
        gates: vec![first, second],
        initial_quality: initial,
        results: by_kind(standardized),
        summary: Some(summary),
    })
}

fn gate(name: &'static str, score: f64, threshold: f64) -> Gate {
    Gate { name, score: round(score), threshold, passed: score >= threshold }
}

/// Assesses items by their texts.
fn initial_quality(context: &Context<'_>, lists: &[(Kind, Vec<Item>)]) -> Quality {
    let record = |item: &Item| {
        let mut record = Map::new();
        record.insert("name".to_owned(), Value::String(item.text.clone()));
        record
    };
    let records: Vec<Map<String, Value>> =
        lists.iter().flat_map(|(_, items)| items.iter().map(record)).collect();
    let required = ["name".to_owned()];
    let now = context.ports().clock.unix_seconds();
    quality::assess(
        &records,
        &Rules { required: &required, keys: &[], max_age_days: f64::MAX, now },
    )
}
