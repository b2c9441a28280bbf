//! `mcp_account_standardization_skill`: accounts alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Context;
use crate::data_standardization::hierarchy::Kind;
use crate::data_standardization::item::{
    self, ItemSchema, Standardized, Summary, Term, standardize, summarize,
};
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(in crate::data_standardization) const TOOL: Tool = Tool {
    name: "mcp_account_standardization_skill",
    alias: None,
    title: "Standardise accounts",
    description: "Brings the names of ledger accounts into the hierarchy category, subcategory, \
                  classification, specific account, with confidence and reason for each level.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Accounts as clerks write them",
            arguments: r#"{"items": ["1200 - Accts Receivable", {"account_id": "7", "name": "Petty csh"}]}"#,
            answer: r#"{"standardized": [
                {"account_id": "account-1", "l1_category": "Assets", "l2_subcategory": "Current Assets",
                 "l3_classification": "Receivables", "l4_specific": "Trade Receivables"},
                {"account_id": "7", "l4_specific": "Petty Cash"}],
                "summary": {"total": 2, "standardized": 2, "success_rate": 1}}"#,
        },
        Example {
            title: "A word of the house",
            arguments: r#"{"items": ["Datadog"], "vocabulary": [{"kind": "account", "names": ["Datadog"],
                "levels": ["Expenses", "Operating Expenses", "Administration", "Software Subscriptions"]}]}"#,
            answer: r#"{"standardized": [{"l4_specific": "Software Subscriptions", "confidence": 1}]}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The accounts: texts, or objects with `name` and `account_id`.
    #[schemars(with = "Vec<ItemSchema>", length(max = 10_000))]
    items: Vec<Value>,
    /// Terms of your own, which come before the tables.
    #[serde(default)]
    vocabulary: Vec<Term>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// What became of each account, in the order in which they were given.
    standardized: Vec<Standardized>,
    /// What became of all.
    summary: Summary,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { items, vocabulary } = arguments;
    let vocabulary = item::vocabulary(&vocabulary)?;
    let items = item::read("items", Kind::Account, &items)?;
    let standardized = standardize(context, &[(Kind::Account, items)], &vocabulary)?;
    let summary = summarize(&standardized);
    Ok(Answer { standardized, summary })
}
