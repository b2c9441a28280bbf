//! What a tool knows of the call that it carries out.

use std::fmt::Debug;

use gantry_core::Principal;
use serde_json::Value;

use crate::error::ToolError;
use crate::ports::{PortError, Ports};
use crate::service::Service;
use crate::services::Services;
use crate::usage::Usage;

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Where what outlives a call is kept.
    pub services: &'a Services,
    /// The service that is called.
    pub service: &'static Service,
    /// Who calls. What is kept for one principal is never shown to another.
    pub principal: &'a Principal,
    /// The way back to the caller.
    pub link: &'a dyn CallLink,
}

/// The way from a running call back to its caller.
///
/// Tools run off the threads that carry requests, so [`CallLink::sample`] may wait.
pub trait CallLink: Send + Sync + Debug {
    /// Tells whether the caller took the call back. Cheap: asked every few thousand steps.
    fn is_cancelled(&self) -> bool;

    /// Tells whether the caller wants progress.
    fn wants_progress(&self) -> bool;

    /// Tells the caller how far the call is; never waits.
    fn progress(&self, done: f64, total: f64, message: &str);

    /// Sends the caller a notification; never waits, and may be lost.
    fn notify(&self, method: &str, params: &Value);

    /// Tells of a step of reasoning: what was asked of a skill, and what it answered. For whoever
    /// follows the call; most do not.
    fn thought(&self, _skill: &'static str, _request: &Value, _answer: &Value) {}

    /// Asks the caller's own model (MCP, sampling), within the time limit of the call.
    fn sample(&self, question: &Sampling<'_>) -> Result<String, PortError>;
}

/// A question to the caller's own model.
#[derive(Debug, Clone, Copy)]
pub struct Sampling<'a> {
    /// What the model is to be.
    pub system: &'a str,
    /// The question.
    pub prompt: &'a str,
    /// The most tokens of the answer.
    pub max_tokens: u32,
}

/// The link of calls that nobody waits for: examples, tests, measurements.
#[derive(Debug, Clone, Copy)]
pub struct NoLink;

// === impl Context ===

impl Context<'_> {
    /// Ends the call if the caller took it back. Long loops ask this every few thousand steps.
    pub fn check(&self) -> Result<(), ToolError> {
        if self.link.is_cancelled() { Err(ToolError::Cancelled) } else { Ok(()) }
    }

    /// Tells a caller who wants to know how far the call is, and ends it if they took it back.
    pub fn progress(&self, done: usize, total: usize, message: &str) -> Result<(), ToolError> {
        self.check()?;
        if self.link.wants_progress() {
            #[expect(clippy::cast_precision_loss, reason = "progress needs no more than 53 bits")]
            self.link.progress(done as f64, total as f64, message);
        }
        Ok(())
    }

    /// Returns what the service gets from outside.
    pub fn ports(&self) -> &Ports {
        self.services.ports()
    }

    /// Returns the owner of what is recorded for the caller. No issuer has a space in its name.
    pub(crate) fn owner(&self) -> String {
        format!("{} {}", self.principal.issuer, self.principal.subject)
    }

    /// Returns what was called before.
    pub(crate) fn usage(&self) -> &Usage {
        self.services.usage()
    }
}

// === impl NoLink ===

impl CallLink for NoLink {
    fn is_cancelled(&self) -> bool {
        false
    }

    fn wants_progress(&self) -> bool {
        false
    }

    fn progress(&self, _: f64, _: f64, _: &str) {}

    fn notify(&self, _: &str, _: &Value) {}

    fn sample(&self, _: &Sampling<'_>) -> Result<String, PortError> {
        Err(PortError::new("the caller has no model that could be asked"))
    }
}
