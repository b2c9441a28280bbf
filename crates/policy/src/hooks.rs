//! Hooks: what an operator lets look at calls of tools and at their results, and what becomes of these.
//!
//! Which hooks a tool has is told from its name and its server alone, once for each snapshot
//! ([`Hooks::of_tool`]); a tool without any costs one look. What a hook takes out is in [`Redaction`];
//! webhooks are asked by the gateway.
//!
//! Whatever cannot be told counts against the caller: a condition that fails holds.

mod redaction;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::access::{Arguments, Asker, Condition, ConditionError, Thing};
use crate::audit::chain::hex;
use crate::pattern::matches;
use crate::sha256::MacKey;

pub use redaction::{PatternError, Redaction};

/// What stands in the place of arguments and results that nobody may be shown.
pub const SECRET: &str = "[secret]";

/// Every hook as the configuration has it, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HooksSpec {
    /// For calls, before they are carried out.
    pub requests: Vec<HookSpec>,
    /// For what servers answer.
    pub results: Vec<HookSpec>,
}

/// One hook as the configuration has it. An empty list says nothing; every list that is not empty must
/// have an entry that fits, and the condition must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookSpec {
    /// How it is called in refusals and records.
    pub name: String,
    /// Patterns on public names of tools.
    pub tools: Vec<String>,
    /// Patterns on names of servers.
    pub servers: Vec<String>,
    /// A condition in CEL, of the call.
    pub when: Option<String>,
    /// What it does.
    pub action: Action,
}

/// What a hook does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It refuses, with this reason.
    Deny(String),
    /// It takes out what stands in these places, and what fits a pattern.
    Redact {
        /// JSON pointers (RFC 6901), in which `*` stands for any step.
        pointers: Vec<String>,
        /// A regular expression over texts.
        text: Option<String>,
    },
    /// It asks somebody else.
    Webhook(WebhookSpec),
    /// It keeps arguments or results out of everything that the gateway writes.
    Secret,
}

/// Who is asked over HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSpec {
    /// Where.
    pub url: String,
    /// The longest wait for a decision.
    pub deadline: Duration,
    /// Whether a call goes on when there is no decision.
    pub passes_on_failure: bool,
    /// What questions are signed with.
    pub secret: Option<String>,
}

/// Why a hook cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// Its condition is none.
    #[error("{0}")]
    Condition(#[from] ConditionError),
    /// Its pattern is none.
    #[error("{0}")]
    Pattern(#[from] PatternError),
}

/// Which hook cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadHook {
    /// Whether it is one of `results`.
    pub is_of_results: bool,
    /// Its place.
    pub index: usize,
    /// What is wrong with it.
    pub source: HookError,
}

/// Hooks that can be asked.
#[derive(Debug, Default)]
pub struct Hooks {
    spec: HooksSpec,
    requests: Vec<Arc<Hook>>,
    results: Vec<Arc<Hook>>,
}

/// One hook that can be asked.
#[derive(Debug)]
pub struct Hook {
    /// How it is called.
    pub name: Box<str>,
    /// What it does.
    pub act: Act,
    tools: Vec<String>,
    servers: Vec<String>,
    when: Option<Condition>,
}

/// What a hook does, ready to be done.
#[derive(Debug)]
pub enum Act {
    /// It refuses, with this reason.
    Deny(Box<str>),
    /// It takes something out.
    Redact(Redaction),
    /// It asks somebody else.
    Webhook(WebhookSpec),
    /// It is about what is written down, and does nothing to the call.
    Secret,
}

/// The hooks of one tool.
#[derive(Debug)]
pub struct ToolHooks {
    /// Its public name.
    pub tool: Arc<str>,
    /// The endpoint at which it is offered.
    pub view: Box<str>,
    /// What looks at its calls.
    pub requests: Vec<Arc<Hook>>,
    /// What looks at its results.
    pub results: Vec<Arc<Hook>>,
    /// What of it nobody may be shown.
    pub secrecy: Secrecy,
}

/// What of a call the gateway writes nowhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Secrecy {
    /// Its arguments.
    pub arguments: bool,
    /// What its server says while it runs, and its result.
    pub result: bool,
}

// === impl Hooks ===

impl Hooks {
    /// Compiles what the configuration says.
    ///
    /// # Errors
    ///
    /// Every hook whose condition or pattern cannot be used.
    pub fn compile(spec: HooksSpec) -> Result<Self, Vec<BadHook>> {
        let mut errors = Vec::new();
        let mut take = |is_of_results: bool, written: &[HookSpec]| {
            let mut hooks = Vec::with_capacity(written.len());
            for (index, hook) in written.iter().enumerate() {
                match Hook::compile(hook) {
                    Ok(hook) => hooks.push(Arc::new(hook)),
                    Err(source) => errors.push(BadHook { is_of_results, index, source }),
                }
            }
            hooks
        };
        let (requests, results) = (take(false, &spec.requests), take(true, &spec.results));
        if errors.is_empty() { Ok(Self { spec, requests, results }) } else { Err(errors) }
    }

    /// Returns what it was compiled from.
    pub fn spec(&self) -> &HooksSpec {
        &self.spec
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.results.is_empty()
    }

    /// Returns the hooks of a tool by its public name, its server and the endpoint; `None` if it has
    /// none.
    pub fn of_tool(&self, tool: &str, server: &str, view: &str) -> Option<Arc<ToolHooks>> {
        let own = |hooks: &[Arc<Hook>]| {
            let own = hooks.iter().filter(|hook| hook.is_about(tool, server));
            let (secret, own): (Vec<_>, Vec<_>) =
                own.cloned().partition(|hook| matches!(hook.act, Act::Secret));
            (own, !secret.is_empty())
        };
        let ((requests, arguments), (results, result)) = (own(&self.requests), own(&self.results));
        let secrecy = Secrecy { arguments, result };
        if requests.is_empty() && results.is_empty() && secrecy == Secrecy::default() {
            return None;
        }
        Some(Arc::new(ToolHooks {
            tool: tool.into(),
            view: view.into(),
            requests,
            results,
            secrecy,
        }))
    }
}

impl PartialEq for Hooks {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl Eq for Hooks {}

// === impl ToolHooks ===

impl ToolHooks {
    /// Tells whether any of them does something to a call or a result.
    pub fn act(&self) -> bool {
        !self.requests.is_empty() || !self.results.is_empty()
    }
}

// === impl Hook ===

impl Hook {
    fn compile(spec: &HookSpec) -> Result<Self, HookError> {
        let act = match &spec.action {
            Action::Deny(reason) => Act::Deny(reason.as_str().into()),
            Action::Redact { pointers, text } => {
                Act::Redact(Redaction::new(pointers, text.as_deref())?)
            }
            Action::Webhook(webhook) => Act::Webhook(webhook.clone()),
            Action::Secret => Act::Secret,
        };
        Ok(Self {
            name: spec.name.as_str().into(),
            act,
            tools: spec.tools.clone(),
            servers: spec.servers.clone(),
            when: spec.when.as_deref().map(Condition::compile).transpose()?,
        })
    }

    fn is_about(&self, tool: &str, server: &str) -> bool {
        let any = |patterns: &[String], text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, text))
        };
        any(&self.tools, tool) && any(&self.servers, server)
    }

    /// Tells whether it acts on a call; the error is why its condition could not be told, in which
    /// case it must be taken to act.
    ///
    /// # Errors
    ///
    /// What the evaluation said.
    pub fn acts(
        &self,
        asker: &Asker<'_>,
        thing: &Thing<'_>,
        arguments: &Arguments,
    ) -> Result<bool, String> {
        match &self.when {
            None => Ok(true),
            Some(when) => when.asks(asker, thing, arguments),
        }
    }
}

// === impl WebhookSpec ===

impl WebhookSpec {
    /// Signs a question: HMAC-SHA-256 in hexadecimal, over the unix seconds at which it is asked, a
    /// point, and its bytes. `None` if it is not signed.
    pub fn signature(&self, unix_seconds: u64, body: &[u8]) -> Option<String> {
        let secret = self.secret.as_deref()?;
        let key = MacKey::new(secret.as_bytes());
        Some(hex(&key.sign(&[unix_seconds.to_string().as_bytes(), b".", body])))
    }
}

impl fmt::Debug for WebhookSpec {
    /// Leaves out the address, in which people put tokens, and the secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WebhookSpec")
            .field("deadline", &self.deadline)
            .field("passes_on_failure", &self.passes_on_failure)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
