//! `vector_ranking`: documents in the order of their use for a question.

use crate::service::Service;

/// The service.
pub static SERVICE: Service = Service {
    name: "vector_ranking",
    port: 8103,
    title: "Vector ranking",
    description: "Ranks documents by their words, their vectors and the links between them.",
    tools: &[],
    extras: &[],
    resources: &[],
    prompts: &[],
};
