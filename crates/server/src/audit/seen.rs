//! What the HTTP stack and the API record: who was refused, who was let in, and what was changed.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use gantry_core::audit::{Audit, Entry, Event, Room, outcome};
use gantry_core::{ErrorCode, Principal, correlation};
use gantry_policy::Denied;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, Uri};

use crate::api::Caller;

/// The most bytes that are kept of what a client says it is.
const MOST_AGENT: usize = 512;
/// The most bytes that are kept of a path.
const MOST_PATH: usize = 256;

/// A request as it came in; nothing where nothing is recorded. What it shows is written down only if
/// there is something to record, which for most requests there is not.
#[derive(Debug)]
pub(crate) struct Seen<'a>(Option<Request<'a>>);

#[derive(Debug)]
struct Request<'a> {
    audit: &'a Audit,
    address: Option<IpAddr>,
    method: &'a Method,
    uri: &'a Uri,
    user_agent: Option<HeaderValue>,
}

impl<'a> Seen<'a> {
    /// Looks at a request.
    pub(crate) fn of(
        audit: &'a Audit,
        (method, uri, headers): (&'a Method, &'a Uri, &HeaderMap),
        address: Option<IpAddr>,
    ) -> Self {
        Self(audit.is_on().then(|| Request {
            audit,
            address,
            method,
            uri,
            user_agent: headers.get(USER_AGENT).cloned(),
        }))
    }

    /// Records that the request of somebody was refused, if that is a matter of who may do what.
    pub(crate) fn refused(
        &self,
        code: ErrorCode,
        denied: Option<Denied>,
        who: Option<&Arc<Principal>>,
    ) {
        let Some(request) = &self.0 else { return };
        let event = match denied {
            Some(Denied::Missing) => Some(Event::AuthenticationMissing),
            Some(Denied::TokenTooNarrow) => Some(Event::AuthorizationDenied),
            Some(_) => Some(Event::AuthenticationFailure),
            None => Event::of_refusal(code),
        };
        let Some(event) = event else { return };
        request.audit.record(event, |entry| {
            request
                .describe(entry)
                .by(who.map(Cow::Borrowed), request.address)
                .ended(outcome::REFUSED, Some(code))
        });
    }

    /// Records that somebody showed a credential that is valid.
    pub(crate) fn let_in(&self, who: &Arc<Principal>) {
        let Some(request) = self.0.as_ref().filter(|_| !who.is_anonymous()) else { return };
        request.audit.record(Event::AuthenticationSuccess, |entry| {
            request.describe(entry).by(Some(Cow::Borrowed(who)), request.address)
        });
    }
}

impl Request<'_> {
    fn describe<'a>(&'a self, entry: Entry<'a>) -> Entry<'a> {
        let names = correlation::current();
        let agent = self.user_agent.as_ref().and_then(|value| value.to_str().ok());
        // Without the query: people put tokens there.
        let what = format!("{} {}", self.method, shortened(self.uri.path(), MOST_PATH));
        Entry {
            method: Some(what.into()),
            user_agent: agent.map(|agent| shortened(agent, MOST_AGENT).into()),
            request_id: names.as_ref().map(|names| names.request_id.to_string().into()),
            correlation_id: names.map(|names| names.part_of.to_string().into()),
            ..entry
        }
    }
}

/// A change that is about to be made; what it becomes is recorded.
#[derive(Debug)]
pub(crate) struct Changing {
    /// Room for its entry, if it is recorded.
    room: Option<Room<'static>>,
    entry: Entry<'static>,
}

impl Changing {
    /// Takes room for the entry of a change.
    ///
    /// # Errors
    ///
    /// There is none: the change must not be made then.
    pub(crate) fn begin(audit: &Audit, event: Event, name: &str) -> Result<Self, ErrorCode> {
        let room = audit.admit(1).map_err(|_| ErrorCode::AuditFull)?.map(Room::into_owned);
        let names = correlation::current();
        let entry = Entry {
            name: Some(shortened(name, MOST_PATH).to_owned().into()),
            request_id: names.as_ref().map(|names| names.request_id.to_string().into()),
            correlation_id: names.map(|names| names.part_of.to_string().into()),
            ..Entry::new(event)
        };
        Ok(Self { room, entry })
    }

    /// Says who makes it, by the API.
    #[must_use]
    pub(crate) fn by(mut self, caller: &Caller) -> Self {
        // Whoever shows the admin token acts as the administrator, whatever else they are.
        let is_client = caller.no_admin.is_some();
        let who = caller.principal.clone().filter(|_| is_client).unwrap_or_else(administrator);
        self.entry = self.entry.by(Some(Cow::Owned(who)), caller.address);
        self
    }

    /// Says that the administrator makes it.
    #[must_use]
    pub(crate) fn by_administrator(mut self, address: Option<IpAddr>) -> Self {
        self.entry = self.entry.by(Some(Cow::Owned(administrator())), address);
        self
    }

    /// Says that somebody at the machine itself makes it, by a command beside no gateway.
    #[must_use]
    pub(crate) fn by_local(mut self) -> Self {
        self.entry = self.entry.by(Some(Cow::Owned(Arc::new(Principal::local()))), None);
        self
    }

    /// Says what it is about, where that is known only when it is made.
    #[must_use]
    pub(crate) fn about(mut self, name: &str) -> Self {
        self.entry.name = Some(shortened(name, MOST_PATH).to_owned().into());
        self
    }

    /// Says more of it.
    #[must_use]
    pub(crate) fn saying(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.entry.detail = Some(detail.into());
        self
    }

    /// Records what became of it: that it was made, or why not.
    ///
    /// # Errors
    ///
    /// It has to be durable before anybody is answered, and is not.
    pub(crate) async fn end(self, made: Result<(), Option<ErrorCode>>) -> Result<(), ErrorCode> {
        let Some(room) = self.room else { return Ok(()) };
        let entry = match made {
            Ok(()) => self.entry,
            Err(code) => self.entry.ended(outcome::FAILED, code),
        };
        room.fill(&entry).durable().await.map_err(|_| ErrorCode::AuditUnwritten)
    }
}

fn administrator() -> Arc<Principal> {
    Arc::new(Principal::new("gantry:admin", "administrator"))
}

fn shortened(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}
