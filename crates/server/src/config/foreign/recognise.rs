//! Tells by what is in a file whose configuration it is.

use std::path::Path as FilePath;

use gantry_core::ErrorCode;

use super::super::path::Path;
use super::super::problem::{Problem, Report, nearest};
use super::super::shape;
use super::super::tree::{self, Data, Node};
use super::json;

/// Whose configuration a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Gantry's own.
    Gantry,
    /// A desktop client's.
    Client,
    /// That of Global MCP Client, or of any Spring application with `mcp`.
    Spring,
    /// That of MCP Configurable Framework.
    Configurable,
}

/// Keys at the top of our file that other systems use as well.
const SHARED_KEYS: [&str; 4] = ["server", "servers", "prompts", "resources"];
/// Keys that a Spring application has at the top, and nobody else.
const SPRING_KEYS: [&str; 2] = ["spring", "mcp"];
/// More of them, which files of others may have too.
const USUAL_KEYS: [&str; 2] = ["management", "logging"];
/// Keys of `server` that only a Spring application has.
const SPRING_SERVER_KEYS: [&str; 4] = ["port", "ssl", "address", "servlet"];
/// Keys that the framework's file has at the top.
const CONFIGURABLE_KEYS: [&str; 4] = ["tools", "security", "caching", "port"];
/// Those of them that our file has as well.
const DECLARED_KEYS: [&str; 2] = ["prompts", "resources"];
/// Formats as they are called in messages.
const KNOWN: &str = "known are `gantry.yaml`, the `mcpServers` of desktop clients, the \
                     `application.yml` of Global MCP Client, and the `config.json` of MCP \
                     Configurable Framework";

impl Format {
    /// Returns what the format is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gantry => "Gantry",
            Self::Client => "a desktop client",
            Self::Spring => "Global MCP Client",
            Self::Configurable => "MCP Configurable Framework",
        }
    }
}

/// A file of another system: its documents.
pub(super) struct Foreign {
    pub(super) format: Format,
    pub(super) documents: Vec<Node>,
}

/// Tells whose file `text` is; `None` for our own, which is read elsewhere.
///
/// # Errors
///
/// It is JSON with mistakes, or of no known format.
pub(super) fn read(
    text: &str,
    path: Option<&FilePath>,
    report: &mut Report,
) -> Result<Option<Foreign>, Problem> {
    let mut ignored = Report::default();
    let yaml = tree::parse_all(text, &mut ignored);
    if begins_as_json(text) {
        match json::parse(text, report) {
            Ok(Some(root)) => {
                let Some(format) = of(&root, true, path)? else { return Ok(None) };
                return Ok(Some(Foreign { format, documents: vec![root] }));
            }
            Ok(None) => return Ok(None),
            // Braces are YAML too.
            Err(problem) if yaml.is_err() => return Err(problem),
            Err(_) => {}
        }
    }
    let Ok(documents) = yaml else { return Ok(None) };
    let formats = documents.iter().map(|root| of(root, false, path));
    let formats: Vec<_> = formats.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let Some(format) = formats.first().copied() else { return Ok(None) };
    // Lesser mistakes count, now that it is known what they are in.
    for problem in ignored.into_problems() {
        report.push(problem);
    }
    Ok(Some(Foreign { format, documents }))
}

/// The first character that is neither white space nor in a comment.
fn begins_as_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with('{') || text.starts_with("//") || text.starts_with("/*")
}

fn of(root: &Node, is_json: bool, path: Option<&FilePath>) -> Result<Option<Format>, Problem> {
    let Data::Mapping { entries, .. } = &root.data else { return Ok(None) };
    let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
    let schema = shape::inlined_schema();
    let is_known = |key: &str| shape::has_key(&schema, key);
    if keys.iter().any(|key| is_known(key) && !SHARED_KEYS.contains(key)) {
        return Ok(None);
    }
    if is_client(root, &keys, is_json, path) {
        return Ok(Some(Format::Client));
    }
    if keys.contains(&"servers") {
        return Ok(None);
    }
    if keys.iter().any(|key| SPRING_KEYS.contains(&first(key))) {
        return Ok(Some(Format::Spring));
    }
    // What is declared is a list there, and has names here.
    let is_declared = |key: &&str| {
        let is_list = |node: &Node| matches!(node.data, Data::Sequence { .. });
        DECLARED_KEYS.contains(key) && root.entry(key).is_some_and(|entry| is_list(&entry.value))
    };
    if keys.iter().any(|key| CONFIGURABLE_KEYS.contains(key) || is_declared(key)) {
        return Ok(Some(Format::Configurable));
    }
    if is_perhaps_spring(root, &keys) {
        return Ok(Some(Format::Spring));
    }
    let own: Vec<_> = schema
        .get("properties")
        .and_then(serde_json::Value::as_object)
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
        .collect();
    let could_be_ours = |key: &&str| nearest(key, own.iter().copied()).is_some();
    if is_json && !keys.is_empty() && !keys.iter().any(could_be_ours) {
        return Err(unknown());
    }
    Ok(None)
}

/// Says that a file is of no known format.
pub(super) fn unknown() -> Problem {
    let message = "the file is no configuration of a known format";
    Problem::new(ErrorCode::ForeignUnknown, &Path::root(), message).with_hint(Some(KNOWN))
}

fn is_client(root: &Node, keys: &[&str], is_json: bool, path: Option<&FilePath>) -> bool {
    if keys.contains(&"mcpServers") || keys.contains(&"context_servers") {
        return true;
    }
    if is_json && root.find(&Path::root().key("mcp").key("servers")).is_some() {
        // The settings of an editor.
        return true;
    }
    let Some(servers) = root.entry("servers").filter(|_| is_json) else { return false };
    let is_only = keys.iter().all(|key| matches!(*key, "servers" | "inputs" | "$schema"));
    let is_named = path.and_then(FilePath::file_name).is_some_and(|name| name == "mcp.json");
    is_only
        && (keys.contains(&"inputs") || is_named || servers.value.entries().iter().any(is_theirs))
}

/// What an entry of VS Code has and one of ours has not.
fn is_theirs(server: &tree::Entry) -> bool {
    let has = |key: &str| server.value.entry(key).is_some();
    let kind = server.value.entry("type").and_then(|entry| entry.value.as_text());
    has("envFile") || has("dev") || kind == Some("sse")
}

/// Tells by keys that a file of the framework could have beside its own.
fn is_perhaps_spring(root: &Node, keys: &[&str]) -> bool {
    let is_theirs = |key: &&str| {
        let first = first(key);
        USUAL_KEYS.contains(&first) || (first == "server" && key.len() > first.len())
    };
    if keys.iter().any(is_theirs) {
        return true;
    }
    let server = root.entry("server").map(|entry| entry.value.entries()).unwrap_or_default();
    server.iter().any(|entry| SPRING_SERVER_KEYS.contains(&entry.key.as_str()))
}

/// The first word of a key that may be written with dots.
fn first(key: &str) -> &str {
    key.split('.').next().unwrap_or_default()
}
