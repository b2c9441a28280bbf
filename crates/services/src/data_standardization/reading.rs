//! What was read out of one value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// A value in its standard form, with how sure that is and why.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Reading {
    /// The standard form; absent where none was found.
    pub(super) standard: Option<String>,
    /// The parts that were found, by their names.
    pub(super) parts: BTreeMap<&'static str, String>,
    /// How sure the reading is, from 0 to 1.
    pub(super) confidence: f64,
    /// Why it was read so.
    pub(super) reason: String,
}

impl Reading {
    /// Makes a reading.
    pub(super) fn new(standard: String, confidence: f64, reason: impl Into<String>) -> Self {
        Self { standard: Some(standard), parts: BTreeMap::new(), confidence, reason: reason.into() }
    }

    /// Says that nothing was found.
    pub(super) fn nothing(reason: impl Into<String>) -> Self {
        Self { standard: None, parts: BTreeMap::new(), confidence: 0.0, reason: reason.into() }
    }

    /// Adds a part; an empty one is none.
    pub(super) fn with(mut self, name: &'static str, part: impl Into<String>) -> Self {
        let part = part.into();
        if !part.is_empty() {
            self.parts.insert(name, part);
        }
        self
    }
}
