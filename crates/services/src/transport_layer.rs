//! `transport_layer`: the transports and connections of the gateway around the services.

mod broadcast;
mod request;
mod status;

use crate::error::ToolError;
use crate::ports::PortError;
use crate::service::Service;
use crate::tool::Tool;

/// The service.
pub static SERVICE: Service = Service {
    name: "transport_layer",
    port: 8104,
    title: "Transport layer",
    description: "Shows by which transports and connections the gateway is reached and reaches its \
                  servers, and lets one request be watched on its way.",
    tools: &[status::TOOL, request::TOOL],
    extras: &[EXTRAS],
    resources: &[],
    prompts: &[],
};

const EXTRAS: &[Tool] = &[broadcast::TOOL];

#[expect(clippy::needless_pass_by_value, reason = "it stands for an error that is mapped")]
fn failed(error: PortError) -> ToolError {
    ToolError::Unavailable { what: "gateway", problem: error.to_string() }
}
