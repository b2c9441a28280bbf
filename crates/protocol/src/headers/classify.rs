//! Tells the era of a client's message, and refuses what contradicts itself.
//!
//! The body decides, the headers only confirm. Whether a session is known is asked by the caller,
//! who owns the sessions: [`ClientEra::Session`] says that it must be.

use std::borrow::Cow;

use serde_json::json;

use super::decode_value;
use crate::error::{RpcError, code};
use crate::message::{Kind, Message, ParseError};
use crate::meta::{self, Claim};
use crate::method;
use crate::revision::{Era, Revision};

/// The headers of a POST that decide on its era.
///
/// A header that was sent several times must be given joined by a comma, as HTTP defines; it then
/// equals nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostHeaders<'a> {
    /// `MCP-Protocol-Version`.
    pub protocol_version: Option<&'a str>,
    /// `Mcp-Method`.
    pub mcp_method: Option<&'a str>,
    /// `Mcp-Name`.
    pub mcp_name: Option<&'a str>,
    /// Whether there is an `Mcp-Session-Id`.
    pub has_session: bool,
}

/// What a message of a client is, as far as the message itself tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientEra {
    /// A modern request, checked: serve it.
    Modern(Revision),
    /// A modern notification: over HTTP 202, and nothing else.
    ModernNotification,
    /// A legacy handshake. The revision is the one to answer with.
    Initialize(Revision),
    /// Legacy: belongs to the session that the message names (over HTTP) or to that of the pipe.
    Session,
}

/// Why a message is not served.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The HTTP status; without meaning on stdio.
    pub status: u16,
    /// The error, to be sent with the id of the request if there is one.
    pub error: RpcError,
}

type Verdict = Result<ClientEra, Refusal>;

/// Tells the era of one message that came by POST.
///
/// `is_served` tells whether a method that the core does not define is served to modern clients
/// (extensions); the methods of [`method::is_modern_request`] always are.
///
/// # Errors
/// A [`Refusal`] with the status and error that the specification asks for.
pub fn classify_post(
    message: &Message,
    headers: &PostHeaders<'_>,
    is_served: impl FnOnce(&str) -> bool,
) -> Verdict {
    let claim = meta::read_claim(message);
    let names_modern =
        headers.protocol_version.map(str::trim).is_some_and(Revision::is_modern_text);
    match message.kind() {
        Kind::Response | Kind::Error => by_session(headers),
        Kind::Notification if claim.is_some() || names_modern => Ok(ClientEra::ModernNotification),
        Kind::Notification => by_session(headers),
        Kind::Request => match claim {
            Some(claim) => modern_post(message, headers, &claim, is_served),
            None if message.method() == method::INITIALIZE => Ok(initialize(message)),
            None if names_modern || method::is_only_of(Era::Modern, message.method()) => {
                Err(missing_envelope())
            }
            None => by_session(headers),
        },
    }
}

/// Tells the era of one message that came as a line on stdio (no headers, no status).
///
/// `initialized` says whether a legacy handshake was seen on this pipe.
///
/// # Errors
/// The error to answer a request with. The process must live on.
pub fn classify_line(
    message: &Message,
    initialized: bool,
    is_served: impl FnOnce(&str) -> bool,
) -> Result<ClientEra, RpcError> {
    let claim = meta::read_claim(message);
    match (message.kind(), claim) {
        (Kind::Request, Some(claim)) => {
            modern_request(message, &claim, is_served).map_err(|refusal| refusal.error)
        }
        (Kind::Notification, Some(_)) => Ok(ClientEra::ModernNotification),
        // Ids are one namespace on the pipe, so both eras' tables are searched for these.
        (Kind::Response | Kind::Error | Kind::Notification, _) => Ok(ClientEra::Session),
        (Kind::Request, None) => match message.method() {
            method::INITIALIZE => Ok(initialize(message)),
            method::PING => Ok(ClientEra::Session),
            name if method::is_only_of(Era::Modern, name) => Err(missing_envelope().error),
            _ if initialized => Ok(ClientEra::Session),
            _ => Err(needs_handshake()),
        },
    }
}

/// Checks a body that is an array: only sessions of 2025-03-26 may send one.
///
/// # Errors
/// 400 and -32600, for the body as a whole.
pub fn check_batch(
    elements: &[Result<Message, ParseError>],
    session: Option<Revision>,
) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::bad(RpcError::invalid_request(message)));
    if session != Some(Revision::V2025_03_26) {
        return refuse("batches exist in 2025-03-26 only; send one message per request");
    }
    for message in elements.iter().flatten() {
        if meta::read_claim(message).is_some() {
            return refuse("a request of 2026-07-28 must not stand in a batch");
        }
        if message.method() == method::INITIALIZE {
            return refuse("`initialize` must not stand in a batch");
        }
    }
    Ok(())
}

/// Checks the `MCP-Protocol-Version` header of a message that belongs to a legacy session.
///
/// # Errors
/// 400 when the header names another revision than the session has.
pub fn check_session_revision(header: Option<&str>, session: Revision) -> Result<(), Refusal> {
    match header.map(str::trim) {
        None => Ok(()),
        Some(text) if text == session.as_str() => Ok(()),
        Some(text) => Err(Refusal::bad(RpcError::invalid_request(format!(
            "the header MCP-Protocol-Version says `{text}`, this session agreed on `{session}`"
        )))),
    }
}

/// Checks an `Mcp-Name` header against the name in the body, for methods whose rule the core does
/// not state (extensions).
///
/// # Errors
/// 400 and -32020.
pub fn check_name(header: Option<&str>, body: &str) -> Result<(), Refusal> {
    check_header("Mcp-Name", header.map(|text| (text, decode_value(text))), Some(body))
}

/// The one answer for a session that is unknown, expired, or of somebody else.
pub fn session_gone() -> Refusal {
    let error = RpcError::invalid_request("session not found; send `initialize` again");
    Refusal { status: 404, error }
}

/// Decides on a message of a transport that the legacy era alone has (2024-11-05 `basic/transports`,
/// HTTP with SSE): there an envelope means nothing.
///
/// # Errors
/// The error to answer a request with.
pub fn classify_legacy(message: &Message, initialized: bool) -> Result<ClientEra, RpcError> {
    match (message.kind(), message.method()) {
        (Kind::Request, method::INITIALIZE) => Ok(initialize(message)),
        (Kind::Request, name) if !initialized && name != method::PING => {
            Err(RpcError::invalid_request("no session: send `initialize` first"))
        }
        _ => Ok(ClientEra::Session),
    }
}

/// Returns the list for `DiscoverResult.supportedVersions` and for -32022.
pub fn supported_versions() -> [&'static str; 5] {
    Revision::ALL.map(Revision::as_str)
}

impl Refusal {
    /// A refusal with 400, the status of every contradiction.
    fn bad(error: RpcError) -> Self {
        Self { status: 400, error }
    }
}

fn by_session(headers: &PostHeaders<'_>) -> Verdict {
    if headers.has_session { Ok(ClientEra::Session) } else { Err(Refusal::bad(needs_handshake())) }
}

fn needs_handshake() -> RpcError {
    RpcError::invalid_request(format!(
        "no session: send `initialize` first, or the envelope of {} in `params._meta`",
        Revision::LATEST_MODERN
    ))
}

fn initialize(message: &Message) -> ClientEra {
    let asked = message.param_string("protocolVersion").and_then(|text| Revision::parse(&text));
    let legacy = asked.filter(|revision| revision.era() == Era::Legacy);
    ClientEra::Initialize(legacy.unwrap_or(Revision::LATEST_LEGACY))
}

fn modern_post(
    message: &Message,
    headers: &PostHeaders<'_>,
    claim: &Claim<'_>,
    is_served: impl FnOnce(&str) -> bool,
) -> Verdict {
    let version = headers.protocol_version.map(plain);
    check_header("MCP-Protocol-Version", version, Some(&claim.version))?;
    let verdict = modern_request(message, claim, is_served)?;
    let sent = headers.mcp_method.map(plain);
    check_header("Mcp-Method", sent, Some(message.method()))?;
    if let Some(member) = method::routed_member(message.method()) {
        let sent = headers.mcp_name.map(|text| (text, decode_value(text)));
        let body = message.param_string(member);
        // Without a name in the body and in the headers the request is wrong for another reason.
        if body.is_some() || sent.is_some() {
            check_header("Mcp-Name", sent, body.as_deref())?;
        }
    }
    Ok(verdict)
}

/// The checks of a request with a claim that need no header.
fn modern_request(
    message: &Message,
    claim: &Claim<'_>,
    is_served: impl FnOnce(&str) -> bool,
) -> Verdict {
    let known = Revision::parse(&claim.version).filter(|known| known.era() == Era::Modern);
    let Some(revision) = known else {
        let error = RpcError::new(
            code::UNSUPPORTED_PROTOCOL_VERSION,
            format!("unsupported protocol version `{}`", claim.version),
        );
        let data = json!({ "supported": supported_versions(), "requested": claim.version });
        return Err(Refusal::bad(error.with_data(data)));
    };
    if !claim.capabilities.is_some_and(|raw| raw.starts_with(b"{")) {
        return Err(Refusal::bad(RpcError::invalid_params(format!(
            "`params._meta` must have `{}`, an object",
            meta::CLIENT_CAPABILITIES
        ))));
    }
    let name = message.method();
    if !method::is_modern_request(name) && (method::is_legacy_request(name) || !is_served(name)) {
        return Err(Refusal { status: 404, error: RpcError::method_not_found(name) });
    }
    Ok(ClientEra::Modern(revision))
}

fn missing_envelope() -> Refusal {
    Refusal::bad(RpcError::invalid_params(format!(
        "`params._meta` must have `{}` and `{}`",
        meta::PROTOCOL_VERSION,
        meta::CLIENT_CAPABILITIES
    )))
}

/// A header that is never encoded: only its outer white space is no part of it.
fn plain(text: &str) -> (&str, Option<Cow<'_, str>>) {
    (text, Some(Cow::Borrowed(text.trim())))
}

/// Compares one header (raw and decoded) with what the body says.
fn check_header(
    name: &str,
    header: Option<(&str, Option<Cow<'_, str>>)>,
    body: Option<&str>,
) -> Result<(), Refusal> {
    let problem = match (header, body) {
        (Some((_, Some(decoded))), Some(body)) if decoded == body => return Ok(()),
        (None, _) => format!("the header {name} is missing"),
        (Some((raw, None)), _) => format!("the header {name} has no valid value: `{raw}`"),
        (Some((raw, _)), Some(body)) => {
            format!("the header {name} says `{raw}`, the body `{body}`")
        }
        (Some((raw, _)), None) => format!("the header {name} says `{raw}`, the body nothing"),
    };
    Err(Refusal::bad(RpcError::new(code::HEADER_MISMATCH, problem)))
}
