//! `security.rateLimit` and `caching` of MCP Configurable Framework.

use crate::config::foreign::draft::Draft;
use crate::config::tree::{Data, Entry, Node};

/// What a tool's limit is for, wherever the tool comes from.
const ANY_SERVER: &str = "*__";

/// Takes over the limits of rates: that of all stands in `global`, or beside it.
pub(super) fn limits(node: &Node, draft: &mut Draft<'_>) {
    let algorithm = match node.entry("strategy").and_then(|entry| entry.value.as_text()) {
        Some("sliding-window") => "sliding_window",
        _ => "fixed_window",
    };
    let global = node.entry("global").map_or(node, |entry| &entry.value);
    if let Some(rate) = rate(global, algorithm, "security.rateLimit", draft) {
        draft.set("limits.global", rate, "security.rateLimit");
    }
    for (theirs, ours, before) in
        [("perTool", "limits.tools", ANY_SERVER), ("perApiKey", "limits.tiers", "")]
    {
        let Some(each) = node.entry(theirs) else { continue };
        let mut entries = Vec::new();
        for Entry { key, value, .. } in each.value.entries() {
            let path = format!("security.rateLimit.{theirs}.{key}");
            if let Some(rate) = rate(value, algorithm, &path, draft) {
                entries.push(Entry::new(&format!("{before}{key}"), rate));
            }
        }
        if !entries.is_empty() {
            let at = each.value.at;
            let rates = Node::new(Data::Mapping { entries, is_flow: false }, at);
            draft.set(ours, rates, &format!("security.rateLimit.{theirs}"));
        }
    }
    for Entry { key, value, .. } in node.entries() {
        let known =
            ["enabled", "strategy", "global", "window", "maxRequests", "perTool", "perApiKey"];
        if !value.is_null() && !known.contains(&key.as_str()) {
            draft.note(&format!("security.rateLimit.{key}"), value.at, "means nothing to Gantry");
        }
    }
}

/// A number of requests in a window of milliseconds.
fn rate(node: &Node, algorithm: &str, path: &str, draft: &mut Draft<'_>) -> Option<Node> {
    let given = |key: &str| node.entry(key).map(|entry| &entry.value).filter(|n| !n.is_null());
    let requests = given("maxRequests")?.clone();
    let mut entries = vec![Entry::new("requests", requests)];
    if let Some(window) = given("window") {
        let text = draft.text(window, &format!("{path}.window"))?;
        if text.parse::<u64>().is_err() {
            draft.wrong_kind(&format!("{path}.window"), window, "a whole number of milliseconds");
            return None;
        }
        entries.push(Entry::new("per", Node::new(Data::text(format!("{text}ms")), window.at)));
    }
    entries.push(Entry::new("algorithm", Node::new(Data::text(algorithm), node.at)));
    Some(Node::new(Data::Mapping { entries, is_flow: false }, node.at))
}

/// Takes over how long results are kept; which are is said of each tool.
pub(super) fn caching(node: &Node, draft: &mut Draft<'_>) {
    for Entry { key, value, .. } in node.entries() {
        let path = format!("caching.{key}");
        match key.as_str() {
            _ if value.is_null() => {}
            "enabled" => {}
            "ttl" => {
                let Some(text) = draft.text(value, &path) else { continue };
                if text.parse::<u64>().is_err() {
                    draft.wrong_kind(&path, value, "a whole number of seconds");
                    continue;
                }
                let ttl = Node::new(Data::text(format!("{text}s")), value.at);
                draft.set("traffic.cache_ttl", ttl, &path);
            }
            "maxSize" => {
                draft.note(&path, value.at, "the size is in bytes here, `traffic.cache_size`");
            }
            "tools" => {
                let reason = "tools that are declared in a file come later; of a server's tools \
                              `servers.NAME.traffic.tools` says which results are kept";
                draft.note(&path, value.at, reason);
            }
            _ => draft.note(&path, value.at, "means nothing to Gantry"),
        }
    }
}
