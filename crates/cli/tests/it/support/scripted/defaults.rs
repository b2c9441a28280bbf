//! What a server does that is not scripted: the plain behaviour of each era.

use serde_json::{Value, json};

use super::{
    answer::Answer,
    log::Seen,
    script::{Item, Script},
};

/// The first modern revision.
const MODERN: &str = "2026-07-28";

impl Script {
    fn speaks_modern(&self) -> bool {
        self.revisions.iter().any(|revision| revision.as_str() >= MODERN)
    }

    pub(super) fn speaks_legacy(&self) -> bool {
        self.revisions.iter().any(|revision| revision.as_str() < MODERN)
    }

    /// Whether a message is one for the modern half of this server.
    pub(super) fn is_modern(&self, seen: &Seen) -> bool {
        let names_modern = seen.header("mcp-protocol-version").is_some_and(|text| text >= MODERN);
        self.speaks_modern() && (!self.speaks_legacy() || seen.claim().is_some() || names_modern)
    }

    /// What a server offers that has these things.
    pub(super) fn offered(&self) -> Value {
        if let Some(capabilities) = &self.capabilities {
            return capabilities.clone();
        }
        let mut offered = json!({ "logging": {}, "completions": {} });
        if !self.tools.is_empty() {
            offered["tools"] = json!({ "listChanged": true });
        }
        if !self.resources.is_empty() || !self.templates.is_empty() {
            offered["resources"] = json!({ "listChanged": true, "subscribe": true });
        }
        if !self.prompts.is_empty() {
            offered["prompts"] = json!({ "listChanged": true });
        }
        offered
    }

    /// The result of `initialize`.
    pub(super) fn initialize(&self, seen: &Seen) -> Value {
        let legacy: Vec<_> =
            self.revisions.iter().filter(|revision| revision.as_str() < MODERN).collect();
        let asked = seen.params()["protocolVersion"].as_str().unwrap_or_default();
        let agreed = legacy.iter().find(|revision| revision.as_str() == asked);
        json!({
            "protocolVersion": agreed.unwrap_or(&legacy[0]),
            "capabilities": self.offered(),
            "serverInfo": server_info(),
        })
    }

    /// What of a filter is honoured.
    pub(super) fn acknowledged(&self, filter: &Value) -> Value {
        self.acknowledge.as_ref().map_or_else(|| filter.clone(), |acknowledge| acknowledge(filter))
    }

    /// What a modern server refuses before it looks at the method.
    pub(super) fn refusal(&self, seen: &Seen) -> Option<Answer> {
        let Some(claim) = seen.claim() else {
            if seen.method() == "initialize" {
                return Some(self.unsupported(seen.params()["protocolVersion"].clone()));
            }
            return Some(Answer::refused(400, seen, -32602, "no envelope"));
        };
        if !self.revisions.iter().any(|revision| revision == claim && claim >= MODERN) {
            return Some(self.unsupported(claim.into()));
        }
        let name = match seen.method() {
            "tools/call" | "prompts/get" => seen.params()["name"].as_str(),
            "resources/read" => seen.params()["uri"].as_str(),
            _ => None,
        };
        let agrees = seen.header("mcp-protocol-version") == Some(claim)
            && seen.header("mcp-method") == Some(seen.method())
            && (name.is_none_or(|name| !name.is_ascii()) || seen.header("mcp-name") == name);
        let complete = seen.capabilities().is_object();
        match (agrees, complete) {
            (false, _) => Some(Answer::refused(400, seen, -32020, "headers and body disagree")),
            (_, false) => Some(Answer::refused(400, seen, -32602, "no clientCapabilities")),
            _ => None,
        }
    }

    fn unsupported(&self, requested: Value) -> Answer {
        let data = json!({ "supported": self.revisions, "requested": requested });
        Answer::error_with(-32022, "unsupported protocol version", data)
    }

    /// What a request is answered that only one era knows, or both.
    pub(super) fn answer(&self, seen: &Seen, modern: bool) -> Answer {
        match seen.method() {
            "server/discover" if modern => Answer::Result(json!({
                "supportedVersions": self.revisions,
                "capabilities": self.offered(),
            })),
            "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe"
                if !modern =>
            {
                Answer::Result(json!({}))
            }
            "tools/list" => list("tools", &self.tools),
            "prompts/list" => list("prompts", &self.prompts),
            "resources/list" => list("resources", &self.resources),
            "resources/templates/list" => {
                Answer::Result(json!({ "resourceTemplates": self.templates }))
            }
            "completion/complete" => {
                Answer::Result(json!({ "completion": { "values": [], "hasMore": false } }))
            }
            "tools/call" => ask(&self.tools, seen, "name", -32602),
            "prompts/get" => ask(&self.prompts, seen, "name", -32602),
            "resources/read" => {
                ask(&self.resources, seen, "uri", if modern { -32602 } else { -32002 })
            }
            method => Answer::error(-32601, &format!("method not found: {method}")),
        }
    }

    /// Makes a result complete, as a modern server's must be.
    pub(super) fn dress(&self, method: &str, mut result: Value) -> Value {
        let Some(members) = result.as_object_mut() else { return result };
        members.entry("resultType").or_insert_with(|| "complete".into());
        let is_cacheable =
            method.ends_with("/list") || matches!(method, "resources/read" | "server/discover");
        if is_cacheable {
            members.entry("ttlMs").or_insert_with(|| self.hints.0.into());
            members.entry("cacheScope").or_insert_with(|| self.hints.1.as_str().into());
        }
        let meta = members.entry("_meta").or_insert_with(|| json!({}));
        if let Some(meta) = meta.as_object_mut() {
            meta.entry("io.modelcontextprotocol/serverInfo").or_insert_with(server_info);
        }
        result
    }
}

fn server_info() -> Value {
    json!({ "name": "scripted", "version": "1.0.0" })
}

fn list(key: &str, items: &[Item]) -> Answer {
    let items: Vec<_> = items.iter().map(|item| &item.definition).collect();
    Answer::Result(json!({ key: items }))
}

fn ask(items: &[Item], seen: &Seen, member: &str, code: i64) -> Answer {
    let asked = seen.params()[member].as_str().unwrap_or_default();
    match items.iter().find(|item| item.key == asked) {
        Some(item) => (item.handler)(seen),
        None => Answer::error_with(code, &format!("unknown: {asked}"), json!({ member: asked })),
    }
}
