//! `mcp_batch_standardization_skill`: accounts, locations and products together.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Context;
use crate::data_standardization::hierarchy::Kind;
use crate::data_standardization::item::{
    self, Batch, ItemSchema, Standardized, Summary, Term, standardize, summarize,
};
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(in crate::data_standardization) const TOOL: Tool = Tool {
    name: "mcp_batch_standardization_skill",
    alias: None,
    title: "Standardise a batch",
    description: "Brings accounts, locations and products into their hierarchies of four levels, \
                  with confidence and reason for each level; tells of progress.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "One of each kind",
        arguments: r#"{"account": ["COGS"], "location": ["san francisco, CA"], "product": ["Practical Steel Chair"]}"#,
        answer: r#"{"results": {
            "account": [{"l1_category": "Expenses", "l4_specific": "Cost of Goods Sold"}],
            "location": [{"location_id": "location-1", "l1_region": "North America", "l2_country": "United States",
                          "l3_state": "California", "l4_city": "San Francisco"}],
            "product": [{"l1_category": "Home and Garden", "l2_family": "Furniture", "l3_line": "Seating", "l4_specific": "Chair"}]},
            "summary": {"total": 3, "standardized": 3}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Accounts of ledgers: texts, or objects with `name` and `account_id`.
    #[serde(default)]
    #[schemars(with = "Vec<ItemSchema>")]
    account: Vec<Value>,
    /// Places: texts, or objects with `name`, `location_id` and the `country` to prefer.
    #[serde(default)]
    #[schemars(with = "Vec<ItemSchema>")]
    location: Vec<Value>,
    /// Products: texts, or objects with `name` and `product_id`.
    #[serde(default)]
    #[schemars(with = "Vec<ItemSchema>")]
    product: Vec<Value>,
    /// Terms of your own, which come before the tables.
    #[serde(default)]
    vocabulary: Vec<Term>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// What became of each item, by kind and in the order in which they were given.
    results: BTreeMap<Kind, Vec<Standardized>>,
    /// What became of all.
    summary: Summary,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { account, location, product, vocabulary } = arguments;
    let vocabulary = item::vocabulary(&vocabulary)?;
    let lists = Batch { account, location, product }.read("")?;
    let standardized = standardize(context, &lists, &vocabulary)?;
    let summary = summarize(&standardized);
    Ok(Answer { results: by_kind(standardized), summary })
}

/// Sorts items by what they are.
pub(super) fn by_kind(items: Vec<Standardized>) -> BTreeMap<Kind, Vec<Standardized>> {
    let mut sorted: BTreeMap<Kind, Vec<Standardized>> = BTreeMap::new();
    for item in items {
        sorted.entry(item.kind).or_default().push(item);
    }
    sorted
}
