//! `handle_mcp_enhanced_standardization`: the workflow for a request in words or lists.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::workflow::{self, Report, Status};
use crate::arguments::{MAX_TEXT, text_within};
use crate::context::Context;
use crate::data_standardization::hierarchy::Kind;
use crate::data_standardization::item::{Batch, Term};
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(in crate::data_standardization) const TOOL: Tool = Tool {
    name: "handle_mcp_enhanced_standardization",
    alias: None,
    title: "Handle a standardisation request",
    description: "Takes items by kind, or a text with a line per item such as `location: Paris, \
                  TX`, runs the workflow with its quality gates, and says in a sentence what came out.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A request in words",
        arguments: r#"{"request": "account: Bank charges\nlocation: Paris, TX\n"}"#,
        answer: r#"{"message": "2 of 2 items were standardised.", "report": {"status": "completed"}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// A text with a line per item, each with its kind and a colon in front, or the items by kind.
    #[schemars(with = "RequestSchema")]
    request: Value,
    /// Terms of your own, which come before the tables.
    #[serde(default)]
    vocabulary: Vec<Term>,
}

/// What a request may be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "it gives the schema; requests are read so that a mistake names its place"
)]
enum RequestSchema {
    /// A line per item.
    Text(String),
    /// The items by kind.
    Items(Batch),
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// What came out, in a sentence.
    message: String,
    /// The report of the workflow.
    report: Report,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let batch = match arguments.request {
        Value::String(text) => of_text(&text)?,
        Value::Object(items) => of_object(items)?,
        _ => {
            return Err(ToolError::argument(
                "request",
                "is neither a text nor an object; give a line per item, or items by kind",
            ));
        }
    };
    let report = workflow::run(context, &batch.read("request.")?, &arguments.vocabulary)?;
    let message = match (&report.status, &report.summary) {
        (Status::InitialQualityFailed, _) | (_, None) => {
            "Nothing was standardised: the items are below the first quality gate.".to_owned()
        }
        (status, Some(summary)) => {
            let counted =
                format!("{} of {} items were standardised.", summary.standardized, summary.total);
            match status {
                Status::Completed => counted,
                _ => format!("{counted} That is below the second quality gate."),
            }
        }
    };
    Ok(Answer { message, report })
}

fn of_object(items: Map<String, Value>) -> Result<Batch, ToolError> {
    serde_path_to_error::deserialize(Value::Object(items)).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "request".to_owned() } else { format!("request.{path}") };
        ToolError::argument(field, error.inner().to_string())
    })
}

/// Reads a line per item.
fn of_text(text: &str) -> Result<Batch, ToolError> {
    text_within("request", text, MAX_TEXT)?;
    let mut batch = Batch::default();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let named = line.split_once(':').and_then(|(kind, item)| {
            let kind = kind.trim().to_lowercase();
            let kind = kind.strip_suffix('s').unwrap_or(&kind);
            Some((Kind::ALL.into_iter().find(|known| known.name() == kind)?, item.trim()))
        });
        let Some((kind, item)) = named else {
            let problem = format!(
                "line {} has no kind in front; write `account:`, `location:` or `product:`",
                at + 1
            );
            return Err(ToolError::argument("request", problem));
        };
        let list = match kind {
            Kind::Account => &mut batch.account,
            Kind::Location => &mut batch.location,
            Kind::Product => &mut batch.product,
        };
        list.push(Value::String(item.to_owned()));
    }
    Ok(batch)
}
