//! An entry as one JSON object, its members always in the same order and without spaces.
//!
//! Members that say nothing are left out. The names are those of the log, where it has them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use gantry_core::ErrorCode;
use gantry_core::audit::{Arguments, Entry, StoredLine};
use gantry_protocol::{Object, method};
use serde_json::Value;

use super::arguments::{Keep, Rules, left_out, push_number, push_text};
use super::chain::{ID, hex};
use super::repeated::Repeated;
use super::verify::Parts;
use crate::redact::REDACTED;
use crate::sha256::sha256;

/// The most characters of a name, of a client's own words, and of what else is said.
const LONGEST: usize = 512;
/// Bytes of the fingerprint of a session.
const FINGERPRINT: usize = 8;

/// The name of a member as it stands behind others. Names are ours, and need no escapes.
macro_rules! named {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// Writes an entry down behind what is there, without what the rules leave out: what follows its id,
/// which it gets with its place among the others ([`push_body`]). `at` is in Unix milliseconds, and `timestamp`
/// makes RFC 3339 in UTC of it.
pub fn describe(
    into: &mut String,
    (at, timestamp): (u64, impl FnOnce() -> String),
    entry: &Entry<'_>,
    repeated: &mut Repeated,
    rules: &Arc<Rules>,
) {
    repeated.follow(rules);
    repeated.ending(into, (at, timestamp), entry);
    repeated.who(into, entry, rules);
    let mut members = Members(into);
    let request_id = entry.request_id.as_deref();
    members.maybe(named!("request_id"), request_id);
    members.maybe(
        named!("correlation_id"),
        entry.correlation_id.as_deref().filter(|id| request_id != Some(id)),
    );
    repeated.what(members.0, entry, rules);
    if let Some(duration) = entry.duration {
        members
            .number(named!("duration_us"), u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }
    if entry.rounds > 1 {
        members.number(named!("rounds"), entry.rounds.into());
    }
    members.maybe(named!("decision"), entry.decision.as_deref());
    members.shown(named!("detail"), entry.detail.as_deref(), rules);
    match &entry.arguments {
        Arguments::None => {}
        Arguments::Raw(raw) => members.arguments(raw, rules),
        Arguments::Written(text) => members.raw(named!("arguments"), text),
        Arguments::TooLarge(_) if rules.keep() == Keep::None => {}
        Arguments::TooLarge(bytes) => members.text(named!("arguments"), &left_out(*bytes)),
    }
    members.0.push('}');
}

/// Writes the object of an entry, which is what [`describe`] wrote behind its id: that of where it was
/// written down and a number there, unique among the entries of all gateways and the same in every trail.
pub fn push_body(into: &mut String, (place, number): (&str, u64), described: &str) {
    into.push_str(ID);
    into.push_str(place);
    into.push('-');
    push_number(into, number);
    into.push('"');
    into.push_str(described);
}

/// Writes the members that say when what ended how.
pub(super) fn ending(into: &mut String, timestamp: &str, entry: &Entry<'_>) {
    let mut members = Members(into);
    members.word(named!("timestamp"), timestamp);
    members.word(named!("event_type"), entry.event.name());
    if entry.event.is_security() {
        members.raw(named!("security_event"), "true");
    }
    members.word(named!("outcome"), entry.outcome);
    if let Some(code) = entry.code {
        members.word(named!("code"), ErrorCode::code(code));
    }
}

/// Writes the members that say who asked.
pub(super) fn who(into: &mut String, entry: &Entry<'_>, rules: &Rules) {
    let mut members = Members(into);
    if let Some(principal) = &entry.principal {
        members.shown(named!("principal"), Some(&principal.subject), rules);
        members.shown(named!("issuer"), Some(&principal.issuer), rules);
        members.maybe(named!("credential"), principal.grants.credential.as_deref());
    }
    if let Some(address) = entry.address {
        members.address(address);
    }
    let client = entry.client.as_deref().and_then(client);
    members.shown(named!("client"), client.as_deref(), rules);
    members.shown(named!("user_agent"), entry.user_agent.as_deref(), rules);
    if let Some(session) = entry.session {
        // Whoever knows a session's id need not find it here; who has it can look for it.
        members.text(named!("session"), &hex(&sha256(&session)[..FINGERPRINT]));
    }
}

/// Writes the members that say what for.
pub(super) fn what(into: &mut String, entry: &Entry<'_>, rules: &Rules) {
    let mut members = Members(into);
    members.maybe(named!("server"), entry.server.as_deref());
    members.shown(named!("method"), entry.method.as_deref(), rules);
    let Some(name) = entry.name.as_deref() else { return };
    match entry.method.as_deref() {
        Some(method::TOOLS_CALL) => members.shown(named!("tool_name"), Some(name), rules),
        Some(method::PROMPTS_GET) => members.shown(named!("prompt_name"), Some(name), rules),
        Some(method::RESOURCES_READ) => {
            members.shown(named!("resource"), Some(&without_query(name, rules)), rules);
        }
        _ => members.shown(named!("subject"), Some(name), rules),
    }
}

/// People put tokens into the query of an address.
fn without_query<'a>(uri: &'a str, rules: &Rules) -> Cow<'a, str> {
    match uri.split_once('?') {
        Some((head, _)) if rules.keep() != Keep::Full => format!("{head}?{REDACTED}").into(),
        _ => uri.into(),
    }
}

/// Says who a client claims to be by its raw `clientInfo`: `NAME/VERSION`; `None` if it says nothing.
fn client(raw: &[u8]) -> Option<String> {
    let info = Object::read(raw, 0..raw.len()).ok()?;
    let mut client = info.string(raw, "name")?.into_owned();
    if let Some(version) = info.string(raw, "version") {
        client.push('/');
        client.push_str(&version);
    }
    Some(client)
}

/// Returns a sealed line with what it is found by. `at` is in Unix milliseconds.
pub fn stored(line: &str, at: u64) -> StoredLine {
    let body: Value = serde_json::from_str(line).unwrap_or_default();
    let text =
        |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    StoredLine {
        // Not by its JSON: a damaged entry that waited on the disk has its place all the same.
        seq: Parts::of(line).map_or(0, |parts| parts.seq),
        at,
        event: text("event_type"),
        outcome: text("outcome"),
        principal: text("principal"),
        name: name_of(&body).to_owned(),
        request_id: text("request_id"),
        line: line.to_owned(),
    }
}

/// Returns what a written entry is about; empty if nothing.
pub fn name_of(entry: &Value) -> &str {
    let members = ["tool_name", "prompt_name", "resource", "subject"];
    members.iter().find_map(|member| entry.get(*member)?.as_str()).unwrap_or_default()
}

/// Members of an object that go on after others, written as they come: there is an entry for every call.
/// Names come from `named!`.
struct Members<'a>(&'a mut String);

impl Members<'_> {
    /// `value` is JSON.
    fn raw(&mut self, name: &'static str, value: &str) {
        self.0.push_str(name);
        self.0.push_str(value);
    }

    fn number(&mut self, name: &'static str, value: u64) {
        self.0.push_str(name);
        push_number(self.0, value);
    }

    fn text(&mut self, name: &'static str, value: &str) {
        self.0.push_str(name);
        push_text(self.0, value);
    }

    /// A word of ours, which needs no escapes.
    fn word(&mut self, name: &'static str, value: &str) {
        self.0.push_str(name);
        self.0.push('"');
        self.0.push_str(value);
        self.0.push('"');
    }

    fn address(&mut self, address: IpAddr) {
        self.0.push_str(concat!(named!("address"), "\""));
        match address {
            IpAddr::V4(address) => {
                for (at, byte) in address.octets().into_iter().enumerate() {
                    if at > 0 {
                        self.0.push('.');
                    }
                    push_number(self.0, byte.into());
                }
            }
            // Writing to a string cannot fail.
            IpAddr::V6(address) => drop(write!(self.0, "{address}")),
        }
        self.0.push('"');
    }

    fn arguments(&mut self, raw: &[u8], rules: &Rules) {
        let start = self.0.len();
        self.0.push_str(named!("arguments"));
        if !rules.write_arguments(raw, self.0) {
            self.0.truncate(start);
        }
    }

    fn maybe(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Somebody else's text: cut, and without the gateway's own secrets.
    fn shown(&mut self, name: &'static str, value: Option<&str>, rules: &Rules) {
        if let Some(value) = value {
            self.text(name, &rules.text(value, LONGEST));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gantry_core::audit::Event;
    use gantry_core::{ErrorCode, Grants, Principal};

    use super::*;
    use crate::audit::Chain;
    use crate::redact::Secrets;

    /// Returns the object of an entry.
    fn body(entry: &Entry<'_>) -> String {
        let mut body = String::new();
        let (mut described, mut repeated) = (String::new(), Repeated::default());
        describe(&mut described, (1, || TIMESTAMP.to_owned()), entry, &mut repeated, &rules());
        push_body(&mut body, ("a", 1), &described);
        body
    }

    const TIMESTAMP: &str = "2026-11-25T08:30:00.250Z";

    fn rules() -> Arc<Rules> {
        Arc::new(Rules::new(Keep::Redacted, &[], Secrets::new(["s3cr3t-value".to_owned()])))
    }

    fn call() -> Entry<'static> {
        let grants = Grants { credential: Some("token".into()), ..Grants::default() };
        let ada = Arc::new(Principal { grants, ..Principal::new("gantry", "ada") });
        Entry {
            outcome: "ok",
            principal: Some(Cow::Owned(ada)),
            address: Some([127, 0, 0, 1].into()),
            client: Some(Cow::Borrowed(br#"{"name":"ide","version":"2"}"#)),
            session: Some([7; 16]),
            request_id: Some("r-1".into()),
            correlation_id: Some("r-1".into()),
            server: Some("git".into()),
            method: Some("tools/call".into()),
            name: Some("git__log".into()),
            duration: Some(Duration::from_micros(1500)),
            arguments: Arguments::Raw(br#"{"n":3,"token":"t"}"#.into()),
            ..Entry::new(Event::ToolExecuted)
        }
    }

    #[test]
    fn an_entry_says_who_did_what_and_how_it_ended() {
        let expected = concat!(
            r#"{"id":"a-1","timestamp":"2026-11-25T08:30:00.250Z","event_type":"tool.executed","#,
            r#""outcome":"ok","principal":"ada","issuer":"gantry","credential":"token","#,
            r#""address":"127.0.0.1","client":"ide/2","session":"2ac1a4b6e2b3d1ee","#,
            r#""request_id":"r-1","server":"git","method":"tools/call","tool_name":"git__log","#,
            r#""duration_us":1500,"arguments":{"n":3,"token":"[redacted]"}}"#,
        );
        let written = body(&call());
        let session = hex(&sha256(&[7; 16])[..FINGERPRINT]);
        assert_eq!(written, expected.replace("2ac1a4b6e2b3d1ee", &session));
    }

    #[test]
    fn what_is_said_again_is_the_same_and_never_that_of_another() {
        let other = Grants::default();
        let changes: [fn(&mut Entry<'static>); 12] = [
            |_| {},
            |entry| entry.address = Some([10, 0, 0, 1].into()),
            |entry| entry.client = Some(Cow::Borrowed(br#"{"name":"other"}"#)),
            |entry| entry.client = None,
            |entry| entry.session = None,
            |entry| entry.user_agent = Some("curl".into()),
            |entry| entry.server = Some("hub".into()),
            |entry| entry.method = Some("prompts/get".into()),
            |entry| entry.name = Some("git__s3cr3t-value".into()),
            |entry| entry.outcome = "error",
            |entry| entry.event = Event::ToolFailed,
            |entry| entry.code = Some(ErrorCode::UpstreamFull),
        ];
        let mut repeated = Repeated::default();
        let mut written = |at: u64, entry: &Entry<'_>, rules: &Arc<Rules>| {
            let mut text = String::new();
            describe(&mut text, (at, || at.to_string()), entry, &mut repeated, rules);
            text
        };
        let alone = |at: u64, entry: &Entry<'_>, rules: &Arc<Rules>| {
            let mut text = String::new();
            describe(&mut text, (at, || at.to_string()), entry, &mut Repeated::default(), rules);
            text
        };
        let principal =
            |name| Arc::new(Principal { grants: other.clone(), ..Principal::new("gantry", name) });
        let entries: Vec<_> = ["bob", "eve"]
            .into_iter()
            .map(principal)
            .flat_map(|principal| {
                changes.map(|change| {
                    let mut entry =
                        Entry { principal: Some(Cow::Owned(Arc::clone(&principal))), ..call() };
                    change(&mut entry);
                    entry
                })
            })
            .chain([call(), Entry::new(Event::GatewayStarted)])
            .collect();
        let all = Arc::new(Rules::new(Keep::Full, &[], Secrets::default()));
        for rules in [rules(), all, rules()] {
            for (at, entry) in (0..).zip(entries.iter().chain(entries.iter().rev())) {
                // Several in each millisecond.
                assert_eq!(written(at / 3, entry, &rules), alone(at / 3, entry, &rules));
            }
        }
    }

    #[test]
    fn a_refusal_says_why_and_no_secret() {
        let entry = Entry {
            user_agent: Some("curl s3cr3t-value".into()),
            detail: Some("no".into()),
            ..Entry::new(Event::AuthenticationFailure).ended("refused", Some(ErrorCode::TokenWrong))
        };
        let written = body(&entry);
        assert!(written.contains(r#""event_type":"authentication.failure","security_event":true,"outcome":"refused","code":"E0401""#), "{written}");
        assert!(written.contains(r#""user_agent":"curl [redacted]""#), "{written}");
    }

    #[test]
    fn the_query_of_an_address_is_left_out() {
        let read = Entry {
            method: Some("resources/read".into()),
            name: Some("https://a/b?key=x".into()),
            ..Entry::new(Event::ResourceRead)
        };
        let written = body(&read);
        assert!(written.contains(r#""resource":"https://a/b?[redacted]""#), "{written}");
    }

    #[test]
    fn a_line_is_found_by_what_it_says() {
        let mut line = String::new();
        Chain::default().seal(&[&body(&call())], &mut line);
        let line = line.trim_end();
        let stored = stored(line, 5);
        assert_eq!((stored.seq, stored.at, &*stored.name), (1, 5, "git__log"));
        assert_eq!((&*stored.principal, &*stored.event), ("ada", "tool.executed"));
        let damaged = super::stored(&line.replace("tool.executed", "tool\u{0}"), 5);
        assert_eq!((damaged.seq, &*damaged.event), (1, ""));
    }
}
