//! The modern envelope in `_meta`, and how a request changes on its way to an upstream.
//!
//! [`Outgoing`] is the only builder of upstream requests that come from a client's: it splices what
//! the pairing of eras asks for and leaves every other byte alone. Results are in
//! [`adapt`](crate::adapt), headers in [`headers`](crate::headers).

use std::borrow::Cow;

use bytes::Bytes;

use crate::edit::ObjectEdit;
use crate::json::{self, Object};
use crate::message::Message;
use crate::revision::Revision;

mod outgoing;

pub use outgoing::{Answers, EnvelopeChange, Outgoing, TokenChange};

/// What every key starts with that MCP keeps for itself.
pub const PREFIX: &str = "io.modelcontextprotocol/";
/// The claim: the revision of a modern request.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The client's capabilities for this request.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Who the client is; display data.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// The level of the log messages wanted for this request.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// In results: who answered; display data.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// In notifications on a listen stream: the id of the listen request.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// Legacy tasks: the task a message belongs to.
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
/// Under which token the caller wants to hear of progress.
pub const PROGRESS_TOKEN: &str = "progressToken";
/// W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

/// What makes a request modern.
pub const ENVELOPE_KEYS: [&str; 4] =
    [PROTOCOL_VERSION, CLIENT_CAPABILITIES, CLIENT_INFO, LOG_LEVEL];

/// The envelope that a message carries.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The revision as it was written; if it is no string, its raw JSON, which names no revision.
    pub version: Cow<'a, str>,
    /// Raw JSON; required, but its absence is not an absent claim.
    pub capabilities: Option<&'a [u8]>,
    /// Raw JSON.
    pub client_info: Option<&'a [u8]>,
    /// As it was written; `None` when absent or no string.
    pub log_level: Option<Cow<'a, str>>,
}

/// An envelope to put into a request.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The revision spoken with the upstream.
    pub revision: Revision,
    /// Raw JSON object.
    pub capabilities: &'a [u8],
    /// Raw JSON object.
    pub client_info: Option<&'a [u8]>,
    /// One of the syslog levels of MCP.
    pub log_level: Option<&'a str>,
}

/// How a result is to be read; a legacy one has no type and is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultType {
    /// The final result.
    Complete,
    /// The server asks back; see `basic/patterns/mrtr`.
    InputRequired,
    /// The server made a task (extension `io.modelcontextprotocol/tasks`).
    Task,
    /// None that we know; must not be handed on.
    Unknown(String),
}

/// Reads the envelope of a message; `None` when it has no claim, which makes it legacy.
pub fn read_claim(message: &Message) -> Option<Claim<'_>> {
    let raw = message.meta_raw(PROTOCOL_VERSION)?;
    Some(Claim {
        version: json::string(raw).unwrap_or_else(|| String::from_utf8_lossy(raw)),
        capabilities: message.meta_raw(CLIENT_CAPABILITIES),
        client_info: message.meta_raw(CLIENT_INFO),
        log_level: message.meta_raw(LOG_LEVEL).and_then(json::string),
    })
}

impl Envelope<'_> {
    /// Returns a `_meta` object that holds nothing else, for requests of our own.
    pub fn to_meta(self) -> Bytes {
        let mut edit = empty();
        self.write(&mut edit);
        edit.finish()
    }

    fn write(self, meta: &mut ObjectEdit<'_>) {
        meta.set(PROTOCOL_VERSION, json::quote(self.revision.as_str()));
        if let Some(raw) = self.client_info {
            meta.set(CLIENT_INFO, raw.to_vec());
        }
        meta.set(CLIENT_CAPABILITIES, self.capabilities.to_vec());
        if let Some(level) = self.log_level {
            meta.set_string(LOG_LEVEL, level);
        }
    }
}

/// Reads how the result of a response is to be taken.
pub fn result_type(response: &Message) -> ResultType {
    let Some(raw) = response.result_member("resultType") else {
        return ResultType::Complete;
    };
    if json::is_string(raw, "complete") {
        return ResultType::Complete;
    }
    match json::string(raw).as_deref() {
        Some("input_required") => ResultType::InputRequired,
        Some("task") => ResultType::Task,
        Some(other) => ResultType::Unknown(other.to_owned()),
        None => ResultType::Unknown(String::from_utf8_lossy(raw).into_owned()),
    }
}

/// Returns the same message with one member of `params` set to raw JSON (a mapped progress token,
/// a mapped `requestId`).
pub fn with_param(message: &Message, name: &str, raw: &[u8]) -> Bytes {
    if message.param(name) == Some(raw) {
        return message.bytes().clone();
    }
    let mut params = open(message, message.params());
    params.set(name, raw.to_vec());
    let mut edit = message.edit();
    edit.nest("params", params);
    edit.finish()
}

/// Returns the same message with one member of `params._meta` set to raw JSON, or taken away; a
/// `_meta` of which nothing is left goes too.
pub fn with_meta(message: &Message, name: &str, raw: Option<&[u8]>) -> Bytes {
    if message.meta_raw(name) == raw {
        return message.bytes().clone();
    }
    let mut params = open(message, message.params());
    let mut meta = open(message, message.meta());
    let is_last = message.meta().is_some_and(|object| object.members.len() == 1);
    match raw {
        Some(raw) => {
            meta.set(name, raw.to_vec());
            params.nest("_meta", meta);
        }
        None if is_last => drop(params.remove("_meta")),
        None => {
            meta.remove(name);
            params.nest("_meta", meta);
        }
    }
    let mut edit = message.edit();
    edit.nest("params", params);
    edit.finish()
}

/// Opens an object of a message for editing, or an empty one.
fn open<'a>(message: &'a Message, object: Option<&'a Object>) -> ObjectEdit<'a> {
    match object {
        Some(object) => ObjectEdit::new(message.bytes(), object),
        None => empty(),
    }
}

fn empty() -> ObjectEdit<'static> {
    ObjectEdit::read(b"{}").expect("`{}` is an object")
}

#[cfg(test)]
mod tests;
