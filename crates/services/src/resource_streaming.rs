//! `resource_streaming`: resources that change, and who hears of it.

use crate::service::Service;

/// The service.
pub static SERVICE: Service = Service {
    name: "resource_streaming",
    port: 8107,
    title: "Resource streaming",
    description: "Tells subscribers how resources change.",
    tools: &[],
    extras: &[],
    resources: &[],
    prompts: &[],
};
