//! `semantic_similarity`: how alike texts are.

use crate::service::Service;

/// The service.
pub static SERVICE: Service = Service {
    name: "semantic_similarity",
    port: 8109,
    title: "Semantic similarity",
    description: "Compares texts of any language by words and by meaning.",
    tools: &[],
    extras: &[],
    resources: &[],
    prompts: &[],
};
