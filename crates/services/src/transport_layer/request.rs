//! `mcp_request`: one request to a server, and what came of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::failed;
use crate::arguments::text_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::ports::Gateway;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};
use crate::usage::RecentCall;

/// The most bytes of a method or of a name.
const MAX_NAME: usize = 256;
/// The most calls that are shown.
const MAX_SHOWN: usize = 20;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "mcp_request",
    alias: None,
    title: "Watch a request",
    description: "Sends one MCP request to a server behind the gateway, by the same policy as if \
                  the caller had sent it, and shows both sides of the exchange and how long it \
                  took. Without a method it shows the caller's last calls of this service.",
    annotations: Annotations {
        read_only: false,
        destructive: false,
        idempotent: false,
        open_world: true,
    },
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Before anything was called",
        arguments: "{}",
        answer: r#"{"last_calls": []}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The server's name; empty for everything that the caller sees at `/mcp`.
    #[serde(default)]
    upstream: String,
    /// The method, such as `tools/list` or `tools/call`.
    #[serde(default)]
    method: Option<String>,
    /// The parameters of the method.
    #[serde(default)]
    params: Map<String, Value>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// What was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Value>,
    /// The answer as it came: a whole JSON-RPC response.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    response: Option<Box<RawValue>>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<f64>,
    /// The caller's own last calls of this service, the latest first.
    last_calls: Vec<RecentCall>,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let last_calls = context.usage().last_calls(context, MAX_SHOWN);
    let Some(method) = arguments.method else {
        if !arguments.params.is_empty() || !arguments.upstream.is_empty() {
            return Err(ToolError::argument("method", "is required to send a request"));
        }
        return Ok(Answer { request: None, response: None, milliseconds: None, last_calls });
    };
    text_within("method", &method, MAX_NAME)?;
    text_within("upstream", &arguments.upstream, MAX_NAME)?;
    if method.starts_with("notifications/") || !method.contains('/') && method != "ping" {
        let problem = "give the method of a request, such as `tools/list`, or `ping`";
        return Err(ToolError::argument("method", problem));
    }
    let params = Value::Object(arguments.params);
    let exchange = gateway(context)?
        .request(context.principal, &arguments.upstream, &method, &params)
        .map_err(failed)?;
    Ok(Answer {
        request: Some(json!({ "method": method, "params": params })),
        response: Some(exchange.response),
        milliseconds: Some(exchange.milliseconds),
        last_calls,
    })
}

/// Returns the gateway, which a service on its own does not have.
fn gateway<'a>(context: &Context<'a>) -> Result<&'a dyn Gateway, ToolError> {
    context.services.ports().gateway.as_deref().ok_or_else(|| ToolError::Unavailable {
        what: "gateway",
        problem: "there is none around this service; start it with `gantry serve`".to_owned(),
    })
}
