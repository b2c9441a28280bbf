//! One message and what is known with it, written in each of the formats.
//!
//! Whatever stands in a value, a message stays on one line: nobody who is quoted in the log can
//! make it say something else.

mod json;
mod spring;
mod text;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use gantry_core::correlation::Correlation;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::config::LogFormat;

/// The most bytes of one value; servers are quoted with what they say.
const LONGEST: usize = 16 * 1024;
/// What events of the `log` facade say about themselves in fields.
const FACADE: &str = "log.";

/// One message.
#[derive(Debug)]
pub(super) struct Line {
    at: SystemTime,
    level: Level,
    target: String,
    module: Option<String>,
    function: Option<String>,
    number: Option<u64>,
    thread: String,
    message: String,
    fields: Vec<(&'static str, Value)>,
    request: Option<Arc<Correlation>>,
}

/// How lines are written.
#[derive(Debug, Clone)]
pub(super) struct Style {
    pub(super) format: LogFormat,
    pub(super) service: Arc<str>,
}

impl Line {
    /// Takes down what an event says.
    pub(super) fn of(event: &Event<'_>, at: SystemTime) -> Self {
        let metadata = event.metadata();
        let mut line = Self {
            at,
            level: *metadata.level(),
            target: metadata.target().to_owned(),
            module: metadata.module_path().map(str::to_owned),
            function: None,
            number: metadata.line().map(u64::from),
            thread: std::thread::current().name().unwrap_or("unnamed").to_owned(),
            message: String::new(),
            fields: Vec::new(),
            request: gantry_core::correlation::current(),
        };
        event.record(&mut line);
        line
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Writes the line, with its end.
    pub(super) fn write(&self, style: &Style, with_colours: bool) -> String {
        let mut written = match style.format {
            LogFormat::Text => text::write(self, with_colours),
            LogFormat::Json => json::write(self, &style.service),
            LogFormat::Spring => spring::write(self),
        };
        written.push('\n');
        written
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    fn put(&mut self, name: &'static str, value: Value) {
        match (name, value) {
            ("message", Value::String(text)) => self.message = text,
            ("function", Value::String(text)) => self.function = Some(text),
            ("log.target", Value::String(text)) => self.target = text,
            ("log.module_path", Value::String(text)) => self.module = Some(text),
            ("log.line", value) => self.number = value.as_u64(),
            (name, _) if name.starts_with(FACADE) => {}
            (name, value) => self.fields.push((name, value)),
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), Value::String(cut(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field.name(), Value::String(cut(&gantry_core::chain(value))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), Value::String(cut(&format!("{value:?}"))));
    }
}

fn cut(text: &str) -> String {
    match text.get(..text.floor_char_boundary(LONGEST)) {
        Some(start) if start.len() < text.len() => format!("{start}..."),
        _ => text.to_owned(),
    }
}

/// Writes a text so that it stays on its line and changes no terminal.
fn plain(text: &str, into: &mut String) {
    for character in text.chars() {
        if character.is_control() {
            into.extend(character.escape_default());
        } else {
            into.push(character);
        }
    }
}

/// Writes ` name=value`; a text in quotes unless it is one word.
fn pair(name: &str, value: &Value, into: &mut String) {
    into.push(' ');
    into.push_str(name);
    into.push('=');
    value_text(value, into);
}

fn value_text(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            let is_word = |character: char| !character.is_whitespace() && character != '"';
            if !text.is_empty() && text.chars().all(is_word) {
                plain(text, into);
            } else {
                into.push('"');
                plain(&text.replace('\\', "\\\\").replace('"', "\\\""), into);
                into.push('"');
            }
        }
        other => into.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests;
