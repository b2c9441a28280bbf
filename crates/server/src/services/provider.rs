//! A built-in service as a provider of MCP features.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::offer::Freshness;
use gantry_core::{
    BoxFuture, CallContext, Compute, ErrorCode, NotComputed, Offer, OfferCell, Outcome, Provider,
    ProviderError, RawResult, Request,
};
use gantry_protocol::tool::Item;
use gantry_protocol::{Era, Message, Revision, RpcError, code, method};
use gantry_services::context::Context;
use gantry_services::{Effort, Prompt, Resource, Service, Services, Tool, ToolError};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::link::Link;

/// One of the services.
#[derive(Debug)]
pub(super) struct ServiceProvider {
    service: &'static Service,
    services: Arc<Services>,
    compute: Compute,
    offer: OfferCell,
}

type Answer = Result<RawResult, RpcError>;

impl ServiceProvider {
    pub(super) fn new(
        service: &'static Service,
        services: Arc<Services>,
        compute: Compute,
    ) -> Self {
        Self { service, services, compute, offer: OfferCell::new(offer(service)) }
    }

    async fn answer(&self, context: &CallContext, request: &Request) -> Answer {
        let message = &request.message;
        match message.method() {
            method::TOOLS_CALL => {
                let name = name(request);
                let Some(tool) = self.service.tool(&name) else {
                    return Err(RpcError::invalid_params(format!("unknown tool: `{name}`")));
                };
                self.call(context, tool, arguments(message)).await
            }
            method::RESOURCES_READ => {
                let uri = message.param_string("uri").unwrap_or_default();
                let Some(resource) = self.service.resource(&uri) else {
                    return Err(unknown_resource(context.caller.era(), &uri));
                };
                let read = move |context: &Context<'_>| {
                    let value = (resource.read)(context).map_err(failed)?;
                    Ok(RawResult::own(&contents(resource.uri, &value)))
                };
                self.aside(context, Effort::Heavy, read).await?
            }
            method::PROMPTS_GET => {
                let name = name(request);
                let Some(prompt) = self.service.prompt(&name) else {
                    return Err(RpcError::invalid_params(format!("unknown prompt: `{name}`")));
                };
                let given = prompt_arguments(prompt, message)?;
                let render = move |context: &Context<'_>| {
                    let text = (prompt.render)(context, &given).map_err(failed)?;
                    Ok(RawResult::own(&spoken(prompt, &text)))
                };
                self.aside(context, Effort::Heavy, render).await?
            }
            // Beside a server that completes, clients ask for arguments of these prompts as well.
            method::COMPLETION_COMPLETE => {
                let nothing = json!({ "values": [], "total": 0, "hasMore": false });
                Ok(RawResult::own(json!({ "completion": nothing }).to_string().as_bytes()))
            }
            other => Err(RpcError::method_not_found(other)),
        }
    }

    async fn call(&self, context: &CallContext, tool: &'static Tool, arguments: Bytes) -> Answer {
        let has_model = self.services.ports().embeddings.is_some();
        let is_light = tool.is_light(arguments.len(), has_model);
        // Written down there as well: an answer may be as large as what was asked.
        let call = move |context: &Context<'_>| {
            let result = match Services::call(context, tool, &arguments) {
                Ok(output) => output.call_result(),
                Err(error) => error.call_result(),
            };
            RawResult::own(&result)
        };
        if is_light {
            let link = Link::new(context, context.cancelled.clone());
            return Ok(call(&self.services.context(self.service, &context.principal, &link)));
        }
        self.aside(context, tool.effort, call).await
    }

    /// Does something off the threads that carry requests.
    ///
    /// Cancel safe: dropped, the work sees that it is cancelled.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        context: &CallContext,
        effort: Effort,
        work: impl FnOnce(&Context<'_>) -> T + Send + 'static,
    ) -> Result<T, RpcError> {
        let cancelled = context.cancelled.child_token();
        let _guard = cancelled.clone().drop_guard();
        let link = Link::new(context, cancelled);
        let (service, services) = (self.service, Arc::clone(&self.services));
        let principal = Arc::clone(&context.principal);
        let work = move || work(&services.context(service, &principal, &link));
        let done = match effort {
            Effort::Waits | Effort::Embeds => self.compute.run_waiting(work).await,
            Effort::Light | Effort::Heavy => self.compute.run(work).await,
        };
        done.map_err(not_computed)
    }
}

impl Provider for ServiceProvider {
    fn offer(&self) -> &OfferCell {
        &self.offer
    }

    fn handle<'a>(
        &'a self,
        context: &'a CallContext,
        request: Request,
    ) -> BoxFuture<'a, Result<Outcome, ProviderError>> {
        Box::pin(async move {
            let taken_back: CancellationToken = context.cancelled.clone();
            tokio::select! {
                biased;
                () = taken_back.cancelled() => Err(ProviderError::Cancelled),
                answer = self.answer(context, &request) => match answer {
                    Ok(result) => Ok(Outcome::Complete(result)),
                    Err(error) => Err(ProviderError::Refused(error)),
                },
            }
        })
    }
}

/// Returns the service's own name of what is asked for.
fn name(request: &Request) -> String {
    match &request.local_name {
        Some(name) => (**name).to_owned(),
        None => request.message.param_string("name").unwrap_or_default().into_owned(),
    }
}

/// `null` is what some clients send for no arguments.
fn arguments(message: &Message) -> Bytes {
    match message.param("arguments") {
        Some(raw) if raw != b"null" => message.bytes().slice_ref(raw),
        _ => Bytes::new(),
    }
}

fn prompt_arguments(
    prompt: &Prompt,
    message: &Message,
) -> Result<BTreeMap<String, String>, RpcError> {
    let raw = arguments(message);
    let raw: &[u8] = if raw.is_empty() { b"{}" } else { &raw };
    let given: BTreeMap<String, String> = serde_json::from_slice(raw).map_err(|error| {
        let text = format!("`params.arguments` must be an object of texts: {error}");
        RpcError::invalid_params(text)
    })?;
    let missing = prompt.arguments.iter().find(|argument| {
        argument.required && given.get(argument.name).is_none_or(String::is_empty)
    });
    match missing {
        Some(argument) => {
            let (prompt, name) = (prompt.name, argument.name);
            Err(RpcError::invalid_params(format!(
                "the prompt `{prompt}` needs the argument `{name}`"
            )))
        }
        None => Ok(given),
    }
}

pub(super) fn contents(uri: &str, value: &Value) -> Vec<u8> {
    let text = value.to_string();
    let part = json!({ "uri": uri, "mimeType": "application/json", "text": text });
    json!({ "contents": [part] }).to_string().into_bytes()
}

fn spoken(prompt: &Prompt, text: &str) -> Vec<u8> {
    let message = json!({ "role": "user", "content": { "type": "text", "text": text } });
    let result = json!({ "description": prompt.description, "messages": [message] });
    result.to_string().into_bytes()
}

pub(super) fn unknown_resource(era: Era, uri: &str) -> RpcError {
    let code = match era {
        Era::Legacy => code::RESOURCE_NOT_FOUND,
        Era::Modern => code::INVALID_PARAMS,
    };
    RpcError::new(code, format!("unknown resource: `{uri}`")).with_data(json!({ "uri": uri }))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands for an error that is mapped")]
fn failed(error: ToolError) -> RpcError {
    RpcError::invalid_params(error.to_string())
}

fn not_computed(error: NotComputed) -> RpcError {
    let cause = match error {
        NotComputed::Full => ErrorCode::Overloaded,
        NotComputed::Broken => ErrorCode::Internal,
    };
    RpcError::new(code::INTERNAL_ERROR, error.to_string())
        .with_data(json!({ "code": cause.code() }))
}

/// Returns what the service offers; it never changes.
pub(super) fn offer(service: &Service) -> Offer {
    let item = |name: &str, definition: Value| Item {
        name: name.into(),
        raw: Bytes::from(definition.to_string()),
    };
    let tools = || service.every_tool();
    let names: Vec<&str> = tools().map(|tool| tool.name).collect();
    let mut capabilities = json!({ "tools": { "listChanged": true } });
    if !service.resources.is_empty() {
        capabilities["resources"] = json!({ "listChanged": true });
    }
    if !service.prompts.is_empty() {
        capabilities["prompts"] = json!({ "listChanged": true });
    }
    let resource = |resource: &Resource| {
        let definition = json!({
            "uri": resource.uri,
            "name": resource.uri,
            "title": resource.title,
            "description": resource.description,
            "mimeType": "application/json",
        });
        item(resource.uri, definition)
    };
    let prompt = |prompt: &Prompt| {
        let arguments = prompt.arguments.iter().map(|argument| {
            json!({
                "name": argument.name,
                "description": argument.description,
                "required": argument.required,
            })
        });
        let definition = json!({
            "name": prompt.name,
            "title": prompt.title,
            "description": prompt.description,
            "arguments": arguments.collect::<Vec<_>>(),
        });
        item(prompt.name, definition)
    };
    let info = json!({
        "name": format!("mcp_{}_server", service.name),
        "title": service.title,
        "version": env!("CARGO_PKG_VERSION"),
    });
    Offer {
        freshness: Freshness::Fresh,
        revision: Revision::LATEST_LEGACY,
        tools: tools().map(|tool| item(tool.name, tool.definition())).collect(),
        aliases: tools()
            .filter_map(|tool| Some((tool.alias?.into(), tool.name.into())))
            .filter(|(alias, _): &(Box<str>, Box<str>)| !names.contains(&&**alias))
            .collect(),
        resources: service.resources.iter().map(resource).collect(),
        prompts: service.prompts.iter().map(prompt).collect(),
        capabilities: Bytes::from(capabilities.to_string()),
        server_info: Some(Bytes::from(info.to_string())),
        instructions: Some(service.description.into()),
        announces_changes: true,
        public: true,
        ..Offer::pending()
    }
}
