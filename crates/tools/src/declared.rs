//! The provider of everything that a configuration declares itself.

use std::collections::HashMap;

use bytes::Bytes;
use gantry_core::offer::Freshness;
use gantry_core::{
    BoxFuture, CallContext, Offer, OfferCell, Outcome, Provider, ProviderError, RawResult, Request,
};
use gantry_protocol::tool::Item;
use gantry_protocol::{Era, Message, Revision, RpcError, code, method};
use serde_json::{Value, json};

use crate::prompt::Prompt;
use crate::resource::Resource;

/// The declared prompts and resources as a provider.
///
/// Invariant: its offer never changes, so whoever holds a snapshot with it is answered by what the
/// snapshot lists.
#[derive(Debug)]
pub struct Declared {
    offer: OfferCell,
    prompts: HashMap<Box<str>, Prompt>,
    resources: HashMap<Box<str>, Resource>,
}

// === impl Declared ===

impl Declared {
    /// The name under which it is offered; no configured server may have it.
    pub const NAME: &'static str = "declared";

    /// Makes it; of two with one name the last one is answered.
    pub fn new(prompts: Vec<Prompt>, resources: Vec<Resource>) -> Self {
        let offer = offer(&prompts, &resources);
        let prompts = prompts.into_iter().map(|prompt| (prompt.name.as_str().into(), prompt));
        let resources =
            resources.into_iter().map(|resource| (resource.uri.as_str().into(), resource));
        Self {
            offer: OfferCell::new(offer),
            prompts: prompts.collect(),
            resources: resources.collect(),
        }
    }

    fn answer(&self, era: Era, request: &Request) -> Result<Value, RpcError> {
        let message = &request.message;
        match message.method() {
            method::PROMPTS_GET => {
                let sent = message.param_string("name").unwrap_or_default();
                let name = request.local_name.as_deref().unwrap_or(&sent);
                let prompt = self.prompts.get(name);
                let unknown = || RpcError::invalid_params(format!("unknown prompt: `{name}`"));
                prompt.ok_or_else(unknown)?.fill(arguments(message))
            }
            method::RESOURCES_READ => {
                let uri = message.param_string("uri").unwrap_or_default();
                let resource = self.resources.get(&*uri);
                Ok(resource.ok_or_else(|| unknown_resource(era, &uri))?.contents())
            }
            // Beside a server that completes, clients ask for arguments of these prompts as well.
            method::COMPLETION_COMPLETE => {
                Ok(json!({ "completion": { "values": [], "total": 0, "hasMore": false } }))
            }
            other => Err(RpcError::method_not_found(other)),
        }
    }
}

impl Provider for Declared {
    fn offer(&self) -> &OfferCell {
        &self.offer
    }

    fn handle<'a>(
        &'a self,
        context: &'a CallContext,
        request: Request,
    ) -> BoxFuture<'a, Result<Outcome, ProviderError>> {
        Box::pin(async move {
            let result =
                self.answer(context.caller.era(), &request).map_err(ProviderError::Refused)?;
            Ok(Outcome::Complete(RawResult::own(result.to_string().as_bytes())))
        })
    }
}

fn unknown_resource(era: Era, uri: &str) -> RpcError {
    let code = match era {
        Era::Legacy => code::RESOURCE_NOT_FOUND,
        Era::Modern => code::INVALID_PARAMS,
    };
    let error = RpcError::new(code, format!("unknown resource: `{uri}`"));
    error.with_data(json!({ "uri": uri }))
}

/// `null` is what some clients send for no arguments.
fn arguments(message: &Message) -> Option<&[u8]> {
    message.param("arguments").filter(|raw| *raw != b"null")
}

fn offer(prompts: &[Prompt], resources: &[Resource]) -> Offer {
    let item = |name: &str, definition: &Value| Item {
        name: name.into(),
        raw: Bytes::from(definition.to_string()),
    };
    let mut capabilities = json!({});
    if !prompts.is_empty() {
        capabilities["prompts"] = json!({ "listChanged": true });
    }
    if !resources.is_empty() {
        capabilities["resources"] = json!({ "listChanged": true });
    }
    Offer {
        freshness: Freshness::Fresh,
        revision: Revision::LATEST_LEGACY,
        prompts: prompts.iter().map(|prompt| item(&prompt.name, &prompt.definition())).collect(),
        resources: resources
            .iter()
            .map(|resource| item(&resource.uri, &resource.definition()))
            .collect(),
        capabilities: Bytes::from(capabilities.to_string()),
        announces_changes: true,
        ..Offer::pending()
    }
}
