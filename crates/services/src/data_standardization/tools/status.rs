//! What the service tells of itself: its dimensions, its rules, its figures, its confidence.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::assess::MAX_AGE_DAYS;
use super::workflow::{FINAL_GATE, INITIAL_GATE};
use crate::context::Context;
use crate::data_standardization::hierarchy::Kind;
use crate::data_standardization::item::{ENOUGH, MAX_ITEMS};
use crate::data_standardization::quality::Dimension;
use crate::data_standardization::table::{self, rows};
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};
use crate::usage::{RecentCall, ToolUsage};

/// The most calls that are shown.
const MAX_SHOWN: usize = 20;

/// How quality is assessed.
pub(in crate::data_standardization) const QUALITY: Tool = Tool {
    name: "mcp_quality_assessment",
    alias: None,
    title: "How quality is assessed",
    description: "Tells the dimensions of quality with what they measure, and the gates of the workflow.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<QualityAnswer>,
    examples: &[Example {
        title: "Dimensions and gates",
        arguments: "{}",
        answer: r#"{"gates": {"initial": 0.7, "post_processing": 0.8}, "max_age_days": 365}"#,
    }],
    run: |context, raw| tool::tell(context, raw, quality),
};

/// What is validated.
pub(in crate::data_standardization) const VALIDATION: Tool = Tool {
    name: "mcp_validation_tools",
    alias: None,
    title: "What is validated",
    description: "Tells the hierarchies with their fields, the tables with their number of rows, and the limits.",
    annotations: Annotations::TELLS,
    effort: Effort::Heavy,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<ValidationAnswer>,
    examples: &[Example {
        title: "Hierarchies and tables",
        arguments: "{}",
        answer: r#"{"hierarchies": {"location": ["location_id", "l1_region", "l2_country", "l3_state", "l4_city"]},
            "tables": {"countries": 249}, "max_items": 10000}"#,
    }],
    run: |context, raw| tool::tell(context, raw, validation),
};

/// What was called, and how long it took.
pub(in crate::data_standardization) const PERFORMANCE: Tool = Tool {
    name: "mcp_performance_tools",
    alias: None,
    title: "Figures of the service",
    description: "Tells how often each tool of the service was called since the start, how long \
                  that took, and which calls the caller made last.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<PerformanceAnswer>,
    examples: &[Example {
        title: "Before anything was called",
        arguments: "{}",
        answer: r#"{"tools": {}, "last_calls": []}"#,
    }],
    run: |context, raw| tool::tell(context, raw, performance),
};

/// How confidence comes about.
pub(in crate::data_standardization) const CONFIDENCE: Tool = Tool {
    name: "mcp_confidence_calculator",
    alias: None,
    title: "How confidence comes about",
    description: "Tells from which confidence on an item counts as standardised, and what gives a \
                  level its confidence.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<ConfidenceAnswer>,
    examples: &[Example {
        title: "The rule",
        arguments: "{}",
        answer: r#"{"standardized_from": 0.5}"#,
    }],
    run: |context, raw| tool::tell(context, raw, confidence),
};

#[derive(Debug, Serialize, JsonSchema)]
struct QualityAnswer {
    /// What each dimension measures.
    dimensions: BTreeMap<Dimension, &'static str>,
    /// The least score at each gate of the workflow.
    gates: BTreeMap<&'static str, f64>,
    /// Days after which a record is out of date, unless a call says otherwise.
    max_age_days: f64,
}

fn quality(_: &Context<'_>) -> QualityAnswer {
    QualityAnswer {
        dimensions: Dimension::ALL
            .into_iter()
            .map(|dimension| (dimension, dimension.description()))
            .collect(),
        gates: BTreeMap::from([("initial", INITIAL_GATE), ("post_processing", FINAL_GATE)]),
        max_age_days: MAX_AGE_DAYS,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct ValidationAnswer {
    /// The fields of each hierarchy, the id first.
    hierarchies: BTreeMap<Kind, Vec<&'static str>>,
    /// The rows of each table.
    tables: BTreeMap<&'static str, usize>,
    /// The most items of one call.
    max_items: usize,
}

fn validation(_: &Context<'_>) -> ValidationAnswer {
    let fields = |kind: Kind| std::iter::once(kind.id_field()).chain(kind.level_fields()).collect();
    let tables = [
        ("accounts", table::ACCOUNTS),
        ("calendar", table::CALENDAR),
        ("cities", table::CITIES),
        ("countries", table::COUNTRIES),
        ("currencies", table::CURRENCIES),
        ("goods", table::GOODS),
        ("phones", table::PHONES),
        ("products", table::PRODUCTS),
        ("subdivisions", table::SUBDIVISIONS),
        ("units", table::UNITS),
        ("words", table::WORDS),
    ];
    ValidationAnswer {
        hierarchies: Kind::ALL.into_iter().map(|kind| (kind, fields(kind))).collect(),
        tables: tables.into_iter().map(|(name, table)| (name, rows(table).count())).collect(),
        max_items: MAX_ITEMS,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct PerformanceAnswer {
    /// The calls of each tool since the start, whoever made them.
    tools: BTreeMap<&'static str, ToolUsage>,
    /// The caller's own last calls, the latest first.
    last_calls: Vec<RecentCall>,
}

fn performance(context: &Context<'_>) -> PerformanceAnswer {
    PerformanceAnswer {
        tools: context.usage().tools(context),
        last_calls: context.usage().last_calls(context, MAX_SHOWN),
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct ConfidenceAnswer {
    /// From this mean over the four levels on an item counts as standardised.
    standardized_from: f64,
    /// What gives a level its confidence.
    rules: BTreeMap<&'static str, &'static str>,
}

fn confidence(_: &Context<'_>) -> ConfidenceAnswer {
    ConfidenceAnswer {
        standardized_from: ENOUGH,
        rules: BTreeMap::from([
            (
                "account",
                "how much of its words, by weight, a name of the table shares, less where another place is nearly as near",
            ),
            ("item", "the mean over its four levels; a level that was not found counts as 0"),
            (
                "location",
                "0.99 for a name or code, less for each letter that had to be changed and for rivals of one name",
            ),
            (
                "product",
                "0.95 for a name of the table, 0.85 to 0.92 for one of the word net, 0.7 where a letter had to be changed",
            ),
            ("vocabulary", "1 for a term of your own"),
        ]),
    }
}
