//! The tree of our own shape that a foreign file becomes, while it is made.

use gantry_core::ErrorCode;
use serde_json::Value;

use super::super::path::Path;
use super::super::problem::{Problem, Report};
use super::super::shape;
use super::super::tree::{Data, Location, Node};
use super::note::Note;

/// What has been made so far.
pub(super) struct Draft<'a> {
    root: Node,
    pub(super) notes: Vec<Note>,
    pub(super) report: &'a mut Report,
    schema: Value,
}

impl<'a> Draft<'a> {
    pub(super) fn new(report: &'a mut Report) -> Self {
        Self {
            root: Node::nowhere(Data::empty_mapping()),
            notes: Vec::new(),
            report,
            schema: shape::inlined_schema(),
        }
    }

    pub(super) fn finish(self) -> (Node, Vec<Note>) {
        (self.root, self.notes)
    }

    /// Tells whether our configuration has this key.
    pub(super) fn knows(&self, key: &str) -> bool {
        shape::has_key(&self.schema, key)
    }

    /// Sets `key`, with dots between its parts, to what `origin` says elsewhere; where there is no
    /// such key yet, that is noted.
    pub(super) fn set(&mut self, key: &str, value: Node, origin: &str) -> bool {
        let at = value.at;
        if !self.knows(key) {
            self.note(origin, at, format!("comes later, with the key `{key}`"));
            return false;
        }
        let path = key.split('.').fold(Path::root(), |path, step| path.key(step));
        self.root.insert(&path, value)
    }

    /// Sets what stands at `path`, whose keys may be names with dots.
    pub(super) fn set_at(&mut self, path: &Path, value: Node) {
        self.root.insert(path, value);
    }

    /// Sets a key of a server.
    pub(super) fn set_server(&mut self, name: &str, key: &str, value: Node, origin: &str) {
        let at = value.at;
        if self.knows(&format!("servers.NAME.{key}")) {
            let path = Path::root().key("servers").key(name);
            let path = key.split('.').fold(path, |path, step| path.key(step));
            self.root.insert(&path, value);
        } else {
            self.note(origin, at, format!("comes later, with the key `servers.{name}.{key}`"));
        }
    }

    /// Makes the entry of a server, so that it is there even if nothing in it can be taken over.
    pub(super) fn begin_server(&mut self, name: &str, at: Location) {
        let path = Path::root().key("servers").key(name);
        self.root.insert(&path, Node::new(Data::empty_mapping(), at));
    }

    /// Returns what was set.
    pub(super) fn get(&self, path: &Path) -> Option<&Node> {
        self.root.find(path)
    }

    /// Says that a setting is not taken over as it stands.
    pub(super) fn note(&mut self, path: &str, at: Location, reason: impl Into<String>) {
        self.notes.push(Note::new(path, at, reason));
    }

    /// Says that a setting is of the wrong kind.
    pub(super) fn wrong_kind(&mut self, path: &str, node: &Node, expected: &str) {
        let shown = shape::shown(&Path::root().key(path), node);
        let message = format!("`{path}` must be {expected}, but is {shown}");
        let problem = Problem::new(ErrorCode::ConfigInvalidValue, &Path::root().key(path), message);
        self.report.push(problem.at(node.at));
    }

    /// Returns the text of a single value, or says that it is none.
    pub(super) fn text<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        if let Data::Scalar(scalar) = &node.data {
            return (!scalar.is_null()).then_some(scalar.text.as_str());
        }
        self.wrong_kind(path, node, "a single value");
        None
    }

    /// Returns the entries of a list, or says that it is none.
    pub(super) fn list<'n>(&mut self, node: &'n Node, path: &str) -> &'n [Node] {
        match &node.data {
            Data::Sequence { entries } => entries,
            Data::Scalar(scalar) if scalar.is_null() => &[],
            _ => {
                self.wrong_kind(path, node, "a list");
                &[]
            }
        }
    }

    /// Returns a truth value, or says that it is none.
    pub(super) fn flag(&mut self, node: &Node, path: &str) -> Option<bool> {
        match self.text(node, path)? {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.wrong_kind(path, node, "`true` or `false`");
                None
            }
        }
    }
}
