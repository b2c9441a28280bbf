//! The HTTP headers of MCP: their names, how a value that is no plain ASCII travels, and which era
//! a POST belongs to ([`classify_post`], [`classify_line`]).
//!
//! Nothing here reads a socket: the caller hands over the few headers that decide. The
//! `Mcp-Param-*` headers are in [`param_headers`](crate::param_headers).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

mod classify;

pub use classify::{
    ClientEra, PostHeaders, Refusal, check_batch, check_name, check_session_revision,
    classify_legacy, classify_line, classify_post, session_gone, supported_versions,
};

/// The revision of a message, from 2025-06-18 on; required from 2026-07-28 on.
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// Repeats `method`, from 2026-07-28 on.
pub const METHOD: &str = "mcp-method";
/// Repeats `params.name` or `params.uri`, from 2026-07-28 on.
pub const NAME: &str = "mcp-name";
/// The session of a legacy client.
pub const SESSION_ID: &str = "mcp-session-id";
/// Where a legacy client wants to resume a stream.
pub const LAST_EVENT_ID: &str = "last-event-id";
/// What the headers start with that repeat annotated arguments.
pub const PARAM_PREFIX: &str = "mcp-param-";

const SENTINEL_START: &str = "=?base64?";
const SENTINEL_END: &str = "?=";

/// Makes a value safe for a header: as it is when it is plain ASCII without outer white space and
/// does not look encoded, else as `=?base64?...?=`.
///
/// Source: 2026-07-28 `basic/transports/streamable-http`, Value Encoding.
pub fn encode_value(text: &str) -> Cow<'_, str> {
    let padded = text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
    let looks_encoded = text.starts_with(SENTINEL_START) && text.ends_with(SENTINEL_END);
    if is_field_text(text) && !padded && !looks_encoded {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{SENTINEL_START}{}{SENTINEL_END}", STANDARD.encode(text)))
}

/// Reads a header value that may be encoded; `None` when the base64 is wrong, not UTF-8, or the
/// value has characters that no header may have.
///
/// The markers are case-sensitive; a value with only one of them is taken literally.
pub fn decode_value(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim_matches([' ', '\t']);
    let encoded =
        text.strip_prefix(SENTINEL_START).and_then(|rest| rest.strip_suffix(SENTINEL_END));
    let Some(encoded) = encoded else {
        return is_field_text(text).then_some(Cow::Borrowed(text));
    };
    let bytes = STANDARD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Tells whether every character may stand in a field value (RFC 9110 section 5.5, ASCII part).
fn is_field_text(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
}

#[cfg(test)]
mod tests;
