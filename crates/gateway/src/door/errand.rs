//! Requests that come through no door: the process makes them for somebody who asked in another way
//! than by MCP, which is the HTTP API.
//!
//! They pass the same view, the same call stack and the same translation as a client's. The caller
//! is a legacy client that declares nothing and keeps no session: its results are whole, and no
//! server asks it back.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::{CallContext, Caller, NoClient, Principal};
use gantry_protocol::capabilities::Profile;
use gantry_protocol::message::{Kind, request};
use gantry_protocol::{Id, Message, Revision, RpcError, method};
use gantry_transport::server::ReplyBody;
use http::Response;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::greeting::{discover_result, initialize_result};
use super::{listen, lists, reply};
use crate::Gateway;
use crate::dispatch::{self, Reply};
use crate::hub::Sink;
use crate::snapshot::View;

/// The revision that errands are answered in.
pub const REVISION: Revision = Revision::LATEST_LEGACY;

/// Somebody for whom the process makes requests.
#[derive(Debug, Clone)]
pub struct Errand {
    /// Who asks.
    pub principal: Arc<Principal>,
    /// From where, if they have an address.
    pub address: Option<IpAddr>,
    /// Names the request in logs.
    pub request_id: Arc<str>,
}

/// What a stream of changes tells.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Resources whose changes are told.
    pub uris: Vec<String>,
    /// Whether everything that the server logs is told: whosever call it is about.
    pub log: bool,
}

impl Errand {
    /// Returns the view of an endpoint as the caller sees it; `None` if there is no such endpoint.
    /// Servers that were never heard are waited for, but not long.
    pub async fn view(&self, gateway: &Gateway, endpoint: &str) -> Option<Arc<View>> {
        gateway.registry.view_for(endpoint, &self.context(), true).await
    }

    /// Carries out one request on an endpoint and returns the whole answer; `None` if there is no
    /// such endpoint.
    ///
    /// Dropping the future cancels the request.
    pub async fn run(&self, gateway: &Gateway, endpoint: &str, message: Message) -> Option<Reply> {
        let context = self.context();
        let section = lists::section_of(message.method());
        let view = gateway.registry.view_for(endpoint, &context, section.is_some()).await?;
        let own = match (message.method(), section) {
            (_, Some(section)) => lists::answer(gateway, &view, &context, section, &message),
            (method::INITIALIZE, _) => Ok(initialize_result(&view, REVISION)),
            (method::SERVER_DISCOVER, _) => Ok(discover_result(&view)),
            (method::PING, _) => Ok(Bytes::from_static(b"{}")),
            _ => return Some(dispatch::carry(gateway, &view, &context, message).await),
        };
        let id = message.id().cloned().unwrap_or_else(|| Id::from(0));
        Some(Reply::new(reply::own_message(&id, own), 200))
    }

    /// Opens a stream that tells of every change of one endpoint, as events whose data are MCP
    /// notifications; it begins with one that says what is told.
    pub async fn listen(
        &self,
        gateway: &Arc<Gateway>,
        endpoint: &str,
        wanted: Wanted,
    ) -> Result<Response<ReplyBody>, RpcError> {
        let (sink, body) = Sink::events(gateway.registry.snapshot().spec.keep_alive);
        let mut filter = Map::new();
        for key in ["toolsListChanged", "promptsListChanged", "resourcesListChanged"] {
            filter.insert(key.to_owned(), Value::Bool(true));
        }
        filter.insert("resourceSubscriptions".to_owned(), json!(wanted.uris));
        let params = json!({ "notifications": filter }).to_string();
        let bytes = request(&Id::from(1), method::SUBSCRIPTIONS_LISTEN, params.as_bytes());
        let message = Message::parse(bytes).map_err(|error| error.error)?;
        let open = listen::open(gateway, endpoint.into(), self.context(), &message, sink).await?;
        if wanted.log {
            open.hear_log();
        }
        Ok(body.holding((open, gateway.count_stream())).into_response())
    }

    fn context(&self) -> CallContext {
        let caller = Caller {
            revision: REVISION,
            capabilities: Bytes::from_static(b"{}"),
            profile: Profile::EMPTY,
            info: None,
            log_level: None,
            session: None,
            param_headers: None,
        };
        CallContext {
            request_id: Arc::clone(&self.request_id),
            principal: Arc::clone(&self.principal),
            address: self.address,
            caller: Arc::new(caller),
            client: Arc::new(NoClient),
            trace: None,
            cancelled: CancellationToken::new(),
        }
    }
}

/// Makes the message of an errand from a method and raw parameters.
///
/// # Errors
///
/// What is wrong with the parameters: too deep, or ambiguous.
pub fn message(method: &str, params: &[u8]) -> Result<Message, RpcError> {
    parse(request(&Id::from(1), method, params))
}

/// Reads a message that somebody wrote by hand; only requests have an answer.
///
/// # Errors
///
/// What is wrong with it.
pub fn parse(bytes: Bytes) -> Result<Message, RpcError> {
    let message = Message::parse(bytes).map_err(|error| error.error)?;
    if message.kind() != Kind::Request {
        return Err(RpcError::invalid_request("only a request is answered: `method` and `id`"));
    }
    Ok(message)
}
