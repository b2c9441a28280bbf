//! `vector_similarity`: how alike vectors are.
//!
//! A module for each tool; what they compute with is in [`metric`].

use crate::service::Service;

mod analysis_prompt;
mod batch;
pub(crate) mod metric;
mod metrics_resource;
mod normalize;
mod pair;
mod pairwise;
mod statistics;
mod status;

/// The service.
pub static SERVICE: Service = Service {
    name: "vector_similarity",
    port: 8102,
    title: "Vector similarity",
    description: "Compares vectors of numbers by six metrics, one by one or in batches.",
    tools: &[pair::TOOL, batch::TOOL, statistics::TOOL, normalize::TOOL, status::TOOL],
    extras: &[],
    resources: &[metrics_resource::RESOURCE],
    prompts: &[analysis_prompt::PROMPT],
};
