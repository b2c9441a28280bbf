//! The way in which A2A MCP servers were called: a POST of `{"method": TOOL, "params": {..}}` to `/mcp`,
//! without `jsonrpc` and without a session. The answer is what the tool answers, as plain JSON.
//!
//! Only listeners of services take it. A call passes the same stack as any other: access, limits and
//! records are the same.

use std::sync::Arc;

use bytes::Bytes;
use gantry_core::ErrorCode;
use gantry_gateway::Gateway;
use gantry_gateway::door::HttpRequest;
use gantry_gateway::door::errand::Errand;
use gantry_protocol::{Message, json, method};
use gantry_transport::server::{ReplyBody, full};
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::{self, ApiError};

/// A call as those servers took it; further members are let be, as they did.
#[derive(Debug, Deserialize)]
struct Call<'a> {
    method: String,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    jsonrpc: Option<IgnoredAny>,
}

/// Serves a request to the listener of a service: MCP, or what its clients said before.
pub(crate) async fn serve(gateway: &Arc<Gateway>, request: HttpRequest) -> Response<ReplyBody> {
    let mut read = match gateway.read_http(request).await {
        Ok(read) => read,
        Err(answer) => return *answer,
    };
    let Some(call) = read.foreign().and_then(params_of) else {
        return gateway.serve_read(read).await;
    };
    let (service, errand) = read.errand();
    match answer(gateway, service, &errand, &call).await {
        Ok(answer) => answer,
        Err(error) => error.into_response(&errand.request_id, &*gateway.clock),
    }
}

/// Returns the parameters of `tools/call` that a call of the old form means; `None` if it is none.
fn params_of(body: &Bytes) -> Option<Vec<u8>> {
    let call: Call<'_> = serde_json::from_slice(body).ok()?;
    // Whoever speaks another version of JSON-RPC is told so, and not taken for somebody else.
    if call.jsonrpc.is_some() {
        return None;
    }
    let mut params = br#"{"name":"#.to_vec();
    params.extend_from_slice(&json::quote(&call.method));
    params.extend_from_slice(br#","arguments":"#);
    params.extend_from_slice(call.params.map_or("{}", RawValue::get).as_bytes());
    params.push(b'}');
    Some(params)
}

async fn answer(
    gateway: &Gateway,
    service: &str,
    errand: &Errand,
    params: &[u8],
) -> Result<Response<ReplyBody>, ApiError> {
    let answer = api::ask_as(gateway, errand, service, method::TOOLS_CALL, params).await?;
    if answer.result_member("isError") == Some(b"true") {
        return Err(ApiError::new(ErrorCode::ServiceCallRefused, text_of(&answer)));
    }
    let mut body = match answer.result_member("structuredContent") {
        Some(content) => content.to_vec(),
        None => json::quote(&text_of(&answer)),
    };
    body.push(b'\n');
    Ok(full(StatusCode::OK, Bytes::from(body)))
}

/// Returns what a result says to a person.
fn text_of(answer: &Message) -> String {
    let content = answer.result_member("content").unwrap_or(b"[]");
    let content: Vec<Value> = serde_json::from_slice(content).unwrap_or_default();
    let texts: Vec<&str> = content.iter().filter_map(|block| block["text"].as_str()).collect();
    texts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(body: &'static str) -> Option<String> {
        let params = params_of(&Bytes::from_static(body.as_bytes()))?;
        Some(String::from_utf8(params).unwrap())
    }

    #[test]
    fn a_call_of_the_old_form_is_told_from_what_is_broken() {
        let call = params(r#"{"method": "rank \"it\"", "params": {"a": [1, 2.50]}}"#);
        assert_eq!(call.unwrap(), r#"{"name":"rank \"it\"","arguments":{"a": [1, 2.50]}}"#);
        let call = params(r#"{"params": null, "method": "tell", "id": "x", "more": 1}"#);
        assert_eq!(call.unwrap(), r#"{"name":"tell","arguments":{}}"#);
        for other in [
            r#"{"jsonrpc": "1.0", "method": "tell"}"#,
            r#"{"method": 1}"#,
            r#"{"method": "a", "method": "b"}"#,
            r#"{"params": {}}"#,
            r#"[{"method": "tell"}]"#,
            "{",
            "",
        ] {
            assert_eq!(params(other), None, "{other}");
        }
    }
}
