//! `data_standardization`: messy records into hierarchies of four levels.

use crate::service::Service;

/// The service.
pub static SERVICE: Service = Service {
    name: "data_standardization",
    port: 8101,
    title: "Data standardization",
    description: "Brings accounts, locations and products into hierarchies of four levels, and checks data.",
    tools: &[],
    extras: &[],
    resources: &[],
    prompts: &[],
};
