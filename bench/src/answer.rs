//! Decides what to answer to one message; pure, and ready-made as far as possible.
//!
//! A request whose members come in the usual order (`jsonrpc`, `id`, `method`) is read without a JSON parser, which
//! matters for bodies of 20 kB; any other spelling takes the ordinary way and gets the same answer.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The revision of the stateless era.
pub(crate) const MODERN_REVISION: &str = "2026-07-28";

/// Answers of earlier revisions name this one.
const LEGACY_REVISION: &str = "2025-11-25";

/// A request body of at least this many bytes gets the large result.
const LARGE_REQUEST_BYTES: usize = 10_000;

/// Bytes of text in the small result, so that the whole result has about 300.
const SMALL_TEXT_BYTES: usize = 220;

/// Bytes of text in the large result.
const LARGE_TEXT_BYTES: usize = 20_000;

/// What goes back for one message: an HTTP status and a body, which is empty for a notification.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// Whether this was a successful `tools/call`, which the server counts.
    pub(crate) is_call: bool,
}

/// The ready-made results, everything after the `id` of a response.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    legacy_only: bool,
    modern: Results,
    legacy: Results,
}

/// The results of one era.
#[derive(Debug, Clone)]
struct Results {
    small: Bytes,
    large: Bytes,
    list: Bytes,
    describe: Bytes,
}

/// The members of a message that decide the answer.
#[derive(Debug, PartialEq, Eq)]
struct Envelope<'a> {
    id: Option<&'a str>,
    method: &'a str,
}

/// The same by the JSON parser.
#[derive(Deserialize)]
struct ParsedEnvelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a str>,
}

// === impl Answers ===

impl Answers {
    /// Prepares the answers; with `legacy_only`, as a server that never heard of 2026-07-28.
    pub(crate) fn new(legacy_only: bool) -> Self {
        let modern = r#""resultType":"complete","#;
        Self {
            legacy_only,
            modern: Results {
                small: call_result(modern, SMALL_TEXT_BYTES),
                large: call_result(modern, LARGE_TEXT_BYTES),
                list: list_result(
                    r#""resultType":"complete","ttlMs":3600000,"cacheScope":"public","#,
                ),
                describe: discover_result(),
            },
            legacy: Results {
                small: call_result("", SMALL_TEXT_BYTES),
                large: call_result("", LARGE_TEXT_BYTES),
                list: list_result(""),
                describe: initialize_result(),
            },
        }
    }

    /// Answers `body`, whose `MCP-Protocol-Version` header was `revision`.
    pub(crate) fn reply(&self, revision: Option<&[u8]>, body: &[u8]) -> Reply {
        let Some(envelope) = quick_envelope(body).or_else(|| parsed_envelope(body)) else {
            return Reply::error(400, "null", -32700, "not a JSON-RPC request");
        };
        let Some(id) = envelope.id else {
            return Reply { status: 202, body: Bytes::new(), is_call: false };
        };
        let is_modern = revision == Some(MODERN_REVISION.as_bytes());
        if is_modern && self.legacy_only {
            return Reply::error(
                400,
                id,
                -32600,
                "this server speaks the revisions before 2026-07-28 only",
            );
        }
        let results = if is_modern { &self.modern } else { &self.legacy };
        match envelope.method {
            "tools/call" if body.len() >= LARGE_REQUEST_BYTES => {
                Reply::result(id, &results.large, true)
            }
            "tools/call" => Reply::result(id, &results.small, true),
            "tools/list" => Reply::result(id, &results.list, false),
            "server/discover" if is_modern => Reply::result(id, &results.describe, false),
            "initialize" if !is_modern => Reply::result(id, &results.describe, false),
            "ping" if !is_modern => Reply::result(id, b"{}}", false),
            _ => Reply::error(if is_modern { 404 } else { 200 }, id, -32601, "method not found"),
        }
    }
}

// === impl Reply ===

impl Reply {
    /// A response with `result`, which ends with the brace that closes the response.
    fn result(id: &str, result: &[u8], is_call: bool) -> Self {
        const START: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
        const MIDDLE: &[u8] = br#","result":"#;
        let mut body =
            BytesMut::with_capacity(START.len() + id.len() + MIDDLE.len() + result.len());
        body.put_slice(START);
        body.put_slice(id.as_bytes());
        body.put_slice(MIDDLE);
        body.put_slice(result);
        Self { status: 200, body: body.freeze(), is_call }
    }

    fn error(status: u16, id: &str, code: i32, message: &str) -> Self {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{message}"}}}}"#
        );
        Self { status, body: body.into(), is_call: false }
    }
}

/// Reads the members in their usual order; `None` if they come in another, or if the id needs unescaping.
fn quick_envelope(body: &[u8]) -> Option<Envelope<'_>> {
    let rest = body.strip_prefix(br#"{"jsonrpc":"2.0","id":"#)?;
    let id_length = match rest.first()? {
        b'0'..=b'9' => rest.iter().position(|byte| !byte.is_ascii_digit())?,
        b'"' => {
            let inner = rest.iter().skip(1).position(|byte| matches!(byte, b'"' | b'\\'))?;
            (rest.get(inner + 1) == Some(&b'"')).then_some(inner + 2)?
        }
        _ => return None,
    };
    let (id, rest) = rest.split_at_checked(id_length)?;
    let rest = rest.strip_prefix(br#","method":""#)?;
    let method_length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (method, rest) = rest.split_at_checked(method_length)?;
    (rest.first() == Some(&b'"')).then_some(())?;
    Some(Envelope { id: Some(str::from_utf8(id).ok()?), method: str::from_utf8(method).ok()? })
}

/// Reads the members by the JSON parser; `None` for what is not a request or a notification.
fn parsed_envelope(body: &[u8]) -> Option<Envelope<'_>> {
    let parsed: ParsedEnvelope<'_> = serde_json::from_slice(body).ok()?;
    Some(Envelope { id: parsed.id.map(RawValue::get), method: parsed.method? })
}

/// The rest of a response to `tools/call`, with a text of `length` bytes.
fn call_result(members: &str, length: usize) -> Bytes {
    let text: String = "All work is done in the open; ".chars().cycle().take(length).collect();
    format!(r#"{{{members}"content":[{{"type":"text","text":"{text}"}}],"isError":false}}}}"#)
        .into()
}

/// The rest of a response to `tools/list`.
fn list_result(members: &str) -> Bytes {
    let tool = concat!(
        r#"{"name":"echo","description":"Answers with a fixed text.","inputSchema":"#,
        r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}"#
    );
    format!(r#"{{{members}"tools":[{tool}]}}}}"#).into()
}

/// The rest of a response to `server/discover`.
fn discover_result() -> Bytes {
    format!(
        concat!(
            r#"{{"resultType":"complete","supportedVersions":["{}","{}"],"capabilities":{{"tools":{{}}}},"#,
            r#""_meta":{{"io.modelcontextprotocol/serverInfo":{{"name":"echo","version":"1"}}}},"#,
            r#""ttlMs":3600000,"cacheScope":"public"}}}}"#
        ),
        MODERN_REVISION, LEGACY_REVISION
    )
    .into()
}

/// The rest of a response to `initialize`.
fn initialize_result() -> Bytes {
    format!(
        concat!(
            r#"{{"protocolVersion":"{}","capabilities":{{"tools":{{}}}},"#,
            r#""serverInfo":{{"name":"echo","version":"1"}}}}}}"#
        ),
        LEGACY_REVISION
    )
    .into()
}

#[cfg(test)]
mod tests;
