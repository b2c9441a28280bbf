//! JSON-RPC request ids.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::json;

/// A request id: a string or an integer, told apart (`1` is not `"1"`).
///
/// Source: JSON-RPC 2.0 section 4; MCP forbids `null` (`schema/*`, `RequestId`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// The number as it was spelled.
    Number(Box<str>),
    /// The decoded string.
    String(Box<str>),
}

impl Id {
    /// Reads an id; `None` for `null`, fractions and every other kind of value.
    pub fn read(raw: &[u8]) -> Option<Self> {
        if raw.first() == Some(&b'"') {
            return json::string(raw).map(|text| Self::String(text.into()));
        }
        let digits = raw.strip_prefix(b"-").unwrap_or(raw);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(raw).ok().map(|text| Self::Number(text.into()))
    }

    /// Returns the id as raw JSON.
    pub fn to_raw(&self) -> Vec<u8> {
        match self {
            Self::Number(text) => text.as_bytes().to_vec(),
            Self::String(text) => json::quote(text),
        }
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string().into())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(text) => formatter.write_str(text),
            Self::String(text) => write!(formatter, "{text:?}"),
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(text) => match text.parse::<i64>() {
                Ok(number) => serializer.serialize_i64(number),
                Err(_) => serializer.serialize_str(text),
            },
            Self::String(text) => serializer.serialize_str(text),
        }
    }
}
