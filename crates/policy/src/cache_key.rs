//! When two requests ask for the same: a digest over what they say, however it is written.
//!
//! Order of members, spaces and escapes do not count, everything else does. Numbers count as they are
//! written: `1` and `1.0` are two keys, which costs a second call and never gives a wrong answer.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::sha256::{Hash, Sha256};

/// What stands for a request.
pub type Key = Hash;

/// Gathers what a request is.
#[derive(Debug, Clone)]
pub struct KeyBuilder {
    digest: Sha256,
}

/// The JSON has no one meaning, or is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is not valid JSON, or has a member twice")]
pub struct Ambiguous;

impl Default for KeyBuilder {
    fn default() -> Self {
        Self { digest: Sha256::new() }
    }
}

impl KeyBuilder {
    /// Adds a text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        // With its length, so that two texts cannot be taken for two others.
        self.digest.update(&(text.len() as u64).to_le_bytes());
        self.digest.update(text.as_bytes());
        self
    }

    /// Adds a raw JSON value.
    ///
    /// # Errors
    ///
    /// It has a member twice: its readers do not agree on what it says.
    pub fn json(mut self, raw: &[u8]) -> Result<Self, Ambiguous> {
        let value: &RawValue = serde_json::from_slice(raw).map_err(|_| Ambiguous)?;
        self.value(value)?;
        Ok(self)
    }

    /// Returns the key.
    pub fn finish(self) -> Key {
        self.digest.finish()
    }

    /// Depth is bounded by `serde_json`, which read the whole value before.
    fn value(&mut self, value: &RawValue) -> Result<(), Ambiguous> {
        let raw = value.get();
        match raw.as_bytes().first() {
            Some(b'{') => {
                let Members(mut members) = serde_json::from_str(raw).map_err(|_| Ambiguous)?;
                members.sort_unstable_by(|one, other| one.0.cmp(&other.0));
                if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                    return Err(Ambiguous);
                }
                self.mark(b'{', members.len());
                for (name, value) in members {
                    self.string(&name);
                    self.value(value)?;
                }
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(raw).map_err(|_| Ambiguous)?;
                self.mark(b'[', elements.len());
                for element in elements {
                    self.value(element)?;
                }
            }
            Some(b'"') => {
                let text: String = serde_json::from_str(raw).map_err(|_| Ambiguous)?;
                self.string(&text);
            }
            _ => {
                self.mark(b'#', raw.len());
                self.digest.update(raw.as_bytes());
            }
        }
        Ok(())
    }

    fn string(&mut self, text: &str) {
        self.mark(b'"', text.len());
        self.digest.update(text.as_bytes());
    }

    fn mark(&mut self, kind: u8, length: usize) {
        self.digest.update(&[kind]);
        self.digest.update(&(length as u64).to_le_bytes());
    }
}

/// The members of an object, as many as there are of each name.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
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

        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests;
