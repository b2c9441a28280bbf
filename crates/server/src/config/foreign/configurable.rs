//! `config.json` of MCP Configurable Framework: its port, its keys, its audit log, its prompts and
//! its resources; its tools come later.

mod audit;
mod declared;

use super::super::environment::value;
use super::super::tree::{Data, Entry, Node};
use super::draft::Draft;

/// Takes over what can be.
pub(super) fn convert(root: &Node, draft: &mut Draft<'_>) {
    for Entry { key, value, .. } in root.entries() {
        match key.as_str() {
            _ if value.is_null() => {}
            "port" => port(value, draft),
            "security" => security(value, draft),
            "name" | "version" => {
                draft.note(key, value.at, "the gateway says its own name and version");
            }
            "tools" => tools(value, draft),
            "prompts" => declared::prompts(value, draft),
            "resources" => declared::resources(value, draft),
            "caching" => draft.note(key, value.at, "keeping results of tools comes later"),
            key => draft.note(key, value.at, "means nothing to Gantry"),
        }
    }
}

fn port(node: &Node, draft: &mut Draft<'_>) {
    let Some(text) = draft.text(node, "port") else { return };
    match text.parse::<u16>() {
        Ok(port) => {
            let listen = Data::text(value::address(value::LOOPBACK, port));
            draft.set("server.listen", Node::new(listen, node.at), "port");
            draft.note("port", node.at, value::LOOPBACK_ALONE);
        }
        Err(_) => draft.wrong_kind("port", node, "a port"),
    }
}

/// One line for each tool.
fn tools(node: &Node, draft: &mut Draft<'_>) {
    for (index, entry) in draft.list(node, "tools").iter().enumerate() {
        let name = entry.entry("name").and_then(|entry| entry.value.as_text());
        let name = name.map(|name| format!(" {name}")).unwrap_or_default();
        let path = format!("tools[{index}]{name}");
        draft.note(&path, entry.at, "tools that are declared in a file come later");
    }
}

fn security(node: &Node, draft: &mut Draft<'_>) {
    let is_off = |node: &Node| {
        node.entry("enabled").is_some_and(|entry| entry.value.as_text() == Some("false"))
    };
    for Entry { key, value, .. } in node.entries() {
        let path = format!("security.{key}");
        match key.as_str() {
            _ if value.is_null() => {}
            "enabled" => {}
            "authentication" if is_off(node) || is_off(value) => {
                draft.note(&path, value.at, "is switched off, so its keys open nothing");
            }
            "authentication" => authentication(value, draft),
            "permissions" => draft.note(&path, value.at, "permissions of tokens come later"),
            "rateLimit" => draft.note(&path, value.at, "limits of rates come later"),
            "ipWhitelist" => draft.note(&path, value.at, "lists of addresses come later"),
            "audit" if is_off(node) => {
                draft.note(&path, value.at, "is switched off with the rest of `security`");
            }
            "audit" => audit::convert(value, draft),
            _ => draft.note(&path, value.at, "means nothing to Gantry"),
        }
    }
}

fn authentication(node: &Node, draft: &mut Draft<'_>) {
    for Entry { key, value, .. } in node.entries() {
        let path = format!("security.authentication.{key}");
        match key.as_str() {
            _ if value.is_null() => {}
            "enabled" => {}
            "apiKeys" => api_keys(value, draft),
            "headerName" => {
                let reason =
                    "a key is sent as `Authorization: Bearer KEY`; other headers come later";
                draft.note(&path, value.at, reason);
            }
            "allowAnonymous" if value.as_text() == Some("true") => {
                let reason = "where there are tokens, everybody needs one";
                draft.note(&path, value.at, reason);
            }
            "allowAnonymous" => {}
            _ => draft.note(&path, value.at, "means nothing to Gantry"),
        }
    }
}

fn api_keys(node: &Node, draft: &mut Draft<'_>) {
    let mut tokens = Vec::new();
    for (index, key) in draft.list(node, "security.authentication.apiKeys").iter().enumerate() {
        let path = format!("security.authentication.apiKeys[{index}]");
        let has = |name: &str| key.entry(name).filter(|entry| !entry.value.is_null());
        if has("enabled").is_some_and(|entry| entry.value.as_text() == Some("false")) {
            draft.note(&path, key.at, "is switched off");
        } else if has("expiresAt").is_some() {
            let reason = "would never expire here; give its client a new token in `auth.tokens`";
            draft.note(&path, key.at, reason);
        } else {
            for (name, reason) in [
                ("permissions", "permissions of a token come later; it may use everything"),
                ("rateLimit", "limits of rates come later"),
            ] {
                if let Some(entry) = has(name) {
                    draft.note(&format!("{path}.{name}"), entry.value.at, reason);
                }
            }
            tokens.push(token(key, &path, draft));
        }
    }
    if !tokens.is_empty() {
        let tokens = Node::new(Data::Sequence { entries: tokens }, node.at);
        draft.set("auth.tokens", tokens, "security.authentication.apiKeys");
    }
}

/// A token without a name or a key is refused where tokens are checked.
fn token(key: &Node, path: &str, draft: &mut Draft<'_>) -> Node {
    let mut entries = Vec::new();
    for (theirs, ours) in [("name", "name"), ("key", "token")] {
        let Some(entry) = key.entry(theirs) else { continue };
        if let Some(text) = draft.text(&entry.value, &format!("{path}.{theirs}")) {
            // A principal's name has no spaces.
            let text = if ours == "name" { text.replace(' ', "-") } else { text.to_owned() };
            entries.push(Entry::new(ours, Node::new(Data::text(text), entry.value.at)));
        }
    }
    Node::new(Data::Mapping { entries, is_flow: false }, key.at)
}
