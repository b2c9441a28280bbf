//! The port to the audit trail: what is recorded of who did what, and how a recorder is told.
//!
//! Whoever decides or changes something says so here and never waits for a disk. What an entry looks
//! like, what is left out of it and where it is kept is decided by whoever implements [`Recorder`].
//! Where nothing is recorded, each of these calls costs one branch.

mod event;
mod store;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

pub use event::{Event, Events};
pub use store::{AuditStore, Query, StoredLine};

use crate::{ErrorCode, Principal};

/// How something ended, in the words of metrics and of the tap where these have one.
pub mod outcome {
    /// It was done.
    pub const OK: &str = "ok";
    /// The gateway refused it; nothing ran.
    pub const REFUSED: &str = "refused";
    /// It was tried and did not succeed.
    pub const FAILED: &str = "failed";
}

/// Arguments of fewer bytes stay as they were sent until the end of their call, which copies nothing then.
const MUCH: usize = 2 * 1024;
/// The longest that an answer waits for its entry to be durable.
const RECEIPT: Duration = Duration::from_secs(10);

/// What happened once. Time and order are added by the recorder.
///
/// It borrows what is there already: for every call there is an entry, which is written down at once.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// What kind of thing it was.
    pub event: Event,
    /// How it ended: a word of [`outcome`], or of the metrics for a call.
    pub outcome: &'static str,
    /// Who it was; `None` where nobody is known.
    pub principal: Option<Cow<'a, Arc<Principal>>>,
    /// From where; `None` where there is no address.
    pub address: Option<IpAddr>,
    /// The raw `clientInfo` of an MCP client.
    pub client: Option<Cow<'a, [u8]>>,
    /// What the client says it is, over HTTP.
    pub user_agent: Option<Cow<'a, str>>,
    /// The legacy session.
    pub session: Option<[u8; 16]>,
    /// Names the request in the log.
    pub request_id: Option<Cow<'a, str>>,
    /// Names what the request is a part of.
    pub correlation_id: Option<Cow<'a, str>>,
    /// The server behind the gateway.
    pub server: Option<Cow<'a, str>>,
    /// The method of MCP, or the method and route of HTTP.
    pub method: Option<Cow<'a, str>>,
    /// What it was about: a tool by its public name, a prompt, a URI, a key, a server.
    pub name: Option<Cow<'a, str>>,
    /// How long it took, waiting for people included.
    pub duration: Option<Duration>,
    /// How often the client had to answer before it was done; 1 for an ordinary call.
    pub rounds: u32,
    /// Which rule decided.
    pub decision: Option<Cow<'a, str>>,
    /// The cause, where it is one of ours.
    pub code: Option<ErrorCode>,
    /// What was sent along.
    pub arguments: Arguments<'a>,
    /// What else there is to say, in words of ours; never a secret.
    pub detail: Option<Cow<'a, str>>,
}

/// The arguments of a call, as raw JSON. What is shown of them is decided later.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Arguments<'a> {
    /// None were sent, or none are wanted.
    #[default]
    None,
    /// These.
    Raw(Cow<'a, [u8]>),
    /// These, as an entry has them, in JSON.
    Written(String),
    /// More bytes than are kept.
    TooLarge(usize),
}

impl Arguments<'_> {
    /// Returns the same with a copy of what it borrows.
    fn into_owned(self) -> Arguments<'static> {
        match self {
            Self::Raw(raw) => Arguments::Raw(raw.into_owned().into()),
            Self::Written(text) => Arguments::Written(text),
            Self::TooLarge(bytes) => Arguments::TooLarge(bytes),
            Self::None => Arguments::None,
        }
    }
}

impl fmt::Debug for Arguments<'_> {
    /// Tells how many bytes there are: people send secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("None"),
            Self::Raw(raw) => write!(formatter, "Raw({} bytes)", raw.len()),
            Self::Written(text) => write!(formatter, "Written({} bytes)", text.len()),
            Self::TooLarge(bytes) => write!(formatter, "TooLarge({bytes} bytes)"),
        }
    }
}

/// Writes entries down.
pub trait Recorder: Send + Sync + fmt::Debug + 'static {
    /// Tells which events are wanted.
    fn events(&self) -> Events;

    /// Tells whether arguments are wanted.
    fn wants_arguments(&self) -> bool;

    /// Returns what an entry has of large arguments, in JSON; `None` if that is all of them. Asked while
    /// a call waits, so it must be fast.
    fn written(&self, arguments: &[u8]) -> Option<String>;

    /// Takes room for an entry of so many KiB before anything happens, so that it surely has some
    /// later. `Ok(None)` if what finds no room goes unrecorded. Never waits.
    ///
    /// # Errors
    ///
    /// There is none, and nothing may happen unrecorded.
    fn reserve(&self, kibibytes: u32) -> Result<Option<Reserved>, Full>;

    /// Takes room for an entry that nothing depends on; `None`, and counted, if there is none.
    /// Such entries can never take the room of calls. Never waits.
    fn reserve_late(&self) -> Option<Reserved>;

    /// Takes room back that no entry came into.
    fn release(&self, room: Reserved);

    /// Writes an entry down into its room, which is free again once it is on its way. What is
    /// returned is told once the entry is durable; `None` where answers need not wait for that. Never
    /// waits.
    fn take(&self, entry: &Entry<'_>, room: Reserved) -> Option<oneshot::Receiver<()>>;
}

/// Room that was taken. A number and no guard: it is counted for every call, and given back for many
/// at once. [`Room`] sees to it that none is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// So many KiB of what calls and changes have.
    Kibibytes(u32),
    /// A place of those that nothing depends on.
    Late,
}

/// There is no room for another entry, and nothing may happen without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail cannot take another entry: its sinks fail or are too slow")]
pub struct Full;

/// What happened has no durable entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was carried out, but its entry of the audit trail could not be made durable in time")]
pub struct Unwritten;

/// The way to the recorder, if there is one. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    recorder: Option<Arc<dyn Recorder>>,
}

/// Room for one entry. Dropped without one, it is free again.
#[derive(Debug)]
pub struct Room<'a> {
    recorder: Holder<'a>,
    /// Until an entry comes into it.
    reserved: Option<Reserved>,
}

/// What tells whether an entry is durable; nothing where nobody has to wait for that.
#[derive(Debug)]
#[must_use = "whoever is to be answered waits until the entry is durable"]
pub struct Receipt(Option<oneshot::Receiver<()>>);

/// The recorder that room is of. Borrowed where every call has some: to count one more holder, processors
/// would take the count from each other.
#[derive(Debug)]
enum Holder<'a> {
    Borrowed(&'a Arc<dyn Recorder>),
    Owned(Arc<dyn Recorder>),
}

// === impl Audit ===

impl Audit {
    /// Returns the audit that records nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// Records by `recorder`.
    pub fn new(recorder: Arc<dyn Recorder>) -> Self {
        Self { recorder: Some(recorder) }
    }

    /// Tells whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.recorder.is_some()
    }

    /// Tells whether an event is recorded.
    pub fn wants(&self, event: Event) -> bool {
        self.recorder.as_ref().is_some_and(|recorder| recorder.events().has(event))
    }

    /// Tells whether arguments are recorded.
    pub fn wants_arguments(&self) -> bool {
        self.recorder.as_ref().is_some_and(|recorder| recorder.wants_arguments())
    }

    /// Returns what the entry of a call has to hold of its raw arguments, until what is written of them
    /// is decided.
    pub fn arguments<'a>(&self, raw: &'a [u8]) -> Arguments<'a> {
        let Some(recorder) = &self.recorder else { return Arguments::None };
        let written = (raw.len() > MUCH).then(|| recorder.written(raw)).flatten();
        written.map_or(Arguments::Raw(raw.into()), Arguments::Written)
    }

    /// Records what has happened. Never waits; `describe` runs only if somebody wants to know.
    ///
    /// An entry that finds no room is counted as dropped. What must not happen without one asks
    /// [`Self::admit`] before it happens.
    pub fn record<'a>(&self, event: Event, describe: impl FnOnce(Entry<'a>) -> Entry<'a>) {
        let Some(recorder) = &self.recorder else { return };
        if !recorder.events().has(event) {
            return;
        }
        if let Some(room) = recorder.reserve_late() {
            // Nobody waits for it.
            let _ = recorder.take(&describe(Entry::new(event)), room);
        }
    }

    /// Takes room for the entry of what is about to happen; `None` if it is not recorded.
    ///
    /// # Errors
    ///
    /// There is no room, and `audit.when_full` says that it must not happen then.
    pub fn admit(&self, kibibytes: u32) -> Result<Option<Room<'_>>, Full> {
        let Some(recorder) = &self.recorder else { return Ok(None) };
        let reserved = recorder.reserve(kibibytes)?;
        let recorder = Holder::Borrowed(recorder);
        Ok(reserved.map(|room| Room { recorder, reserved: Some(room) }))
    }
}

// === impl Room ===

impl Room<'_> {
    /// Returns the same room for as long as anybody likes.
    pub fn into_owned(mut self) -> Room<'static> {
        let recorder = Holder::Owned(Arc::clone(self.recorder()));
        Room { recorder, reserved: self.reserved.take() }
    }

    fn recorder(&self) -> &Arc<dyn Recorder> {
        match &self.recorder {
            Holder::Borrowed(recorder) => recorder,
            Holder::Owned(recorder) => recorder,
        }
    }

    /// Records what has happened. Never waits; whoever is to be answered waits for the receipt.
    pub fn fill(mut self, entry: &Entry<'_>) -> Receipt {
        let is_wanted = self.recorder().events().has(entry.event);
        let reserved = if is_wanted { self.reserved.take() } else { None };
        Receipt(reserved.and_then(|reserved| self.recorder().take(entry, reserved)))
    }
}

// === impl Receipt ===

impl Receipt {
    /// Waits until the entry is durable, if it has to be.
    ///
    /// # Errors
    ///
    /// It has to be, and is not within ten seconds.
    pub async fn durable(self) -> Result<(), Unwritten> {
        let Some(durable) = self.0 else { return Ok(()) };
        match tokio::time::timeout(RECEIPT, durable).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Unwritten),
        }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if let Some(reserved) = self.reserved.take() {
            self.recorder().release(reserved);
        }
    }
}

// === impl Entry ===

impl<'a> Entry<'a> {
    /// Begins an entry of which nothing is known but its event.
    pub fn new(event: Event) -> Self {
        Self {
            event,
            outcome: outcome::OK,
            principal: None,
            address: None,
            client: None,
            user_agent: None,
            session: None,
            request_id: None,
            correlation_id: None,
            server: None,
            method: None,
            name: None,
            duration: None,
            rounds: 1,
            decision: None,
            code: None,
            arguments: Arguments::None,
            detail: None,
        }
    }

    /// Says who it was, and from where.
    #[must_use]
    pub fn by(
        mut self,
        principal: Option<Cow<'a, Arc<Principal>>>,
        address: Option<IpAddr>,
    ) -> Self {
        self.principal = principal;
        self.address = address;
        self
    }

    /// Returns the same with copies of whatever it borrows.
    pub fn into_owned(self) -> Entry<'static> {
        let owned = |text: Option<Cow<'a, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Entry {
            principal: self.principal.map(|principal| Cow::Owned(principal.into_owned())),
            client: self.client.map(|client| Cow::Owned(client.into_owned())),
            user_agent: owned(self.user_agent),
            request_id: owned(self.request_id),
            correlation_id: owned(self.correlation_id),
            server: owned(self.server),
            method: owned(self.method),
            name: owned(self.name),
            decision: owned(self.decision),
            detail: owned(self.detail),
            event: self.event,
            outcome: self.outcome,
            address: self.address,
            session: self.session,
            duration: self.duration,
            rounds: self.rounds,
            code: self.code,
            arguments: self.arguments.into_owned(),
        }
    }

    /// Says that it did not succeed, and why if that has a code.
    #[must_use]
    pub fn ended(mut self, outcome: &'static str, code: Option<ErrorCode>) -> Self {
        self.outcome = outcome;
        self.code = code;
        self
    }
}
