//! Services to call, and answers to compare.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::Principal;
use gantry_core::clock::FixedClock;
use gantry_services::context::Sampling;
use gantry_services::ports::PortError;
use gantry_services::{CallLink, NoLink, Ports, Services, ToolError, catalogue};
use serde_json::Value;

/// 2026-01-01 00:00:00 UTC.
pub(crate) const NOW: u64 = 1_767_225_600;

/// Returns services on their own, at [`NOW`].
pub(crate) fn services() -> Services {
    Services::new(Ports::detached(Arc::new(FixedClock(Duration::from_secs(NOW)))))
}

/// The link of a call that its caller took back.
#[derive(Debug)]
pub(crate) struct TakenBack;

impl CallLink for TakenBack {
    fn is_cancelled(&self) -> bool {
        true
    }

    fn wants_progress(&self) -> bool {
        false
    }

    fn progress(&self, _: f64, _: f64, _: &str) {}

    fn notify(&self, _: &str, _: &Value) {}

    fn sample(&self, _: &Sampling<'_>) -> Result<String, PortError> {
        Err(PortError::new("nobody is there any more"))
    }
}

/// Calls a tool as `anonymous`.
pub(crate) fn call(
    services: &Services,
    service: &str,
    tool: &str,
    arguments: &Value,
) -> Result<Value, ToolError> {
    let service = catalogue::find(service).expect("there is such a service");
    let tool = service.tool(tool).expect("there is such a tool");
    let principal = Principal::anonymous();
    let context = services.context(service, &principal, &NoLink);
    let output = Services::call(&context, tool, arguments.to_string().as_bytes())?;
    let answer: Value = serde_json::from_str(output.json()).expect("an answer is JSON");
    let schema = (tool.output_schema)();
    let validator = jsonschema::validator_for(&schema).expect("an output schema is a schema");
    let mistake = validator.validate(&answer).err().map(|error| error.to_string());
    assert_eq!(mistake, None, "{}: the answer is not as its schema says: {answer}", tool.name);
    Ok(answer)
}

/// Calls a tool that has an answer.
pub(crate) fn ask(service: &str, tool: &str, arguments: &Value) -> Value {
    call(&services(), service, tool, arguments).expect("the call is a good one")
}

/// Calls a tool that refuses, and returns what it says.
pub(crate) fn refusal(service: &str, tool: &str, arguments: &Value) -> String {
    let answer = call(&services(), service, tool, arguments);
    answer.expect_err("the call is a bad one").to_string()
}

/// Returns a number of an answer.
pub(crate) fn number(answer: &Value) -> f64 {
    answer.as_f64().expect("a number")
}

/// Says where `found` lacks something that `expected` has; numbers agree to nine digits.
pub(crate) fn difference(expected: &Value, found: &Value, path: &str) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().find_map(|(name, value)| match found.get(name) {
                Some(found) => difference(value, found, &format!("{path}.{name}")),
                None => Some(format!("{path}.{name} is missing")),
            })
        }
        (Value::Array(expected), Value::Array(found)) => {
            if expected.len() != found.len() {
                return Some(format!("{path} has {} items, not {}", found.len(), expected.len()));
            }
            let pairs = expected.iter().zip(found).enumerate();
            pairs.into_iter().find_map(|(at, (expected, found))| {
                difference(expected, found, &format!("{path}[{at}]"))
            })
        }
        (Value::Number(expected), Value::Number(found)) => {
            let (expected, found) = (expected.as_f64()?, found.as_f64()?);
            let tolerance = 1e-9 * expected.abs().max(1e-3);
            let differs = (expected - found).abs() > tolerance;
            differs.then(|| format!("{path} is {found}, not {expected}"))
        }
        _ => (expected != found).then(|| format!("{path} is {found}, not {expected}")),
    }
}
