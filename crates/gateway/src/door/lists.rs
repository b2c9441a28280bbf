//! Lists: pages of the caller's view, in the form of the caller's revision.

use bytes::Bytes;
use gantry_core::CallContext;
use gantry_protocol::{Era, Message, RpcError, json, meta, method};

use super::cursor::Place;
use crate::Gateway;
use crate::snapshot::{Section, View};

/// Returns what a method lists.
pub(super) fn section_of(name: &str) -> Option<Section> {
    match name {
        method::TOOLS_LIST => Some(Section::Tools),
        method::RESOURCES_LIST => Some(Section::Resources),
        method::RESOURCES_TEMPLATES_LIST => Some(Section::Templates),
        method::PROMPTS_LIST => Some(Section::Prompts),
        _ => None,
    }
}

/// Returns the raw result of a list request.
pub(super) fn answer(
    gateway: &Gateway,
    view: &View,
    context: &CallContext,
    section: Section,
    message: &Message,
) -> Result<Bytes, RpcError> {
    let place = Place { view, section, principal: &context.principal };
    let start = match message.param("cursor") {
        None | Some(b"null") => 0,
        Some(raw) => json::string(raw)
            .and_then(|cursor| place.open(&gateway.keys, &cursor))
            .ok_or_else(unknown_cursor)?,
    };
    let page = view.page(section, context.caller.revision, start).ok_or_else(unknown_cursor)?;
    let mut out = Vec::with_capacity(page.items.len() + 512);
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(section.key().as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(&page.items);
    if let Some(next) = page.next {
        let cursor = place
            .seal(&gateway.keys, next)
            .map_err(|error| RpcError::internal("internal", error.to_string()))?;
        out.extend_from_slice(b",\"nextCursor\":");
        out.extend_from_slice(&json::quote(&cursor));
    }
    if context.caller.era() == Era::Modern {
        out.push(b',');
        modern_members(&mut out, view);
    }
    out.push(b'}');
    Ok(Bytes::from(out))
}

/// Writes what every result has that a modern client may keep; without the braces.
pub(super) fn modern_members(out: &mut Vec<u8>, view: &View) {
    let freshness = view.freshness();
    let scope = if freshness.public { "public" } else { "private" };
    let head = format!(
        r#""resultType":"complete","ttlMs":{},"cacheScope":"{scope}","_meta":{{"{}":"#,
        freshness.ttl_ms,
        meta::SERVER_INFO
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(&view.server_info());
    out.push(b'}');
}

fn unknown_cursor() -> RpcError {
    RpcError::invalid_params("unknown cursor, or the list changed since; list from the start")
}
