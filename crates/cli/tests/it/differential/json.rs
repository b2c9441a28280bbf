//! Finding members in JSON text without reading what they hold: what is compared byte by byte must
//! not pass through a parser that would tidy it up.

use std::ops::Range;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The members of one object, in order, as they stand in the text.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Where the value at `path` stands in `text`; `None` if there is none. Of two members with one
/// name it is the last.
pub(super) fn span(text: &str, path: &[&str]) -> Option<Range<usize>> {
    let mut span = 0..text.len();
    for name in path {
        let Members(members) = serde_json::from_str(text.get(span)?).ok()?;
        let is_it = |key: &RawValue| {
            serde_json::from_str::<String>(key.get()).is_ok_and(|key| key == *name)
        };
        let (_, value) = members.into_iter().rfind(|(key, _)| is_it(key))?;
        let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
        span = start..start + value.get().len();
    }
    Some(span)
}

/// The value at `path` as it stands in `text`.
pub(super) fn raw<'a>(text: &'a str, path: &[&str]) -> Option<&'a str> {
    text.get(span(text, path)?)
}

/// The string at `path`.
pub(super) fn string(text: &str, path: &[&str]) -> Option<String> {
    serde_json::from_str(raw(text, path)?).ok()
}

/// `text` with another value at `path`; as it is if there is none.
pub(super) fn with(text: &str, path: &[&str], value: &str) -> String {
    let mut changed = text.to_owned();
    if let Some(span) = span(text, path) {
        changed.replace_range(span, value);
    }
    changed
}

/// The elements of the array at `path`, as they stand in `text`.
pub(super) fn elements(text: &str, path: &[&str]) -> Option<Vec<String>> {
    let elements: Vec<&RawValue> = serde_json::from_str(raw(text, path)?).ok()?;
    Some(elements.into_iter().map(|element| element.get().to_owned()).collect())
}

/// Whether a message is a response.
pub(super) fn is_response(text: &str) -> bool {
    span(text, &["method"]).is_none()
}

/// Whether a message is a request.
pub(super) fn is_request(text: &str) -> bool {
    span(text, &["method"]).is_some() && span(text, &["id"]).is_some()
}
