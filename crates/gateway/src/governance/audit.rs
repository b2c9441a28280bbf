//! The outermost layer of the call stack: every call has exactly one entry in the audit trail.
//!
//! Room for the entry is taken before anything runs, so that nothing runs unrecorded; the entry is
//! written when the call ends, in whatever way. The rounds of one `input_required` exchange are one
//! call, whose entry is written after the last ([`rounds`]).
//!
//! Sessions are recorded here too. What is refused before it is a call is recorded by the server.

mod rounds;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gantry_core::audit::{Arguments, Audit, Entry, Event, Receipt, Room, outcome};
use gantry_core::{CallContext, ErrorCode, Outcome, ProviderError, correlation};
use gantry_policy::hooks::{SECRET, Secrecy};
use gantry_protocol::message::Kind;
use gantry_protocol::{Message, RpcError, method};
use serde_json::Value;
use tokio::time::Instant;

use crate::Gateway;
use crate::causes;
use crate::hub::Session;
use crate::metrics::outcome as words;
use crate::snapshot::Target;

pub(crate) use rounds::Rounds;

/// How often it is looked for exchanges that nobody goes on with.
const SWEEP: Duration = Duration::from_secs(30);
/// Longer messages are recorded without their arguments.
const MOST_ARGUMENTS: usize = 256 * 1024;
/// The most bytes of a name, and of what a client says of itself.
const MOST_NAME: usize = 1024;

/// A call whose entry is still to be written; nothing where nothing is recorded.
#[derive(Debug)]
pub(crate) struct Recorded<'a>(Option<Open<'a>>);

/// Written as cancelled where it is dropped: the client went away, or took the call back.
#[derive(Debug)]
struct Open<'a> {
    gateway: &'a Gateway,
    call: Call<'a>,
    begun: Instant,
    arguments: Arguments<'a>,
    /// What it is a part of, unless that is itself.
    part_of: Option<Arc<str>>,
    /// Which rule decided, once one has.
    decision: OnceLock<String>,
    /// What was said in earlier rounds.
    earlier: Option<Box<Entry<'static>>>,
    /// Until it ends.
    room: Option<Room<'a>>,
}

/// Who asks for what. All of it is there until the call ends, so that its entry copies nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) target: &'a Target<'a>,
    pub(crate) context: &'a CallContext,
    pub(crate) message: &'a Message,
}

/// The events of one kind of request.
#[derive(Debug, Clone, Copy)]
struct Events {
    done: Event,
    failed: Event,
}

/// Begins to look for exchanges that nobody goes on with.
pub(crate) fn start(gateway: &Arc<Gateway>) {
    if !gateway.audit.is_on() {
        return;
    }
    let watched = Arc::downgrade(gateway);
    gateway.tasks.spawn_until_stop("audit-rounds", async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            let Some(gateway) = watched.upgrade() else { return };
            gateway.rounds.sweep(&gateway.audit, false);
        }
    });
}

/// Begins to record a call, or refuses it because there is no room for its entry.
pub(crate) fn begin<'a>(
    gateway: &'a Gateway,
    call: Call<'a>,
    begun: Instant,
) -> Result<Recorded<'a>, ProviderError> {
    if !gateway.audit.is_on() {
        return Ok(Recorded(None));
    }
    let Call { target, context, message } = call;
    let arguments = arguments(&gateway.audit, message);
    let room = admit(&gateway.audit, message, &arguments).map_err(ProviderError::Refused)?;
    if room.is_none() {
        return Ok(Recorded(None));
    }
    let mut open = Open {
        gateway,
        call,
        begun,
        arguments: veiled(arguments, target.secrecy()),
        part_of: part_of(context),
        decision: OnceLock::new(),
        earlier: None,
        room,
    };
    let state = rounds::of_request(&target.server.name, context, message);
    if let Some(mut earlier) = state.and_then(|key| gateway.rounds.take(&key)) {
        open.begun = earlier.begun;
        open.arguments = std::mem::take(&mut earlier.entry.arguments);
        open.earlier = Some(Box::new(earlier.entry));
    }
    Ok(Recorded(Some(open)))
}

/// Records a call that found no provider, or is refused before it is sent to one. Returns what is
/// answered: the refusal, unless it could not be recorded as it must be.
pub(crate) async fn refused(
    gateway: &Gateway,
    context: &CallContext,
    (message, secrecy): (&Message, Secrecy),
    error: RpcError,
) -> RpcError {
    if !gateway.audit.is_on() {
        return error;
    }
    let arguments = arguments(&gateway.audit, message);
    let room = match admit(&gateway.audit, message, &arguments) {
        Ok(Some(room)) => room,
        Ok(None) => return error,
        Err(full) => return full,
    };
    let part_of = part_of(context);
    let mut entry = describe(context, (message, None), veiled(arguments, secrecy));
    entry.correlation_id = part_of.as_deref().map(Cow::Borrowed);
    let code = code_of(&error);
    entry.event = code.and_then(Event::of_refusal).unwrap_or(Events::of(message.method()).failed);
    let receipt = room.fill(&entry.ended(outcome::REFUSED, code));
    receipt
        .durable()
        .await
        .err()
        .map_or(error, |unwritten| causes::coded(ErrorCode::AuditUnwritten, unwritten.to_string()))
}

/// Records that a session was opened.
pub(crate) fn session_created(gateway: &Gateway, session: &Session, request_id: &str) {
    let caller = session.caller();
    gateway.audit.record(Event::SessionCreated, |entry| Entry {
        request_id: Some(request_id.into()),
        client: caller.info.as_deref().map(Cow::Borrowed),
        ..of_session(entry, session)
    });
}

/// Records that a session ended.
pub(crate) fn session_ended(gateway: &Gateway, session: &Session) {
    gateway.audit.record(Event::SessionTerminated, |entry| of_session(entry, session));
}

fn of_session<'a>(entry: Entry<'a>, session: &'a Session) -> Entry<'a> {
    let principal = Some(Cow::Borrowed(&session.principal));
    Entry { principal, session: Some(session.id), ..entry }
}

/// Takes room for the entry of a message; `None` if it is not to be recorded.
fn admit<'a>(
    audit: &'a Audit,
    message: &Message,
    arguments: &Arguments<'_>,
) -> Result<Option<Room<'a>>, RpcError> {
    let held = match arguments {
        Arguments::None | Arguments::TooLarge(_) => 0,
        // The whole message is held as long as the call goes on.
        Arguments::Raw(_) => message.bytes().len(),
        Arguments::Written(text) => text.len(),
    };
    let kibibytes = u32::try_from(held / 1024 + 1).unwrap_or(1);
    audit.admit(kibibytes).map_err(|full| causes::coded(ErrorCode::AuditFull, full.to_string()))
}

/// Says who asks for what, which has the public name that is given if it is known.
fn describe<'a>(
    context: &'a CallContext,
    (message, public): (&'a Message, Option<&'a str>),
    arguments: Arguments<'a>,
) -> Entry<'a> {
    let method = message.method();
    let named = |param| public.map(Cow::Borrowed).or_else(|| message.param_string(param));
    let name = match method {
        method::TOOLS_CALL | method::PROMPTS_GET => named("name"),
        method::RESOURCES_READ => named("uri"),
        _ => None,
    };
    let info = context.caller.info.as_deref().filter(|info| info.len() <= MOST_NAME);
    Entry {
        principal: Some(Cow::Borrowed(&context.principal)),
        address: context.address,
        client: info.map(Cow::Borrowed),
        session: context.caller.session,
        request_id: Some(Cow::Borrowed(&context.request_id)),
        method: Some(shortened(method).into()),
        name: name.map(|name| match name {
            Cow::Borrowed(name) => shortened(name).into(),
            Cow::Owned(name) => shortened(&name).to_owned().into(),
        }),
        arguments,
        ..Entry::new(Events::of(method).done)
    }
}

/// Returns the name of what a request is a part of, unless that is itself.
fn part_of(context: &CallContext) -> Option<Arc<str>> {
    correlation::part_of_other_than(&context.request_id)
}

/// Leaves out what nobody may be shown.
fn veiled(arguments: Arguments<'_>, secrecy: Secrecy) -> Arguments<'_> {
    if secrecy.arguments && arguments != Arguments::None {
        return Arguments::Raw(Value::from(SECRET).to_string().into_bytes().into());
    }
    arguments
}

fn shortened(name: &str) -> &str {
    name.get(..name.floor_char_boundary(MOST_NAME)).unwrap_or_default()
}

fn arguments<'a>(audit: &Audit, message: &'a Message) -> Arguments<'a> {
    let raw = message.param("arguments").filter(|_| audit.wants_arguments());
    match raw {
        None => Arguments::None,
        Some(raw) if message.bytes().len() > MOST_ARGUMENTS => Arguments::TooLarge(raw.len()),
        Some(raw) => audit.arguments(raw),
    }
}

/// Returns the cause that an error of ours names.
fn code_of(error: &RpcError) -> Option<ErrorCode> {
    ErrorCode::find(error.data.as_ref()?.get("code")?.as_str()?)
}

// === impl Recorded ===

impl Recorded<'_> {
    /// Says which rule of access decides about the call.
    pub(crate) fn decided(&self, rule: impl FnOnce() -> String) {
        if let Some(open) = &self.0 {
            open.decision.get_or_init(rule);
        }
    }

    /// Writes the entry, and returns the outcome as it may be answered: unchanged, unless the entry
    /// must be durable first and is not.
    pub(crate) async fn finish(
        self,
        outcome: Result<Outcome, ProviderError>,
        ended: Instant,
    ) -> Result<Outcome, ProviderError> {
        let Some(mut open) = self.0 else { return outcome };
        let Some(receipt) = open.end(&outcome, ended) else { return outcome };
        match receipt.durable().await {
            Ok(()) => outcome,
            Err(unwritten) => {
                let error = causes::coded(ErrorCode::AuditUnwritten, unwritten.to_string());
                Err(ProviderError::Refused(error))
            }
        }
    }
}

// === impl Open ===

impl Open<'_> {
    /// Records the end of the call, unless it goes on with another round.
    fn end(&mut self, outcome: &Result<Outcome, ProviderError>, ended: Instant) -> Option<Receipt> {
        let room = self.room.take()?;
        let Call { target, context, .. } = self.call;
        let gateway = self.gateway;
        let entry = self.entry(outcome, ended);
        if let Ok(Outcome::NeedsInput(result)) = outcome
            && let Some(key) = rounds::of_result(&target.server.name, context, &result.message)
        {
            // The room is given back: who asks a person must not hold it for hours.
            let entry = entry.into_owned();
            gateway.rounds.keep(&key, rounds::Round { begun: self.begun, entry }, &gateway.audit);
            return None;
        }
        Some(room.fill(&entry))
    }

    /// Says how the call ended, and when.
    fn entry(&mut self, outcome: &Result<Outcome, ProviderError>, ended: Instant) -> Entry<'_> {
        let arguments = std::mem::take(&mut self.arguments);
        let Call { target, context, message } = self.call;
        let (event, outcome, code) = Events::of(message.method()).told(outcome);
        let mut entry = describe(context, (message, target.public), arguments);
        (entry.event, entry.outcome, entry.code) = (event, outcome, code);
        entry.server = Some(Cow::Borrowed(&target.server.name));
        entry.correlation_id = self.part_of.as_deref().map(Cow::Borrowed);
        entry.duration = Some(ended - self.begun);
        entry.decision = self.decision.get().map(Cow::from);
        if let Some(earlier) = self.earlier.as_deref() {
            entry.rounds = earlier.rounds + 1;
            // The name by which the call is known since its first round.
            entry.request_id = earlier.request_id.as_deref().map(Cow::Borrowed);
            entry.correlation_id = earlier.correlation_id.as_deref().map(Cow::Borrowed);
        }
        entry
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.room.is_some() {
            // Nobody waits for it.
            let _ = self.end(&Err(ProviderError::Cancelled), Instant::now());
        }
    }
}

// === impl Events ===

impl Events {
    fn of(method: &str) -> Self {
        let (done, failed) = match method {
            method::TOOLS_CALL => (Event::ToolExecuted, Event::ToolFailed),
            method::PROMPTS_GET => (Event::PromptExecuted, Event::PromptFailed),
            method::RESOURCES_READ => (Event::ResourceRead, Event::ResourceFailed),
            _ => (Event::RequestExecuted, Event::RequestFailed),
        };
        Self { done, failed }
    }

    /// Returns which one it was, how it ended, and why if that is a cause of ours.
    fn told(
        self,
        outcome: &Result<Outcome, ProviderError>,
    ) -> (Event, &'static str, Option<ErrorCode>) {
        match outcome {
            Ok(Outcome::Complete(result)) if has_failed(&result.message) => {
                (self.failed, words::TOOL_ERROR, None)
            }
            Ok(Outcome::Complete(_)) => (self.done, words::OK, None),
            Ok(Outcome::NeedsInput(_)) => (self.done, words::INPUT_REQUIRED, None),
            Err(ProviderError::Answered { .. }) => (self.failed, words::ERROR, None),
            Err(ProviderError::Refused(error)) => {
                let code = code_of(error);
                let event = code.and_then(Event::of_refusal).unwrap_or(self.failed);
                (event, outcome::REFUSED, code)
            }
            Err(error @ ProviderError::Unavailable { .. }) => {
                (self.failed, words::UNAVAILABLE, causes::of(error))
            }
            Err(error @ ProviderError::TimedOut { .. }) => {
                (self.failed, words::TIMEOUT, causes::of(error))
            }
            Err(ProviderError::Cancelled) => (self.failed, words::CANCELLED, None),
        }
    }
}

fn has_failed(answer: &Message) -> bool {
    answer.kind() == Kind::Error || answer.result_member("isError") == Some(b"true")
}
