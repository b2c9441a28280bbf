//! What a scripted upstream does: a description that can be built up and changed.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value, json};

use super::{Scripted, answer::Answer, log::Seen};

type Handler = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;
type First = Arc<dyn Fn(&Seen) -> Option<Answer> + Send + Sync>;
type Acknowledge = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// A description of a server. Each method adds to it or replaces what was said before.
#[derive(Clone)]
pub(crate) struct Script {
    /// Newest first.
    pub(super) revisions: Vec<String>,
    pub(super) sessions: bool,
    pub(super) get_stream: bool,
    pub(super) sse: bool,
    pub(super) capabilities: Option<Value>,
    pub(super) hints: (u64, String),
    pub(super) tools: Vec<Item>,
    pub(super) resources: Vec<Item>,
    pub(super) prompts: Vec<Item>,
    pub(super) templates: Vec<Value>,
    pub(super) acknowledge: Option<Acknowledge>,
    handlers: Vec<(String, Handler)>,
    first: Vec<First>,
}

/// Something in a list, and what is answered when it is asked for.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) key: String,
    pub(super) definition: Value,
    pub(super) handler: Handler,
}

impl Script {
    pub(super) fn new(revisions: &[&str]) -> Self {
        Self {
            revisions: revisions.iter().map(|&revision| revision.to_owned()).collect(),
            sessions: true,
            get_stream: true,
            sse: false,
            capabilities: None,
            hints: (0, "private".to_owned()),
            tools: Vec::new(),
            resources: Vec::new(),
            prompts: Vec::new(),
            templates: Vec::new(),
            acknowledge: None,
            handlers: Vec::new(),
            first: Vec::new(),
        }
    }

    /// Whether it speaks no legacy revision.
    pub(crate) fn is_modern_alone(&self) -> bool {
        !self.speaks_legacy()
    }

    /// Starts it on a port of its own.
    pub(crate) async fn start(self) -> Scripted {
        Scripted::start(self).await
    }

    /// A tool. The definition lacks nothing but what matters: `name` and an empty `inputSchema`
    /// are added.
    pub(crate) fn tool(
        self,
        name: &str,
        definition: Value,
        handler: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let mut whole = json!({ "name": name, "inputSchema": { "type": "object" } });
        merge(&mut whole, definition);
        let mut this = self.without_tool(name);
        this.tools.push(Item::new(name, whole, handler));
        this
    }

    /// Takes a tool away.
    pub(crate) fn without_tool(mut self, name: &str) -> Self {
        self.tools.retain(|item| item.key != name);
        self
    }

    /// A resource; `uri` and `name` are added to the definition. The handler answers
    /// `resources/read`.
    pub(crate) fn resource(
        mut self,
        uri: &str,
        definition: Value,
        handler: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let mut whole = json!({ "uri": uri, "name": uri });
        merge(&mut whole, definition);
        self.resources.retain(|item| item.key != uri);
        self.resources.push(Item::new(uri, whole, handler));
        self
    }

    /// A resource template.
    pub(crate) fn template(mut self, definition: Value) -> Self {
        self.templates.push(definition);
        self
    }

    /// A prompt; `name` is added to the definition. The handler answers `prompts/get`.
    pub(crate) fn prompt(
        mut self,
        name: &str,
        definition: Value,
        handler: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let mut whole = json!({ "name": name });
        merge(&mut whole, definition);
        self.prompts.retain(|item| item.key != name);
        self.prompts.push(Item::new(name, whole, handler));
        self
    }

    /// Answers a method, whatever else is described. Notifications can be handled too; what is
    /// returned for them matters only if it is an HTTP response.
    pub(crate) fn on(
        mut self,
        method: &str,
        handler: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.handlers.retain(|(known, _)| known != method);
        self.handlers.push((method.to_owned(), Arc::new(handler)));
        self
    }

    /// Looks at every HTTP request first, GET and DELETE included, and may answer it.
    pub(crate) fn first(
        mut self,
        first: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        self.first.push(Arc::new(first));
        self
    }

    /// What it offers, instead of what follows from its tools, resources and prompts.
    pub(crate) fn capabilities(mut self, capabilities: Value) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// A legacy server without sessions.
    pub(crate) fn without_sessions(mut self) -> Self {
        self.sessions = false;
        self
    }

    /// A legacy server that answers GET by 405.
    pub(crate) fn without_get_stream(mut self) -> Self {
        self.get_stream = false;
        self
    }

    /// A legacy server that speaks HTTP+SSE, the transport of 2024-11-05, and nothing else: POST is
    /// answered by 405.
    pub(crate) fn over_sse(mut self) -> Self {
        self.sse = true;
        self
    }

    /// `ttlMs` and `cacheScope` of a modern server's lists and resources; 0 and `private` unless
    /// said otherwise.
    pub(crate) fn hints(mut self, ttl_ms: u64, scope: &str) -> Self {
        self.hints = (ttl_ms, scope.to_owned());
        self
    }

    /// What of the filter of a `subscriptions/listen` is honoured; all of it unless said otherwise.
    pub(crate) fn acknowledge(
        mut self,
        acknowledge: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.acknowledge = Some(Arc::new(acknowledge));
        self
    }

    /// What is answered before anything is looked at.
    pub(super) fn first_answer(&self, seen: &Seen) -> Answer {
        self.first.iter().find_map(|first| first(seen)).unwrap_or(Answer::Default)
    }

    /// What is scripted for a method.
    pub(super) fn scripted(&self, seen: &Seen) -> Answer {
        let method = seen.method();
        let handler = self.handlers.iter().find(|(known, _)| known == method);
        handler.filter(|_| !method.is_empty()).map_or(Answer::Default, |(_, handler)| handler(seen))
    }
}

impl Item {
    fn new(
        key: &str,
        definition: Value,
        handler: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self { key: key.to_owned(), definition, handler: Arc::new(handler) }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Script").field("revisions", &self.revisions).finish_non_exhaustive()
    }
}

/// Puts the members of one object into another.
fn merge(into: &mut Value, from: Value) {
    let members = match from {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (name, value) in members {
        into[name] = value;
    }
}
