//! Approval: a call that its caller's user has to agree to.
//!
//! A legacy client is asked on the stream of its call, which waits for the answer. A modern one gets
//! `input_required` (2026-07-28, `basic/patterns/mrtr`) and calls again; what it is to bring back is
//! sealed, and good for the same call alone: the same principal, thing and arguments, for a while.
//! A server that asks back after that finds its own state in ours, so that its rounds need no second
//! approval.

use std::time::Duration;

use gantry_core::seal::Purpose;
use gantry_core::{CallContext, ErrorCode, Outcome, ProviderError, RawResult, Request};
use gantry_protocol::meta::{Answers, Outgoing};
use gantry_protocol::{Era, Id, Message, RpcError, json, message, method};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::access::refused;
use crate::Gateway;
use crate::snapshot::Target;

/// The key of our question among the input requests.
const KEY: &str = "gantry_approval";
/// Longest piece of the arguments that is shown to the user, characters.
const MOST_SHOWN: usize = 1000;
/// Stands between what is sealed and a server's own state.
const SEPARATOR: char = '.';
const VERSION: u8 = 1;

/// A call that needs an approval.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) target: &'a Target<'a>,
    pub(super) context: &'a CallContext,
    /// What rules call the thing.
    pub(super) name: &'a str,
    /// Why it is asked for.
    pub(super) reason: String,
    /// How long the user may take.
    pub(super) limit: Duration,
}

/// What became of the question.
#[derive(Debug)]
pub(super) enum Asked {
    /// The user agreed: the request as the provider gets it, and what its state is bound to.
    Approved(Request, Binding),
    /// The client has to ask, and to call again.
    Open(Outcome),
}

/// What an approval is for: principal, method, thing and arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding {
    digest: [u8; 32],
    expires: u64,
}

/// How far an approval has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The question was put.
    Put = 0,
    /// It was answered, and the server asked something of its own.
    Answered = 1,
}

impl Wanted<'_> {
    /// Asks the caller's user, or finds that they were asked.
    pub(super) async fn ask(&self, request: Request) -> Result<Asked, ProviderError> {
        let params = self.question(&request.message).to_string();
        let profile = &self.context.caller.profile;
        if profile.missing_for(method::ELICITATION_CREATE, Some(params.as_bytes())).is_some() {
            let text = format!(
                "`{}` needs an approval, and the client offers no elicitation by which its user \
                 could be asked: {}",
                self.name, self.reason
            );
            return Err(refused(ErrorCode::ApprovalImpossible, text));
        }
        let binding = self.binding(&request.message);
        match self.context.caller.era() {
            Era::Legacy => {
                self.ask_now(&params).await?;
                Ok(Asked::Approved(request, binding))
            }
            Era::Modern => self.in_rounds(request, binding, &params),
        }
    }

    /// Asks a legacy client, and waits.
    async fn ask_now(&self, params: &str) -> Result<(), ProviderError> {
        let bytes = message::request(&Id::from(1), method::ELICITATION_CREATE, params.as_bytes());
        let question =
            Message::parse(bytes).map_err(|error| ProviderError::Refused(error.error))?;
        let asked = tokio::time::timeout(self.limit, self.context.client.ask(&question)).await;
        let answer = match asked {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let text = format!("`{}` needs an approval: {}", self.name, error.message);
                return Err(refused(ErrorCode::ApprovalImpossible, text));
            }
            Err(_) => return Err(self.not_approved("nobody answered in time")),
        };
        let action = answer.result_member("action").and_then(json::string);
        self.judge(action.as_deref())
    }

    /// Asks a modern client by the result of its call, or reads what it brings back.
    fn in_rounds(
        &self,
        request: Request,
        binding: Binding,
        params: &str,
    ) -> Result<Asked, ProviderError> {
        let Some(state) = request.message.param_string("requestState") else {
            return self.put(&binding, params);
        };
        let (stage, inner) = self.open(&state, &binding).ok_or_else(|| {
            ProviderError::Refused(RpcError::invalid_params("invalid or expired requestState"))
        })?;
        let answers = match stage {
            Stage::Answered => Answers {
                input_responses: request.message.param("inputResponses"),
                request_state: inner.as_deref().map(str::as_bytes),
            },
            Stage::Put => {
                let Some(action) = action_of(&request.message) else {
                    return self.put(&binding, params);
                };
                self.judge(Some(&action))?;
                Answers::default()
            }
        };
        let mut outgoing = Outgoing::new(&request.message);
        outgoing.answers = Some(answers);
        let message = Message::parse(outgoing.to_bytes())
            .map_err(|error| ProviderError::Refused(error.error))?;
        Ok(Asked::Approved(Request { message, ..request }, binding))
    }

    /// Puts the question to a modern client.
    fn put(&self, binding: &Binding, params: &str) -> Result<Asked, ProviderError> {
        let state = binding.seal(self.gateway, Stage::Put, None)?;
        let result = format!(
            r#"{{"resultType":"input_required","inputRequests":{{"{KEY}":{{"method":"{}","params":{params}}}}},"requestState":{}}}"#,
            method::ELICITATION_CREATE,
            Value::from(state)
        );
        Ok(Asked::Open(Outcome::NeedsInput(RawResult::own(result.as_bytes()))))
    }

    /// The parameters of the question: a form without fields, which is accepted or not.
    fn question(&self, message: &Message) -> Value {
        let arguments = message.param("arguments").unwrap_or(b"{}");
        let arguments = String::from_utf8_lossy(arguments);
        let mut shown: String = arguments.chars().take(MOST_SHOWN).collect();
        if shown.len() < arguments.len() {
            shown.push_str("...");
        }
        let text = format!("Allow `{}` with {shown}? {}.", self.name, self.reason);
        json!({
            "message": text,
            "requestedSchema": { "type": "object", "properties": {} },
        })
    }

    fn judge(&self, action: Option<&str>) -> Result<(), ProviderError> {
        match action {
            Some("accept") => Ok(()),
            Some("cancel") => Err(self.not_approved("the question was put aside")),
            _ => Err(self.not_approved("the user declined")),
        }
    }

    fn not_approved(&self, why: &str) -> ProviderError {
        let text = format!("`{}` was not approved: {why}", self.name);
        refused(ErrorCode::ApprovalDeclined, text)
    }

    fn binding(&self, message: &Message) -> Binding {
        let mut digest = Sha256::new();
        let principal = &self.context.principal;
        for part in [
            &principal.issuer,
            &principal.subject,
            message.method(),
            &self.target.server.name,
            self.name,
        ] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.update(canonical(message.param("arguments").unwrap_or(b"{}")));
        let expires = self.gateway.clock.unix_seconds().saturating_add(self.limit.as_secs());
        Binding { digest: digest.finalize().into(), expires }
    }

    /// Opens what a client brings back; `None` if it is not for this call, or too old.
    fn open(&self, state: &str, binding: &Binding) -> Option<(Stage, Option<String>)> {
        let (sealed, inner) = match state.split_once(SEPARATOR) {
            Some((sealed, inner)) => (sealed, Some(inner)),
            None => (state, None),
        };
        let payload = self.gateway.keys.open(Purpose::Approval, sealed)?;
        let stage = match payload.get(1) {
            Some(0) => Stage::Put,
            Some(1) => Stage::Answered,
            _ => return None,
        };
        let (head, expires) = payload.split_last_chunk::<8>()?;
        let expires = u64::from_be_bytes(*expires);
        let expected = Binding { expires, ..*binding }.payload(stage, inner);
        let fits = payload == expected && !head.is_empty();
        let is_current = expires >= self.gateway.clock.unix_seconds();
        // A server's own state is JSON text again, as it came.
        (fits && is_current).then(|| (stage, inner.map(|inner| Value::from(inner).to_string())))
    }
}

impl Binding {
    fn payload(&self, stage: Stage, inner: Option<&str>) -> Vec<u8> {
        let mut payload = vec![VERSION, stage as u8, u8::from(inner.is_some())];
        payload.extend_from_slice(&self.digest);
        payload.extend_from_slice(&Sha256::digest(inner.unwrap_or_default()));
        payload.extend_from_slice(&self.expires.to_be_bytes());
        payload
    }

    fn seal(
        &self,
        gateway: &Gateway,
        stage: Stage,
        inner: Option<&str>,
    ) -> Result<String, ProviderError> {
        let sealed = gateway.keys.seal(Purpose::Approval, &self.payload(stage, inner));
        let sealed = sealed.map_err(|error| {
            ProviderError::Refused(RpcError::internal("internal", error.to_string()))
        })?;
        Ok(match inner {
            Some(inner) => format!("{sealed}{SEPARATOR}{inner}"),
            None => sealed,
        })
    }

    /// Puts a server's own state into ours, so that its next round is part of the approved call.
    pub(crate) fn carry(
        &self,
        gateway: &Gateway,
        outcome: Outcome,
    ) -> Result<Outcome, ProviderError> {
        let Outcome::NeedsInput(result) = outcome else { return Ok(outcome) };
        let inner = result.message.result_member("requestState").and_then(json::string);
        let state = self.seal(gateway, Stage::Answered, inner.as_deref())?;
        let raw = result.result();
        let Some(mut edit) = gantry_protocol::ObjectEdit::read(raw) else {
            return Ok(Outcome::NeedsInput(result));
        };
        edit.set_string("requestState", &state);
        let message = Message::parse(message::response(&Id::from(0), &edit.finish()))
            .map_err(|error| ProviderError::Refused(error.error))?;
        Ok(Outcome::NeedsInput(RawResult { message, revision: result.revision }))
    }
}

/// Reads the answer to our question, if it is there.
fn action_of(message: &Message) -> Option<String> {
    let answers: Value = serde_json::from_slice(message.param("inputResponses")?).ok()?;
    answers.get(KEY)?.get("action")?.as_str().map(str::to_owned)
}

/// Writes JSON in one way, whatever the order of its keys and its spaces; text that is none as it
/// stands.
fn canonical(raw: &[u8]) -> Vec<u8> {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> =
                    members.into_iter().map(|(key, value)| (key, sorted(value))).collect();
                members.sort_by(|one, other| one.0.cmp(&other.0));
                Value::Object(members.into_iter().collect())
            }
            Value::Array(entries) => Value::Array(entries.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    match serde_json::from_slice(raw) {
        Ok(value) => sorted(value).to_string().into_bytes(),
        Err(_) => raw.to_vec(),
    }
}
