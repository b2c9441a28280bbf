//! `verify_data_integrity`: whether data is what it says of itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::expression::Expression;
use super::patterns::Pattern;
use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most failures that are told.
const MAX_FAILURES: usize = 100;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "verify_data_integrity",
    alias: None,
    title: "Check what data says of itself",
    description: "Checks data, an object or an array of objects: its checksum (SHA-256 of its JSON \
                  with sorted names and without spaces), the formats of its fields, and \
                  relationships between numbers, such as a total that is the sum of its parts.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "The checksum",
            arguments: r#"{"data": {"b": 1, "a": [true]}, "integrity_checks": ["checksum"],
                "expected_checksum": "00"}"#,
            answer: r#"{"is_intact": false,
                "checksum": "708747538ba81fd60b5aac8c646370de5e24abf70ab1872f67458a5a4f3af05d"}"#,
        },
        Example {
            title: "Formats and sums",
            arguments: r#"{"data": [
                    {"email": "ada@example.org", "net": 100, "tax": 25, "total": 125.5},
                    {"email": "nobody", "net": 1, "tax": 0, "total": 2}],
                "formats": {"email": "email"},
                "relationships": [{"left": "total", "right": "net + tax"}],
                "tolerance": 0.05}"#,
            answer: r#"{"is_intact": false, "checks": {
                "format": {"passed": false, "checked": 2, "failed": 1},
                "relationships": {"passed": false, "checked": 2, "failed": 1}},
                "failures": [{"check": "format", "record": 1, "field": "email"},
                    {"check": "relationships", "record": 1, "field": "total"}]}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The data.
    data: Value,
    /// What is checked.
    #[serde(default = "all")]
    integrity_checks: Vec<Check>,
    /// The checksum that the data should have, in hexadecimal digits.
    #[serde(default)]
    expected_checksum: Option<String>,
    /// By field: the format of its texts. A field that is missing or null is not checked.
    #[serde(default)]
    formats: BTreeMap<String, Pattern>,
    /// Numbers that should be equal.
    #[serde(default)]
    relationships: Vec<Relationship>,
    /// By which share of the larger two numbers may differ, and which share of the objects may fail
    /// the check of formats or of relationships.
    #[serde(default = "default_tolerance")]
    #[schemars(range(min = 0.0, max = 1.0))]
    tolerance: f64,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
enum Check {
    /// The checksum.
    Checksum,
    /// The formats of fields.
    Format,
    /// Numbers that should be equal.
    Relationships,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Relationship {
    /// A number, in the language of `validate_business_rules`.
    left: String,
    /// Another that should be equal.
    right: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether all checks were passed.
    is_intact: bool,
    /// The checksum of the data.
    checksum: String,
    /// By check: what came of it.
    checks: BTreeMap<Check, Outcome>,
    /// What failed, at most 100.
    failures: Vec<Failure>,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
struct Outcome {
    /// Whether it was passed.
    passed: bool,
    /// How often it was made.
    checked: usize,
    /// How often it failed.
    failed: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Failure {
    /// The check.
    check: Check,
    /// The position of the object, from 0.
    record: usize,
    /// The field, or the left side of the relationship.
    field: String,
    /// What is wrong.
    reason: String,
}

fn all() -> Vec<Check> {
    vec![Check::Checksum, Check::Format, Check::Relationships]
}

fn default_tolerance() -> f64 {
    0.05
}

#[expect(clippy::needless_pass_by_value, reason = "every tool is given its arguments whole")]
fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    number_within("tolerance", arguments.tolerance, 0.0..=1.0)?;
    let records = records(&arguments.data)?;
    let checksum = checksum(&arguments.data);
    let mut checks = BTreeMap::new();
    let mut failures = Vec::new();
    let wants = |check| arguments.integrity_checks.contains(&check);
    if let Some(expected) = &arguments.expected_checksum
        && wants(Check::Checksum)
    {
        let passed = expected.eq_ignore_ascii_case(&checksum);
        checks
            .insert(Check::Checksum, Outcome { passed, checked: 1, failed: usize::from(!passed) });
    }
    if wants(Check::Format) && !arguments.formats.is_empty() {
        let outcome = formats(&records, &arguments, &mut failures);
        checks.insert(Check::Format, outcome);
    }
    context.check()?;
    if wants(Check::Relationships) && !arguments.relationships.is_empty() {
        let outcome = relationships(&records, &arguments, &mut failures)?;
        checks.insert(Check::Relationships, outcome);
    }
    failures.truncate(MAX_FAILURES);
    let is_intact = checks.values().all(|outcome| outcome.passed);
    Ok(Answer { is_intact, checksum, checks, failures })
}

fn records(data: &Value) -> Result<Vec<&Map<String, Value>>, ToolError> {
    match data {
        Value::Object(record) => Ok(vec![record]),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                let problem = "is no object; give an object, or an array of objects";
                item.as_object().ok_or_else(|| ToolError::argument(format!("data[{at}]"), problem))
            })
            .collect(),
        _ => Err(ToolError::argument("data", "is neither an object nor an array of objects")),
    }
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^53 checks")]
    fn new(checked: usize, failed: usize, tolerance: f64) -> Self {
        Self { passed: failed as f64 <= tolerance * checked as f64, checked, failed }
    }
}

fn formats(
    records: &[&Map<String, Value>],
    arguments: &Arguments,
    failures: &mut Vec<Failure>,
) -> Outcome {
    let (mut checked, mut failed) = (0, 0);
    for (record, data) in records.iter().enumerate() {
        for (field, pattern) in &arguments.formats {
            let text = match data.get(field) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            checked += 1;
            if pattern.fits(&text) {
                continue;
            }
            failed += 1;
            if failures.len() < MAX_FAILURES {
                let reason = format!("has not the format {pattern:?}").to_lowercase();
                let check = Check::Format;
                failures.push(Failure { check, record, field: field.clone(), reason });
            }
        }
    }
    Outcome::new(checked, failed, arguments.tolerance)
}

fn relationships(
    records: &[&Map<String, Value>],
    arguments: &Arguments,
    failures: &mut Vec<Failure>,
) -> Result<Outcome, ToolError> {
    let (mut checked, mut failed) = (0, 0);
    for (at, relationship) in arguments.relationships.iter().enumerate() {
        let parse = |side: &str, source: &str| {
            Expression::parse(source).map_err(|mistake| {
                let field = format!("relationships[{at}].{side}");
                ToolError::argument(field, mistake.to_string())
            })
        };
        let left = parse("left", &relationship.left)?;
        let right = parse("right", &relationship.right)?;
        for (record, data) in records.iter().enumerate() {
            checked += 1;
            let reason = match (left.number(data), right.number(data)) {
                (Ok(left), Ok(right)) if is_near(left, right, arguments.tolerance) => continue,
                (Ok(left), Ok(right)) => format!("is {left} and not {right}"),
                (Err(mistake), _) | (_, Err(mistake)) => mistake.to_string(),
            };
            failed += 1;
            if failures.len() < MAX_FAILURES {
                let field = relationship.left.clone();
                failures.push(Failure { check: Check::Relationships, record, field, reason });
            }
        }
    }
    Ok(Outcome::new(checked, failed, arguments.tolerance))
}

fn is_near(left: f64, right: f64, tolerance: f64) -> bool {
    (left - right).abs() <= tolerance * left.abs().max(right.abs())
}

/// Returns the SHA-256 of the JSON with sorted names and without spaces.
pub(super) fn checksum(data: &Value) -> String {
    let digest = Sha256::digest(canonical(data).as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn canonical(data: &Value) -> String {
    match data {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            let members = members.into_iter().map(|(name, value)| {
                format!("{}:{}", Value::from(name.as_str()), canonical(value))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}
