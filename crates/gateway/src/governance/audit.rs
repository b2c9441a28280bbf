//! The outermost layer of the call stack: every call has exactly one entry in the audit trail.
//!
//! Room for the entry is taken before anything runs, so that nothing runs unrecorded; the entry is
//! written when the call ends, in whatever way. The rounds of one `input_required` exchange are one
//! call, whose entry is written after the last ([`rounds`]).
//!
//! Sessions are recorded here too. What is refused before it is a call is recorded by the server.

mod rounds;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use gantry_core::audit::{Arguments, Audit, Entry, Event, Room, outcome};
use gantry_core::{CallContext, ErrorCode, Outcome, ProviderError, Request, correlation};
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
pub(crate) struct Recorded<'a>(Option<Box<Open<'a>>>);

/// Written as cancelled where it is dropped: the client went away, or took the call back.
#[derive(Debug)]
struct Open<'a> {
    gateway: &'a Gateway,
    kind: Events,
    begun: Instant,
    /// Which rule decided, once one has.
    decision: OnceLock<String>,
    entry: Entry,
    /// Until it ends.
    room: Option<Room<'a>>,
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
    target: &Target<'_>,
    context: &CallContext,
    (request, mut begun): (&Request, Instant),
) -> Result<Recorded<'a>, ProviderError> {
    if !gateway.audit.is_on() {
        return Ok(Recorded(None));
    }
    let message = &request.message;
    let arguments = arguments(&gateway.audit, message);
    let room = admit(&gateway.audit, message, &arguments).map_err(ProviderError::Refused)?;
    let Some(room) = room else { return Ok(Recorded(None)) };
    let mut entry = describe(context, message, arguments);
    entry.server = Some(Arc::clone(&target.server.name));
    veil(&mut entry, target.secrecy());
    let state = rounds::of_request(&target.server.name, context, message);
    if let Some(earlier) = state.and_then(|key| gateway.rounds.take(&key)) {
        begun = earlier.begun;
        entry.rounds = earlier.entry.rounds + 1;
        // The name by which the call is known since its first round.
        entry.request_id = earlier.entry.request_id;
        entry.correlation_id = earlier.entry.correlation_id;
        entry.arguments = earlier.entry.arguments;
    }
    let open = Open {
        gateway,
        kind: Events::of(message.method()),
        begun,
        decision: OnceLock::new(),
        entry,
        room: Some(room),
    };
    Ok(Recorded(Some(Box::new(open))))
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
    let mut entry = describe(context, message, arguments);
    veil(&mut entry, secrecy);
    let code = code_of(&error);
    entry.event = code.and_then(Event::of_refusal).unwrap_or(Events::of(message.method()).failed);
    let entry = entry.ended(outcome::REFUSED, code);
    room.fill(&entry)
        .await
        .err()
        .map_or(error, |unwritten| causes::coded(ErrorCode::AuditUnwritten, unwritten.to_string()))
}

/// Records that a session was opened.
pub(crate) fn session_created(gateway: &Gateway, session: &Session, request_id: &Arc<str>) {
    gateway.audit.record(Event::SessionCreated, |entry| Entry {
        request_id: Some(Arc::clone(request_id)),
        client: session.caller().info.clone(),
        ..of_session(entry, session)
    });
}

/// Records that a session ended.
pub(crate) fn session_ended(gateway: &Gateway, session: &Session) {
    gateway.audit.record(Event::SessionTerminated, |entry| of_session(entry, session));
}

fn of_session(entry: Entry, session: &Session) -> Entry {
    Entry { principal: Some(Arc::clone(&session.principal)), session: Some(session.id), ..entry }
}

/// Takes room for the entry of a message; `None` if it is not to be recorded.
fn admit<'a>(
    audit: &'a Audit,
    message: &Message,
    arguments: &Arguments,
) -> Result<Option<Room<'a>>, RpcError> {
    let held = match arguments {
        Arguments::None | Arguments::TooLarge(_) => 0,
        // The whole message is kept as long as a part of it is.
        Arguments::Raw(_) => message.bytes().len(),
        Arguments::Shortened { kept, .. } => kept.len(),
    };
    let kibibytes = u32::try_from(held / 1024 + 1).unwrap_or(1);
    audit.admit(kibibytes).map_err(|full| causes::coded(ErrorCode::AuditFull, full.to_string()))
}

/// Says who asks for what.
fn describe(context: &CallContext, message: &Message, arguments: Arguments) -> Entry {
    let method = message.method();
    let name = match method {
        method::TOOLS_CALL | method::PROMPTS_GET => message.param_string("name"),
        method::RESOURCES_READ => message.param_string("uri"),
        _ => None,
    };
    let info = context.caller.info.as_ref().filter(|info| info.len() <= MOST_NAME);
    Entry {
        principal: Some(Arc::clone(&context.principal)),
        address: context.address,
        client: info.map(|info| match arguments {
            // The message that it may be a part of is kept anyway.
            Arguments::Raw(_) => info.clone(),
            _ => Bytes::copy_from_slice(info),
        }),
        session: context.caller.session,
        request_id: Some(Arc::clone(&context.request_id)),
        correlation_id: correlation::part_of(),
        method: Some(
            known(method).map_or_else(|| shortened(method).into_string().into(), Into::into),
        ),
        name: name.as_deref().map(shortened),
        arguments,
        ..Entry::new(Events::of(method).done)
    }
}

/// Returns a method that many calls have, as a text that need not be copied.
fn known(method: &str) -> Option<&'static str> {
    [method::TOOLS_CALL, method::PROMPTS_GET, method::RESOURCES_READ]
        .into_iter()
        .find(|known| *known == method)
}

/// Leaves out what nobody may be shown.
fn veil(entry: &mut Entry, secrecy: Secrecy) {
    if secrecy.arguments && entry.arguments != Arguments::None {
        entry.arguments = Arguments::Raw(Value::from(SECRET).to_string().into());
    }
}

fn shortened(name: &str) -> Box<str> {
    name.get(..name.floor_char_boundary(MOST_NAME)).unwrap_or_default().into()
}

fn arguments(audit: &Audit, message: &Message) -> Arguments {
    let raw = message.param("arguments").filter(|_| audit.wants_arguments());
    match raw {
        None => Arguments::None,
        Some(raw) if message.bytes().len() > MOST_ARGUMENTS => Arguments::TooLarge(raw.len()),
        Some(raw) => audit.arguments(message.bytes().slice_ref(raw)),
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
        target: &Target<'_>,
        context: &CallContext,
        (outcome, ended): (Result<Outcome, ProviderError>, Instant),
    ) -> Result<Outcome, ProviderError> {
        let Some(mut open) = self.0 else { return outcome };
        let Some(room) = open.room.take() else { return outcome };
        if let Ok(Outcome::NeedsInput(result)) = &outcome
            && let Some(key) = rounds::of_result(&target.server.name, context, &result.message)
        {
            // Not its end. The room is given back: who asks a person must not hold it for hours.
            let mut entry = std::mem::replace(&mut open.entry, Entry::new(open.kind.done));
            entry.outcome = words::INPUT_REQUIRED;
            let round = rounds::Round { begun: open.begun, entry };
            open.gateway.rounds.keep(&key, round, &open.gateway.audit);
            return outcome;
        }
        open.tell(&outcome, ended);
        match room.fill(&open.entry).await {
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
    /// Says how the call ended, and when.
    fn tell(&mut self, outcome: &Result<Outcome, ProviderError>, ended: Instant) {
        let entry = &mut self.entry;
        entry.duration = Some(ended - self.begun);
        entry.decision = self.decision.get().map(|rule| rule.as_str().into());
        let (event, outcome) = match outcome {
            Ok(Outcome::Complete(result)) if has_failed(&result.message) => {
                (self.kind.failed, words::TOOL_ERROR)
            }
            Ok(Outcome::Complete(_)) => (self.kind.done, words::OK),
            Ok(Outcome::NeedsInput(_)) => (self.kind.done, words::INPUT_REQUIRED),
            Err(ProviderError::Answered { .. }) => (self.kind.failed, words::ERROR),
            Err(ProviderError::Refused(error)) => {
                entry.code = code_of(error);
                let event = entry.code.and_then(Event::of_refusal);
                (event.unwrap_or(self.kind.failed), outcome::REFUSED)
            }
            Err(error @ ProviderError::Unavailable { .. }) => {
                entry.code = causes::of(error);
                (self.kind.failed, words::UNAVAILABLE)
            }
            Err(error @ ProviderError::TimedOut { .. }) => {
                entry.code = causes::of(error);
                (self.kind.failed, words::TIMEOUT)
            }
            Err(ProviderError::Cancelled) => (self.kind.failed, words::CANCELLED),
        };
        (entry.event, entry.outcome) = (event, outcome);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(room) = self.room.take() {
            self.tell(&Err(ProviderError::Cancelled), Instant::now());
            room.fill_unheard(&self.entry);
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
}

fn has_failed(answer: &Message) -> bool {
    answer.kind() == Kind::Error || answer.result_member("isError") == Some(b"true")
}
