//! `mcp.servers.NAME`: the servers behind the client, and what `mcp.client` says of all of them.

use super::duration;
use super::properties::{Properties, Property, canonical};
use crate::config::foreign::draft::Draft;
use crate::config::foreign::names;
use crate::config::path::Path;
use crate::config::tree::{Data, Entry, Node};

const PREFIX: &str = "mcp.servers.";

/// Takes over every server.
pub(super) fn take(properties: &Properties, draft: &mut Draft<'_>) {
    let mut written: Vec<&str> = Vec::new();
    for property in properties.below(PREFIX) {
        if let Some((name, _)) = split(property)
            && !written.contains(&name)
        {
            written.push(name);
        }
    }
    let timeout = properties.get("mcp.client.defaulttimeout");
    for (theirs, ours) in written.iter().zip(names::map(&written)) {
        let at = properties
            .below(PREFIX)
            .find(|property| split(property).is_some_and(|(name, _)| name == *theirs));
        let Some(at) = at.map(|property| property.node.at) else { continue };
        if ours != **theirs {
            draft.note(&format!("{PREFIX}{theirs}"), at, format!("is called `{ours}` here"));
        }
        draft.begin_server(&ours, at);
        one(properties, theirs, &ours, draft);
        let has_timeout = Path::root().key("servers").key(&ours).key("timeout");
        if let Some(timeout) = timeout.filter(|_| draft.get(&has_timeout).is_none()) {
            take_duration(timeout, &ours, draft);
        }
    }
}

fn one(properties: &Properties, theirs: &str, ours: &str, draft: &mut Draft<'_>) {
    let base = format!("{PREFIX}{theirs}.");
    let mut maps: Vec<(&str, Vec<Entry>)> = Vec::new();
    for property in properties.below(&base) {
        let Some((_, rest)) = split(property) else { continue };
        let (word, name) = rest.split_once('.').unwrap_or((rest, ""));
        match canonical(word).as_str() {
            "environment" | "env" if !name.is_empty() => {
                property.mark_used();
                keep(&mut maps, "env", name, property);
            }
            "headers" if !name.is_empty() => {
                property.mark_used();
                keep(&mut maps, "headers", name, property);
            }
            "timeout" => take_duration(property, ours, draft),
            "type" | "transport" => {
                property.mark_used();
                kind(property, ours, draft);
            }
            word @ ("command" | "url" | "enabled" | "description" | "cwd" | "workingdirectory") => {
                property.mark_used();
                let key = if word == "workingdirectory" { "cwd" } else { word };
                draft.set_server(ours, key, property.node.clone(), &property.key);
            }
            _ => {}
        }
    }
    let entries = properties.list(&format!("{base}args"));
    if let Some(first) = entries.first() {
        let at = first.at;
        let args = Node::new(Data::Sequence { entries }, at);
        draft.set_server(ours, "args", args, &format!("{base}args"));
    }
    for (key, entries) in maps {
        let at = entries[0].value.at;
        let map = Node::new(Data::Mapping { entries, is_flow: false }, at);
        draft.set_server(ours, key, map, &format!("{base}{key}"));
    }
}

/// The name of the server and what follows it.
fn split(property: &Property) -> Option<(&str, &str)> {
    // The first two words are key words, whatever their case.
    let mut parts = property.key.splitn(4, '.');
    Some((parts.nth(2)?, parts.next().unwrap_or_default()))
}

fn keep<'a>(maps: &mut Vec<(&'a str, Vec<Entry>)>, key: &'a str, name: &str, property: &Property) {
    let entry = Entry::new(name, property.node.clone());
    match maps.iter_mut().find(|(known, _)| *known == key) {
        Some((_, entries)) => entries.push(entry),
        None => maps.push((key, vec![entry])),
    }
}

fn take_duration(property: &Property, server: &str, draft: &mut Draft<'_>) {
    property.mark_used();
    let text = property.node.as_text().unwrap_or_default();
    match duration::ours(text, "ms") {
        Some(text) => {
            let node = Node::new(Data::text(text), property.node.at);
            draft.set_server(server, "timeout", node, &property.key);
        }
        None => draft.wrong_kind(&property.key, &property.node, "a duration such as `15000`"),
    }
}

fn kind(property: &Property, server: &str, draft: &mut Draft<'_>) {
    match property.node.as_text().unwrap_or_default().to_ascii_lowercase().as_str() {
        "stdio" | "http" | "streamable-http" | "streamable_http" => {}
        "sse" => {
            let node = Node::new(Data::text("sse"), property.node.at);
            draft.set_server(server, "transport", node, &property.key);
        }
        _ => {
            let reason = "is no transport of Gantry; it is told by `command` or `url`";
            draft.note(&property.key, property.node.at, reason);
        }
    }
}
