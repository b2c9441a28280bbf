//! `vector_similarity`: how alike vectors are.
//!
//! A module for each tool; what they compute with is in [`metric`].

use crate::service::Service;

mod metric;
mod pair;
mod status;

/// The service.
pub static SERVICE: Service = Service {
    name: "vector_similarity",
    port: 8102,
    title: "Vector similarity",
    description: "Compares vectors of numbers by six metrics, one by one or in batches.",
    tools: &[pair::TOOL, status::TOOL],
    extras: &[],
    resources: &[],
    prompts: &[],
};
