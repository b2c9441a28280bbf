//! `access`: who may do what, as it is written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, PatternText};

/// Who may do what. Without this section everybody who may use the gateway may do everything that
/// their credential allows.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// What applies when no rule matches. Since 0.1.
    pub default: AccessDefault,
    /// What the principals of a role are limited to: scopes, such as `mcp:read` or
    /// `tools:git__*:call`. Since 0.1.
    pub roles: IndexMap<String, Vec<String>>,
    /// The rules, looked at from the first to the last; the first that matches decides. Since 0.1.
    pub rules: Vec<Rule>,
    /// Calls that the caller's user has to approve. Since 0.1.
    pub approval: Approval,
}

/// What applies when no rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccessDefault {
    /// The request is carried out.
    #[default]
    Allow,
    /// The request is refused, and what it asks for is not shown.
    Deny,
}

/// A rule. A list that is left out says nothing; of each other one an entry must fit, and `when`
/// must hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// How the rule is called in explanations and records. Required. Since 0.1.
    pub name: Option<String>,
    /// What becomes of a request that the rule matches. Required. Since 0.1.
    pub effect: Option<RuleEffect>,
    /// Public names of tools, by pattern. A rule with `tools`, `prompts` or `resources` is about
    /// those alone. Since 0.1.
    pub tools: Vec<PatternText>,
    /// Public names of prompts, by pattern. Since 0.1.
    pub prompts: Vec<PatternText>,
    /// URIs of resources, by pattern. Since 0.1.
    pub resources: Vec<PatternText>,
    /// Names of servers, by pattern. Since 0.1.
    pub servers: Vec<PatternText>,
    /// Endpoints, by pattern: the name below `/mcp/`, an empty text for `/mcp` itself. Since 0.1.
    pub views: Vec<String>,
    /// Principals, by pattern: `NAME` for one of this file, `ISSUER#SUBJECT` for one that an issuer
    /// vouches for. Since 0.1.
    pub principals: Vec<PatternText>,
    /// Roles, of which the principal must have one. Since 0.1.
    pub roles: Vec<String>,
    /// Tiers, of which the principal must be of one. Since 0.1.
    pub tiers: Vec<String>,
    /// Networks or addresses that the request must come from: `10.0.0.0/8`. Since 0.1.
    pub addresses: Vec<String>,
    /// A condition in CEL over `principal`, `tool`, `prompt`, `resource`, `server`, `view`,
    /// `arguments`, `address` and `time`. Since 0.1.
    pub when: Option<String>,
}

/// What becomes of a request that a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleEffect {
    /// It is carried out.
    Allow,
    /// It is refused.
    Deny,
    /// The caller's user is asked.
    Approve,
}

/// Calls that the caller's user has to approve.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Approval {
    /// What becomes of calls of destructive tools that no rule decides on. A tool is destructive if
    /// it says so; of a server with `trust_annotations`, also if it does not say the contrary.
    /// Since 0.1.
    pub destructive: DestructiveMode,
    /// The longest that a user may take to approve a call. Since 0.1.
    pub timeout: DurationText,
}

/// What becomes of calls of destructive tools that no rule decides on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DestructiveMode {
    /// They are like all others.
    #[default]
    Allow,
    /// The caller's user is asked.
    Ask,
    /// They are refused.
    Refuse,
}

impl Default for Approval {
    fn default() -> Self {
        Self { destructive: DestructiveMode::Allow, timeout: DurationText::from("5m") }
    }
}
