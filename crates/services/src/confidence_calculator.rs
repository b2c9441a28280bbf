//! `confidence_calculator`: how far a conclusion can be trusted.

use crate::service::Service;

/// The service.
pub static SERVICE: Service = Service {
    name: "confidence_calculator",
    port: 8108,
    title: "Confidence calculator",
    description: "Says how far a conclusion can be trusted, and why.",
    tools: &[],
    extras: &[],
    resources: &[],
    prompts: &[],
};
