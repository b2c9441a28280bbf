//! A source: something that the operator named, and what is known of it.

use std::time::Duration;

use gantry_services::ports::SourceState;
use gantry_services::resource_streaming::{ChangeType, SOURCES};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::look::{self, Content, Seen, World};
use crate::config::{SourceKind, SourceSpec};

/// How old an answer may be that readers get instead of a request each.
const FRESH: Duration = Duration::from_secs(1);

/// A source.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) spec: SourceSpec,
    /// The resource that it is.
    pub(super) uri: String,
    state: Mutex<State>,
    /// One reader at a time asks a URL; the others wait for what it finds.
    answer: tokio::sync::Mutex<Option<(Instant, Option<Content>)>>,
}

#[derive(Debug, Default)]
struct State {
    /// What the last look found; `None` before the first.
    seen: Option<Seen>,
    looks: u64,
    changes: u64,
    errors: u64,
    last_error: Option<String>,
}

impl Source {
    pub(super) fn new(spec: &SourceSpec) -> Self {
        Self {
            spec: spec.clone(),
            uri: format!("{SOURCES}{}", spec.name),
            state: Mutex::default(),
            answer: tokio::sync::Mutex::default(),
        }
    }

    /// Begins to look: what it was before nobody looked is forgotten.
    pub(super) fn begin(&self) {
        self.state.lock().seen = None;
    }

    /// Looks at it; tells how it changed since the last look. What cannot be read has not changed.
    pub(super) async fn look(&self, world: &World) -> Option<ChangeType> {
        let before = self.state.lock().seen.clone();
        let found = look::look(&self.spec.kind, world, before.as_ref()).await;
        let mut state = self.state.lock();
        state.looks += 1;
        match found {
            Ok(now) => {
                let change = before.and_then(|before| before.change(&now));
                state.changes += u64::from(change.is_some());
                state.seen = Some(now);
                state.last_error = None;
                change
            }
            Err(error) => {
                state.errors += 1;
                if state.last_error.as_ref() != Some(&error) {
                    gantry_core::log::warn!(source = %self.spec.name, %error, "A source cannot be read.");
                }
                state.last_error = Some(error);
                None
            }
        }
    }

    /// Reads it; `None` if it is not there.
    pub(super) async fn read(&self, world: &World) -> Result<Option<Content>, String> {
        if !matches!(self.spec.kind, SourceKind::Url { .. }) {
            return look::read(&self.spec.kind, world).await;
        }
        let mut answer = self.answer.lock().await;
        if let Some((at, content)) = &*answer
            && at.elapsed() < FRESH
        {
            return Ok(content.clone());
        }
        let content = look::read(&self.spec.kind, world).await?;
        *answer = Some((Instant::now(), content.clone()));
        Ok(content)
    }

    /// Tells what is known of it.
    pub(super) fn state(&self, watched: bool) -> SourceState {
        let state = self.state.lock();
        SourceState {
            name: self.spec.name.clone(),
            resource_uri: self.uri.clone(),
            kind: self.spec.kind.name(),
            interval_seconds: self.spec.interval.as_secs_f64(),
            watched,
            looks: state.looks,
            changes: state.changes,
            errors: state.errors,
            last_error: state.last_error.clone(),
        }
    }
}
