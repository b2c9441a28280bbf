//! Hooks around a call: what may refuse it, change its arguments or its result, or ask somebody else.
//!
//! Those for requests run when a call is allowed and before it counts against any limit, so that what
//! they refuse costs the caller nothing. Those for results run on the way out, for each caller anew:
//! what is kept of answers is what the server said, so that nobody is given an answer that was made for
//! somebody else (`docs/decisions/0034-hooks.md`).
//!
//! Which hooks a tool has is in the snapshot; what they take out is decided in `gantry_policy::hooks`.

mod webhook;

use std::sync::Arc;

use gantry_core::{CallContext, ErrorCode, Outcome, ProviderError, RawResult, Request};
use gantry_policy::access::{Arguments, Asker, Hints, Kind, Thing};
use gantry_policy::hooks::{Act, Hook, Redaction, ToolHooks, WebhookSpec};
use gantry_protocol::message::{failure, response};
use gantry_protocol::{Id, Message, ObjectEdit};
use serde_json::Value;

use super::audit::Recorded;
use crate::Gateway;
use crate::causes;
use crate::snapshot::Target;
use webhook::{Question, Stage, Verdict};

pub(crate) use webhook::Webhooks;

/// Most bytes of a result that hooks look at.
const MOST_RESULT: usize = 4 << 20;

/// One call on its way through the hooks of its tool.
struct Passing<'a> {
    gateway: &'a Gateway,
    hooks: &'a ToolHooks,
    server: &'a str,
    context: &'a CallContext,
    audited: &'a Recorded<'a>,
    /// As they were sent: conditions look at these.
    arguments: Arguments,
}

/// Carries a call out between its hooks. One branch where its tool has none.
pub(crate) async fn around<F>(
    (gateway, audited): (&Gateway, &Recorded<'_>),
    target: &Target<'_>,
    context: &CallContext,
    request: Request,
    carry: impl FnOnce(Request) -> F,
) -> Result<Outcome, ProviderError>
where
    F: Future<Output = Result<Outcome, ProviderError>>,
{
    let Some(hooks) = target.hooks.as_deref().filter(|hooks| hooks.act()) else {
        return carry(request).await;
    };
    let arguments = match request.message.param("arguments") {
        // The bounds are those of access rules, and a key that stands twice is refused like there: a
        // hook would look at one value, and the server act on the other.
        Some(raw) => Arguments::read(raw).map_err(|error| unreadable(error.to_string()))?,
        None => Arguments::none(),
    };
    let server = &*target.server.name;
    let passing = Passing { gateway, hooks, server, context, audited, arguments };
    // Behind a pointer: what is rare must not make every call's future larger.
    let request = Box::pin(passing.request(request)).await?;
    let outcome = carry(request).await;
    if hooks.results.is_empty() {
        return outcome;
    }
    Box::pin(passing.outcome(outcome)).await
}

impl Passing<'_> {
    /// Lets the hooks for requests look at a call, one after the other.
    async fn request(&self, mut request: Request) -> Result<Request, ProviderError> {
        for hook in self.hooks.requests.iter().filter(|hook| self.acts(hook)) {
            match &hook.act {
                Act::Deny(reason) => return Err(self.refused(hook, "the call", reason)),
                Act::Redact(redaction) => {
                    let Some(raw) = request.message.param("arguments") else { continue };
                    let mut arguments = parsed(raw)?;
                    redaction.arguments(&mut arguments);
                    request.message = with_arguments(&request.message, &arguments)?;
                }
                Act::Webhook(spec) => {
                    let raw = request.message.param("arguments").unwrap_or(b"{}");
                    if let Some(changed) = self.asked(hook, spec, (Stage::Request, raw)).await? {
                        request.message = with_arguments(&request.message, &changed)?;
                    }
                }
                Act::Secret => {}
            }
        }
        Ok(request)
    }

    /// Lets the hooks for results look at what a server answered. A question of the server is none.
    async fn outcome(
        &self,
        outcome: Result<Outcome, ProviderError>,
    ) -> Result<Outcome, ProviderError> {
        match outcome {
            Ok(Outcome::Complete(result)) => Ok(Outcome::Complete(self.result(result).await?)),
            Err(ProviderError::Answered { message, revision }) => {
                Err(ProviderError::Answered { message: self.error(message)?, revision })
            }
            other => other,
        }
    }

    async fn result(&self, mut result: RawResult) -> Result<RawResult, ProviderError> {
        for hook in self.hooks.results.iter().filter(|hook| self.acts(hook)) {
            if result.result().len() > MOST_RESULT {
                let found = result.result().len();
                let text = format!("the result has {found} bytes, and hooks look at {MOST_RESULT}");
                return Err(unreadable(text));
            }
            let changed = match &hook.act {
                Act::Deny(reason) => {
                    let what = "the tool ran, but its result";
                    return Err(self.refused(hook, what, reason));
                }
                Act::Redact(redaction) => {
                    let mut value = parsed(result.result())?;
                    redaction.result(&mut value);
                    Some(value)
                }
                Act::Webhook(spec) => {
                    self.asked(hook, spec, (Stage::Result, result.result())).await?
                }
                Act::Secret => None,
            };
            if let Some(value) = changed {
                let bytes = response(&Id::from(0), value.to_string().as_bytes());
                let message = Message::parse(bytes);
                result.message = message.map_err(|error| ProviderError::Refused(error.error))?;
            }
        }
        Ok(result)
    }

    /// An error of a tool may tell what its result would. Nobody else is asked about one.
    fn error(&self, message: Box<Message>) -> Result<Box<Message>, ProviderError> {
        let redactions: Vec<&Redaction> = self
            .hooks
            .results
            .iter()
            .filter(|hook| self.acts(hook))
            .filter_map(|hook| match &hook.act {
                Act::Redact(redaction) => Some(redaction),
                _ => None,
            })
            .collect();
        let Some(mut error) = message.rpc_error().filter(|_| !redactions.is_empty()) else {
            return Ok(message);
        };
        for redaction in redactions {
            redaction.error(&mut error.message, error.data.as_mut());
        }
        let cleaned = Message::parse(failure(Some(&Id::from(0)), &error));
        cleaned.map(Box::new).map_err(|error| ProviderError::Refused(error.error))
    }

    fn acts(&self, hook: &Arc<Hook>) -> bool {
        let asker = Asker {
            principal: &self.context.principal,
            address: self.context.address,
            unix_seconds: self.gateway.clock.unix_seconds(),
        };
        let thing = Thing {
            kind: Kind::Tool,
            name: &self.hooks.tool,
            server: self.server,
            view: &self.hooks.view,
            hints: Hints::default(),
        };
        hook.acts(&asker, &thing, &self.arguments).unwrap_or_else(|why| {
            // What the evaluation says repeats values.
            gantry_core::log::debug!(
                hook = &*hook.name,
                n_bytes = why.len(),
                "A condition of a hook cannot be told."
            );
            true
        })
    }

    /// Asks a webhook; what it changed, if it changed anything.
    async fn asked(
        &self,
        hook: &Hook,
        spec: &WebhookSpec,
        (stage, raw): (Stage, &[u8]),
    ) -> Result<Option<Value>, ProviderError> {
        let question = Question {
            stage,
            hook: &hook.name,
            tool: &self.hooks.tool,
            server: self.server,
            context: self.context,
            raw,
        };
        let unix_seconds = self.gateway.clock.unix_seconds();
        match self.gateway.webhooks.ask(spec, &question, unix_seconds).await {
            Ok(Verdict::Allow(changed)) => Ok(changed),
            Ok(Verdict::Deny(reason)) => Err(self.refused(hook, stage.what(), &reason)),
            Err(error) if spec.passes_on_failure => {
                gantry_core::log::warn!(
                    hook = &*hook.name, %error,
                    "A webhook did not decide, and the call goes on without it."
                );
                Ok(None)
            }
            Err(error) => {
                gantry_core::log::warn!(hook = &*hook.name, %error, "A webhook did not decide.");
                self.audited.decided(|| format!("hook {}", hook.name));
                // Why is for the log: the address of the webhook is nobody's business.
                let text = format!(
                    "{} is refused: the hook `{}` could not decide",
                    stage.what(),
                    hook.name
                );
                Err(ProviderError::Refused(causes::coded(ErrorCode::HookUndecided, text)))
            }
        }
    }

    fn refused(&self, hook: &Hook, what: &str, reason: &str) -> ProviderError {
        self.audited.decided(|| format!("hook {}", hook.name));
        let text = format!("{what} is refused by the hook `{}`: {reason}", hook.name);
        ProviderError::Refused(causes::coded(ErrorCode::HookDenied, text))
    }
}

fn unreadable(text: String) -> ProviderError {
    ProviderError::Refused(causes::coded(ErrorCode::HookUnreadable, text))
}

fn parsed(raw: &[u8]) -> Result<Value, ProviderError> {
    serde_json::from_slice(raw).map_err(|error| unreadable(error.to_string()))
}

/// Returns a call with other arguments.
fn with_arguments(message: &Message, arguments: &Value) -> Result<Message, ProviderError> {
    let mut edit = message.edit();
    let params = message.params().map(|params| ObjectEdit::new(message.bytes(), params));
    let Some(mut params) = params else { return Ok(message.clone()) };
    params.set("arguments", arguments.to_string().into_bytes());
    edit.nest("params", params);
    Message::parse(edit.finish()).map_err(|error| ProviderError::Refused(error.error))
}
