//! A session: what it is, what may become of it, and where it is kept.

use std::collections::BTreeSet;

use bytes::Bytes;
use gantry_core::{Principal, seal};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::ToolError;
use crate::ports::Record;

/// Seconds without a request after which a session has expired.
pub(super) const LIFE: u64 = 24 * 60 * 60;
/// Seconds for which one that is over can still be looked at.
const AFTERLIFE: u64 = 60 * 60;
/// The most sessions of one principal.
pub(super) const MAX_SESSIONS: usize = 1000;
/// The most subscriptions of one session.
const MAX_SUBSCRIPTIONS: usize = 100;
/// The most bytes of metadata and of capabilities, each.
const MAX_BYTES: usize = 16 * 1024;
/// The kind of record.
const KIND: &str = "session";

/// One change at a time: a record is read, changed and written.
static CHANGING: Mutex<()> = Mutex::new(());

/// Where a session stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It was opened, and its client has not said that it is ready.
    Initializing,
    /// It takes requests.
    Active,
    /// It takes none until it is resumed.
    Suspended,
    /// Nothing was heard of it for a day.
    Expired,
    /// It was ended.
    Terminated,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "clients of sessions know these names")]
pub(super) struct Session {
    /// The handle.
    pub(super) session_id: String,
    /// Whose it is, within the principal that opened it.
    pub(super) client_id: String,
    /// Unix seconds.
    pub(super) created_at: u64,
    /// Unix seconds.
    pub(super) last_activity: u64,
    /// Where it stands.
    pub(super) state: State,
    /// What the client wants remembered.
    pub(super) metadata: Map<String, Value>,
    /// What the client said that it can do.
    pub(super) capabilities: Map<String, Value>,
    /// The URIs that it is subscribed to.
    pub(super) subscriptions: BTreeSet<String>,
    /// The requests within it that are not answered yet, by what their client calls them.
    pub(super) pending_requests: BTreeSet<String>,
    /// The requests that were made within it.
    pub(super) message_count: u64,
}

/// Why there is no session to go on with. The first is one for all, so that nobody learns whether
/// a handle is somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Unknown, of somebody else, expired or terminated.
    #[error("Invalid or expired session")]
    Invalid,
    /// It has to be resumed first.
    #[error("The session is suspended; resume it with `session/resume`")]
    Suspended,
}

/// Why a request within a session is not carried out.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is answered with an error of the protocol.
    Refused(Refusal),
    /// The call itself is wrong.
    Wrong(ToolError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        Self::Wrong(error)
    }
}

/// Opens a session for a caller.
pub(super) fn open(
    context: &Context<'_>,
    client_id: &str,
    metadata: Map<String, Value>,
    capabilities: Map<String, Value>,
) -> Result<Session, ToolError> {
    within("request.params.metadata", &metadata)?;
    within("request.params.capabilities", &capabilities)?;
    let _one = CHANGING.lock();
    if all(context)?.iter().filter(|session| session.is_open()).count() >= MAX_SESSIONS {
        let problem = format!("{MAX_SESSIONS} sessions are open already; terminate some of them");
        return Err(ToolError::argument("request", problem));
    }
    let handle = seal::random::<16>()
        .map_err(|error| unavailable("the operating system's random numbers", &error))?;
    let now = context.ports().clock.unix_seconds();
    let session = Session {
        session_id: format!("{:032x}", u128::from_be_bytes(handle)),
        client_id: client_id.to_owned(),
        created_at: now,
        last_activity: now,
        state: State::Initializing,
        metadata,
        capabilities,
        subscriptions: BTreeSet::new(),
        pending_requests: BTreeSet::new(),
        message_count: 1,
    };
    keep(context, &session)?;
    Ok(session)
}

/// Looks at a session of the caller, whatever its state.
pub(super) fn look(context: &Context<'_>, id: &str) -> Result<Option<Session>, ToolError> {
    let record = context
        .ports()
        .records
        .get(KIND, &owner(context.principal), id)
        .map_err(|error| unavailable("records", &error))?;
    let now = context.ports().clock.unix_seconds();
    Ok(record.and_then(|record| read(&record, now)))
}

/// Changes a session of the caller that can go on. What `change` refuses changes nothing.
pub(super) fn change<T>(
    context: &Context<'_>,
    id: &str,
    change: impl FnOnce(&mut Session) -> Result<T, Failure>,
) -> Result<(Session, T), Failure> {
    let _one = CHANGING.lock();
    let found = look(context, id)?.filter(Session::is_open);
    let mut session = found.ok_or(Refusal::Invalid)?;
    let done = change(&mut session)?;
    keep(context, &session)?;
    Ok((session, done))
}

/// Returns every session of the caller that can still be looked at, those heard last first.
pub(super) fn all(context: &Context<'_>) -> Result<Vec<Session>, ToolError> {
    let records = context
        .ports()
        .records
        .list(KIND, &owner(context.principal), MAX_SESSIONS)
        .map_err(|error| unavailable("records", &error))?;
    let now = context.ports().clock.unix_seconds();
    Ok(records.iter().filter_map(|record| read(record, now)).collect())
}

// === impl Session ===

impl Session {
    /// Tells whether it can go on.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Expired | State::Terminated)
    }

    /// Counts a request.
    pub(super) fn heard(&mut self, now: u64) {
        self.message_count += 1;
        self.last_activity = self.last_activity.max(now);
    }

    /// Takes what the client wants remembered; `null` forgets a member.
    pub(super) fn update(&mut self, metadata: Map<String, Value>) -> Result<(), ToolError> {
        for (name, value) in metadata {
            if value.is_null() {
                self.metadata.remove(&name);
            } else {
                self.metadata.insert(name, value);
            }
        }
        within("request.params.metadata", &self.metadata)
    }

    /// Adds a subscription; tells whether it is new.
    pub(super) fn subscribe(&mut self, uri: &str) -> Result<bool, ToolError> {
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS && !self.subscriptions.contains(uri) {
            let problem = format!("the session has {MAX_SUBSCRIPTIONS} subscriptions already");
            return Err(ToolError::argument("request.params.uri", problem));
        }
        Ok(self.subscriptions.insert(uri.to_owned()))
    }
}

/// The place of a principal's records.
pub(super) fn owner(principal: &Principal) -> String {
    // An issuer has no space in it: it is a word or an address.
    format!("{} {}", principal.issuer, principal.subject)
}

fn read(record: &Record, now: u64) -> Option<Session> {
    let mut session: Session = serde_json::from_slice(&record.value).ok()?;
    if session.is_open() && session.last_activity.saturating_add(LIFE) <= now {
        session.state = State::Expired;
    }
    Some(session)
}

fn keep(context: &Context<'_>, session: &Session) -> Result<(), ToolError> {
    let life = if session.is_open() { LIFE } else { 0 };
    let value = serde_json::to_vec(session)
        .map_err(|error| ToolError::Unwritable { problem: error.to_string() })?;
    let record = Record {
        key: session.session_id.clone(),
        value: Bytes::from(value),
        expires_at: Some(session.last_activity.saturating_add(life + AFTERLIFE)),
    };
    let records = &context.ports().records;
    records
        .put(KIND, &owner(context.principal), record)
        .map_err(|error| unavailable("records", &error))
}

fn within(field: &str, object: &Map<String, Value>) -> Result<(), ToolError> {
    let size = serde_json::to_vec(object).map_or(usize::MAX, |text| text.len());
    if size <= MAX_BYTES {
        return Ok(());
    }
    let problem = format!("has {size} bytes; at most {MAX_BYTES} are kept");
    Err(ToolError::argument(field, problem))
}

fn unavailable(what: &'static str, error: &impl ToString) -> ToolError {
    ToolError::Unavailable { what, problem: error.to_string() }
}
