//! What the servers offer: tools, resources, prompts, as the caller sees them.

use std::sync::Arc;

use gantry_core::ErrorCode;
use gantry_gateway::snapshot::{Entry, Section, View};
use http::StatusCode;
use serde_json::{Map, Value};

use super::call::{Call, Outcome, reply};
use super::error::ApiError;
use super::model::{Offered, Original, PromptList, ResourceList, ToolList};
use super::servers;

/// A tool.
pub(super) type ToolEntry = Offered;

/// `GET /api/servers/{id}/tools`.
pub(super) async fn tools_of_server(call: Call) -> Outcome {
    let view = server_view(&call).await?;
    let (tools, page) = call.page(entries(&call, &view, Section::Tools));
    reply(StatusCode::OK, &ToolList { tools, page })
}

/// `GET /api/tools`.
pub(super) async fn tools(call: Call) -> Outcome {
    let view = whole_view(&call).await?;
    let (tools, page) = call.page(entries(&call, &view, Section::Tools));
    reply(StatusCode::OK, &ToolList { tools, page })
}

/// `GET /api/tools/{name}`.
pub(super) async fn tool(call: Call) -> Outcome {
    let view = whole_view(&call).await?;
    let name = call.parameters.text("name");
    let found = view.all(Section::Tools).iter().find(|entry| *entry.public == *name);
    let entry = found.ok_or_else(|| {
        ApiError::new(ErrorCode::UnknownTool, format!("unknown tool: `{}`", cut(name)))
    })?;
    reply(StatusCode::OK, &offered(&call, &view, Section::Tools, entry))
}

/// `GET /api/servers/{id}/resources`.
pub(super) async fn resources(call: Call) -> Outcome {
    let view = server_view(&call).await?;
    let (resources, page) = call.page(entries(&call, &view, Section::Resources));
    let (resource_templates, _) = call.page(entries(&call, &view, Section::Templates));
    reply(StatusCode::OK, &ResourceList { resources, resource_templates, page })
}

/// `GET /api/servers/{id}/prompts`.
pub(super) async fn prompts(call: Call) -> Outcome {
    let view = server_view(&call).await?;
    let (prompts, page) = call.page(entries(&call, &view, Section::Prompts));
    reply(StatusCode::OK, &PromptList { prompts, page })
}

/// Checks that a name is a server's, and not a view's, which has the same place below `/mcp`.
pub(super) fn check_server(call: &Call, name: &str) -> Result<(), ApiError> {
    let snapshot = call.shared.gateway.registry.snapshot();
    if snapshot.servers.iter().any(|server| *server.name == *name) && call.may_see(name) {
        return Ok(());
    }
    Err(servers::not_used(&servers::find(call, name)?))
}

/// Returns what one server offers to the caller.
async fn server_view(call: &Call) -> Result<Arc<View>, ApiError> {
    let name = call.parameters.text("id");
    check_server(call, name)?;
    let view = call.errand().view(&call.shared.gateway, name).await;
    view.ok_or_else(|| ApiError::no_server(name))
}

async fn whole_view(call: &Call) -> Result<Arc<View>, ApiError> {
    let view = call.errand().view(&call.shared.gateway, "").await;
    view.ok_or_else(|| ApiError::no_server(""))
}

fn entries(call: &Call, view: &View, section: Section) -> Vec<Offered> {
    view.all(section).iter().map(|entry| offered(call, view, section, entry)).collect()
}

fn offered(call: &Call, view: &View, section: Section, entry: &Entry) -> Offered {
    let definition: Map<String, Value> = serde_json::from_slice(&entry.raw).unwrap_or_default();
    let is_named = matches!(section, Section::Tools | Section::Prompts);
    Offered {
        server_id: view.server(entry).name.to_string(),
        own_name: is_named.then(|| entry.local.to_string()),
        original: original(call, view, section, entry),
        definition,
    }
}

/// Returns what the server itself says of a tool for which there are other words.
fn original(call: &Call, view: &View, section: Section, entry: &Entry) -> Option<Original> {
    let server = view.server(entry);
    let is_told = section == Section::Tools && server.filter.overrides.contains_key(&*entry.local);
    if !is_told || !call.caller.is_admin() {
        return None;
    }
    let offer = server.provider.offer().load();
    let own = offer.tools.iter().find(|item| *item.name == *entry.local)?;
    let mut own: Map<String, Value> = serde_json::from_slice(&own.raw).unwrap_or_default();
    Some(Original { title: own.remove("title"), description: own.remove("description") })
}

/// Keeps what is repeated of a request short.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}
