//! `security.audit` of the MCP Configurable Framework: the audit trail.

use super::super::super::tree::{Data, Entry, Node};
use super::super::draft::Draft;

const PATH: &str = "security.audit";

/// Takes over what can be.
pub(super) fn convert(node: &Node, draft: &mut Draft<'_>) {
    for Entry { key, value, .. } in node.entries() {
        let path = format!("{PATH}.{key}");
        match key.as_str() {
            _ if value.is_null() => {}
            "enabled" => flag("audit.enabled", value, &path, draft),
            "logToConsole" => flag("audit.stdout", value, &path, draft),
            "logFile" => {
                if let Some(text) = draft.text(value, &path).map(str::to_owned) {
                    draft.set("audit.file", Node::new(Data::text(text), value.at), &path);
                }
            }
            "maxFileSize" => {
                if let Some(text) = draft.text(value, &path) {
                    let is_bare = text.bytes().all(|byte| byte.is_ascii_digit());
                    let size = if is_bare { format!("{text}B") } else { text.to_owned() };
                    let size = Node::new(Data::text(size), value.at);
                    draft.set("audit.rotation.max_size", size, &path);
                }
            }
            "maxFiles" => {
                draft.set("audit.rotation.max_files", value.clone(), &path);
            }
            "includeSensitiveData" => sensitive(value, &path, draft),
            "events" => {
                draft.set("audit.events", value.clone(), &path);
            }
            _ => draft.note(&path, value.at, "means nothing to Gantry"),
        }
    }
}

fn flag(key: &str, value: &Node, path: &str, draft: &mut Draft<'_>) {
    if draft.flag(value, path).is_some() {
        draft.set(key, value.clone(), path);
    }
}

fn sensitive(value: &Node, path: &str, draft: &mut Draft<'_>) {
    if draft.flag(value, path) == Some(true) {
        draft.set("audit.arguments", Node::new(Data::text("full".to_owned()), value.at), path);
        draft.note(path, value.at, "the gateway's own secrets are left out all the same");
    }
}
