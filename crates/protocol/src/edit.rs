//! Changes members of a JSON object and leaves every other byte as it is.
//!
//! Separators, white space, key order and number spellings of the untouched members survive,
//! because they are copied, not printed again. New members go to the end.

use std::borrow::Cow;

use bytes::Bytes;

use crate::json::{self, Object, Span};

/// A planned change of one object.
#[derive(Debug)]
pub struct ObjectEdit<'a> {
    bytes: &'a [u8],
    object: Cow<'a, Object>,
    changes: Vec<(Cow<'a, str>, Change<'a>)>,
}

#[derive(Debug)]
enum Change<'a> {
    Set(Cow<'a, [u8]>),
    Remove,
    Nested(Box<ObjectEdit<'a>>),
}

impl<'a> ObjectEdit<'a> {
    /// Plans changes of `object`, whose spans point into `bytes`.
    pub fn new(bytes: &'a [u8], object: &'a Object) -> Self {
        Self { bytes, object: Cow::Borrowed(object), changes: Vec::new() }
    }

    /// Plans changes of the object that `raw` holds; `None` if it holds none.
    pub fn read(raw: &'a [u8]) -> Option<Self> {
        let object = Object::read(raw, 0..raw.len()).ok()?;
        Some(Self { bytes: raw, object: Cow::Owned(object), changes: Vec::new() })
    }

    /// Replaces or adds a member; `raw` must be valid JSON.
    pub fn set(
        &mut self,
        name: impl Into<Cow<'a, str>>,
        raw: impl Into<Cow<'a, [u8]>>,
    ) -> &mut Self {
        self.change(name.into(), Change::Set(raw.into()))
    }

    /// Replaces or adds a string member.
    pub fn set_string(&mut self, name: impl Into<Cow<'a, str>>, text: &str) -> &mut Self {
        self.set(name, json::quote(text))
    }

    /// Takes a member away, if it is there.
    pub fn remove(&mut self, name: impl Into<Cow<'a, str>>) -> &mut Self {
        self.change(name.into(), Change::Remove)
    }

    /// Replaces a member by an edited object; added if it is absent.
    pub fn nest(&mut self, name: impl Into<Cow<'a, str>>, edit: Self) -> &mut Self {
        self.change(name.into(), Change::Nested(Box::new(edit)))
    }

    /// Tells whether any change is planned.
    pub fn is_unchanged(&self) -> bool {
        self.changes.is_empty()
    }

    /// Carries the changes out.
    pub fn finish(self) -> Bytes {
        let mut out = Vec::with_capacity(self.size_hint());
        self.write(&mut out);
        Bytes::from(out)
    }

    fn change(&mut self, name: Cow<'a, str>, change: Change<'a>) -> &mut Self {
        match self.changes.iter_mut().find(|(key, _)| *key == name) {
            Some((_, planned)) => *planned = change,
            None => self.changes.push((name, change)),
        }
        self
    }

    fn size_hint(&self) -> usize {
        let added: usize = self
            .changes
            .iter()
            .map(|(name, change)| match change {
                Change::Set(raw) => name.len() + raw.len() + 4,
                Change::Nested(edit) => name.len() + edit.size_hint() + 4,
                Change::Remove => 0,
            })
            .sum();
        self.object.span.len() + added
    }

    fn write(&self, out: &mut Vec<u8>) {
        let members = &self.object.members;
        let span = &self.object.span;
        let planned = |name: &str| {
            self.changes.iter().find(|(key, _)| *key == name).map(|(_, change)| change)
        };
        let first = members.first().map_or(span.end - 1, |member| member.key.start);
        let mut kept = Run { bytes: self.bytes, span: span.start..first };
        let mut written = false;
        let mut separator_from = first;
        for member in members {
            let change = planned(&member.name);
            let separator = separator_from..member.key.start;
            separator_from = member.value.end;
            if matches!(change, Some(Change::Remove)) {
                continue;
            }
            // After a removed first member the next one has a separator of its own to drop.
            if written {
                kept.add(separator, out);
            }
            written = true;
            kept.add(member.key.start..member.value.start, out);
            match change {
                None => kept.add(member.value.clone(), out),
                Some(change) => {
                    kept.write(out);
                    change.write(out);
                }
            }
        }
        kept.write(out);
        for (name, change) in &self.changes {
            if matches!(change, Change::Remove) || self.object.get(name).is_some() {
                continue;
            }
            if written {
                out.push(b',');
            }
            written = true;
            out.extend_from_slice(&json::quote(name));
            out.push(b':');
            change.write(out);
        }
        out.extend_from_slice(&self.bytes[separator_from.max(first)..span.end]);
    }
}

/// Bytes that stay as they are and were not copied yet. Those that follow each other are copied at
/// once: most changes are of one member among many.
struct Run<'a> {
    bytes: &'a [u8],
    span: Span,
}

impl Run<'_> {
    fn add(&mut self, more: Span, out: &mut Vec<u8>) {
        if more.start != self.span.end {
            self.write(out);
            self.span.start = more.start;
        }
        self.span.end = more.end;
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes[self.span.clone()]);
        self.span.start = self.span.end;
    }
}

impl Change<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Set(raw) => out.extend_from_slice(raw),
            Self::Nested(edit) => edit.write(out),
            Self::Remove => {}
        }
    }
}

#[cfg(test)]
mod tests;
