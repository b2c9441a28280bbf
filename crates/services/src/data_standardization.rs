//! `data_standardization`: messy records into hierarchies of four levels.

use crate::service::Service;
use crate::{performance, quality, validation};

/// The service.
pub static SERVICE: Service = Service {
    name: "data_standardization",
    port: 8101,
    title: "Data standardization",
    description: "Brings accounts, locations and products into hierarchies of four levels, and checks data.",
    tools: &[],
    extras: &[&validation::TOOLS, &quality::TOOLS, &performance::TOOLS],
    resources: &[validation::PATTERNS, quality::DIMENSIONS, performance::DEFAULTS],
    prompts: &[validation::REPORT, quality::REPORT, performance::REPORT],
};
