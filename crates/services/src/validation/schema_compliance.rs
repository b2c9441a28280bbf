//! `validate_schema_compliance`: data against a JSON Schema.

use std::collections::BTreeMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::expression::Expression;
use super::patterns::Pattern;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most mistakes that are told.
const MAX_MISTAKES: usize = 100;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "validate_schema_compliance",
    alias: None,
    title: "Check data against a schema",
    description: "Checks data against a JSON Schema (2020-12), and by conditions of its own. \
                  strict: formats count too, and what the schema does not name is a mistake; \
                  standard: the schema as it is; lenient: numbers written as text, and what the \
                  schema does not name, are only warned of.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "A number that is too small",
            arguments: r#"{"data": {"age": -1}, "schema": {
                "properties": {"age": {"type": "integer", "minimum": 0}}},
                "custom_validators": {"adult": "age >= 18"}}"#,
            answer: r#"{"is_valid": false, "error_count": 2, "errors": [
                {"path": "/age", "message": "-1 is less than the minimum of 0"},
                {"path": "", "message": "`adult` does not hold"}]}"#,
        },
        Example {
            title: "A number written as text",
            arguments: r#"{"data": {"age": "42"}, "validation_level": "lenient",
                "schema": {"properties": {"age": {"type": "integer"}}}}"#,
            answer: r#"{"is_valid": true, "errors": [], "warnings": [{"path": "/age"}]}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The data.
    data: Value,
    /// The schema. It refers to nothing outside of itself.
    schema: Value,
    /// How strictly it is read.
    #[serde(default)]
    validation_level: Level,
    /// Conditions that the data, an object, has to fulfil, by name.
    #[serde(default)]
    custom_validators: BTreeMap<String, String>,
    /// Whether each mistake says which part of the schema it is about.
    #[serde(default)]
    return_details: bool,
}

/// How strictly a schema is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    /// Formats count, and what is not named is a mistake.
    Strict,
    /// As it is.
    #[default]
    Standard,
    /// Numbers as text, and what is not named, are warned of.
    Lenient,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether there is no mistake.
    is_valid: bool,
    /// How strictly the schema was read.
    validation_level: Level,
    /// How many mistakes there are.
    error_count: usize,
    /// The mistakes, at most 100.
    errors: Vec<Mistake>,
    /// What is no mistake at this level, at most 100.
    warnings: Vec<Mistake>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Mistake {
    /// Where it is in the data (a JSON pointer).
    path: String,
    /// What it is.
    message: String,
    /// Which part of the schema it is about (a JSON pointer), if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_path: Option<String>,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { data, schema, validation_level, custom_validators, return_details } = arguments;
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(validation_level == Level::Strict)
        // Such patterns take a time that grows with the text and no faster.
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| ToolError::argument("schema", format!("is no schema: {error}")))?;
    context.check()?;
    let mistake = |error: &ValidationError<'_>| Mistake {
        path: error.instance_path().to_string(),
        message: error.to_string(),
        schema_path: return_details.then(|| error.schema_path().to_string()),
    };
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let mut error_count = 0;
    for error in validator.iter_errors(&data) {
        if validation_level == Level::Lenient && is_venial(&error) {
            if warnings.len() < MAX_MISTAKES {
                warnings.push(mistake(&error));
            }
            continue;
        }
        error_count += 1;
        if errors.len() < MAX_MISTAKES {
            errors.push(mistake(&error));
        }
    }
    let plain = |path: String, message| Mistake { path, message, schema_path: None };
    if validation_level == Level::Strict {
        for name in unnamed(&data, &schema) {
            error_count += 1;
            let message = "the schema does not name it".to_owned();
            errors.push(plain(format!("/{}", escape(&name)), message));
        }
    }
    for (name, condition) in &custom_validators {
        if let Some(message) = broken(name, condition, &data)? {
            error_count += 1;
            errors.push(plain(String::new(), message));
        }
    }
    errors.truncate(MAX_MISTAKES);
    Ok(Answer { is_valid: error_count == 0, validation_level, error_count, errors, warnings })
}

/// Tells whether a mistake is only warned of where a schema is read leniently.
fn is_venial(error: &ValidationError<'_>) -> bool {
    match error.kind() {
        ValidationErrorKind::Type { .. } => {
            error.instance().as_str().is_some_and(|text| Pattern::Number.fits(text))
        }
        ValidationErrorKind::AdditionalProperties { .. } => true,
        _ => false,
    }
}

/// Returns the members of the data that the schema does not name, where it names any.
fn unnamed(data: &Value, schema: &Value) -> Vec<String> {
    let named = schema.get("properties").and_then(Value::as_object);
    let says_more = ["additionalProperties", "patternProperties", "$ref", "allOf"]
        .iter()
        .any(|keyword| schema.get(keyword).is_some());
    let (Some(named), Some(data), false) = (named, data.as_object(), says_more) else {
        return Vec::new();
    };
    data.keys().filter(|name| !named.contains_key(*name)).cloned().collect()
}

/// Writes a name as part of a pointer (RFC 6901, section 3).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Says what is wrong if a condition does not hold.
fn broken(name: &str, condition: &str, data: &Value) -> Result<Option<String>, ToolError> {
    let field = || format!("custom_validators.{name}");
    let expression = Expression::parse(condition)
        .map_err(|mistake| ToolError::argument(field(), mistake.to_string()))?;
    let empty = Map::new();
    Ok(match expression.holds(data.as_object().unwrap_or(&empty)) {
        Ok(true) => None,
        Ok(false) => Some(format!("`{name}` does not hold")),
        // What the data lacks is a mistake of the data.
        Err(mistake) => Some(format!("`{name}` {mistake}")),
    })
}
