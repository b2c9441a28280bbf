//! `reasoning_agent`: conclusions with their proofs.

use crate::service::Service;

/// The service.
pub static SERVICE: Service = Service {
    name: "reasoning_agent",
    port: 8105,
    title: "Reasoning agent",
    description: "Takes questions apart, draws conclusions by rules, and weighs evidence.",
    tools: &[],
    extras: &[],
    resources: &[],
    prompts: &[],
};
