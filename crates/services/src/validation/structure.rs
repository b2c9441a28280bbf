//! `validate_data_structure`: the shape of data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most differences that are told.
const MAX_DIFFERENCES: usize = 100;
/// The names of types.
const TYPES: [&str; 8] =
    ["string", "number", "integer", "boolean", "object", "array", "null", "any"];

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "validate_data_structure",
    alias: None,
    title: "Check the shape of data",
    description: "Checks whether data has a shape, which is written as an example of it: an object \
                  has these members, an array has items of this one shape, and a text names a \
                  type: string, number, integer, boolean, object, array, null or any; with a \
                  question mark behind it may be missing.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A member of another type, one that is missing, one that is too much",
        arguments: r#"{"data": {"name": "Ada", "tags": ["a", 1], "extra": true},
            "expected_structure": {"name": "string", "tags": ["string"], "age": "integer",
                "email": "string?"}, "allow_extra_fields": false}"#,
        answer: r#"{"is_valid": false, "differences": [
            {"path": "/tags/1", "kind": "wrong_type", "expected": "string", "found": "integer"},
            {"path": "/age", "kind": "missing", "expected": "integer", "found": "nothing"},
            {"path": "/extra", "kind": "extra", "expected": "nothing", "found": "boolean"}],
            "difference_count": 3}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The data.
    data: Value,
    /// The shape.
    expected_structure: Value,
    /// Whether members that the shape does not have are let be.
    #[serde(default = "yes")]
    allow_extra_fields: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether the data has this shape.
    is_valid: bool,
    /// How many differences there are.
    difference_count: usize,
    /// The differences, at most 100.
    differences: Vec<Difference>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Difference {
    /// Where it is in the data (a JSON pointer).
    path: String,
    /// What it is.
    kind: Kind,
    /// What should be there.
    expected: String,
    /// What is there.
    found: &'static str,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// It is not there.
    Missing,
    /// It should not be there.
    Extra,
    /// It is of another type.
    WrongType,
}

struct Comparison {
    allow_extra: bool,
    n_differences: usize,
    differences: Vec<Difference>,
}

fn yes() -> bool {
    true
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { data, expected_structure, allow_extra_fields } = arguments;
    check("expected_structure", &expected_structure)?;
    let mut comparison =
        Comparison { allow_extra: allow_extra_fields, n_differences: 0, differences: Vec::new() };
    comparison.compare("", &expected_structure, &data);
    Ok(Answer {
        is_valid: comparison.n_differences == 0,
        difference_count: comparison.n_differences,
        differences: comparison.differences,
    })
}

/// Refuses what is no shape.
fn check(field: &str, shape: &Value) -> Result<(), ToolError> {
    match shape {
        Value::Object(members) => {
            members.iter().try_for_each(|(name, shape)| check(&format!("{field}.{name}"), shape))
        }
        Value::Array(items) => match &items[..] {
            [] => Ok(()),
            [item] => check(&format!("{field}[0]"), item),
            _ => Err(ToolError::argument(field, "has several items; give the one shape of all")),
        },
        Value::String(name) if TYPES.contains(&name.trim_end_matches('?')) => Ok(()),
        _ => {
            let problem = format!("names no type; use one of {}", TYPES.join(", "));
            Err(ToolError::argument(field, problem))
        }
    }
}

impl Comparison {
    /// Compares a part; the shape was checked before, and parsing bounds how deep it goes.
    fn compare(&mut self, path: &str, shape: &Value, data: &Value) {
        match (shape, data) {
            (Value::String(name), data) => {
                let name = name.trim_end_matches('?');
                if !is_of(name, data) {
                    self.add(path, Kind::WrongType, name, type_of(data));
                }
            }
            (Value::Object(members), Value::Object(data)) => {
                for (name, shape) in members {
                    let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                    match data.get(name) {
                        Some(data) => self.compare(&path, shape, data),
                        None if shape.as_str().is_some_and(|name| name.ends_with('?')) => {}
                        None => self.add(&path, Kind::Missing, &describe(shape), "nothing"),
                    }
                }
                if !self.allow_extra {
                    let extra = data.iter().filter(|(name, _)| !members.contains_key(*name));
                    for (name, data) in extra {
                        let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                        self.add(&path, Kind::Extra, "nothing", type_of(data));
                    }
                }
            }
            (Value::Array(shapes), Value::Array(items)) => {
                let Some(shape) = shapes.first() else { return };
                for (at, item) in items.iter().enumerate() {
                    self.compare(&format!("{path}/{at}"), shape, item);
                }
            }
            (shape, data) => self.add(path, Kind::WrongType, &describe(shape), type_of(data)),
        }
    }

    fn add(&mut self, path: &str, kind: Kind, expected: &str, found: &'static str) {
        self.n_differences += 1;
        if self.differences.len() < MAX_DIFFERENCES {
            let (path, expected) = (path.to_owned(), expected.to_owned());
            self.differences.push(Difference { path, kind, expected, found });
        }
    }
}

fn describe(shape: &Value) -> String {
    match shape {
        Value::String(name) => name.trim_end_matches('?').to_owned(),
        shape => type_of(shape).to_owned(),
    }
}

fn is_of(name: &str, data: &Value) -> bool {
    match name {
        "any" => true,
        "number" => data.is_number(),
        name => type_of(data) == name,
    }
}

fn type_of(data: &Value) -> &'static str {
    match data {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
