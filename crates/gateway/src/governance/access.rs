//! Access at the call: what could not be decided while lists were made, because it depends on the
//! arguments; and the explanation of a decision.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use gantry_core::{CallContext, ErrorCode, Outcome, Principal, ProviderError, Request};
use gantry_policy::access::{
    Arguments, ArgumentsError, Asker, By, Effect, Explanation, Hints, Kind, Ruling, Sight, Thing,
};
use gantry_protocol::{Message, Object, RpcError, method};

use super::approval::{Asked, Binding, Wanted};
use super::audit::Recorded;
use crate::Gateway;
use crate::causes;
use crate::snapshot::{Check, Section, Target, hints_of};

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Decided {
    /// It goes on.
    Go(Request),
    /// It goes on, approved; a server's next question is part of the approved call.
    Approved(Request, Binding),
    /// The client has to ask its user first, and to call again.
    Asks(Outcome),
}

/// Decides on a request; one branch where its arguments do not matter.
pub(crate) async fn authorise(
    gateway: &Gateway,
    target: &Target<'_>,
    context: &CallContext,
    request: Request,
    audited: &Recorded<'_>,
) -> Result<Decided, ProviderError> {
    match &target.check {
        None => Ok(Decided::Go(request)),
        // Behind a pointer: what is rare must not make every call's future larger.
        Some(check) => Box::pin(decide((gateway, audited), check, target, context, request)).await,
    }
}

async fn decide(
    (gateway, audited): (&Gateway, &Recorded<'_>),
    check: &Check<'_>,
    target: &Target<'_>,
    context: &CallContext,
    request: Request,
) -> Result<Decided, ProviderError> {
    // A completion is of what is seen; it has no arguments of the thing itself.
    if request.message.method() == method::COMPLETION_COMPLETE {
        return Ok(Decided::Go(request));
    }
    let arguments = arguments_of(check, &request.message)
        .map_err(|error| refused(ErrorCode::ArgumentsNotChecked, error.to_string()))?;
    let ruling = rule(gateway, check, target, context, &arguments);
    audited.decided(|| word(ruling));
    match ruling.effect {
        Effect::Allow => Ok(Decided::Go(request)),
        Effect::Deny => Err(denied(check, target, context, ruling)),
        Effect::Approve => {
            let wanted = Wanted {
                gateway,
                target,
                context,
                name: &check.name,
                reason: reason(ruling),
                limit: check.access.spec().approval_timeout,
            };
            Ok(match wanted.ask(request).await? {
                Asked::Approved(request, binding) => Decided::Approved(request, binding),
                Asked::Open(outcome) => Decided::Asks(outcome),
            })
        }
    }
}

/// Decides whether somebody may be told of a resource that they see. Nobody is asked for that.
pub(crate) fn may_subscribe(
    gateway: &Gateway,
    target: &Target<'_>,
    context: &CallContext,
) -> Result<(), RpcError> {
    let Some(check) = &target.check else { return Ok(()) };
    let ruling = rule(gateway, check, target, context, &Arguments::none());
    if ruling.effect == Effect::Allow {
        return Ok(());
    }
    match denied(check, target, context, ruling) {
        ProviderError::Refused(error) => Err(error),
        other => Err(RpcError::internal("internal", other.to_string())),
    }
}

fn rule<'a>(
    gateway: &Gateway,
    check: &'a Check<'_>,
    target: &Target<'_>,
    context: &CallContext,
    arguments: &Arguments,
) -> Ruling<'a> {
    let asker = Asker {
        principal: &context.principal,
        address: context.address,
        unix_seconds: gateway.clock.unix_seconds(),
    };
    check.access.decide(&asker, &check.thing(&target.server.name), arguments)
}

fn denied(
    check: &Check<'_>,
    target: &Target<'_>,
    context: &CallContext,
    ruling: Ruling<'_>,
) -> ProviderError {
    gantry_core::log::info!(
        request_id = %context.request_id,
        principal = %context.principal.subject,
        upstream = %target.server.name,
        name = %check.name,
        by = word(ruling),
        "A request was refused by the rules of access."
    );
    refused(ErrorCode::AccessDenied, text(ruling, &check.name))
}

/// Says why an approval is wanted, to the user who is asked.
fn reason(ruling: Ruling<'_>) -> String {
    match ruling.by {
        By::Rule(rule) => {
            format!("The access rule `{rule}` of the gateway wants this to be approved")
        }
        _ => "The tool says that it may destroy something".to_owned(),
    }
}

fn arguments_of(check: &Check<'_>, message: &Message) -> Result<Arguments, ArgumentsError> {
    let raw = match message.method() {
        method::TOOLS_CALL | method::PROMPTS_GET => message.param("arguments"),
        _ => None,
    };
    match raw.filter(|_| check.access.looks_at_arguments()) {
        Some(raw) => Arguments::read(raw),
        None => Ok(Arguments::none()),
    }
}

/// Says which rule refuses, so that a model can tell its user what to ask for.
fn text(ruling: Ruling<'_>, name: &str) -> String {
    match ruling.by {
        By::Rule(rule) => format!("the access rule `{rule}` does not allow this use of `{name}`"),
        By::Destructive => format!("`{name}` is destructive, and the gateway does not allow that"),
        By::Scopes | By::Roles | By::Default => {
            format!("nothing allows this principal to use `{name}`")
        }
    }
}

fn word(ruling: Ruling<'_>) -> String {
    match ruling.by {
        By::Rule(rule) => rule.to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

pub(super) fn refused(code: ErrorCode, text: String) -> ProviderError {
    let number = code.json_rpc().unwrap_or(gantry_protocol::code::INVALID_REQUEST);
    ProviderError::Refused(causes::with_code(RpcError::new(number, text), code))
}

/// A decision that somebody wants to have explained.
#[derive(Debug)]
pub struct Question {
    /// Who would ask.
    pub principal: Arc<Principal>,
    /// From where.
    pub address: Option<IpAddr>,
    /// On which endpoint: the name below `/mcp/`, empty for `/mcp` itself.
    pub view: String,
    /// The public name of a tool.
    pub tool: String,
    /// Raw JSON; `None` for a call without arguments.
    pub arguments: Option<Vec<u8>>,
}

/// A decision, and what it is about.
#[derive(Debug)]
pub struct Explained {
    /// The decision.
    pub explanation: Explanation,
    /// Whose tool it is; `None` if nobody offers it now.
    pub server: Option<Arc<str>>,
    /// What clients are told that it does, if they are told anything.
    pub description: Option<String>,
    /// Whether lists show the tool to the principal.
    pub is_shown: bool,
}

/// Reads what the definition of a tool says of it.
fn description_of(raw: &[u8]) -> Option<String> {
    let tool = Object::read(raw, 0..raw.len()).ok()?;
    tool.string(raw, "description").map(Cow::into_owned)
}

impl Gateway {
    /// Explains what would become of a call.
    ///
    /// # Errors
    ///
    /// The arguments cannot be looked at.
    pub fn explain_access(&self, question: &Question) -> Result<Explained, ArgumentsError> {
        let arguments = match &question.arguments {
            Some(raw) => Arguments::read(raw)?,
            None => Arguments::none(),
        };
        let snapshot = self.registry.snapshot();
        let whole = snapshot.view("");
        let entries = whole.iter().flat_map(|view| {
            view.all(Section::Tools).iter().map(|entry| (view.server(entry), entry))
        });
        let found = entries.into_iter().find(|(_, entry)| *entry.public == *question.tool);
        let hints = found.map_or(Hints::default(), |(server, entry)| hints_of(server, &entry.raw));
        let server = found.map(|(server, _)| Arc::clone(&server.name));
        let description = found.and_then(|(_, entry)| description_of(&entry.raw));
        let asker = Asker {
            principal: &question.principal,
            address: question.address,
            unix_seconds: self.clock.unix_seconds(),
        };
        let thing = Thing {
            kind: Kind::Tool,
            name: &question.tool,
            server: server.as_deref().unwrap_or_default(),
            view: &question.view,
            hints,
        };
        let access = &snapshot.spec.access;
        let sight = access.sight(&asker, &thing);
        let is_shown = server.is_some() && sight != Sight::Hidden;
        let explanation = access.explain(&asker, &thing, &arguments);
        Ok(Explained { explanation, server, description, is_shown })
    }
}
