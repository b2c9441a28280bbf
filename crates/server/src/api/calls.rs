//! Calls of tools and reads of resources: one request of MCP each, through the gateway's own stack.
//!
//! A tool that ran and says that it failed is an answer, `success: false` with status 200: the request
//! was carried out, and a status of the class 5xx would have clients and proxies run the tool again.

use bytes::Bytes;
use gantry_core::offer::Freshness;
use gantry_core::{ErrorCode, Provider as _};
use gantry_gateway::Gateway;
use gantry_gateway::dispatch::Reply;
use gantry_gateway::door::errand::{self, Errand};
use gantry_gateway::snapshot::Section;
use gantry_gateway::upstream::State;
use gantry_protocol::{Message, RpcError, json, method};
use http::StatusCode;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::call::{Call, Outcome, reply};
use super::error::ApiError;
use super::model::{ResourceContent, ToolResult};
use super::offered::check_server;

/// `POST /api/servers/{id}/tools/{tool}`.
pub(super) async fn of_server(call: Call) -> Outcome {
    let (server, tool) = (call.parameters.text("id"), call.parameters.text("tool"));
    let arguments = arguments(&call.body)?;
    reply(StatusCode::OK, &call_tool(&call, Some(server), tool, arguments).await?)
}

/// `POST /api/tools/{name}`.
pub(super) async fn of_all(call: Call) -> Outcome {
    let arguments = arguments(&call.body)?;
    reply(StatusCode::OK, &call_tool(&call, None, call.parameters.text("name"), arguments).await?)
}

/// `GET /api/servers/{id}/resources/read`.
pub(super) async fn read_resource(call: Call) -> Outcome {
    let (server, uri) = (call.parameters.text("id"), call.parameters.text("uri"));
    check_server(&call, server)?;
    let params = serde_json::json!({ "uri": uri }).to_string();
    let answer = ask(&call, server, method::RESOURCES_READ, params.as_bytes()).await?;
    let contents = answer.result_member("contents");
    let content = ResourceContent {
        server_id: server.to_owned(),
        uri: uri.to_owned(),
        contents: contents
            .and_then(|raw| serde_json::from_slice(raw).ok())
            .filter(Value::is_array)
            .ok_or_else(|| ApiError::of_rpc(&no_result("`contents`")))?,
    };
    reply(StatusCode::OK, &content)
}

/// Calls a tool: by its own name at a server, or by its public one.
pub(super) async fn call_tool(
    call: &Call,
    server: Option<&str>,
    tool: &str,
    arguments: &[u8],
) -> Result<ToolResult, ApiError> {
    if let Some(server) = server {
        check_server(call, server)?;
    }
    let mut params = br#"{"name":"#.to_vec();
    params.extend_from_slice(&json::quote(tool));
    params.extend_from_slice(br#","arguments":"#);
    params.extend_from_slice(arguments);
    params.push(b'}');
    let begun = Instant::now();
    let asked = ask(call, server.unwrap_or_default(), method::TOOLS_CALL, &params).await;
    let answer = asked.map_err(|error| unheard(call, server).unwrap_or(error))?;
    let execution_time_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let result = answer.result().unwrap_or(b"{}");
    Ok(ToolResult {
        success: answer.result_member("isError") != Some(b"true"),
        server_id: server.map(str::to_owned).or_else(|| server_of(call, tool)),
        tool_name: tool.to_owned(),
        result: raw(result)?,
        execution_time_ms,
        request_id: call.request_id.to_string(),
    })
}

/// Reads a body as the arguments of a tool: an object, or nothing at all.
fn arguments(body: &Bytes) -> Result<&[u8], ApiError> {
    if body.is_empty() {
        return Ok(b"{}");
    }
    let whole: &RawValue = serde_json::from_slice(body)
        .map_err(|error| ApiError::malformed(format!("the body is no JSON: {error}")))?;
    if !whole.get().starts_with('{') {
        return Err(ApiError::malformed("the body must be an object: the arguments of the tool"));
    }
    Ok(whole.get().as_bytes())
}

async fn ask(
    call: &Call,
    endpoint: &str,
    method: &str,
    params: &[u8],
) -> Result<Message, ApiError> {
    ask_as(&call.shared.gateway, &call.errand(), endpoint, method, params).await
}

/// Makes one request on an endpoint, and returns the answer if it has a result.
pub(crate) async fn ask_as(
    gateway: &Gateway,
    errand: &Errand,
    endpoint: &str,
    method: &str,
    params: &[u8],
) -> Result<Message, ApiError> {
    let message =
        errand::message(method, params).map_err(|error| ApiError::malformed(error.message))?;
    let reply = errand.run(gateway, endpoint, message).await;
    let Reply { bytes, .. } = reply.ok_or_else(|| ApiError::no_server(endpoint))?;
    let answer = Message::parse(bytes).map_err(|error| ApiError::of_rpc(&error.error))?;
    match answer.rpc_error() {
        Some(error) => Err(ApiError::of_rpc(&error)),
        None if answer.result_object().is_some() => Ok(answer),
        None => Err(ApiError::of_rpc(&no_result("an object as its result"))),
    }
}

/// Says of a server that was never heard and is down that it is, rather than that it has no such
/// tool: nobody knows.
fn unheard(call: &Call, server: Option<&str>) -> Option<ApiError> {
    let upstreams = call.shared.gateway.registry.upstreams();
    let upstream = upstreams.iter().find(|upstream| Some(&*upstream.spec().name) == server)?;
    let state = upstream.state();
    let is_unheard = upstream.offer().load().freshness == Freshness::Pending;
    (is_unheard && state != State::Ready).then(|| {
        let message = format!("the server `{}` is {state}", upstream.spec().name);
        ApiError::new(state.code().unwrap_or(ErrorCode::UpstreamUnreachable), message)
    })
}

/// Finds whose tool a public name is.
fn server_of(call: &Call, tool: &str) -> Option<String> {
    let errand = call.errand();
    let registry = &call.shared.gateway.registry;
    let view = registry.shared_view("", &errand.principal, errand.address)?;
    view.resolve(Section::Tools, tool).map(|target| target.server.name.to_string())
}

fn no_result(what: &str) -> RpcError {
    RpcError::internal("bad_answer", format!("the answer of the server lacks {what}"))
}

fn raw(result: &[u8]) -> Result<Box<RawValue>, ApiError> {
    let text = String::from_utf8_lossy(result).into_owned();
    RawValue::from_string(text).map_err(|_| ApiError::of_rpc(&no_result("a result that is JSON")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_arguments_and_nothing_beside_them() {
        let read = |body: &'static str| {
            arguments(&Bytes::from_static(body.as_bytes())).map(<[u8]>::to_vec)
        };
        assert_eq!(read("").unwrap(), b"{}");
        assert_eq!(read(" {\"a\": 1} \n").unwrap(), b"{\"a\": 1}");
        for wrong in ["[]", "1", "null", "\"{}\"", "{", "{},\"x\":{}", "{}}", "{a:1}"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
