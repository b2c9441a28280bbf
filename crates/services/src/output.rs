//! What a tool answers.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::ToolError;

/// The answer of a tool: JSON that its output schema describes.
#[derive(Debug, Clone)]
pub struct Output {
    json: Box<RawValue>,
}

/// A result of `tools/call` (MCP, `CallToolResult`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallResult<'a> {
    content: [Text<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<&'a RawValue>,
    is_error: bool,
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

impl Output {
    /// Writes an answer down.
    pub fn of(answer: &impl Serialize) -> Result<Self, ToolError> {
        match serde_json::value::to_raw_value(answer) {
            Ok(json) => Ok(Self { json }),
            Err(error) => Err(ToolError::Unwritable { problem: error.to_string() }),
        }
    }

    /// Returns the answer alone.
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// Returns the result of `tools/call`: the answer as structured content, and the same as text
    /// for clients that know nothing else (MCP, structured content).
    pub fn call_result(&self) -> Vec<u8> {
        let result = CallResult {
            content: [Text { kind: "text", text: self.json() }],
            structured_content: Some(&self.json),
            is_error: false,
        };
        serde_json::to_vec(&result).expect("text and JSON can be written as JSON")
    }
}

impl ToolError {
    /// Returns the result of `tools/call` that tells the model what was wrong.
    pub fn call_result(&self) -> Vec<u8> {
        let text = self.to_string();
        let result = CallResult {
            content: [Text { kind: "text", text: &text }],
            structured_content: None,
            is_error: true,
        };
        serde_json::to_vec(&result).expect("text can be written as JSON")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Output;
    use crate::error::ToolError;

    #[test]
    fn an_answer_is_structured_and_text() {
        let output = Output::of(&json!({ "a": "\"" })).unwrap();
        let result: Value = serde_json::from_slice(&output.call_result()).unwrap();
        assert_eq!(
            result,
            json!({
                "content": [{ "type": "text", "text": r#"{"a":"\""}"# }],
                "structuredContent": { "a": "\"" },
                "isError": false,
            })
        );
    }

    #[test]
    fn an_error_is_text_alone() {
        let error = ToolError::argument("vector1", "is empty; give at least one number");
        let result: Value = serde_json::from_slice(&error.call_result()).unwrap();
        let text = "`vector1`: is empty; give at least one number";
        let content = json!([{ "type": "text", "text": text }]);
        assert_eq!(result, json!({ "content": content, "isError": true }));
    }
}
