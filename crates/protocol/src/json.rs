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

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

/// A range of byte offsets.
pub type Span = Range<usize>;

/// One member of an object.
#[derive(Debug, Clone)]
pub struct Member {
    /// The key with its escapes resolved.
    pub name: Box<str>,
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
    pub members: SmallVec<[Member; 6]>,
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

impl Object {
    /// Reads the object that `span` of `bytes` holds.
    pub fn read(bytes: &[u8], span: Span) -> Result<Self, ObjectError> {
        let slice = &bytes[span.clone()];
        if slice.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
            // A scalar or array that is valid JSON is a different mistake than rubbish.
            return match serde_json::from_slice::<&RawValue>(slice) {
                Ok(_) => Err(ObjectError::NotAnObject),
                Err(error) => Err(malformed(&error)),
            };
        }
        let raw: RawMembers<'_> =
            serde_json::from_slice(slice).map_err(|error| malformed(&error))?;
        let base = bytes.as_ptr() as usize;
        let lead = slice.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let trail = slice.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
        let members = raw
            .0
            .into_iter()
            .map(|(key, value)| {
                let key = located(base, key.get());
                let name = decode_key(&bytes[key.clone()]);
                Member { name, key, value: located(base, value.get()) }
            })
            .collect();
        Ok(Self { span: span.start + lead..span.end - trail, members })
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
            let twice = self.members[..index].iter().any(|earlier| &*earlier.name == name);
            let variant = routed.iter().any(|key| *key != name && key.eq_ignore_ascii_case(name));
            if twice || variant {
                return Some(name);
            }
        }
        None
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

/// Encodes a string as JSON.
pub fn quote(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).unwrap_or_default()
}

fn malformed(error: &serde_json::Error) -> ObjectError {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned();
    ObjectError::Malformed { what, line: error.line(), column: error.column() }
}

/// Finds where a borrowed piece stands in the bytes it was borrowed from.
fn located(base: usize, piece: &str) -> Span {
    let start = piece.as_ptr() as usize - base;
    start..start + piece.len()
}

fn decode_key(raw: &[u8]) -> Box<str> {
    string(raw).unwrap_or_default().into_owned().into_boxed_str()
}

struct RawMembers<'a>(SmallVec<[(&'a RawValue, &'a RawValue); 6]>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RawMembers<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = SmallVec::new();
                while let Some(entry) = map.next_entry()? {
                    members.push(entry);
                }
                Ok(RawMembers(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
