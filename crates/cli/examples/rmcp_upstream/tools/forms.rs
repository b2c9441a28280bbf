//! Tools that ask once and then tell what was answered; the suite of 2025-11-25 calls them.

use std::collections::BTreeMap;

use rmcp::model::{CallToolResponse, InputRequest, InputRequiredResult};
use serde_json::{Value, json};

use super::{Call, failure, success};
use crate::asking::{self, Round};

/// The key of the one question.
const QUESTION: &str = "question";

/// Whether `name` is one of these tools.
pub(crate) fn knows(name: &str) -> bool {
    matches!(
        name,
        "test_sampling"
            | "test_elicitation"
            | "test_elicitation_sep1034_defaults"
            | "test_elicitation_sep1330_enums"
            | "test_streaming_elicitation"
    )
}

/// Asks, and tells.
pub(crate) async fn call(call: &Call<'_>) -> CallToolResponse {
    let questions = asking::one(QUESTION, question(call));
    let given = call.request.input_responses.as_ref();
    match asking::ask(call.context, given, questions).await {
        Ok(Round::Open(questions)) => InputRequiredResult::from_input_requests(questions).into(),
        Ok(Round::Answered(answers)) => success(told(call, &answers)).into(),
        Err(reason) => failure(reason).into(),
    }
}

fn question(call: &Call<'_>) -> InputRequest {
    match &*call.request.name {
        "test_sampling" => asking::sampling(call.text("prompt").unwrap_or("Say something")),
        "test_elicitation" => asking::form(
            call.text("message").unwrap_or("Who are you?"),
            &json!({
                "username": { "type": "string", "description": "Your name" },
                "email": { "type": "string", "description": "Your address" },
            }),
            &["username", "email"],
        ),
        "test_elicitation_sep1034_defaults" => {
            asking::form("Change what is wrong", &defaults(), &[])
        }
        "test_elicitation_sep1330_enums" => asking::form("Choose", &enumerations(), &[]),
        _ => asking::text_form("Provide a value", "value"),
    }
}

fn told(call: &Call<'_>, answers: &BTreeMap<String, Value>) -> String {
    if &*call.request.name == "test_sampling" {
        return format!("LLM response: {}", asking::sampled_text(answers, QUESTION));
    }
    let answer = &answers[QUESTION];
    let action = answer["action"].as_str().unwrap_or("none");
    format!("User response: action={action}, content={}", answer["content"])
}

fn defaults() -> Value {
    json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": {
            "type": "string", "enum": ["active", "inactive", "pending"], "default": "active"
        },
        "verified": { "type": "boolean", "default": true },
    })
}

fn enumerations() -> Value {
    let titled = |noun: &str| {
        json!([
            { "const": "value1", "title": format!("First {noun}") },
            { "const": "value2", "title": format!("Second {noun}") },
            { "const": "value3", "title": format!("Third {noun}") },
        ])
    };
    let plain = json!(["option1", "option2", "option3"]);
    json!({
        "untitledSingle": { "type": "string", "enum": plain },
        "titledSingle": { "type": "string", "oneOf": titled("Option") },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
        "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
    })
}
