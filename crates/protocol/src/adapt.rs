//! Turns results, errors and tool definitions of an upstream into what the client's revision
//! allows.
//!
//! Legacy schemas are open: unknown fields survive and are not touched. Closed are a few unions and
//! required types, and only these are adapted, only for the revision that needs it, and only when
//! the upstream speaks a newer one: between equals the bytes stay as a direct connection would
//! have them. Whatever needs no change is returned without a copy.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::edit::ObjectEdit;
use crate::error::{RpcError, code};
use crate::json::Object;
use crate::meta;
use crate::method;
use crate::resource_error;
use crate::revision::{Era, Revision};

mod content;
mod definition;

pub use definition::tool_for;

/// The request that was answered, and the revisions on both hops.
#[derive(Debug, Clone, Copy)]
pub struct Crossing<'a> {
    /// The method of the client's request.
    pub method: &'a str,
    /// The upstream's revision.
    pub from: Revision,
    /// The client's revision.
    pub to: Revision,
}

/// What is added to results, where the eras differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResultFacts<'a> {
    /// For how long a legacy upstream's list or resource may be kept.
    pub freshness: Freshness,
    /// Raw `serverInfo` of the legacy upstream that answered, for modern clients.
    pub server_info: Option<&'a [u8]>,
    /// What becomes of audio that the client cannot take.
    pub audio: AudioForm,
}

/// The caching hints of a modern result; by default it is stale at once and nobody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freshness {
    /// In milliseconds.
    pub ttl_ms: u64,
    /// Whether other principals may be given the same result.
    pub public: bool,
}

/// What becomes of audio for clients of 2024-11-05.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AudioForm {
    /// An embedded resource with the same data.
    #[default]
    Embedded,
    /// A line of text that says what was left out.
    Text,
}

/// A failure as a client is told of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// An error response.
    Error {
        /// The HTTP status; without meaning on stdio.
        status: u16,
        /// To be sent under the client's id.
        error: RpcError,
    },
    /// A tool result with `isError`, raw.
    ToolResult(Vec<u8>),
}

/// Adapts a final result. A result that asks back (`input_required`) or is a task must not be given
/// to this function when the client is legacy.
pub fn result_to_client<'a>(
    raw: &'a [u8],
    crossing: Crossing<'_>,
    facts: &ResultFacts<'_>,
) -> Cow<'a, [u8]> {
    let Crossing { method, from, to } = crossing;
    let lowers = content::may_need_lowering(raw, crossing);
    if from.era() == to.era() && !lowers {
        return Cow::Borrowed(raw);
    }
    let Ok(object) = Object::read(raw, 0..raw.len()) else { return Cow::Borrowed(raw) };
    let mut edit = ObjectEdit::new(raw, &object);
    if lowers {
        content::lower(raw, &object, &mut edit, crossing, facts.audio);
    }
    match (from.era(), to.era()) {
        (Era::Legacy, Era::Modern) => raise(raw, &object, &mut edit, method, facts),
        (Era::Modern, Era::Legacy) => strip(raw, &object, &mut edit, method),
        _ => {}
    }
    if edit.is_unchanged() { Cow::Borrowed(raw) } else { Cow::Owned(edit.finish().into()) }
}

/// Adapts an error of an upstream (2026-07-28 `basic`, Error Codes). `asked_uri` is the URI of a
/// `resources/read`.
///
/// Errors that speak of the gateway's own hop are never handed on.
pub fn error_to_client(
    error: &RpcError,
    crossing: Crossing<'_>,
    asked_uri: Option<&str>,
) -> Failure {
    match crossing.to.era() {
        Era::Legacy => to_legacy_client(error, crossing, asked_uri),
        Era::Modern => to_modern_client(error, crossing),
    }
}

/// Makes a tool result that says that the call failed.
pub fn tool_error(text: &str, to: Era) -> Vec<u8> {
    let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
    if to == Era::Modern {
        result["resultType"] = json!("complete");
    }
    result.to_string().into_bytes()
}

/// Tells whether results of a method carry `ttlMs` and `cacheScope` in the modern era.
pub fn is_cacheable(method: &str) -> bool {
    matches!(
        method,
        method::SERVER_DISCOVER
            | method::TOOLS_LIST
            | method::PROMPTS_LIST
            | method::RESOURCES_LIST
            | method::RESOURCES_TEMPLATES_LIST
            | method::RESOURCES_READ
    )
}

fn raise<'a>(
    raw: &'a [u8],
    object: &Object,
    edit: &mut ObjectEdit<'a>,
    method: &str,
    facts: &ResultFacts<'_>,
) {
    edit.set_string("resultType", "complete");
    if is_cacheable(method) {
        edit.set("ttlMs", facts.freshness.ttl_ms.to_string().into_bytes());
        edit.set_string("cacheScope", if facts.freshness.public { "public" } else { "private" });
    }
    let Some(info) = facts.server_info else { return };
    match object.raw(raw, "_meta") {
        None => {
            let mut nested = ObjectEdit::read(b"{}").expect("`{}` is an object");
            nested.set(meta::SERVER_INFO, info.to_vec());
            edit.nest("_meta", nested);
        }
        // Something else than an object is left for the client to refuse.
        Some(found) => {
            if let Some(mut nested) = ObjectEdit::read(found) {
                nested.set(meta::SERVER_INFO, info.to_vec());
                edit.nest("_meta", nested);
            }
        }
    }
}

fn strip<'a>(raw: &'a [u8], object: &Object, edit: &mut ObjectEdit<'a>, method: &str) {
    let hints: &[&str] = if is_cacheable(method) { &["ttlMs", "cacheScope"] } else { &[] };
    for name in ["resultType"].iter().chain(hints) {
        if object.get(name).is_some() {
            edit.remove(*name);
        }
    }
    let Some(found) = object.raw(raw, "_meta") else { return };
    let Ok(inner) = Object::read(found, 0..found.len()) else { return };
    if inner.get(meta::SERVER_INFO).is_none() {
        return;
    }
    if inner.members.len() == 1 {
        edit.remove("_meta");
    } else if let Some(mut nested) = ObjectEdit::read(found) {
        nested.remove(meta::SERVER_INFO);
        edit.nest("_meta", nested);
    }
}

fn to_legacy_client(error: &RpcError, crossing: Crossing<'_>, asked_uri: Option<&str>) -> Failure {
    let plain = |error: RpcError| Failure::Error { status: 200, error };
    if crossing.from.era() == Era::Legacy {
        return plain(error.clone());
    }
    match error.code {
        code::INVALID_PARAMS if crossing.method == method::RESOURCES_READ => {
            plain(resource_error::to_legacy(error, asked_uri).unwrap_or_else(|| error.clone()))
        }
        code::MISSING_CLIENT_CAPABILITY if crossing.method == method::TOOLS_CALL => {
            Failure::ToolResult(tool_error(&missing_capability(error), Era::Legacy))
        }
        code::MISSING_CLIENT_CAPABILITY => {
            plain(internal(error, "missing_client_capability", missing_capability(error)))
        }
        code::HEADER_MISMATCH
        | code::UNSUPPORTED_PROTOCOL_VERSION
        | code::URL_ELICITATION_REQUIRED => plain(hop_failure()),
        _ => plain(error.clone()),
    }
}

fn to_modern_client(error: &RpcError, crossing: Crossing<'_>) -> Failure {
    let answer = |status, error| Failure::Error { status, error };
    let legacy = crossing.from.era() == Era::Legacy;
    match error.code {
        code::METHOD_NOT_FOUND => answer(404, error.clone()),
        code::RESOURCE_NOT_FOUND if crossing.method == method::RESOURCES_READ => {
            answer(200, resource_error::to_modern(error))
        }
        code::MISSING_CLIENT_CAPABILITY if !legacy => answer(400, error.clone()),
        // Where the client can be sent to a URL, the caller turns this into a question instead.
        code::URL_ELICITATION_REQUIRED if legacy => {
            let missing = "this request needs the client capability `elicitation.url`";
            let data = json!({ "requiredCapabilities": { "elicitation": { "url": {} } } });
            let error = RpcError::new(code::MISSING_CLIENT_CAPABILITY, missing).with_data(data);
            answer(400, error)
        }
        // A legacy server means something of its own by these numbers.
        code::HEADER_MISMATCH
        | code::MISSING_CLIENT_CAPABILITY
        | code::UNSUPPORTED_PROTOCOL_VERSION
            if legacy =>
        {
            answer(200, internal(error, "upstream_error", error.message.clone()))
        }
        code::HEADER_MISMATCH
        | code::UNSUPPORTED_PROTOCOL_VERSION
        | code::URL_ELICITATION_REQUIRED => answer(200, hop_failure()),
        _ => answer(200, error.clone()),
    }
}

/// The upstream and the gateway do not understand each other, which is not the client's doing.
fn hop_failure() -> RpcError {
    RpcError::internal("upstream_protocol", "the upstream and the gateway disagree on the protocol")
}

/// An internal error that keeps the details of the one it stands for.
fn internal(error: &RpcError, reason: &str, message: String) -> RpcError {
    let internal = RpcError::internal(reason, message);
    match &error.data {
        Some(data) => internal.with_data(data.clone()),
        None => internal,
    }
}

/// Names the capabilities that an error of -32021 asks for.
fn missing_capability(error: &RpcError) -> String {
    let required = error.data.as_ref().and_then(|data| data.get("requiredCapabilities"));
    let mut names = Vec::new();
    for (name, value) in required.and_then(Value::as_object).into_iter().flatten() {
        match value.as_object().filter(|inner| !inner.is_empty()) {
            Some(inner) => names.extend(inner.keys().map(|inner| format!("`{name}.{inner}`"))),
            None => names.push(format!("`{name}`")),
        }
    }
    if names.is_empty() {
        return error.message.clone();
    }
    format!("the server needs a capability that this client does not have: {}", names.join(", "))
}

#[cfg(test)]
mod tests;
