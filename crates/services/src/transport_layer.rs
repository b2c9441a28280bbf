//! `transport_layer`: the transports and connections of the gateway itself.

use crate::service::Service;

/// The service.
pub static SERVICE: Service = Service {
    name: "transport_layer",
    port: 8104,
    title: "Transport layer",
    description: "Tells of the transports and connections of the gateway, and sends through them.",
    tools: &[],
    extras: &[],
    resources: &[],
    prompts: &[],
};
