//! What is sent again, when and how often.
//!
//! Only what may be carried out twice is repeated, and only while nothing of the first attempt has
//! reached the client: progress, a log message or a question would come twice.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gantry_core::{BoxFuture, CallContext, ClientLink, Outcome, Provider, ProviderError, Request};
use gantry_policy::retry::Budget;
use gantry_protocol::{Message, Object, RpcError, method};
use tokio::time::Instant;

use super::spec::{Repeats, RetrySpec};

/// Why a server cannot be asked, where a moment later it may be.
const PASSING: [&str; 3] = ["upstream_lost", "upstream_unreachable", "session_gone"];
/// Why it cannot, where asking again changes nothing.
const LASTING: [&str; 6] =
    ["disabled", "stopped", "stopping", "crash_loop", "message_too_large", "upstream_unauthorized"];

/// How calls of one kind are repeated.
#[derive(Debug)]
pub(super) struct Repetition {
    pub(super) spec: RetrySpec,
    budget: Budget,
}

/// The attempts of one call.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    how: &'a Repetition,
    /// Whether it may be carried out twice, if that is known without asking the offer.
    trusts: bool,
    made: u32,
    begun: Instant,
}

/// The way back to a client, on which it is seen whether anything went.
#[derive(Debug)]
pub(crate) struct SeenLink {
    inner: Arc<dyn ClientLink>,
    has_spoken: AtomicBool,
}

// === impl Repetition ===

impl Repetition {
    pub(super) fn new(spec: RetrySpec) -> Self {
        Self { spec, budget: Budget::new(spec.settings.budget_permille) }
    }
}

// === impl Attempts ===

impl<'a> Attempts<'a> {
    /// Begins to count the attempts of a call. `trusts` says whether the server's word on its tools
    /// is taken.
    pub(super) fn new(how: &'a Repetition, trusts: bool) -> Self {
        how.budget.save();
        Self { how, trusts, made: 0, begun: Instant::now() }
    }

    /// Tells whether the call is to be made once more, after the pause that comes before that.
    pub(crate) async fn again(
        &mut self,
        provider: &dyn Provider,
        (request, tool): (&Request, &str),
        seen: &SeenLink,
        outcome: &Result<Outcome, ProviderError>,
    ) -> bool {
        self.made += 1;
        let settings = &self.how.spec.settings;
        if self.made >= settings.attempts || seen.has_spoken() {
            return false;
        }
        let may = match outcome {
            Err(ProviderError::Unavailable { unsent: true, reason, .. })
                if PASSING.contains(reason) =>
            {
                true
            }
            Err(ProviderError::Unavailable { reason, .. }) if !LASTING.contains(reason) => {
                self.may_run_twice(provider, request, tool)
            }
            Err(ProviderError::TimedOut { .. }) => self.may_run_twice(provider, request, tool),
            _ => false,
        };
        // Keys of hash maps are random enough to spread those who failed together.
        let chance = RandomState::new().build_hasher().finish();
        let pause = settings.pause(self.made, chance);
        if !may || self.begun.elapsed() + pause > settings.within || !self.how.budget.spend() {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }

    fn may_run_twice(&self, provider: &dyn Provider, request: &Request, tool: &str) -> bool {
        match self.how.spec.repeats {
            Repeats::Always => true,
            Repeats::Safe if !self.trusts => false,
            Repeats::Safe => match request.message.method() {
                method::TOOLS_CALL => {
                    let offer = provider.offer().load();
                    let item = offer.tools.iter().find(|item| *item.name == *tool);
                    item.is_some_and(|item| is_repeatable(&item.raw))
                }
                method::RESOURCES_READ | method::PROMPTS_GET | method::COMPLETION_COMPLETE => true,
                _ => false,
            },
        }
    }
}

/// Tells whether a tool's definition says that it may run twice.
fn is_repeatable(definition: &[u8]) -> bool {
    let member = |raw: &[u8], name: &str| -> Option<Vec<u8>> {
        Object::read(raw, 0..raw.len()).ok()?.raw(raw, name).map(<[u8]>::to_vec)
    };
    let Some(annotations) = member(definition, "annotations") else { return false };
    let says = |name: &str| member(&annotations, name).as_deref() == Some(b"true");
    says("readOnlyHint") || says("idempotentHint")
}

// === impl SeenLink ===

impl SeenLink {
    /// Returns a context in which it is seen whether the client heard anything.
    pub(crate) fn around(context: &CallContext) -> (Arc<Self>, CallContext) {
        let inner = Arc::clone(&context.client);
        let link = Arc::new(Self { inner, has_spoken: AtomicBool::new(false) });
        let context =
            CallContext { client: Arc::clone(&link) as Arc<dyn ClientLink>, ..context.clone() };
        (link, context)
    }

    fn has_spoken(&self) -> bool {
        self.has_spoken.load(Ordering::Relaxed)
    }
}

impl ClientLink for SeenLink {
    fn wants_progress(&self) -> bool {
        self.inner.wants_progress()
    }

    fn notify(&self, notification: &Message) {
        self.has_spoken.store(true, Ordering::Relaxed);
        self.inner.notify(notification);
    }

    fn ask<'a>(&'a self, request: &'a Message) -> BoxFuture<'a, Result<Message, RpcError>> {
        self.has_spoken.store(true, Ordering::Relaxed);
        self.inner.ask(request)
    }
}

#[cfg(test)]
mod tests {
    use super::is_repeatable;

    #[test]
    fn a_tool_is_repeated_when_it_says_so_in_plain_words() {
        let says = |text: &str| is_repeatable(text.as_bytes());
        assert!(says(r#"{"name":"a","annotations":{"readOnlyHint":true}}"#));
        assert!(says(r#"{"annotations":{"idempotentHint": true,"readOnlyHint":false}}"#));
        assert!(!says(r#"{"annotations":{"readOnlyHint":"true"}}"#));
        assert!(!says(r#"{"annotations":{"readOnlyHint":false}}"#));
        assert!(!says(r#"{"readOnlyHint":true}"#));
        assert!(!says(r#"{"name":"a"}"#));
    }
}
