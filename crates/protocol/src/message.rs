//! One JSON-RPC message: its bytes, and the spans of what a gateway decides on.
//!
//! The payload (`arguments`, `result`) is never decoded here. To change a message see
//! [`Message::edit`]; to make one see [`request`], [`notification`], [`response`], [`failure`].
//!
//! Invariant: a [`Message`] is well-formed JSON-RPC 2.0 with unambiguous keys at the envelope and
//! at the `params` level, so whoever parses the same bytes again routes them as we do.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::edit::ObjectEdit;
use crate::error::{RpcError, code};
use crate::id::Id;
use crate::json::{self, Object, ObjectError, Wanted};
use crate::method;

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Has a method and an id.
    Request,
    /// Has a method and no id.
    Notification,
    /// Has a result.
    Response,
    /// Has an error.
    Error,
}

/// A parsed message. Cheap to clone and to pass on.
#[derive(Debug, Clone)]
pub struct Message(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    bytes: Bytes,
    kind: Kind,
    envelope: Object,
    id: Option<Id>,
    method: Cow<'static, str>,
    params: Option<Object>,
    meta: Option<Object>,
    result: Option<Object>,
}

/// A body: one message, or a batch of 2025-03-26.
#[derive(Debug)]
pub enum Body {
    /// An object.
    One(Message),
    /// An array; each element is parsed on its own.
    Batch(Vec<Result<Message, ParseError>>),
}

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct ParseError {
    /// What to tell the peer.
    pub error: RpcError,
    /// The id of the request, if that much could be read.
    pub id: Option<Id>,
}

/// Keys that decide where a message goes; a look-alike is refused.
const ENVELOPE_KEYS: &[&str] = &["jsonrpc", "id", "method", "params", "result", "error"];
const PARAMS_KEYS: &[&str] = &[
    "name",
    "uri",
    "_meta",
    "ref",
    "cursor",
    "arguments",
    "inputResponses",
    "requestState",
    "requestId",
    "progressToken",
];
/// The objects that a gateway decides on, read in one pass.
const WANTED: &[Wanted] = &[
    Wanted { name: "params", place: 0, inner: &[Wanted { name: "_meta", place: 1, inner: &[] }] },
    Wanted { name: "result", place: 2, inner: &[] },
];
/// More elements than any client batches; bounds the work of one body.
const MAX_BATCH: usize = 100;

impl Body {
    /// Reads a body.
    pub fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
            return Message::parse(bytes).map(Self::One);
        }
        let elements: Vec<&RawValue> = serde_json::from_slice(&bytes)
            .map_err(|error| ParseError::refuse(code::PARSE_ERROR, error.to_string(), None))?;
        if elements.is_empty() || elements.len() > MAX_BATCH {
            let message = format!("a batch must have 1 to {MAX_BATCH} elements");
            return Err(ParseError::refuse(code::INVALID_REQUEST, message, None));
        }
        let parsed = elements
            .into_iter()
            .map(|element| Message::parse(bytes.slice_ref(element.get().as_bytes())))
            .collect();
        Ok(Self::Batch(parsed))
    }
}

impl Message {
    /// Reads one message.
    pub fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        let mut found = [None, None, None];
        let whole = 0..bytes.len();
        let envelope = Object::read_with(&bytes, whole, WANTED, &mut found);
        let envelope = envelope.map_err(|error| match error {
            ObjectError::Malformed { .. } => {
                ParseError::refuse(code::PARSE_ERROR, error.to_string(), None)
            }
            ObjectError::NotAnObject => {
                ParseError::refuse(code::INVALID_REQUEST, "a message must be an object", None)
            }
        })?;
        let raw_id = envelope.raw(&bytes, "id");
        let id = raw_id.and_then(Id::read);
        let invalid =
            |message: &str| ParseError::refuse(code::INVALID_REQUEST, message, id.clone());
        if let Some(key) = envelope.ambiguous_key(ENVELOPE_KEYS) {
            return Err(invalid(&format!("ambiguous key `{key}` in the message")));
        }
        if envelope.raw(&bytes, "jsonrpc") != Some(b"\"2.0\"") {
            return Err(invalid("`jsonrpc` must be \"2.0\""));
        }
        let has = |name| envelope.get(name).is_some();
        let kind = match (has("method"), has("result"), has("error")) {
            (true, false, false) if has("id") => Kind::Request,
            (true, false, false) => Kind::Notification,
            (false, true, false) => Kind::Response,
            (false, false, true) => Kind::Error,
            _ => return Err(invalid("a message has exactly one of `method`, `result`, `error`")),
        };
        // An error that answers something unreadable carries `"id": null`, or none at all.
        let id_required = matches!(kind, Kind::Request | Kind::Response);
        if id_required && id.is_none() {
            return Err(invalid("`id` must be a string or an integer"));
        }
        let method = match kind {
            Kind::Request | Kind::Notification => match envelope.string(&bytes, "method") {
                Some(name) => known(name),
                None => return Err(invalid("`method` must be a string")),
            },
            Kind::Response | Kind::Error => Cow::Borrowed(""),
        };
        let [params, meta, result] = found;
        check_params(&envelope, params.as_ref(), meta.as_ref()).map_err(|message| ParseError {
            error: RpcError::invalid_params(message),
            id: id.clone(),
        })?;
        Ok(Self(Arc::new(Parts { bytes, kind, envelope, id, method, params, meta, result })))
    }

    /// Returns the bytes as they were sent.
    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    /// Returns what kind of message it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Returns the id; `None` for notifications and for errors that answer nothing.
    pub fn id(&self) -> Option<&Id> {
        self.0.id.as_ref()
    }

    /// Returns the method; empty for responses.
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// Returns the spans of the envelope.
    pub fn envelope(&self) -> &Object {
        &self.0.envelope
    }

    /// Returns the spans of `params`.
    pub fn params(&self) -> Option<&Object> {
        self.0.params.as_ref()
    }

    /// Returns the spans of `params._meta`.
    pub fn meta(&self) -> Option<&Object> {
        self.0.meta.as_ref()
    }

    /// Returns the spans of `result`; `None` if there is none, or one that is no object.
    pub fn result_object(&self) -> Option<&Object> {
        self.0.result.as_ref()
    }

    /// Returns a member of `result` as raw JSON.
    pub fn result_member(&self, name: &str) -> Option<&[u8]> {
        self.0.result.as_ref()?.raw(&self.0.bytes, name)
    }

    /// Returns a member of `params` as raw JSON.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        self.0.params.as_ref()?.raw(&self.0.bytes, name)
    }

    /// Returns a string member of `params`.
    pub fn param_string(&self, name: &str) -> Option<Cow<'_, str>> {
        json::string(self.param(name)?)
    }

    /// Tells whether a member of `params` is this string.
    pub fn param_is(&self, name: &str, text: &str) -> bool {
        self.param(name).is_some_and(|raw| json::is_string(raw, text))
    }

    /// Returns a member of `params._meta` as raw JSON.
    pub fn meta_raw(&self, name: &str) -> Option<&[u8]> {
        self.0.meta.as_ref()?.raw(&self.0.bytes, name)
    }

    /// Returns the raw progress token that a request asks to be informed under.
    pub fn progress_token(&self) -> Option<&[u8]> {
        self.meta_raw("progressToken")
    }

    /// Returns the raw `result`.
    pub fn result(&self) -> Option<&[u8]> {
        self.0.envelope.raw(&self.0.bytes, "result")
    }

    /// Returns the raw `error`.
    pub fn error(&self) -> Option<&[u8]> {
        self.0.envelope.raw(&self.0.bytes, "error")
    }

    /// Returns the decoded `error`; one that has not the JSON-RPC form becomes -32603.
    pub fn rpc_error(&self) -> Option<RpcError> {
        let value: serde_json::Value = serde_json::from_slice(self.error()?).ok()?;
        let code = value.get("code").and_then(serde_json::Value::as_i64);
        let message = value.get("message").and_then(serde_json::Value::as_str);
        Some(RpcError {
            code: code.unwrap_or(code::INTERNAL_ERROR),
            message: message.unwrap_or("the peer sent an error without a message").to_owned(),
            data: value.get("data").cloned(),
        })
    }

    /// Returns where a member of the envelope stands.
    pub fn span(&self, name: &str) -> Option<Range<usize>> {
        self.0.envelope.get(name).map(|member| member.value.clone())
    }

    /// Starts an edit of the envelope; see [`ObjectEdit`].
    pub fn edit(&self) -> ObjectEdit<'_> {
        ObjectEdit::new(&self.0.bytes, &self.0.envelope)
    }

    /// Returns the same message under another id.
    #[must_use]
    pub fn with_id(&self, id: &Id) -> Bytes {
        if self.0.id.as_ref() == Some(id) {
            return self.0.bytes.clone();
        }
        let mut edit = self.edit();
        edit.set("id", id.to_raw());
        edit.finish()
    }
}

/// Checks the objects that were found against the members that ought to be objects.
fn check_params(
    envelope: &Object,
    params: Option<&Object>,
    meta: Option<&Object>,
) -> Result<(), String> {
    if envelope.get("params").is_none() {
        return Ok(());
    }
    let params = params.ok_or("`params` must be an object")?;
    if let Some(key) = params.ambiguous_key(PARAMS_KEYS) {
        return Err(format!("ambiguous key `{key}` in `params`"));
    }
    if params.get("_meta").is_some() {
        let meta = meta.ok_or("`params._meta` must be an object")?;
        if let Some(key) = meta.ambiguous_key(&["progressToken"]) {
            return Err(format!("ambiguous key `{key}` in `params._meta`"));
        }
    }
    Ok(())
}

impl ParseError {
    fn refuse(code: i64, message: impl Into<String>, id: Option<Id>) -> Self {
        Self { error: RpcError::new(code, message), id }
    }
}

/// Makes a request.
pub fn request(id: &Id, method: &str, params: &[u8]) -> Bytes {
    assemble(&[
        b"{\"jsonrpc\":\"2.0\",\"id\":",
        &id.to_raw(),
        b",\"method\":",
        &json::quote(method),
        b",\"params\":",
        params,
        b"}",
    ])
}

/// Makes a notification; without `params` if they are empty.
pub fn notification(method: &str, params: &[u8]) -> Bytes {
    let method = json::quote(method);
    if params.is_empty() {
        return assemble(&[b"{\"jsonrpc\":\"2.0\",\"method\":", &method, b"}"]);
    }
    assemble(&[b"{\"jsonrpc\":\"2.0\",\"method\":", &method, b",\"params\":", params, b"}"])
}

/// Makes a response around a raw result.
pub fn response(id: &Id, result: &[u8]) -> Bytes {
    assemble(&[b"{\"jsonrpc\":\"2.0\",\"id\":", &id.to_raw(), b",\"result\":", result, b"}"])
}

/// Makes an error response; `"id": null` when the request had no readable one.
pub fn failure(id: Option<&Id>, error: &RpcError) -> Bytes {
    let id = id.map_or_else(|| b"null".to_vec(), Id::to_raw);
    let error = serde_json::to_vec(error).unwrap_or_default();
    assemble(&[b"{\"jsonrpc\":\"2.0\",\"id\":", &id, b",\"error\":", &error, b"}"])
}

fn assemble(parts: &[&[u8]]) -> Bytes {
    Bytes::from(parts.concat())
}

/// Interns the names that occur on the request path.
fn known(name: Cow<'_, str>) -> Cow<'static, str> {
    const KNOWN: &[&str] = &[
        method::TOOLS_CALL,
        method::TOOLS_LIST,
        method::RESOURCES_READ,
        method::PROMPTS_GET,
        method::PROGRESS,
        method::MESSAGE,
        method::PING,
        method::CANCELLED,
        method::SERVER_DISCOVER,
        method::COMPLETION_COMPLETE,
    ];
    match KNOWN.iter().find(|known| **known == name) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(name.into_owned()),
    }
}

#[cfg(test)]
mod tests;
