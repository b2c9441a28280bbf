//! What a hook takes out of arguments and results.
//!
//! A tool that answers with structure says the same once more as text
//! (2025-11-25 `server/tools`, Structured Content), so that a text which is JSON is treated as the
//! structure is.

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::redact::REDACTED;

/// Bytes that a compiled pattern may take.
const MOST_COMPILED: usize = 1 << 20;
/// Bytes of a written pattern.
const MOST_WRITTEN: usize = 2048;
/// A step of a pointer that stands for any.
const ANY: &str = "*";

/// Places and texts that are taken out.
#[derive(Debug)]
pub struct Redaction {
    /// JSON pointers in their steps.
    pointers: Vec<Vec<String>>,
    text: Option<Regex>,
}

/// Why a place or a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no pointer.
    #[error("`{0}` is no JSON pointer: one begins with `/`, as in `/customer/iban`")]
    Pointer(String),
    /// It is too long.
    #[error("the pattern has {0} bytes, and may have {MOST_WRITTEN}")]
    TooLong(usize),
    /// It is no regular expression, or one that takes too much memory.
    #[error("it is no regular expression that can be used: {0}")]
    Pattern(String),
}

impl Redaction {
    /// Takes JSON pointers, in which `*` stands for any step, and a regular expression.
    ///
    /// # Errors
    ///
    /// [`PatternError`].
    pub fn new(pointers: &[String], text: Option<&str>) -> Result<Self, PatternError> {
        let steps = |pointer: &String| {
            let rest = pointer.strip_prefix('/');
            let rest = rest.ok_or_else(|| PatternError::Pointer(pointer.clone()))?;
            // RFC 6901, section 4. The order matters: `~01` is `~1`.
            let step = |step: &str| step.replace("~1", "/").replace("~0", "~");
            Ok(rest.split('/').map(step).collect())
        };
        let compile = |text: &str| {
            if text.len() > MOST_WRITTEN {
                return Err(PatternError::TooLong(text.len()));
            }
            let built = RegexBuilder::new(text).size_limit(MOST_COMPILED).build();
            built.map_err(|error| PatternError::Pattern(last_line(&error.to_string())))
        };
        Ok(Self {
            pointers: pointers.iter().map(steps).collect::<Result<_, _>>()?,
            text: text.map(compile).transpose()?,
        })
    }

    /// Takes it out of the arguments of a call.
    pub fn arguments(&self, arguments: &mut Value) {
        self.places(arguments);
        self.texts(arguments);
    }

    /// Takes it out of the result of a tool: of its structure and of its texts.
    pub fn result(&self, result: &mut Value) {
        if let Some(structured) = result.get_mut("structuredContent") {
            self.places(structured);
            self.texts(structured);
        }
        let content = result.get_mut("content").and_then(Value::as_array_mut);
        for item in content.into_iter().flatten() {
            if let Some(text) = item.get_mut("text") {
                self.text(text);
            }
            if let Some(text) = item.get_mut("resource").and_then(|inner| inner.get_mut("text")) {
                self.text(text);
            }
        }
    }

    /// Takes it out of an error: of its text and of whatever it holds besides.
    pub fn error(&self, message: &mut String, data: Option<&mut Value>) {
        let mut text = Value::from(std::mem::take(message));
        self.text(&mut text);
        if let Value::String(text) = text {
            *message = text;
        }
        if let Some(data) = data {
            self.places(data);
            self.texts(data);
        }
    }

    /// Treats a text, which may be JSON.
    fn text(&self, value: &mut Value) {
        let Value::String(text) = &*value else { return };
        let is_structure = text.trim_start().starts_with(['{', '[']) && !self.pointers.is_empty();
        let parsed = is_structure.then(|| serde_json::from_str::<Value>(text).ok()).flatten();
        if let Some(mut parsed) = parsed {
            let before = parsed.clone();
            self.places(&mut parsed);
            if parsed != before {
                *value = Value::from(parsed.to_string());
            }
        }
        self.texts(value);
    }

    fn places(&self, value: &mut Value) {
        for steps in &self.pointers {
            take_out(value, steps);
        }
    }

    fn texts(&self, value: &mut Value) {
        let Some(pattern) = &self.text else { return };
        match value {
            Value::String(text) => {
                if pattern.is_match(text) {
                    *text = pattern.replace_all(text, REDACTED).into_owned();
                }
            }
            Value::Array(entries) => entries.iter_mut().for_each(|entry| self.texts(entry)),
            Value::Object(members) => members.values_mut().for_each(|member| self.texts(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn take_out(value: &mut Value, steps: &[String]) {
    let Some((step, rest)) = steps.split_first() else {
        if !value.is_null() {
            *value = REDACTED.into();
        }
        return;
    };
    match value {
        Value::Object(members) if step == ANY => {
            members.values_mut().for_each(|member| take_out(member, rest));
        }
        Value::Object(members) => {
            if let Some(member) = members.get_mut(step) {
                take_out(member, rest);
            }
        }
        Value::Array(entries) if step == ANY => {
            for entry in entries {
                take_out(entry, rest);
            }
        }
        Value::Array(entries) => {
            if let Some(entry) = step.parse().ok().and_then(|at: usize| entries.get_mut(at)) {
                take_out(entry, rest);
            }
        }
        _ => {}
    }
}

/// The parser draws a picture and says what is wrong below it.
fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
}
