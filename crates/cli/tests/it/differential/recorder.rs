//! An upstream that answers from the corpus and keeps every byte that it is sent: over HTTP, and
//! behind the pipes of a child.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    corpus::{self, Case, Era, Step},
    json::{is_response, raw, string},
};
use crate::support::{
    relay::{Child, Relay},
    scripted::{Answer, Script, Scripted, Seen},
    wait::soon,
};

/// What an upstream is, and what it saw.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) era: Era,
    pub(super) revision: &'static str,
    /// What a list is answered, by its method.
    lists: HashMap<String, Arc<Case>>,
    case: Mutex<Option<Arc<Case>>>,
    saw: watch::Sender<Vec<Saw>>,
}

/// A message that the upstream saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Saw {
    pub(super) text: String,
    /// The headers that speak of it, over HTTP.
    pub(super) headers: Vec<(String, String)>,
}

/// What is done about a message.
enum Reaction {
    /// It belongs to no case: what a plain server does.
    Plain,
    /// Nothing is answered.
    Nothing,
    /// The case is carried out.
    Case(Arc<Case>),
}

impl Recorder {
    pub(super) fn new(era: Era, revision: &'static str) -> Arc<Self> {
        let cases = corpus::of(era);
        let lists = cases.into_iter().filter(Case::is_list);
        Arc::new(Self {
            era,
            revision,
            lists: lists.map(|case| (case.method(), Arc::new(case))).collect(),
            case: Mutex::default(),
            saw: watch::Sender::default(),
        })
    }

    /// Carries out this case from now on, and forgets what it saw.
    pub(super) fn begin(&self, case: &Arc<Case>) {
        *self.case.lock() = Some(Arc::clone(case));
        self.saw.send_replace(Vec::new());
    }

    /// What it saw of the case, in order.
    pub(super) fn saw(&self) -> Vec<Saw> {
        self.saw.borrow().clone()
    }

    /// Waits until it saw that many messages of the case.
    pub(super) async fn wait_for(&self, count: usize) {
        let mut saw = self.saw.subscribe();
        let waiting = saw.wait_for(|saw| saw.len() >= count);
        let seen = soon(&format!("{count} messages at the upstream"), waiting).await;
        drop(seen.expect("the recorder holds its own sender"));
    }

    fn react(&self, text: &str, headers: Vec<(String, String)>) -> Reaction {
        let method = string(text, &["method"]).unwrap_or_default();
        let case = self.case.lock().clone();
        let of_case = case.filter(|case| {
            let answers = is_response(text) && case.asks();
            answers || (!method.is_empty() && case.method() == method)
        });
        if of_case.is_some() {
            self.saw.send_modify(|saw| saw.push(Saw { text: text.to_owned(), headers }));
        }
        if is_response(text) {
            return Reaction::Nothing;
        }
        match (self.lists.get(&method), of_case) {
            (Some(list), _) => Reaction::Case(Arc::clone(list)),
            (None, Some(case)) => Reaction::Case(case),
            (None, None) => Reaction::Plain,
        }
    }

    /// Waits until the client answered one more of our questions.
    async fn answered(&self, before: usize) {
        let mut saw = self.saw.subscribe();
        let waiting =
            saw.wait_for(|saw| saw.iter().filter(|saw| is_response(&saw.text)).count() > before);
        drop(soon("an answer to a question", waiting).await);
    }

    fn answers(&self) -> usize {
        self.saw.borrow().iter().filter(|saw| is_response(&saw.text)).count()
    }

    // === over HTTP ===

    pub(super) async fn http(self: &Arc<Self>) -> Scripted {
        let script = match self.era {
            Era::Legacy => Scripted::legacy(self.revision),
            Era::Modern => Scripted::modern(),
        };
        let recorder = Arc::clone(self);
        let script: Script = script.capabilities(capabilities());
        script.first(move |seen| recorder.answer(seen)).start().await
    }

    fn answer(self: &Arc<Self>, seen: &Seen) -> Option<Answer> {
        if seen.verb != "POST" {
            return None;
        }
        let text = String::from_utf8_lossy(&seen.body).into_owned();
        let case = match self.react(&text, headers_of(seen)) {
            Reaction::Plain => return None,
            Reaction::Nothing => return Some(Answer::status(202)),
            Reaction::Case(case) => case,
        };
        let Some(answer) = case.answer.as_ref().map(|answer| respond(answer, &text)) else {
            return Some(Answer::status(202));
        };
        if case.steps.is_empty() && !case.stream {
            return Some(Answer::body(case.answers.unwrap_or(200), "application/json", answer));
        }
        let recorder = Arc::clone(self);
        Some(Answer::talk(async move |talk| {
            for step in &case.steps {
                match step {
                    Step::Say(said) => talk.raw(event(&respond(said, &text))).await,
                    Step::Ask(asked) => {
                        let before = recorder.answers();
                        talk.raw(event(asked)).await;
                        recorder.answered(before).await;
                    }
                    Step::Reply(_) => {}
                }
            }
            talk.raw(event(&answer)).await;
            // Nothing more: the stream ends.
            Answer::status(200)
        }))
    }

    // === as a child ===

    pub(super) async fn child(self: &Arc<Self>) -> Relay {
        let recorder = Arc::clone(self);
        Relay::start(move |line, child| Arc::clone(&recorder).hear(line, child)).await
    }

    async fn hear(self: Arc<Self>, line: String, child: Child) {
        // That nobody reads any more ends this by itself.
        let say = async |text: &str| {
            let _ = child.say(&text.replace(['\n', '\r'], " ")).await;
        };
        let case = match self.react(&line, Vec::new()) {
            Reaction::Plain => {
                if let Some(answer) = self.plain(&line) {
                    say(&answer).await;
                }
                return;
            }
            Reaction::Nothing => return,
            Reaction::Case(case) => case,
        };
        for step in &case.steps {
            match step {
                Step::Say(said) => say(&respond(said, &line)).await,
                Step::Ask(asked) => {
                    let before = self.answers();
                    say(asked).await;
                    self.answered(before).await;
                }
                Step::Reply(_) => {}
            }
        }
        if let Some(answer) = &case.answer {
            say(&respond(answer, &line)).await;
        }
    }

    /// What a plain server of this era answers to what is no case.
    fn plain(&self, line: &str) -> Option<String> {
        let id = raw(line, &["id"])?;
        let method = string(line, &["method"])?;
        let result = match (self.era, &*method) {
            (Era::Modern, "server/discover") => json!({
                "resultType": "complete", "supportedVersions": [self.revision],
                "capabilities": capabilities(), "ttlMs": 0, "cacheScope": "private",
            }),
            (Era::Legacy, "initialize") => json!({
                "protocolVersion": self.revision, "capabilities": capabilities(),
                "serverInfo": { "name": "recorder", "version": "1" },
            }),
            (Era::Legacy, "ping" | "logging/setLevel") => json!({}),
            (Era::Legacy, "resources/subscribe" | "resources/unsubscribe") => json!({}),
            _ => {
                let error = r#"{"code":-32601,"message":"method not found"}"#;
                return Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
            }
        };
        Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
    }
}

fn capabilities() -> Value {
    json!({
        "tools": { "listChanged": true },
        "prompts": { "listChanged": true },
        "resources": { "listChanged": true, "subscribe": true },
        "completions": {},
        "logging": {},
    })
}

/// Fills in what depends on the request.
fn respond(template: &str, request: &str) -> String {
    let id = raw(request, &["id"]).unwrap_or("null");
    let token = raw(request, &["params", "_meta", "progressToken"]).unwrap_or("null");
    template.replace("$ID", id).replace("$TOKEN", token)
}

/// One event with a message of any number of lines.
fn event(message: &str) -> String {
    let lines: Vec<_> = message.split('\n').map(|line| format!("data: {line}\n")).collect();
    format!("event: message\n{}\n", lines.concat())
}

/// The headers that speak of the message. Those that name a session or a machine cannot be equal.
fn headers_of(seen: &Seen) -> Vec<(String, String)> {
    let mut headers: Vec<_> = seen
        .headers
        .iter()
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .filter(|(name, _)| name.starts_with("mcp-") && name != "mcp-session-id")
        .collect();
    headers.sort();
    headers
}
