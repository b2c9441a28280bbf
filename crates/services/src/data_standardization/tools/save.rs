//! `_save_mcp_enhanced_results`: results as a file.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most bytes of a file.
const MAX_FILE: usize = 16 << 20;
/// The most bytes of a name.
const MAX_NAME: usize = 64;

/// The tool.
pub(in crate::data_standardization) const TOOL: Tool = Tool {
    name: "_save_mcp_enhanced_results",
    alias: None,
    title: "Save results",
    description: "Writes results as a new JSON file into the folder that the operator named for \
                  them. Nothing is overwritten. Without such a folder, checks what would be written.",
    annotations: Annotations {
        read_only: false,
        destructive: false,
        idempotent: false,
        open_world: false,
    },
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Only look at what would be written",
        arguments: r#"{"results": {"summary": {"total": 0}}, "name": "april", "dry_run": true}"#,
        answer: r#"{"saved": false, "path": null, "name": "april-20260101T000000Z.json", "bytes": 37}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What is written.
    results: Value,
    /// How the name of the file begins: letters, digits, `-` and `_`. The time follows.
    #[serde(default = "standardization")]
    #[schemars(length(min = 1, max = 64))]
    name: String,
    /// Whether only to say what would be written.
    #[serde(default)]
    dry_run: bool,
}

fn standardization() -> String {
    "standardization".to_owned()
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether a file was written.
    saved: bool,
    /// Where it is.
    path: Option<String>,
    /// Its name.
    name: String,
    /// How long it is.
    bytes: usize,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { results, name, dry_run } = arguments;
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_plain) {
        let problem = format!("is no plain name; give 1 to {MAX_NAME} letters, digits, `-` or `_`");
        return Err(ToolError::argument("name", problem));
    }
    let contents = serde_json::to_vec_pretty(&results)
        .map_err(|error| ToolError::Unwritable { problem: error.to_string() })?;
    if contents.len() > MAX_FILE {
        let problem = format!("is {} bytes; at most {MAX_FILE} are written", contents.len());
        return Err(ToolError::argument("results", problem));
    }
    let now = i64::try_from(context.ports().clock.unix_seconds()).unwrap_or(i64::MAX);
    let now = Timestamp::from_second(now).unwrap_or(Timestamp::MAX);
    let name = format!("{name}-{}.json", now.strftime("%Y%m%dT%H%M%SZ"));
    let bytes = contents.len();
    if dry_run {
        return Ok(Answer { saved: false, path: None, name, bytes });
    }
    let Some(folder) = &context.ports().folder else {
        let problem = "there is none; the operator names one by `services.output` or \
                       STANDARDIZATION_OUTPUT_DIR";
        return Err(ToolError::Unavailable { what: "output folder", problem: problem.to_owned() });
    };
    let written = folder.write(&name, &contents);
    let path = written.map_err(|error| ToolError::Unavailable {
        what: "output folder",
        problem: error.to_string(),
    })?;
    Ok(Answer { saved: true, path: Some(path), name, bytes })
}
