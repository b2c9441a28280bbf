//! `_assess_data_quality_with_mcp`: how good records are.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::arguments::number_within;
use crate::context::Context;
use crate::data_standardization::item::MAX_ITEMS;
use crate::data_standardization::quality::{Quality, Rules, assess};
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// After so many days a record is out of date, if the caller does not say otherwise.
pub(in crate::data_standardization) const MAX_AGE_DAYS: f64 = 365.0;

/// The tool.
pub(in crate::data_standardization) const TOOL: Tool = Tool {
    name: "_assess_data_quality_with_mcp",
    alias: None,
    title: "Assess the quality of data",
    description: "Measures completeness, consistency, uniqueness, validity and timeliness of \
                  records from 0 to 1, and names what lowers them.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Quality>,
    examples: &[Example {
        title: "A gap and a placeholder",
        arguments: r#"{"data": [{"id": 1, "name": "Ada"}, {"id": 2, "name": ""}, {"id": 3, "name": "N/A"}]}"#,
        answer: r#"{"dimensions": {"completeness": 0.8333, "uniqueness": 1, "validity": 0.8}, "n_issues": 2,
            "issues": [{"dimension": "completeness", "place": "[1].name", "problem": "is empty or missing"},
                       {"dimension": "validity", "place": "[2].name", "problem": "`N/A` is a placeholder"}]}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The records.
    #[schemars(length(max = 10_000))]
    data: Vec<Map<String, Value>>,
    /// Fields that every record has to have; without them all that any record has.
    #[serde(default)]
    required_fields: Vec<String>,
    /// Fields that tell records apart; without them all.
    #[serde(default)]
    key_fields: Vec<String>,
    /// Days after which a record is out of date.
    #[serde(default = "max_age_days")]
    max_age_days: f64,
}

fn max_age_days() -> f64 {
    MAX_AGE_DAYS
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Quality, ToolError> {
    let Arguments { data, required_fields, key_fields, max_age_days } = arguments;
    number_within("max_age_days", max_age_days, 0.0..=100_000.0)?;
    if data.len() > MAX_ITEMS {
        let problem = format!(
            "has {} records; at most {MAX_ITEMS} are taken, so give them in parts",
            data.len()
        );
        return Err(ToolError::argument("data", problem));
    }
    let now = context.ports().clock.unix_seconds();
    Ok(assess(&data, &Rules { required: &required_fields, keys: &key_fields, max_age_days, now }))
}
