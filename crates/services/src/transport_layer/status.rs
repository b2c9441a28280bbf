//! `mcp_server`: the state of transports and connections.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::failed;
use crate::context::Context;
use crate::error::ToolError;
use crate::ports::GatewayState;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};
use crate::usage::ToolUsage;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "mcp_server",
    alias: None,
    title: "State of the transports",
    description: "Tells what is open at the gateway: sessions, streams and subscriptions of \
                  clients, and its connections to the servers that the caller may see, with their \
                  states; and how often this service was called.",
    annotations: Annotations::TELLS,
    effort: Effort::Waits,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A service without a gateway",
        arguments: "{}",
        answer: r#"{"service": "transport_layer", "has_gateway": false,
                    "state": {"transports": [], "upstreams": []}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The service.
    service: &'static str,
    /// Whether there is a gateway whose state can be told.
    has_gateway: bool,
    /// What is open.
    state: GatewayState,
    /// The calls of each tool since the start, whoever made them.
    tools: BTreeMap<&'static str, ToolUsage>,
}

fn carry_out(context: &Context<'_>, _: NoArguments) -> Result<Answer, ToolError> {
    let gateway = context.ports().gateway.as_deref();
    let state = gateway.map(|gateway| gateway.state(context.principal)).transpose();
    Ok(Answer {
        service: context.service.name,
        has_gateway: gateway.is_some(),
        state: state.map_err(failed)?.unwrap_or_default(),
        tools: context.usage().tools(context),
    })
}
