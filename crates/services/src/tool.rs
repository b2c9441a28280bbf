//! What a tool is.
//!
//! A tool is a constant of its own module: the types of its arguments and of its answer, which give
//! the two schemas, a function between them, and examples that tests run and pages show.
//! `vector_similarity::pair` is a small one to look at.

use std::fmt;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::arguments;
use crate::context::Context;
use crate::error::ToolError;
use crate::output::Output;

/// Up to so many bytes of arguments, a tool of [`Effort::Light`] is done within 100 µs.
pub const LIGHT_ARGUMENTS: usize = 4096;

/// A tool.
#[derive(Clone, Copy)]
pub struct Tool {
    /// The name that lists, policy, limits and records use.
    pub name: &'static str,
    /// Another name under which it can be called; no list has it.
    pub alias: Option<&'static str>,
    /// For people.
    pub title: &'static str,
    /// What it does, for a model that has to choose.
    pub description: &'static str,
    /// What a client may presume.
    pub annotations: Annotations,
    /// What a call costs.
    pub effort: Effort,
    /// The schema of the arguments, JSON Schema 2020-12.
    pub input_schema: fn() -> Value,
    /// The schema of the answer.
    pub output_schema: fn() -> Value,
    /// Calls with what they answer; the first is the simplest.
    pub examples: &'static [Example],
    /// Carries out a call; the bytes are the JSON of the arguments, or empty.
    pub run: fn(&Context<'_>, &[u8]) -> Result<Output, ToolError>,
}

/// What a client may presume of a tool (MCP, tool annotations).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "these are the four of the protocol")]
pub struct Annotations {
    /// It changes nothing.
    #[serde(rename = "readOnlyHint")]
    pub read_only: bool,
    /// It may take something away.
    #[serde(rename = "destructiveHint")]
    pub destructive: bool,
    /// The same call twice does what one does.
    #[serde(rename = "idempotentHint")]
    pub idempotent: bool,
    /// It reaches beyond this process.
    #[serde(rename = "openWorldHint")]
    pub open_world: bool,
}

/// What a call costs, and so where it may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// At most 100 µs with arguments of up to [`LIGHT_ARGUMENTS`] bytes.
    Light,
    /// Computes for longer: off the threads that carry requests.
    Heavy,
    /// As [`Effort::Light`], unless the operator named a model: then as [`Effort::Waits`].
    Embeds,
    /// Uses a port that may wait: as [`Effort::Heavy`], and without keeping a core busy.
    Waits,
}

/// A call with its answer.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it shows.
    pub title: &'static str,
    /// The arguments, JSON.
    pub arguments: &'static str,
    /// What the answer has at least, JSON; numbers agree to nine digits.
    pub answer: &'static str,
}

// === impl Tool ===

impl Tool {
    /// Returns the tool as lists have it (MCP, `Tool`).
    pub fn definition(&self) -> Value {
        let mut input = (self.input_schema)();
        // An example that is no JSON would be found by the test that runs all of them.
        let examples: Vec<Value> = self
            .examples
            .iter()
            .filter_map(|example| serde_json::from_str(example.arguments).ok())
            .collect();
        if let Some(input) = input.as_object_mut() {
            input.insert("examples".to_owned(), Value::Array(examples));
        }
        json!({
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": input,
            "outputSchema": (self.output_schema)(),
            "annotations": self.annotations,
        })
    }

    /// Tells whether a call with so many bytes of arguments may run on a thread that carries
    /// requests; `has_model` says whether there is a model that makes vectors.
    pub fn is_light(&self, n_bytes: usize, has_model: bool) -> bool {
        let is_light = match self.effort {
            Effort::Light => true,
            Effort::Embeds => !has_model,
            Effort::Heavy | Effort::Waits => false,
        };
        is_light && n_bytes <= LIGHT_ARGUMENTS
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tool").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl Annotations ===

impl Annotations {
    /// A function of its arguments.
    pub const COMPUTES: Self =
        Self { read_only: true, destructive: false, idempotent: true, open_world: false };
    /// Tells how something is at this moment.
    pub const TELLS: Self = Self::COMPUTES;
}

/// Reads the arguments, carries the call out, and writes the answer down.
///
/// This is what [`Tool::run`] of most tools does.
pub(crate) fn run<A: DeserializeOwned, R: Serialize>(
    context: &Context<'_>,
    raw: &[u8],
    carry_out: impl FnOnce(&Context<'_>, A) -> Result<R, ToolError>,
) -> Result<Output, ToolError> {
    let arguments = arguments::parse(raw)?;
    let answer = carry_out(context, arguments)?;
    Output::of(&answer)
}

/// Does the same for a tool that takes no arguments and tells how something is.
pub(crate) fn tell<R: Serialize>(
    context: &Context<'_>,
    raw: &[u8],
    answer: impl FnOnce(&Context<'_>) -> R,
) -> Result<Output, ToolError> {
    let NoArguments {} = arguments::parse(raw)?;
    Output::of(&answer(context))
}

/// The arguments of a tool that takes none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoArguments {}
