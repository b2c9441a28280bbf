//! Tools that check data: against a schema, a structure, what it says of itself, and rules.
//!
//! Rules are written in the language of [`expression`], which computes and does nothing else.

use crate::service::{Prompt, Resource};
use crate::tool::Tool;

mod business_rules;
mod expression;
mod integrity;
pub(crate) mod patterns;
mod report;
mod schema_compliance;
mod structure;

/// The tools.
pub(crate) static TOOLS: [Tool; 4] =
    [schema_compliance::TOOL, structure::TOOL, integrity::TOOL, business_rules::TOOL];

/// The patterns of texts that are checked often.
pub(crate) const PATTERNS: Resource = patterns::RESOURCE;

/// Asks a model what the mistakes mean.
pub(crate) const REPORT: Prompt = report::PROMPT;
