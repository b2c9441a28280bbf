//! Capabilities: what a client can be asked for ([`Profile`]), and what is offered to it
//! ([`ServerCapabilities`]).
//!
//! A profile is the canonical form by which sessions with legacy upstreams are kept apart; it is
//! not what is sent on a client's behalf where its own words can be sent. The tasks of either era
//! are never part of it.

use std::fmt;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::edit::ObjectEdit;
use crate::json::Object;
use crate::method;
use crate::revision::Revision;

mod server;

pub use server::ServerCapabilities;

/// The extension that is never declared for somebody else: a task must have one owner.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The set of things a client can be asked for, with its extensions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Profile {
    bits: u8,
    /// A JSON object with sorted keys, not empty.
    extensions: Option<Box<str>>,
}

const ROOTS: u8 = 1;
const SAMPLING: u8 = 1 << 1;
const SAMPLING_TOOLS: u8 = 1 << 2;
const SAMPLING_CONTEXT: u8 = 1 << 3;
const ELICITATION_FORM: u8 = 1 << 4;
const ELICITATION_URL: u8 = 1 << 5;

/// Every bit with the name that people read.
const NAMES: [(u8, &str); 6] = [
    (ROOTS, "roots"),
    (SAMPLING, "sampling"),
    (SAMPLING_TOOLS, "sampling.tools"),
    (SAMPLING_CONTEXT, "sampling.context"),
    (ELICITATION_FORM, "elicitation.form"),
    (ELICITATION_URL, "elicitation.url"),
];

impl Profile {
    /// A client that cannot be asked for anything.
    pub const EMPTY: Self = Self { bits: 0, extensions: None };

    /// Reads the capabilities of a client of any revision; what is not understood is left out.
    ///
    /// An `elicitation` that names no mode means the form, as in every revision.
    pub fn read(raw: &[u8]) -> Self {
        let Ok(Value::Object(sent)) = serde_json::from_slice(raw) else { return Self::EMPTY };
        let object = |value: &Value, name: &str| value.get(name).is_some_and(Value::is_object);
        let mut bits = 0;
        let mut set = |bit: u8, present: bool| bits |= if present { bit } else { 0 };
        set(ROOTS, sent.get("roots").is_some_and(Value::is_object));
        if let Some(sampling @ Value::Object(_)) = sent.get("sampling") {
            set(SAMPLING, true);
            set(SAMPLING_TOOLS, object(sampling, "tools"));
            set(SAMPLING_CONTEXT, object(sampling, "context"));
        }
        if let Some(elicitation @ Value::Object(_)) = sent.get("elicitation") {
            let url = object(elicitation, "url");
            set(ELICITATION_URL, url);
            set(ELICITATION_FORM, !url || object(elicitation, "form"));
        }
        Self { bits, extensions: sent.get("extensions").and_then(canonical_extensions) }
    }

    /// Makes a profile without extensions from its compact form; unknown bits are ignored.
    pub fn from_bits(bits: u8) -> Self {
        let mut bits = bits & NAMES.iter().fold(0, |all, (bit, _)| all | bit);
        if bits & (SAMPLING_TOOLS | SAMPLING_CONTEXT) != 0 {
            bits |= SAMPLING;
        }
        Self { bits, extensions: None }
    }

    /// Returns the compact form, which has no room for extensions.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Returns the extensions as a JSON object with sorted keys.
    pub fn extensions(&self) -> Option<&str> {
        self.extensions.as_deref()
    }

    /// Tells whether the client cannot be asked for anything. Extensions do not count: by
    /// themselves they make no server ask back.
    pub fn asks_nothing(&self) -> bool {
        self.bits == 0
    }

    /// Tells whether the client can be asked for its roots.
    pub fn asks_roots(&self) -> bool {
        self.bits & ROOTS != 0
    }

    /// Leaves out what a revision has no word for.
    #[must_use]
    pub fn project(&self, revision: Revision) -> Self {
        let mask = match revision {
            Revision::V2024_11_05 | Revision::V2025_03_26 => ROOTS | SAMPLING,
            Revision::V2025_06_18 => ROOTS | SAMPLING | ELICITATION_FORM,
            Revision::V2025_11_25 | Revision::V2026_07_28 => u8::MAX,
        };
        Self { bits: self.bits & mask, extensions: self.extensions.clone() }
    }

    /// Tells whether whoever declared `other` can be asked for everything that this profile
    /// promises: a lane with this profile may then serve that caller.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        if self.bits & !other.bits != 0 {
            return false;
        }
        let (Some(mine), Some(theirs)) = (&self.extensions, &other.extensions) else {
            return self.extensions.is_none();
        };
        mine == theirs || {
            let parse = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
            parse(mine).zip(parse(theirs)).is_some_and(|(mine, theirs)| {
                mine.iter().all(|(id, settings)| theirs.get(id) == Some(settings))
            })
        }
    }

    /// Returns the capabilities to declare in an `initialize` of that revision.
    pub fn to_capabilities(&self, revision: Revision) -> Vec<u8> {
        let bits = self.project(revision).bits;
        let mut out = Map::new();
        let empty = || Value::Object(Map::new());
        let modes = |modes: &[(u8, &str)]| {
            let present = modes.iter().filter(|(bit, _)| bits & bit != 0);
            Value::Object(present.map(|(_, name)| ((*name).to_owned(), empty())).collect())
        };
        if bits & ROOTS != 0 {
            out.insert("roots".to_owned(), empty());
        }
        if bits & SAMPLING != 0 {
            let modes = modes(&[(SAMPLING_TOOLS, "tools"), (SAMPLING_CONTEXT, "context")]);
            out.insert("sampling".to_owned(), modes);
        }
        if bits & (ELICITATION_FORM | ELICITATION_URL) != 0 {
            let modes = match revision {
                // The revision knows one mode and no word for it.
                Revision::V2025_06_18 => empty(),
                _ => modes(&[(ELICITATION_FORM, "form"), (ELICITATION_URL, "url")]),
            };
            out.insert("elicitation".to_owned(), modes);
        }
        if let Some(extensions) = &self.extensions
            && let Ok(value) = serde_json::from_str(extensions)
        {
            out.insert("extensions".to_owned(), value);
        }
        Value::Object(out).to_string().into_bytes()
    }

    /// Returns the first capability that a callback needs and this profile lacks; `None` if the
    /// callback may be sent. `params` are the raw ones of the callback.
    pub fn missing_for(&self, callback: &str, params: Option<&[u8]>) -> Option<&'static str> {
        let params = params.unwrap_or(b"{}");
        let object = Object::read(params, 0..params.len()).ok();
        let has = |name: &str| object.as_ref().is_some_and(|object| object.get(name).is_some());
        let needed = match callback {
            method::ROOTS_LIST => ROOTS,
            method::SAMPLING_CREATE_MESSAGE if has("tools") || has("toolChoice") => {
                SAMPLING | SAMPLING_TOOLS
            }
            method::SAMPLING_CREATE_MESSAGE => SAMPLING,
            method::ELICITATION_CREATE => {
                let mode = object.as_ref().and_then(|object| object.string(params, "mode"));
                if mode.as_deref() == Some("url") { ELICITATION_URL } else { ELICITATION_FORM }
            }
            _ => 0,
        };
        let missing = needed & !self.bits;
        NAMES.iter().find(|(bit, _)| missing & bit != 0).map(|(_, name)| *name)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = NAMES.iter().filter(|(bit, _)| self.bits & bit != 0).map(|(_, name)| *name);
        let extensions = self.extensions.as_ref().map(|_| "extensions");
        let names: Vec<&str> = present.chain(extensions).collect();
        write!(formatter, "{{{}}}", names.join(", "))
    }
}

/// Returns the capabilities of a legacy client as they go into the envelope of a modern request:
/// its own bytes without `roots.listChanged`, without tasks of either era.
pub fn for_modern_request(legacy: &[u8]) -> Bytes {
    let empty = Bytes::from_static(b"{}");
    let Ok(object) = Object::read(legacy, 0..legacy.len()) else { return empty };
    let mut edit = ObjectEdit::new(legacy, &object);
    for member in &object.members {
        // A capability that is no object says nothing and fails the envelope's schema.
        if &*member.name == "tasks" || !legacy[member.value.clone()].starts_with(b"{") {
            edit.remove(&*member.name);
        }
    }
    without(&mut edit, object.raw(legacy, "roots"), "roots", "listChanged", false);
    let extensions = object.raw(legacy, "extensions");
    without(&mut edit, extensions, "extensions", TASKS_EXTENSION, true);
    edit.finish()
}

/// Takes `inner` out of the object member `outer`; the member goes too if nothing is left of it
/// and `whole` says so.
fn without<'a>(
    edit: &mut ObjectEdit<'a>,
    raw: Option<&'a [u8]>,
    outer: &'static str,
    inner: &'static str,
    whole: bool,
) {
    let Some(raw) = raw else { return };
    let Ok(object) = Object::read(raw, 0..raw.len()) else { return };
    if object.get(inner).is_none() {
        return;
    }
    if whole && object.members.len() == 1 {
        edit.remove(outer);
    } else if let Some(mut nested) = ObjectEdit::read(raw) {
        nested.remove(inner);
        edit.nest(outer, nested);
    }
}

/// Returns extensions in the one form by which they are compared.
fn canonical_extensions(value: &Value) -> Option<Box<str>> {
    let mut extensions = value.as_object()?.clone();
    extensions.shift_remove(TASKS_EXTENSION);
    if extensions.is_empty() {
        return None;
    }
    let mut value = Value::Object(extensions);
    value.sort_all_objects();
    Some(value.to_string().into())
}

#[cfg(test)]
mod tests;
