//! The server `gantry`: tools about the gateway itself.
//!
//! They read the snapshot and the upstreams' states, and change nothing. A model that misses a tool
//! can find out why; so can a person with any client at hand.

use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use gantry_core::offer::Freshness;
use gantry_core::{
    BoxFuture, CallContext, Offer, OfferCell, Outcome, Provider, ProviderError, RawResult, Request,
};
use gantry_protocol::tool::Item;
use gantry_protocol::{Revision, RpcError, method};
use serde_json::{Value, json};

use crate::names::public_names;
use crate::registry::Registry;
use crate::snapshot::{Section, Snapshot, View};
use crate::upstream::State;

/// Its name; no configured server may have it.
pub const NAME: &str = "gantry";

const LIST_SERVERS: &str = "list_servers";
const DESCRIBE_SERVER: &str = "describe_server";
const EXPLAIN_TOOL: &str = "explain_tool";

/// The provider of the gateway's own tools.
#[derive(Debug)]
pub struct Builtin {
    offer: OfferCell,
    registry: OnceLock<Weak<Registry>>,
}

impl Builtin {
    /// Makes it; [`Builtin::attach`] gives it something to tell.
    #[expect(clippy::new_without_default, reason = "a built-in without a registry is half made")]
    pub fn new() -> Self {
        Self { offer: OfferCell::new(offer()), registry: OnceLock::new() }
    }

    /// Gives it the registry that it tells of.
    pub fn attach(&self, registry: Weak<Registry>) {
        let _ = self.registry.set(registry);
    }

    async fn call(
        &self,
        context: &CallContext,
        request: &Request,
    ) -> Result<Outcome, ProviderError> {
        if request.message.method() != method::TOOLS_CALL {
            let error = RpcError::method_not_found(request.message.method());
            return Err(ProviderError::Refused(error));
        }
        let sent = request.message.param_string("name").unwrap_or_default();
        let tool = request.local_name.as_deref().unwrap_or(&sent);
        let arguments: Value = request
            .message
            .param("arguments")
            .and_then(|raw| serde_json::from_slice(raw).ok())
            .unwrap_or_else(|| json!({}));
        let Some(registry) = self.registry.get().and_then(Weak::upgrade) else {
            return Err(ProviderError::Refused(RpcError::internal("stopping", "stopping")));
        };
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let answer = match tool {
            LIST_SERVERS => {
                Ok(json!({ "servers": registry.status_for(&context.principal, context.address) }))
            }
            DESCRIBE_SERVER => match text("server") {
                Some(server) => describe(&registry, context, server),
                None => Err("`server` must be a string: a server's name".to_owned()),
            },
            EXPLAIN_TOOL => match text("name") {
                Some(name) => Ok(explain(&registry, context, name).await),
                None => Err("`name` must be a string: a tool's public or own name".to_owned()),
            },
            other => {
                let error = RpcError::invalid_params(format!("unknown tool: `{other}`"));
                return Err(ProviderError::Refused(error));
            }
        };
        Ok(Outcome::Complete(result(answer)))
    }
}

impl Provider for Builtin {
    fn offer(&self) -> &OfferCell {
        &self.offer
    }

    fn handle<'a>(
        &'a self,
        context: &'a CallContext,
        request: Request,
    ) -> BoxFuture<'a, Result<Outcome, ProviderError>> {
        Box::pin(async move { self.call(context, &request).await })
    }
}

fn result(answer: Result<Value, String>) -> RawResult {
    let result = match answer {
        Ok(value) => {
            let text = serde_json::to_string_pretty(&value).unwrap_or_default();
            json!({ "content": [{ "type": "text", "text": text }], "structuredContent": value })
        }
        Err(text) => json!({ "content": [{ "type": "text", "text": text }], "isError": true }),
    };
    RawResult::own(result.to_string().as_bytes())
}

/// Describes a server as the caller sees it: what is hidden from them is not in it.
fn describe(registry: &Registry, context: &CallContext, name: &str) -> Result<Value, String> {
    let snapshot = registry.snapshot();
    let found = snapshot.servers.iter().position(|server| *server.name == *name);
    let Some(at) = found.filter(|_| registry.shows_server(name, context)) else {
        let known = snapshot.servers.iter().map(|server| &*server.name);
        let known: Vec<&str> =
            known.filter(|known| registry.shows_server(known, context)).collect();
        return Err(format!("there is no server `{name}`; there are: {}", known.join(", ")));
    };
    let server = &snapshot.servers[at];
    let offer = &snapshot.offers[at];
    let hidden = Hidden::of(registry, &snapshot, context, name);
    let tools: Vec<&str> = offer.tools.iter().map(|item| &*item.name).collect();
    let public = public_names(name, tools.iter().copied(), snapshot.spec.max_name);
    let tools: Vec<Value> = offer
        .tools
        .iter()
        .filter(|item| !hidden.has(Section::Tools, &item.name))
        .map(|item| {
            json!({
                "name": item.name,
                "public_name": public[&*item.name],
                "offered": server.filter.admits(&item.name),
            })
        })
        .collect();
    let all = registry.status_for(&context.principal, context.address);
    let status = all.into_iter().find(|status| status.name == name);
    let names = |section, items: &[Item]| {
        let shown = items.iter().filter(|item| !hidden.has(section, &item.name));
        shown.map(|item| item.name.clone()).collect::<Vec<_>>()
    };
    Ok(json!({
        "status": status,
        "instructions": offer.instructions,
        "tools": tools,
        "resources": names(Section::Resources, &offer.resources),
        "resource_templates": names(Section::Templates, &offer.templates),
        "prompts": names(Section::Prompts, &offer.prompts),
    }))
}

/// Says whether a tool is offered, and if not, why, as far as anybody can know.
async fn explain(registry: &Registry, context: &CallContext, name: &str) -> Value {
    let view = registry.view_for("", context, false).await;
    if let Some(target) = view.as_ref().and_then(|view| view.resolve(Section::Tools, name)) {
        return json!({
            "offered": true,
            "server": &*target.server.name,
            "own_name": &*target.local,
        });
    }
    let snapshot = registry.snapshot();
    let mut reasons = Vec::new();
    for (at, server) in snapshot.servers.iter().enumerate() {
        if registry.shows_server(&server.name, context) {
            let hidden = Hidden::of(registry, &snapshot, context, &server.name);
            reasons.extend(reason(&snapshot, at, name, &hidden));
        }
    }
    if reasons.is_empty() {
        reasons.push(format!("no server offers a tool with the name `{name}`"));
    }
    json!({ "offered": false, "reasons": reasons })
}

/// What a caller may not know of one server, by the server's own names.
enum Hidden {
    Nothing,
    Everything,
    /// What is not in the view.
    Beside(Arc<View>),
}

impl Hidden {
    fn of(registry: &Registry, snapshot: &Snapshot, context: &CallContext, server: &str) -> Self {
        if snapshot.spec.access.is_open_to(&context.principal) {
            return Self::Nothing;
        }
        let seen = registry.shared_view(server, &context.principal, context.address);
        seen.map_or(Self::Everything, Self::Beside)
    }

    fn has(&self, section: Section, own: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Beside(seen) => seen.resolve(section, own).is_none(),
        }
    }
}

fn reason(snapshot: &Snapshot, at: usize, name: &str, hidden: &Hidden) -> Option<String> {
    let server = &snapshot.servers[at];
    let offer = &snapshot.offers[at];
    let own = offer.tools.iter().map(|item| &*item.name);
    let public = public_names(&server.name, own, snapshot.spec.max_name);
    let found = public.iter().find(|(own, public)| **own == name || *public == name);
    let found = found.filter(|(own, _)| !hidden.has(Section::Tools, own));
    let server_name = &server.name;
    if let Some((own, public)) = found {
        return Some(if !server.filter.admits(own) {
            format!("`{server_name}` has it, but `servers.{server_name}.tools` filters it out")
        } else if !server.listed {
            format!("`{server_name}` has it, but is not part of `/mcp`; see `/mcp/{server_name}`")
        } else {
            format!("`{server_name}` has it; it is called `{public}` here")
        });
    }
    let upstream = server.upstream.as_ref()?;
    let state = upstream.state();
    let prefixed = name.starts_with(&format!("{server_name}__"));
    if state == State::Ready {
        return prefixed.then(|| format!("`{server_name}` is ready and does not offer it"));
    }
    // It might be any of those whose lists are not known.
    (prefixed || offer.freshness == Freshness::Pending)
        .then(|| format!("`{server_name}`, which may have it, is {state}"))
}

fn offer() -> Offer {
    let string = |description: &str| json!({ "type": "string", "description": description });
    let tool =
        |name: &str, title: &str, description: &str, properties: Value, required: &[&str]| {
            let definition = json!({
                "name": name,
                "title": title,
                "description": description,
                "inputSchema": {
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                },
                "annotations": { "readOnlyHint": true, "openWorldHint": false },
            });
            Item { name: name.into(), raw: Bytes::from(definition.to_string()) }
        };
    let tools = vec![
        tool(
            LIST_SERVERS,
            "List the servers behind this gateway",
            "Lists every MCP server behind this gateway with its true state (ready, starting, \
             unreachable, crash_loop, ...), the cause, and how much it offers.",
            json!({}),
            &[],
        ),
        tool(
            DESCRIBE_SERVER,
            "Describe one server",
            "Tells what one server behind this gateway offers: its tools with their public names, \
             resources, prompts and instructions, and its state.",
            json!({ "server": string("The server's name, as list_servers gives it.") }),
            &["server"],
        ),
        tool(
            EXPLAIN_TOOL,
            "Explain why a tool is missing",
            "Tells whether a tool is offered here, by which server, and if it is not, why: a \
             filter, a server that is down or still starting, or another name.",
            json!({ "name": string("The tool's public name, or the server's own name for it.") }),
            &["name"],
        ),
    ];
    Offer {
        freshness: Freshness::Fresh,
        revision: Revision::LATEST_LEGACY,
        tools,
        capabilities: Bytes::from_static(br#"{"tools":{"listChanged":true}}"#),
        announces_changes: true,
        ..Offer::pending()
    }
}
