//! Reads a page of a list into items that stay raw, and renames them.
//!
//! What an item says is nobody's business here; only the name (or URI) by which it is routed is
//! read. How a definition is lowered for an older client is in [`adapt`](crate::adapt).

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::edit::ObjectEdit;
use crate::json::{self, Object};

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The name, URI or URI template by which it is addressed.
    pub name: Box<str>,
    /// The definition as it was sent.
    pub raw: Bytes,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// In the order in which they were sent.
    pub items: Vec<Item>,
    /// What to ask for the next page with. An empty string is a cursor.
    pub next_cursor: Option<String>,
    /// How many entries were left out, because they are no objects or have no single name.
    pub skipped: usize,
}

/// Why a result is no page of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The result is not an object.
    #[error("the result of the list is not an object")]
    NotAnObject,
    /// The member is absent or no array.
    #[error("the result of the list has no array `{key}`")]
    NoArray {
        /// The member that was looked for.
        key: &'static str,
    },
    /// The cursor is neither a string nor null; without it later pages would be lost.
    #[error("`nextCursor` of the list is not a string")]
    Cursor,
}

/// Returns the member of an item by which it is addressed, in the list that `key` names.
pub fn identity(key: &str) -> &'static str {
    match key {
        "resources" => "uri",
        "resourceTemplates" => "uriTemplate",
        _ => "name",
    }
}

/// Reads the page that a list result holds; `key` is `tools`, `resources`, `resourceTemplates` or
/// `prompts`. The items share the bytes of `result`.
///
/// # Errors
/// When the result as a whole is unusable; a single bad item is skipped and counted.
pub fn items(result: &Bytes, key: &'static str) -> Result<Page, ListError> {
    let object = Object::read(result, 0..result.len()).map_err(|_| ListError::NotAnObject)?;
    let array = object.get(key).ok_or(ListError::NoArray { key })?;
    let entries: Vec<&RawValue> = serde_json::from_slice(&result[array.value.clone()])
        .map_err(|_| ListError::NoArray { key })?;
    let next_cursor = match object.raw(result, "nextCursor") {
        None | Some(b"null") => None,
        Some(raw) => Some(json::string(raw).ok_or(ListError::Cursor)?.into_owned()),
    };
    let sent = entries.len();
    let items: Vec<Item> = entries
        .into_iter()
        .filter_map(|entry| item(result.slice_ref(entry.get().as_bytes()), identity(key)))
        .collect();
    Ok(Page { skipped: sent - items.len(), items, next_cursor })
}

/// Reads one item; `None` when it is no object or does not have exactly one identity.
fn item(raw: Bytes, identity: &str) -> Option<Item> {
    let object = Object::read(&raw, 0..raw.len()).ok()?;
    let mut named = object.members.iter().filter(|member| &*member.name == identity);
    let member = named.next()?;
    if named.next().is_some() {
        return None;
    }
    let name = json::string(&raw[member.value.clone()])?.into_owned().into_boxed_str();
    Some(Item { name, raw })
}

/// Returns the definition of a tool or prompt under another name; the same bytes if it has that
/// name already or is no object.
pub fn renamed(raw: &Bytes, name: &str) -> Bytes {
    let Ok(object) = Object::read(raw, 0..raw.len()) else { return raw.clone() };
    if object.string(raw, "name").as_deref() == Some(name) {
        return raw.clone();
    }
    let mut edit = ObjectEdit::new(raw, &object);
    edit.set_string("name", name);
    edit.finish()
}

#[cfg(test)]
mod tests;
