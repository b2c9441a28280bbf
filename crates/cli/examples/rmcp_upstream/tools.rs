//! What the tools do. The names are fixed by the conformance suite; `catalogue.json` lists them.

#![expect(deprecated, reason = "a tool needs sampling, which clients offer for some time yet")]

mod content;
mod forms;
mod reports;
mod rounds;
mod tasks;

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
    },
    service::RequestContext,
};

use crate::{asking, upstream::Upstream, watchers::Change};

/// One call of a tool: what it says, who says it, and the server it is said to.
pub(crate) struct Call<'a> {
    pub(crate) upstream: &'a Upstream,
    pub(crate) request: &'a CallToolRequestParams,
    pub(crate) context: &'a RequestContext<RoleServer>,
}

impl Call<'_> {
    /// The argument `name`, if it is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.request.arguments.as_ref()?.get(name)?.as_str()
    }

    /// The argument `name`, if it is a number.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.request.arguments.as_ref()?.get(name)?.as_f64()
    }
}

/// Calls the tool that `request` names.
pub(crate) async fn call(
    upstream: &Upstream,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let call = Call { upstream, request, context };
    let name = &*request.name;
    if let Some(fixed) = content::fixed(name) {
        return Ok(fixed.into());
    }
    let watchers = &upstream.shared.watchers;
    Ok(match name {
        "test_tool_with_logging" => reports::log_thrice(&call).await.into(),
        "test_tool_with_progress" => reports::progress(&call).await.into(),
        "test_logging_tool" => reports::log_once(&call).await.into(),
        "test_reconnection" => {
            tokio::time::sleep(Duration::from_millis(100)).await;
            success("Reconnection test completed").into()
        }
        "test_custom_header" => {
            let value = call.text("value");
            success(value.ok_or_else(|| ErrorData::invalid_params("`value` is no text", None))?)
                .into()
        }
        "json_schema_2020_12_tool" => {
            success(format!("Hello, {}!", call.text("name").unwrap_or("world"))).into()
        }
        "test_trigger_tool_change" => {
            watchers.announce(Change::Tools).await;
            success("Told that the tools have changed").into()
        }
        "test_trigger_prompt_change" => {
            watchers.announce(Change::Prompts).await;
            success("Told that the prompts have changed").into()
        }
        "touch_resource" => {
            let uri = call.text("uri").unwrap_or("test://watched-resource");
            watchers.announce(Change::Resource(uri)).await;
            success(format!("Told that {uri} has changed")).into()
        }
        "test_missing_capability" => needs_sampling(&call)?.into(),
        name if forms::knows(name) => forms::call(&call).await,
        name if rounds::knows(name) => rounds::call(&call).await?,
        name if tasks::knows(name) => tasks::call(&call).await?,
        name => return Err(ErrorData::invalid_params(format!("unknown tool `{name}`"), None)),
    })
}

/// The code for what a caller lacks is one of the modern era; a legacy caller reads a tool error.
fn needs_sampling(call: &Call<'_>) -> Result<CallToolResult, ErrorData> {
    let can_sample = asking::capabilities(call.context).sampling.is_some();
    match (can_sample, asking::is_modern(call.context)) {
        (true, _) => Ok(success("The caller can sample")),
        (false, true) => {
            let required = ClientCapabilities::builder().enable_sampling().build();
            Err(ErrorData::missing_required_client_capability(required))
        }
        (false, false) => Ok(failure("This tool needs a client that can sample")),
    }
}

/// The result of a tool that says `text`.
pub(crate) fn success(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

/// The result of a tool that failed with `text`.
pub(crate) fn failure(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}
