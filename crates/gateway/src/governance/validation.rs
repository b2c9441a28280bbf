//! Arguments held against the schema of their tool before its server is asked, where the
//! configuration wants that: some servers crash on what they do not expect, or do half of it.
//!
//! What does not fit is answered as the tool itself would, with `isError`, so that the model that made
//! the arguments reads what is wrong (2025-11-25, `server/tools`, error handling). Values are not
//! repeated: they may be secrets.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::{Outcome, RawResult, Request};
use gantry_protocol::method;
use gantry_protocol::tool::Item;
use jsonschema::{PatternOptions, Validator};
use parking_lot::RwLock;
use serde_json::{Value, json};

use crate::snapshot::Target;

/// The most mistakes that are told at once.
const MOST: usize = 10;

/// The compiled schemas of one server, made at the first call of a tool.
#[derive(Debug, Default)]
pub(crate) struct Schemas(RwLock<HashMap<Box<str>, Arc<Compiled>>>);

#[derive(Debug)]
struct Compiled {
    /// The definition that the schema is from.
    definition: Bytes,
    /// `None` if the tool has no schema, or one that is none.
    validator: Option<Validator>,
}

/// Answers a call whose arguments the tool does not take; one branch where nobody wants it.
pub(crate) fn refuse(target: &Target<'_>, request: &Request) -> Option<Outcome> {
    let upstream = target.server.upstream.as_ref().filter(|up| up.spec().validate_arguments)?;
    if request.message.method() != method::TOOLS_CALL {
        return None;
    }
    let offer = target.server.provider.offer().load();
    let tool = offer.tools.iter().find(|tool| *tool.name == *target.local)?;
    let compiled = upstream.schemas().of(tool);
    let arguments = request.message.param("arguments").unwrap_or(b"{}");
    let arguments = serde_json::from_slice(arguments).ok()?;
    let mistakes = mistakes(compiled.validator.as_ref()?, &arguments);
    (!mistakes.is_empty()).then(|| told(&target.local, &mistakes))
}

impl Schemas {
    /// Returns the schema of a tool as it is defined now.
    fn of(&self, tool: &Item) -> Arc<Compiled> {
        if let Some(known) = self.0.read().get(&tool.name)
            && known.definition == tool.raw
        {
            return Arc::clone(known);
        }
        let compiled =
            Arc::new(Compiled { definition: tool.raw.clone(), validator: validator(&tool.raw) });
        self.0.write().insert(tool.name.clone(), Arc::clone(&compiled));
        compiled
    }
}

fn validator(definition: &[u8]) -> Option<Validator> {
    let definition: Value = serde_json::from_slice(definition).ok()?;
    let schema = definition.get("inputSchema")?;
    jsonschema::options()
        // Such patterns take a time that grows with the text and no faster.
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .inspect_err(|error| {
            let tool = definition.get("name").and_then(Value::as_str);
            gantry_core::log::warn!(tool, %error, "Arguments are not validated: the tool's schema is none.");
        })
        .ok()
}

fn mistakes(validator: &Validator, arguments: &Value) -> Vec<String> {
    let told = validator.iter_errors(arguments).take(MOST).map(|error| {
        let place = error.instance_path().to_string();
        let place =
            if place.is_empty() { "the arguments".to_owned() } else { format!("`{place}`") };
        format!("{place}: {}", error.masked_with("what was given"))
    });
    told.collect()
}

fn told(tool: &str, mistakes: &[String]) -> Outcome {
    let text = format!(
        "The arguments are not what `{tool}` takes, so it was not called:\n- {}",
        mistakes.join("\n- ")
    );
    let result = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
    Outcome::Complete(RawResult::own(result.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(schema: &Value, arguments: &Value) -> Vec<String> {
        let definition = json!({ "name": "t", "inputSchema": schema }).to_string();
        mistakes(&validator(definition.as_bytes()).expect("it is a schema"), arguments)
    }

    #[test]
    fn each_mistake_says_where_it_is_and_repeats_no_value() {
        let schema = json!({
            "type": "object",
            "properties": { "n": { "type": "integer" }, "word": { "pattern": "^[a-z]+$" } },
            "required": ["n", "word"],
            "additionalProperties": false,
        });
        assert_eq!(of(&schema, &json!({ "n": 1, "word": "a" })), [""; 0]);
        let told = of(&schema, &json!({ "n": "s3cret", "word": "S3CRET", "more": 1 })).join("\n");
        assert!(told.contains("`/n`") && told.contains("`/word`"), "{told}");
        assert!(told.contains("integer") && told.contains("more"), "{told}");
        assert!(!told.to_lowercase().contains("s3cret"), "{told}");
        let missing = of(&schema, &json!({})).join("\n");
        assert!(missing.contains("required"), "{missing}");
    }

    #[test]
    fn a_schema_that_is_none_and_one_elsewhere_let_everything_pass() {
        for schema in [json!({ "type": 7 }), json!({ "$ref": "https://example.com/s.json" })] {
            let definition = json!({ "name": "t", "inputSchema": schema }).to_string();
            assert!(validator(definition.as_bytes()).is_none());
        }
    }
}
