//! Tools that say how fast something is, from durations that were measured.

use crate::service::{Prompt, Resource};
use crate::tool::Tool;

mod benchmark;
mod figures;
mod measure;
mod report;
mod sla;
mod system;

/// The tools.
pub(crate) static TOOLS: [Tool; 4] = [measure::TOOL, sla::TOOL, benchmark::TOOL, system::TOOL];

/// What is compared if nothing else is asked for.
pub(crate) const DEFAULTS: Resource = benchmark::RESOURCE;

/// Asks a model what figures mean.
pub(crate) const REPORT: Prompt = report::PROMPT;
