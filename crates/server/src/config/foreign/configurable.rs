//! `config.json` of MCP Configurable Framework: its port, its keys, its audit log, its limits, its
//! prompts and its resources; its tools come later.

mod audit;
mod declared;
mod rates;

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
            "caching" => rates::caching(value, draft),
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
            "permissions" => {
                draft.note(&path, value.at, "what everybody may do is said by `access`");
            }
            "rateLimit" if is_off(node) || is_off(value) => {
                draft.note(&path, value.at, "is switched off, so nothing is limited");
            }
            "rateLimit" => rates::limits(value, draft),
            "ipWhitelist" if is_off(node) => {
                draft.note(&path, value.at, "is switched off with the rest of `security`");
            }
            "ipWhitelist" => addresses(value, &path, draft),
            "audit" if is_off(node) => {
                draft.note(&path, value.at, "is switched off with the rest of `security`");
            }
            "audit" => audit::convert(value, draft),
            _ => draft.note(&path, value.at, "means nothing to Gantry"),
        }
    }
}

/// Addresses that may call. An empty list is none, there as here.
fn addresses(node: &Node, path: &str, draft: &mut Draft<'_>) {
    let entries = draft.list(node, path);
    if entries.is_empty() {
        return;
    }
    let entries = entries.to_vec();
    draft.set("server.allow", Node::new(Data::Sequence { entries }, node.at), path);
    draft.note(path, node.at, "behind a proxy, name it in `server.trusted_proxies`");
}

fn authentication(node: &Node, draft: &mut Draft<'_>) {
    for Entry { key, value, .. } in node.entries() {
        let path = format!("security.authentication.{key}");
        match key.as_str() {
            _ if value.is_null() => {}
            "enabled" => {}
            "apiKeys" => api_keys(value, draft),
            "headerName" => {
                if let Some(text) = draft.text(value, &path) {
                    let header = Node::new(Data::text(text), value.at);
                    draft.set("auth.api_key_header", header, &path);
                }
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
    let mut keys = Vec::new();
    for (index, entry) in draft.list(node, "security.authentication.apiKeys").iter().enumerate() {
        let path = format!("security.authentication.apiKeys[{index}]");
        let has = |name: &str| entry.entry(name).filter(|entry| !entry.value.is_null());
        if has("enabled").is_some_and(|entry| entry.value.as_text() == Some("false")) {
            draft.note(&path, entry.at, "is switched off");
            continue;
        }
        if let Some(limit) = has("rateLimit") {
            let reason =
                "a key has the limits of its tier: `auth.api_keys.tier` and `limits.tiers`";
            draft.note(&format!("{path}.rateLimit"), limit.value.at, reason);
        }
        keys.push(key(entry, &path, draft));
    }
    if !keys.is_empty() {
        let keys = Node::new(Data::Sequence { entries: keys }, node.at);
        draft.set("auth.api_keys", keys, "security.authentication.apiKeys");
    }
}

/// A key without a name or a text is refused where keys are checked.
fn key(entry: &Node, path: &str, draft: &mut Draft<'_>) -> Node {
    let mut entries = Vec::new();
    for (theirs, ours) in [("name", "name"), ("key", "key"), ("expiresAt", "expires")] {
        let Some(entry) = entry.entry(theirs).filter(|entry| !entry.value.is_null()) else {
            continue;
        };
        if let Some(text) = draft.text(&entry.value, &format!("{path}.{theirs}")) {
            // A principal's name has no spaces.
            let text = if ours == "name" { text.replace(' ', "-") } else { text.to_owned() };
            entries.push(Entry::new(ours, Node::new(Data::text(text), entry.value.at)));
        }
    }
    if let Some(permissions) = entry.entry("permissions").filter(|entry| !entry.value.is_null()) {
        let path = format!("{path}.permissions");
        let words = draft.list(&permissions.value, &path).to_vec();
        let scopes = Node::new(Data::Sequence { entries: words }, permissions.value.at);
        entries.push(Entry::new("scopes", scopes));
    }
    Node::new(Data::Mapping { entries, is_flow: false }, entry.at)
}
