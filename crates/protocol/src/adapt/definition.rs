//! Tool definitions for the revision of the client that lists them.

use std::borrow::Cow;

use crate::edit::ObjectEdit;
use crate::json::Object;
use crate::revision::{Era, Revision};

/// Returns a tool definition that a strict client of the revision accepts.
///
/// A strict client refuses the whole list for one definition that breaks its schema, so this does
/// not depend on the revision of the upstream.
pub fn tool_for(revision: Revision, raw: &[u8]) -> Cow<'_, [u8]> {
    let Ok(object) = Object::read(raw, 0..raw.len()) else { return Cow::Borrowed(raw) };
    let mut edit = ObjectEdit::new(raw, &object);
    match revision.era() {
        Era::Modern => {
            if object.get("execution").is_some() {
                edit.remove("execution");
            }
        }
        Era::Legacy => {
            for member in ["inputSchema", "outputSchema"] {
                let Some(schema) = object.raw(raw, member) else { continue };
                let is_output = member == "outputSchema" && revision >= Revision::V2025_06_18;
                if is_output && !is_of_object(schema) {
                    edit.remove(member);
                } else if let Some(lowered) = without_booleans(schema) {
                    edit.nest(member, lowered);
                }
            }
        }
    }
    if edit.is_unchanged() { Cow::Borrowed(raw) } else { Cow::Owned(edit.finish().into()) }
}

/// Tells whether the root of a schema says `"type": "object"`.
fn is_of_object(schema: &[u8]) -> bool {
    Object::read(schema, 0..schema.len())
        .is_ok_and(|object| object.string(schema, "type").as_deref() == Some("object"))
}

/// Legacy schemas map `properties` to objects, while a property may be `true` or `false` since.
fn without_booleans(schema: &[u8]) -> Option<ObjectEdit<'_>> {
    let outer = Object::read(schema, 0..schema.len()).ok()?;
    let properties = outer.raw(schema, "properties")?;
    let inner = Object::read(properties, 0..properties.len()).ok()?;
    let mut changed = ObjectEdit::read(properties)?;
    for property in &inner.members {
        match &properties[property.value.clone()] {
            b"true" => drop(changed.set(property.name.clone(), &b"{}"[..])),
            b"false" => drop(changed.set(property.name.clone(), &br#"{"not":{}}"#[..])),
            _ => {}
        }
    }
    if changed.is_unchanged() {
        return None;
    }
    let mut outer = ObjectEdit::read(schema)?;
    outer.nest("properties", changed);
    Some(outer)
}
