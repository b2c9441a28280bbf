//! `mcpServers` and its likes: the files of Claude, Cursor, VS Code, Windsurf, Zed and others.
//!
//! They differ in the name of the mapping and in a few keys of its entries; all of them are
//! understood wherever they stand, because clients learn from each other.

use std::path::{Path as FilePath, PathBuf};

use super::super::path::Path;
use super::super::tree::{Data, Entry, Location, Node};
use super::draft::Draft;
use super::names;
use super::variables::Clients;

/// Folders of projects in which clients keep their files.
const PROJECT_FOLDERS: [&str; 3] = [".vscode", ".cursor", ".roo"];
/// A number up to this is one of seconds, as Cline has it; a larger one is of milliseconds, as
/// Gemini has it.
const MOST_SECONDS: u64 = 3600;
/// Keys of entries that need no word.
const IDLE: [&str; 6] = ["note", "comment", "source", "gallery", "version", "$schema"];

/// One client's server, while it is taken over.
struct Server<'a> {
    name: String,
    /// Where it stands, in the words of the file.
    path: String,
    entry: &'a Node,
}

/// Takes settings over.
struct Taker<'d, 'r> {
    clients: Clients,
    draft: &'d mut Draft<'r>,
}

/// Takes over the servers of a client's file at `path`.
pub(super) fn convert(root: &Node, path: Option<&FilePath>, draft: &mut Draft<'_>) {
    let clients = Clients { workspace: workspace(path) };
    let mut taker = Taker { clients, draft };
    let is_project = path.is_some_and(is_of_project);
    let Some((at, servers)) = servers(root) else { return };
    let entries = named(&at, servers, taker.draft);
    let written: Vec<_> = entries.iter().map(|(name, _)| *name).collect();
    for ((name, entry), mapped) in entries.iter().zip(names::map(&written)) {
        let server = Server { name: mapped, path: format!("{at}.{name}"), entry };
        if server.name != **name {
            let reason = format!("is called `{}` here", server.name);
            taker.draft.note(&server.path, server.entry.at, reason);
        }
        taker.take(&server);
        if is_project {
            run_in(&server, &taker.clients.workspace, taker.draft);
        }
    }
    rest(root, &at, taker.draft);
}

/// Finds the mapping of servers and what it is called.
fn servers(root: &Node) -> Option<(String, &Node)> {
    for key in ["mcpServers", "context_servers", "mcp.servers", "servers"] {
        let path = key.split('.').fold(Path::root(), |path, step| path.key(step));
        // The dot may be a part of the key itself.
        if let Some(found) = root.find(&path).or_else(|| root.find(&Path::root().key(key))) {
            return Some((key.to_owned(), found));
        }
    }
    None
}

/// The entries with their names; a list has them inside.
fn named<'a>(at: &str, servers: &'a Node, draft: &mut Draft<'_>) -> Vec<(&'a str, &'a Node)> {
    let mut named = Vec::new();
    match &servers.data {
        Data::Mapping { entries, .. } => {
            for Entry { key, value, .. } in entries {
                named.push((key.as_str(), value));
            }
        }
        Data::Sequence { entries } => {
            for (index, entry) in entries.iter().enumerate() {
                let name = entry.entry("name").and_then(|name| name.value.as_text());
                if let Some(name) = name {
                    named.push((name, entry));
                } else {
                    let path = format!("{at}[{index}]");
                    draft.wrong_kind(&path, entry, "a server with a `name`");
                }
            }
        }
        Data::Scalar(_) => draft.wrong_kind(at, servers, "a mapping of servers"),
    }
    let mut kept = Vec::new();
    for (name, entry) in named {
        if matches!(entry.data, Data::Mapping { .. }) {
            kept.push((name, entry));
        } else {
            draft.wrong_kind(&format!("{at}.{name}"), entry, "a mapping");
        }
    }
    kept
}

impl Taker<'_, '_> {
    fn take(&mut self, server: &Server<'_>) {
        let has = |key: &str| server.entry.entry(key).is_some();
        let is_reachable = ["command", "url", "serverUrl", "httpUrl"].iter().any(|key| has(key));
        if !is_reachable {
            let reason =
                "is started by an extension of the editor; there is no `command` and no `url`";
            self.draft.note(&server.path, server.entry.at, reason);
            return;
        }
        self.draft.begin_server(&server.name, server.entry.at);
        for Entry { key, value, .. } in server.entry.entries() {
            let path = format!("{}.{key}", server.path);
            if !value.is_null() {
                self.setting(&server.name, key, value, &path);
            }
        }
    }

    fn setting(&mut self, name: &str, key: &str, value: &Node, path: &str) {
        match key {
            "command" => self.command(name, value, path),
            "args" => self.texts(name, "args", value, path),
            "env" | "headers" => self.map(name, key, value, path),
            "cwd" => self.one(name, "cwd", value, path),
            "url" | "serverUrl" | "httpUrl" => self.one(name, "url", value, path),
            "description" => self.one(name, "description", value, path),
            "type" | "transport" => self.kind(name, value, path),
            "disabled" | "enabled" => {
                if let Some(flag) = self.draft.flag(value, path) {
                    let is_enabled = flag == (key == "enabled");
                    let enabled = Node::new(Data::plain(is_enabled.to_string()), value.at);
                    self.draft.set_server(name, "enabled", enabled, path);
                }
            }
            "timeout" => self.timeout(name, value, path),
            "disabledTools" | "excludeTools" => self.texts(name, "tools.deny", value, path),
            "includeTools" | "enabledTools" | "tools" => {
                self.texts(name, "tools.allow", value, path);
            }
            "name" => {}
            key if IDLE.contains(&key) => {}
            key => self.draft.note(path, value.at, reason(key)),
        }
    }

    /// A program, or in older files of Zed the program with all that belongs to it.
    fn command(&mut self, name: &str, value: &Node, path: &str) {
        if !matches!(value.data, Data::Mapping { .. }) {
            self.one(name, "command", value, path);
            return;
        }
        for Entry { key, value, .. } in value.entries() {
            let path = format!("{path}.{key}");
            match key.as_str() {
                _ if value.is_null() => {}
                "path" => self.one(name, "command", value, &path),
                "args" | "env" => self.setting(name, key, value, &path),
                _ => self.draft.note(&path, value.at, "means nothing to Gantry"),
            }
        }
    }

    /// Clients name the transport by several words; ours tells it by `command` or `url`.
    fn kind(&mut self, name: &str, value: &Node, path: &str) {
        let Some(kind) = self.draft.text(value, path) else { return };
        match kind {
            "stdio" | "http" | "streamable-http" | "streamableHttp" | "streamable_http"
            | "local" | "remote" => {}
            "sse" => {
                let transport = Node::new(Data::text("sse"), value.at);
                self.draft.set_server(name, "transport", transport, path);
            }
            _ => {
                let reason = "is no transport of Gantry; it is told by `command` or `url`";
                self.draft.note(path, value.at, reason);
            }
        }
    }

    fn timeout(&mut self, name: &str, value: &Node, path: &str) {
        let Some(text) = self.draft.text(value, path) else { return };
        match text.parse::<u64>() {
            Ok(number) => {
                let unit = if number <= MOST_SECONDS { "s" } else { "ms" };
                let timeout = Node::new(Data::text(format!("{number}{unit}")), value.at);
                self.draft.set_server(name, "timeout", timeout, path);
            }
            Err(_) => self.draft.wrong_kind(path, value, "a whole number"),
        }
    }

    fn one(&mut self, name: &str, key: &str, value: &Node, path: &str) {
        if let Some(text) = self.translated(value, path) {
            self.draft.set_server(name, key, text, path);
        }
    }

    fn texts(&mut self, name: &str, key: &str, value: &Node, path: &str) {
        let mut entries = Vec::new();
        for (index, entry) in self.draft.list(value, path).iter().enumerate() {
            entries.extend(self.translated(entry, &format!("{path}[{index}]")));
        }
        let list = Node::new(Data::Sequence { entries }, value.at);
        self.draft.set_server(name, key, list, path);
    }

    fn map(&mut self, name: &str, key: &str, value: &Node, path: &str) {
        if !matches!(value.data, Data::Mapping { .. }) {
            self.draft.wrong_kind(path, value, "a mapping");
        }
        let mut entries = Vec::new();
        for entry in value.entries() {
            let text = self.translated(&entry.value, &format!("{path}.{}", entry.key));
            entries.extend(
                text.map(|text| Entry { key_at: entry.key_at, ..Entry::new(&entry.key, text) }),
            );
        }
        let map = Node::new(Data::Mapping { entries, is_flow: false }, value.at);
        self.draft.set_server(name, key, map, path);
    }

    /// A text with the client's variables in our words.
    fn translated(&mut self, value: &Node, path: &str) -> Option<Node> {
        let text = self.draft.text(value, path)?;
        let text = self.clients.translate(text, path, value.at, self.draft);
        Some(Node::new(Data::text(text), value.at))
    }
}

fn reason(key: &str) -> &'static str {
    match key {
        "alwaysAllow" | "autoApprove" | "trust" => {
            "whether its user is asked is the client's matter, which goes on deciding it"
        }
        "envFile" => "files of variables are not read; put them into `env` or the environment",
        "dev" => "is for developing the server, in the editor",
        "settings" => "settings of an extension of the editor",
        "oauth" | "auth" | "authProviderType" => "signing in to servers comes later",
        "inputs" => "is named where it is used",
        _ => "means nothing to Gantry",
    }
}

/// A client runs the servers of a project in the project's folder.
fn run_in(server: &Server<'_>, folder: &FilePath, draft: &mut Draft<'_>) {
    let path = Path::root().key("servers").key(&server.name);
    if draft.get(&path.key("command")).is_some() && draft.get(&path.key("cwd")).is_none() {
        let text = folder.to_string_lossy().replace("${", "$${");
        let cwd = Node::new(Data::text(text), server.entry.at);
        draft.set_server(&server.name, "cwd", cwd, &server.path);
    }
}

/// Says of everything else that it is the client's own, in one line.
fn rest(root: &Node, servers: &str, draft: &mut Draft<'_>) {
    let first = servers.split('.').next().unwrap_or_default();
    let is_known =
        |key: &str| key == first || key == servers || key == "inputs" || key == "$schema";
    let others = root.entries().iter().filter(|entry| !is_known(&entry.key));
    let others: Vec<(String, Location)> =
        others.map(|entry| (entry.key.clone(), entry.key_at)).collect();
    for (key, at) in others {
        draft.note(&key, at, "is the client's own");
    }
}

fn is_of_project(path: &FilePath) -> bool {
    let folder = path.parent().and_then(FilePath::file_name);
    folder.is_some_and(|folder| PROJECT_FOLDERS.iter().any(|known| folder == *known))
}

/// The folder of the project whose file stands at `path`.
fn workspace(path: Option<&FilePath>) -> PathBuf {
    let folder = super::super::folder_of(path);
    if path.is_some_and(is_of_project) {
        return folder.parent().map(FilePath::to_owned).unwrap_or(folder);
    }
    folder
}
