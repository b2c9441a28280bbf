//! Why somebody may use a tool, or may not: the decision of `access`, with its reasons.

use std::net::IpAddr;
use std::sync::Arc;

use gantry_core::{Grants, Principal};
use gantry_gateway::governance::access::Question;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call::{Call, Outcome, reply};
use super::error::ApiError;

/// Who would call what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQuestion {
    /// The principal: `NAME` for one of the configuration, `ISSUER#SUBJECT` for one that an issuer
    /// vouches for.
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
    /// The scopes of the credential; not limited by scopes if they are left out.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// The roles of the principal.
    #[serde(default)]
    roles: Vec<String>,
    /// The tier of the principal.
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
    /// As whom the call would be made, as `ISSUER#SUBJECT`.
    principal: String,
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
    let principal = Arc::new(principal(&asked));
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
        principal: format!("{}#{}", principal.issuer, principal.subject),
        shown: explained.is_shown,
        effect: explanation.effect.to_owned(),
        decided_by: explanation.decided_by.to_owned(),
        rule: explanation.rule,
        reason: explanation.reason,
        rules: steps.collect(),
    };
    reply(StatusCode::OK, &answer)
}

fn principal(asked: &ExplainQuestion) -> Principal {
    let named = match asked.principal.rsplit_once('#') {
        Some((issuer, subject)) => Principal::new(issuer, subject),
        None => Principal::of_gantry(&asked.principal),
    };
    let boxed = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
    let grants = Grants {
        scopes: asked.scopes.as_deref().map(boxed),
        roles: boxed(&asked.roles),
        tier: asked.tier.as_deref().map(Into::into),
        credential: None,
    };
    Principal { grants, ..named }
}

fn address(text: &str) -> Result<IpAddr, ApiError> {
    let shown: String = text.chars().take(100).collect();
    text.parse().map_err(|_| ApiError::malformed(format!("`{shown}` is no address")))
}
