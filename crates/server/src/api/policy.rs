//! Why somebody may use a tool, or may not: the decision of `access`, with its reasons.

mod whom;

use std::net::IpAddr;
use std::sync::Arc;

use gantry_gateway::governance::access::Question;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call::{Call, Outcome, reply};
use super::error::ApiError;
use crate::keys::model::word;
use whom::Whom;

/// Who would call what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQuestion {
    /// Who: a key by its public part (`gk_` and ten characters) or by the name that it has, whose scopes, roles
    /// and tier then count; any other name of the configuration; or `ISSUER#SUBJECT` for one that an
    /// issuer vouches for. Never a secret.
    principal: String,
    /// The public name of the tool.
    tool: String,
    /// The arguments of the call.
    #[serde(default)]
    arguments: Option<Map<String, Value>>,
    /// The address that the call comes from.
    #[serde(default)]
    address: Option<String>,
    /// The endpoint: the name below `/mcp/`; `/mcp` itself if it is left out.
    #[serde(default)]
    view: String,
    /// The scopes of the credential, instead of those of the key; not limited by scopes if there is
    /// neither.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// The roles of the principal, instead of those of the key.
    #[serde(default)]
    roles: Option<Vec<String>>,
    /// The tier of the principal, instead of that of the key.
    #[serde(default)]
    tier: Option<String>,
}

/// What would become of the call, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExplainAnswer {
    /// The tool.
    tool: String,
    /// The server whose tool it is; absent if none offers it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// What clients are told that the tool does.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// As whom the call would be made, as `ISSUER#SUBJECT`.
    principal: String,
    /// The credential that was found by that name: its kind and public part.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    /// What that credential is good for: `active`, `expired`, `revoked` or `unusable`. Only an active
    /// one is let in at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_state: Option<String>,
    /// The scopes that counted; absent if it is not limited by scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// The roles that counted.
    roles: Vec<String>,
    /// The tier that counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    /// Whether lists show the tool to the principal.
    shown: bool,
    /// `allow`, `deny`, or `approve` if the caller's user would be asked.
    effect: String,
    /// What decides: `scopes`, `roles`, `rule`, `destructive` or `default`.
    decided_by: String,
    /// The rule, if one decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// The same in a sentence.
    reason: String,
    /// Every rule that was looked at, in order.
    rules: Vec<RuleStep>,
}

/// A rule that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
struct RuleStep {
    /// Its name.
    rule: String,
    /// Its effect.
    effect: String,
    /// `yes`, `no`, or `failed` if its condition could not be told.
    matches: String,
    /// The key of the rule that does not fit, or why its condition could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// `POST /api/policy/explain`.
pub(super) fn explain(call: &Call) -> Outcome {
    let asked: ExplainQuestion = call.json()?;
    let address = asked.address.as_deref().map(address).transpose()?;
    let Whom { principal, state } = Whom::find(call, &asked)?;
    let principal = Arc::new(principal);
    let question = Question {
        principal: Arc::clone(&principal),
        address,
        view: asked.view,
        tool: asked.tool,
        arguments: asked.arguments.map(|arguments| Value::Object(arguments).to_string().into()),
    };
    let explained = call
        .shared
        .gateway
        .explain_access(&question)
        .map_err(|error| ApiError::malformed(error.to_string()))?;
    let explanation = explained.explanation;
    let steps = explanation.rules.into_iter().map(|step| RuleStep {
        rule: step.rule,
        effect: step.effect.to_owned(),
        matches: step.matches.to_owned(),
        why: step.why,
    });
    let answer = ExplainAnswer {
        tool: question.tool,
        server: explained.server.map(|server| server.to_string()),
        description: explained.description,
        principal: format!("{}#{}", principal.issuer, principal.subject),
        credential: principal.grants.credential.as_deref().map(str::to_owned),
        credential_state: state.map(|state| word(state).to_owned()),
        scopes: principal.grants.scopes.as_deref().map(texts),
        roles: texts(&principal.grants.roles),
        tier: principal.grants.tier.as_deref().map(str::to_owned),
        shown: explained.is_shown,
        effect: explanation.effect.to_owned(),
        decided_by: explanation.decided_by.to_owned(),
        rule: explanation.rule,
        reason: explanation.reason,
        rules: steps.collect(),
    };
    reply(StatusCode::OK, &answer)
}

fn texts(boxed: &[Box<str>]) -> Vec<String> {
    boxed.iter().map(ToString::to_string).collect()
}

fn address(text: &str) -> Result<IpAddr, ApiError> {
    let shown: String = text.chars().take(100).collect();
    text.parse().map_err(|_| ApiError::malformed(format!("`{shown}` is no address")))
}
