//! `hooks`: what looks at calls of tools and at their results, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, PatternText};

/// What looks at calls of tools and at their results. Each hook does one thing, in the order in which
/// they are written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hooks {
    /// Hooks for calls: after access was decided, and before limits are counted. Since 0.1.
    pub requests: Vec<Hook>,
    /// Hooks for what servers answer, on the way to each caller. Since 0.1.
    pub results: Vec<Hook>,
}

/// A hook. Of each list that is not empty one entry must fit, and `when` must hold. It has one of
/// `deny`, `webhook` and `secret`, or `redact` and `redact_text`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hook {
    /// How it is called in refusals and records. Required. Since 0.1.
    pub name: Option<String>,
    /// Public names of tools, by pattern; every tool if there are none. Since 0.1.
    pub tools: Vec<PatternText>,
    /// Names of servers, by pattern; every server if there are none. Since 0.1.
    pub servers: Vec<PatternText>,
    /// A condition in CEL, of the call as it was sent, with the names of `access.rules[].when`; one that
    /// cannot be told holds. Since 0.1.
    pub when: Option<String>,
    /// Refuse, and tell the caller this reason. Since 0.1.
    pub deny: Option<String>,
    /// Put `[redacted]` in the place of what stands here: JSON pointers from the arguments on, or from
    /// `structuredContent` on and into texts that are JSON; `*` stands for any step. Since 0.1.
    pub redact: Vec<String>,
    /// Put `[redacted]` in the place of what fits this regular expression, in every text of the arguments
    /// or the result. Since 0.1.
    pub redact_text: Option<String>,
    /// Ask somebody else, over HTTP. Since 0.1.
    pub webhook: Option<Webhook>,
    /// Write the arguments (in `requests`) or the result (in `results`) nowhere: not into the audit
    /// trail, the tap or a log. Since 0.1.
    pub secret: bool,
}

/// Who is asked over HTTP.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Its address. Required. Since 0.1.
    pub url: Option<String>,
    /// The longest wait for a decision. Since 0.1.
    pub deadline: DurationText,
    /// What becomes of a call when there is no decision. Since 0.1.
    pub on_failure: HookFailure,
    /// What questions are signed with, in the header `X-Gantry-Signature`. Since 0.1.
    pub secret: Option<String>,
}

/// What becomes of a call when a webhook does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HookFailure {
    /// It is refused.
    #[default]
    Refuse,
    /// It goes on as it is.
    Pass,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: None,
            deadline: DurationText::from("1s"),
            on_failure: HookFailure::default(),
            secret: None,
        }
    }
}

impl std::fmt::Debug for Webhook {
    /// Leaves out the address and the secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Webhook")
            .field("on_failure", &self.on_failure)
            .finish_non_exhaustive()
    }
}
