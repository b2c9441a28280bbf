//! What can be asked within a session.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::session::{self, Failure, Refusal, Session, State};
use super::token;
use crate::arguments::text_within;
use crate::context::Context;
use crate::error::ToolError;

/// The most bytes of a URI, a name and the like.
const MAX_NAME: usize = 1024;
/// The most requests of a session that wait for their answers.
const MAX_PENDING: usize = 64;

/// A request within a session: what JSON-RPC has, of which only the method is required.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// `2.0`, if it is given.
    #[serde(default, rename = "jsonrpc")]
    _version: Option<String>,
    /// What the answer is known by.
    #[serde(default)]
    pub(super) id: Value,
    /// `initialize` opens a session. `session/get`, `session/update`, `session/suspend`,
    /// `session/resume`, `session/terminate` and `session/stats` are about it;
    /// `resources/subscribe` and `resources/unsubscribe` note what it watches; `ping` keeps it
    /// alive. Every other method goes to the gateway, and is noted in the session meanwhile.
    pub(super) method: String,
    /// The parameters of the method.
    #[serde(default)]
    params: Map<String, Value>,
}

/// What became of a request.
pub(super) struct Done {
    /// The session as it is now.
    pub(super) session: Session,
    /// The result.
    pub(super) result: Value,
    /// The client's token, when the session was opened.
    pub(super) token: Option<String>,
}

/// Opens a session.
pub(super) fn initialize(
    context: &Context<'_>,
    request: &mut Request,
    token: Option<&str>,
) -> Result<Done, Failure> {
    let known = token.map(|token| client_of(context, token)).transpose()?;
    let params = &mut request.params;
    let named = text(params, "client_id")?.or_else(|| {
        let info = params.get("clientInfo")?;
        Some(info.get("name")?.as_str()?.to_owned())
    });
    let client = match (known, named) {
        (Some(known), Some(named)) if known != named => return Err(Refusal::Invalid.into()),
        (Some(known), _) => known,
        (None, Some(named)) => named,
        (None, None) => "anonymous".to_owned(),
    };
    text_within("request.params.client_id", &client, MAX_NAME)?;
    let (metadata, capabilities) = (object(params, "metadata")?, object(params, "capabilities")?);
    let session = session::open(context, &client, metadata, capabilities)?;
    let now = context.ports().clock.unix_seconds();
    let owner = session::owner(context.principal);
    let token = token::issue(&context.ports().token_key, &owner, &client, now);
    let server = json!({ "name": "mcp_session_management_server" });
    let result = json!({ "session_id": session.session_id, "serverInfo": server });
    Ok(Done { session, result, token: Some(token) })
}

/// Carries out a request within a session.
pub(super) fn within(
    context: &Context<'_>,
    id: &str,
    request: &mut Request,
    token: Option<&str>,
) -> Result<Done, Failure> {
    let client = token.map(|token| client_of(context, token)).transpose()?;
    let now = context.ports().clock.unix_seconds();
    let method = request.method.as_str();
    let params = &mut request.params;
    if method == "session/stats" {
        let (session, ()) = session::change(context, id, |session| heard(session, client, now))?;
        return Ok(Done { session, result: stats(context)?, token: None });
    }
    if !is_own(method) {
        return pass_on(context, id, request, client);
    }
    let (session, result) = session::change(context, id, |session| {
        let was_suspended = session.state == State::Suspended;
        heard(session, client, now)?;
        if was_suspended
            && !matches!(method, "session/get" | "session/resume" | "session/terminate")
        {
            return Err(Refusal::Suspended.into());
        }
        apply(session, method, params)
    })?;
    let result = if method == "session/get" { json!(session) } else { result };
    Ok(Done { session, result, token: None })
}

/// Returns the figures of the caller's sessions.
pub(super) fn stats(context: &Context<'_>) -> Result<Value, ToolError> {
    let sessions = session::all(context)?;
    let mut by_state: BTreeMap<State, usize> = BTreeMap::new();
    for session in &sessions {
        *by_state.entry(session.state).or_default() += 1;
    }
    let messages: u64 = sessions.iter().map(|session| session.message_count).sum();
    let subscriptions: usize = sessions.iter().map(|session| session.subscriptions.len()).sum();
    Ok(json!({
        "total_sessions": sessions.len(),
        "by_state": by_state,
        "total_messages": messages,
        "total_subscriptions": subscriptions,
    }))
}

/// Checks that a client may use the session, and counts its request.
pub(super) fn heard(
    session: &mut Session,
    client: Option<String>,
    now: u64,
) -> Result<(), Failure> {
    if client.is_some_and(|client| client != session.client_id) {
        return Err(Refusal::Invalid.into());
    }
    session.heard(now);
    if session.state == State::Initializing {
        session.state = State::Active;
    }
    Ok(())
}

/// Returns the client that a token is of.
pub(super) fn client_of(context: &Context<'_>, token: &str) -> Result<String, Refusal> {
    let ports = context.ports();
    let owner = session::owner(context.principal);
    let client = token::client(&ports.token_key, &owner, token, ports.clock.unix_seconds());
    client.ok_or(Refusal::Invalid)
}

fn is_own(method: &str) -> bool {
    method.starts_with("session/")
        || matches!(
            method,
            "ping" | "notifications/initialized" | "resources/subscribe" | "resources/unsubscribe"
        )
}

fn apply(
    session: &mut Session,
    method: &str,
    params: &mut Map<String, Value>,
) -> Result<Value, Failure> {
    match method {
        "ping" | "notifications/initialized" | "session/get" => Ok(json!({})),
        "session/update" => {
            session.update(object(params, "metadata")?)?;
            Ok(json!({ "metadata": session.metadata }))
        }
        "session/suspend" => Ok(moved(session, State::Suspended)),
        "session/resume" => Ok(moved(session, State::Active)),
        "session/terminate" => {
            session.pending_requests.clear();
            Ok(moved(session, State::Terminated))
        }
        "resources/subscribe" => {
            let is_new = session.subscribe(&uri(params)?)?;
            Ok(json!({ "subscribed": is_new }))
        }
        "resources/unsubscribe" => {
            let was_there = session.subscriptions.remove(&uri(params)?);
            Ok(json!({ "unsubscribed": was_there }))
        }
        _ => {
            let problem = format!("`{method}` is no method of a session");
            Err(ToolError::argument("request.method", problem).into())
        }
    }
}

fn moved(session: &mut Session, state: State) -> Value {
    session.state = state;
    json!({ "state": state })
}

/// Sends a request on to the gateway, and notes in the session that it is under way.
fn pass_on(
    context: &Context<'_>,
    id: &str,
    request: &mut Request,
    client: Option<String>,
) -> Result<Done, Failure> {
    let Some(gateway) = &context.ports().gateway else {
        let problem = "there is no gateway around this service that other methods could go to";
        return Err(ToolError::argument("request.method", problem).into());
    };
    let now = context.ports().clock.unix_seconds();
    let name = match &request.id {
        Value::String(id) => id.clone(),
        id => id.to_string(),
    };
    text_within("request.id", &name, MAX_NAME)?;
    session::change(context, id, |session| {
        let was_suspended = session.state == State::Suspended;
        heard(session, client, now)?;
        if was_suspended {
            return Err(Refusal::Suspended.into());
        }
        if session.pending_requests.len() >= MAX_PENDING {
            let problem = format!("{MAX_PENDING} requests of the session are under way already");
            return Err(ToolError::argument("request", problem).into());
        }
        if !session.pending_requests.insert(name.clone()) {
            let problem = "is that of a request that is under way; give each its own";
            return Err(ToolError::argument("request.id", problem).into());
        }
        Ok(())
    })?;
    let params = Value::Object(std::mem::take(&mut request.params));
    let answer = gateway.request(context.principal, "", &request.method, &params);
    let ended = session::change(context, id, |session| {
        session.pending_requests.remove(&name);
        Ok(())
    });
    let (session, ()) = ended?;
    let exchange = answer
        .map_err(|error| ToolError::Unavailable { what: "gateway", problem: error.to_string() })?;
    let response: Value = serde_json::from_str(exchange.response.get()).unwrap_or_default();
    let milliseconds = exchange.milliseconds;
    Ok(Done {
        session,
        result: json!({ "response": response, "milliseconds": milliseconds }),
        token: None,
    })
}

fn uri(params: &mut Map<String, Value>) -> Result<String, ToolError> {
    let uri = text(params, "uri")?;
    let missing = || ToolError::argument("request.params.uri", "is required and was not given");
    let uri = uri.ok_or_else(missing)?;
    text_within("request.params.uri", &uri, MAX_NAME)?;
    Ok(uri)
}

fn text(params: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ToolError> {
    match params.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ToolError::argument(format!("request.params.{name}"), "must be a text")),
    }
}

fn object(params: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, ToolError> {
    match params.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(ToolError::argument(format!("request.params.{name}"), "must be an object")),
    }
}
