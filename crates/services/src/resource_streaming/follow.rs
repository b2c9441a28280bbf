//! Following a call: its progress and its thoughts, as they come, into the journal of its caller.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::journal::{Entry, Thought, kept};
use crate::context::{CallLink, Context, Sampling};
use crate::ports::PortError;

/// The link of a call that is followed: what goes to the caller goes on to it.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) question_id: String,
    entries: AtomicUsize,
    thoughts: AtomicUsize,
    told: AtomicUsize,
}

/// What was written and told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    pub(super) entries: usize,
    pub(super) thoughts: usize,
    pub(super) told: usize,
}

impl<'a> Follower<'a> {
    /// Begins to follow a call.
    pub(super) fn new(context: &'a Context<'a>, question_id: String) -> Self {
        Self {
            context,
            question_id,
            entries: AtomicUsize::new(0),
            thoughts: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
        }
    }

    /// Writes an entry into the log.
    pub(super) fn note(&self, stage: &'static str, message: String) {
        let context = self.context;
        let at = context.ports().clock.unix_seconds();
        let entry = Entry { at, question_id: self.question_id.clone(), stage, message };
        let told = context.services.streaming().note(context.ports(), context.principal, entry);
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.told.fetch_add(told, Ordering::Relaxed);
    }

    /// Tells what was written and told until now.
    pub(super) fn figures(&self) -> Figures {
        let read = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        Figures {
            entries: read(&self.entries),
            thoughts: read(&self.thoughts),
            told: read(&self.told),
        }
    }
}

impl CallLink for Follower<'_> {
    fn is_cancelled(&self) -> bool {
        self.context.link.is_cancelled()
    }

    /// The journal does, whether the caller does or not.
    fn wants_progress(&self) -> bool {
        true
    }

    fn progress(&self, done: f64, total: f64, message: &str) {
        self.note("progress", format!("{message} ({done} of {total})"));
        if self.context.link.wants_progress() {
            self.context.link.progress(done, total, message);
        }
    }

    fn notify(&self, method: &str, params: &Value) {
        self.context.link.notify(method, params);
    }

    fn thought(&self, skill: &'static str, request: &Value, answer: &Value) {
        let context = self.context;
        let thought = Thought {
            at: context.ports().clock.unix_seconds(),
            question_id: self.question_id.clone(),
            skill,
            request: kept(request),
            answer: kept(answer),
        };
        let told = context.services.streaming().think(context.ports(), context.principal, thought);
        self.thoughts.fetch_add(1, Ordering::Relaxed);
        self.told.fetch_add(told, Ordering::Relaxed);
    }

    fn sample(&self, question: &Sampling<'_>) -> Result<String, PortError> {
        self.context.link.sample(question)
    }
}
