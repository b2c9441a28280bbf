//! What several upstreams can do together, as one server offers it.

use serde_json::{Map, Value, json};

use super::TASKS_EXTENSION;
use crate::revision::Revision;

/// The union of what upstreams can do. Tasks are never part of it.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for a member of the schema")]
pub struct ServerCapabilities {
    /// There are tools.
    pub tools: bool,
    /// There are prompts.
    pub prompts: bool,
    /// There are resources.
    pub resources: bool,
    /// Some resources can be subscribed to.
    pub subscribe: bool,
    /// Log messages may come.
    pub logging: bool,
    /// Arguments can be completed.
    pub completions: bool,
    /// By extension id.
    pub extensions: Map<String, Value>,
    /// By name; not standardised.
    pub experimental: Map<String, Value>,
    /// Members that no revision defines.
    pub other: Map<String, Value>,
}

impl ServerCapabilities {
    /// Adds what one more upstream declared; returns the ids of extensions that it settles in
    /// another way than an earlier one, whose settings stay in force.
    pub fn fold(&mut self, raw: &[u8], revision: Revision) -> Vec<String> {
        let Ok(Value::Object(sent)) = serde_json::from_slice::<Value>(raw) else {
            return Vec::new();
        };
        let has = |name: &str| sent.get(name).is_some_and(|value| !value.is_null());
        self.tools |= has("tools");
        self.prompts |= has("prompts");
        self.resources |= has("resources");
        self.logging |= has("logging");
        self.subscribe |= sent
            .get("resources")
            .and_then(|resources| resources.get("subscribe"))
            .is_some_and(|value| value == true);
        // The oldest revision has completion, but no capability for it.
        self.completions |= has("completions")
            || (revision == Revision::V2024_11_05 && (has("prompts") || has("resources")));
        let mut conflicts = Vec::new();
        for (name, value) in sent {
            match (name.as_str(), value) {
                ("extensions", Value::Object(extensions)) => {
                    conflicts = self.fold_extensions(extensions);
                }
                ("experimental", Value::Object(found)) => keep_first(&mut self.experimental, found),
                (
                    "tools" | "prompts" | "resources" | "logging" | "completions" | "tasks"
                    | "extensions" | "experimental",
                    _,
                ) => {}
                (_, value) => keep_first(&mut self.other, [(name, value)]),
            }
        }
        conflicts
    }

    /// Returns the raw object for the answer to `initialize` or `server/discover`.
    ///
    /// The lists change whenever the gateway reloads, whatever the upstreams say, so every
    /// `listChanged` is true.
    pub fn to_raw(&self) -> Vec<u8> {
        let mut out = Map::new();
        let mut add = |present: bool, name: &str, value: Value| {
            if present {
                out.insert(name.to_owned(), value);
            }
        };
        add(self.tools, "tools", json!({ "listChanged": true }));
        add(self.prompts, "prompts", json!({ "listChanged": true }));
        let mut resources = json!({ "listChanged": true });
        if self.subscribe {
            resources["subscribe"] = json!(true);
        }
        add(self.resources, "resources", resources);
        add(self.logging, "logging", json!({}));
        add(self.completions, "completions", json!({}));
        for (name, members) in
            [("extensions", &self.extensions), ("experimental", &self.experimental)]
        {
            add(!members.is_empty(), name, Value::Object(members.clone()));
        }
        for (name, value) in &self.other {
            add(true, name, value.clone());
        }
        Value::Object(out).to_string().into_bytes()
    }

    fn fold_extensions(&mut self, extensions: Map<String, Value>) -> Vec<String> {
        let mut conflicts = Vec::new();
        for (id, settings) in extensions {
            if id == TASKS_EXTENSION {
                continue;
            }
            match self.extensions.get(&id) {
                Some(first) if *first != settings => conflicts.push(id),
                Some(_) => {}
                None => drop(self.extensions.insert(id, settings)),
            }
        }
        conflicts
    }
}

fn keep_first(into: &mut Map<String, Value>, found: impl IntoIterator<Item = (String, Value)>) {
    for (name, value) in found {
        into.entry(name).or_insert(value);
    }
}
