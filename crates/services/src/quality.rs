//! Tools that say how good data is.

use crate::service::{Prompt, Resource};
use crate::tool::Tool;

mod completeness;
mod confidence;
mod data_quality;
mod dimension;
mod product;
mod report;
mod standardization;

pub(crate) use dimension::quantile;

/// The tools.
pub(crate) static TOOLS: [Tool; 5] = [
    completeness::TOOL,
    data_quality::TOOL,
    confidence::TOOL,
    product::TOOL,
    standardization::TOOL,
];

/// The dimensions of quality.
pub(crate) const DIMENSIONS: Resource = dimension::RESOURCE;

/// Asks a model what the quality of data is worth.
pub(crate) const REPORT: Prompt = report::PROMPT;
