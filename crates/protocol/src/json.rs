//! Reads one level of a JSON object as spans over the original bytes.
//!
//! Only the levels on which the gateway decides are read: the envelope, `params`, `_meta`. Values
//! are skipped, not decoded, whatever their depth, so a hostile nesting costs no stack.
//! For values that are decoded, use `serde_json` on the span.
//!
//! Invariant: an [`Object`] describes well-formed JSON; its spans are absolute offsets into the
//! bytes it was read from.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

mod scan;

use crate::meta;
use scan::Scanner;

/// A range of byte offsets.
pub type Span = Range<usize>;

/// One member of an object.
#[derive(Debug, Clone)]
pub struct Member {
    /// The key with its escapes resolved. Those that the protocol knows are not allocated.
    pub name: Cow<'static, str>,
    /// Where the key stands, quotes included.
    pub key: Span,
    /// Where the value stands.
    pub value: Span,
}

/// The members of one object, in the order in which they were sent.
#[derive(Debug, Clone)]
pub struct Object {
    /// From `{` to `}`, both included.
    pub span: Span,
    /// The members; duplicates included, see [`Object::ambiguous_key`].
    pub members: Vec<Member>,
}

/// Why a value could not be read as an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The bytes are not JSON.
    #[error("not valid JSON at line {line}, column {column}: {what}")]
    Malformed {
        /// What the parser expected.
        what: String,
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
    },
    /// The JSON is fine but is no object.
    #[error("expected a JSON object")]
    NotAnObject,
}

/// Members whose objects are wanted as well when an object is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// The key.
    pub(crate) name: &'static str,
    /// Where the object goes.
    pub(crate) place: usize,
    /// What is wanted of it.
    pub(crate) inner: &'static [Self],
}

impl Object {
    /// Reads the object that `span` of `bytes` holds.
    pub fn read(bytes: &[u8], span: Span) -> Result<Self, ObjectError> {
        Self::read_with(bytes, span, &[], &mut [])
    }

    /// Reads an object and, in the same pass, those of its members that are wanted and are objects;
    /// of a key that stands twice the first one.
    pub(crate) fn read_with(
        bytes: &[u8],
        span: Span,
        wanted: &[Wanted],
        found: &mut [Option<Self>],
    ) -> Result<Self, ObjectError> {
        let Range { start, end } = span;
        let mut scanner = Scanner::new(&bytes[..end], start);
        scanner.white();
        let object = scan(&mut scanner, wanted, found).filter(|_| {
            scanner.white();
            scanner.is_at_end() && scanner.is_utf8(start)
        });
        object.ok_or_else(|| refusal(&bytes[start..end]))
    }

    /// Returns the member of that name; the first, if it stands there twice.
    pub fn get(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| &*member.name == name)
    }

    /// Returns the value of that name as raw JSON.
    pub fn raw<'a>(&self, bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
        self.get(name).map(|member| &bytes[member.value.clone()])
    }

    /// Returns the string of that name; `None` when it is absent or no string.
    pub fn string<'a>(&self, bytes: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
        string(self.raw(bytes, name)?)
    }

    /// Returns a key that a second parser could read differently: one that stands twice, or one
    /// that equals a name of `routed` but for case.
    pub fn ambiguous_key(&self, routed: &[&str]) -> Option<&str> {
        for (index, member) in self.members.iter().enumerate() {
            let name = &*member.name;
            let twice = self.members[..index].iter().any(|earlier| earlier.is_named_like(member));
            // No known key differs from a routed one in nothing but its case.
            let variant = !member.is_known()
                && routed.iter().any(|key| *key != name && key.eq_ignore_ascii_case(name));
            if twice || variant {
                return Some(name);
            }
        }
        None
    }
}

impl Member {
    /// Tells whether the protocol knows the key.
    fn is_known(&self) -> bool {
        matches!(self.name, Cow::Borrowed(_))
    }

    fn is_named_like(&self, other: &Self) -> bool {
        match (&self.name, &other.name) {
            // Both stand in the one table.
            (Cow::Borrowed(one), Cow::Borrowed(other)) => std::ptr::eq(*one, *other),
            (Cow::Owned(one), Cow::Owned(other)) => one == other,
            _ => false,
        }
    }
}

/// Decodes a raw JSON string; `None` when it is none.
pub fn string(raw: &[u8]) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice::<String>(raw).ok().map(Cow::Owned)
}

/// Tells whether a raw JSON value is this string.
pub fn is_string(raw: &[u8], text: &str) -> bool {
    match raw {
        [b'"', inner @ .., b'"'] if memchr::memchr(b'\\', inner).is_none() => {
            inner == text.as_bytes()
        }
        _ => string(raw).as_deref() == Some(text),
    }
}

/// Tells whether a string stands in JSON as it is, without escapes.
pub fn is_plain(text: &str) -> bool {
    scan::is_plain(text.as_bytes())
}

/// Splits the string that something begins with from what stands behind it, if it stands there as it is, without
/// escapes.
pub fn split_plain_string(json: &[u8]) -> Option<(&str, &[u8])> {
    let end = Scanner::new(json, 0).plain_string()?;
    Some((std::str::from_utf8(json.get(1..end)?).ok()?, json.get(end + 1..)?))
}

/// Encodes a string as JSON.
pub fn quote(text: &str) -> Vec<u8> {
    if is_plain(text) {
        return [b"\"", text.as_bytes(), b"\""].concat();
    }
    serde_json::to_vec(text).unwrap_or_default()
}

/// Reads the object that begins here; `None` if none does or it is not well-formed.
fn scan(
    scanner: &mut Scanner<'_>,
    wanted: &[Wanted],
    found: &mut [Option<Object>],
) -> Option<Object> {
    let start = scanner.at();
    let mut members = Vec::new();
    scanner.expect(b'{')?;
    scanner.white();
    if !scanner.take(b'}') {
        loop {
            members.push(member(scanner, wanted, found)?);
            scanner.white();
            if scanner.take(b'}') {
                break;
            }
            scanner.expect(b',')?;
            scanner.white();
        }
    }
    Some(Object { span: start..scanner.at(), members })
}

fn member(
    scanner: &mut Scanner<'_>,
    wanted: &[Wanted],
    found: &mut [Option<Object>],
) -> Option<Member> {
    let start = scanner.at();
    let key = start..scanner.key()?;
    let name = decode_key(scanner.since(start, key.end));
    let start = scanner.at();
    let wanted = wanted.iter().find(|wanted| wanted.name == name);
    match wanted.filter(|wanted| scanner.peek() == Some(b'{') && found[wanted.place].is_none()) {
        Some(wanted) => found[wanted.place] = Some(scan(scanner, wanted.inner, found)?),
        None => scanner.value()?,
    }
    Some(Member { name, key, value: start..scanner.at() })
}

/// Says why bytes could not be read. Only here they are looked at twice.
fn refusal(bytes: &[u8]) -> ObjectError {
    match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(_) => ObjectError::NotAnObject,
        Err(error) => malformed(&error),
    }
}

fn malformed(error: &serde_json::Error) -> ObjectError {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned();
    ObjectError::Malformed { what, line: error.line(), column: error.column() }
}

fn decode_key(raw: &[u8]) -> Cow<'static, str> {
    let inner = raw.get(1..raw.len() - 1).unwrap_or_default();
    let known = |name: &[u8]| KNOWN.iter().find(|known| known.as_bytes() == name);
    if let Some(name) = known(inner) {
        return Cow::Borrowed(name);
    }
    // Written in escapes it is the same key.
    let name = string(raw).unwrap_or_default();
    match known(name.as_bytes()) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(name.into_owned()),
    }
}

/// Keys that most messages have; the frequent ones first. A key is one of these, by its address, if and
/// only if it has the same characters.
pub(crate) const KNOWN: &[&str] = &[
    "jsonrpc",
    "id",
    "method",
    "params",
    "_meta",
    "name",
    "arguments",
    meta::PROTOCOL_VERSION,
    meta::CLIENT_INFO,
    meta::CLIENT_CAPABILITIES,
    "result",
    "content",
    "resultType",
    "isError",
    "structuredContent",
    meta::PROGRESS_TOKEN,
    meta::SERVER_INFO,
    "error",
    "uri",
    "contents",
    "messages",
    "description",
    "progress",
    "total",
    "message",
    "level",
    "data",
    meta::LOG_LEVEL,
    meta::SUBSCRIPTION_ID,
    meta::TRACEPARENT,
    "type",
    "text",
];

#[cfg(test)]
mod tests;
