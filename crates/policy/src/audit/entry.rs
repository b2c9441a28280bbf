//! An entry as one JSON object, its members always in the same order and without spaces.
//!
//! Members that say nothing are left out. The names are those of the log, where it has them.

use gantry_core::audit::{Arguments, Entry, StoredLine};
use gantry_protocol::method;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Line;
use super::arguments::{Keep, Rules, left_out};
use super::chain::hex;

/// The most characters of a name, of a client's own words, and of what else is said.
const LONGEST: usize = 512;
/// Bytes of the fingerprint of a session.
const FINGERPRINT: usize = 8;

/// When an entry was made, and which one it is.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Unique among the entries of all gateways, the same in every trail.
    pub id: &'a str,
    /// RFC 3339 in UTC.
    pub timestamp: &'a str,
}

/// Writes an entry down, without what the rules leave out.
pub fn body(moment: Moment<'_>, entry: &Entry, rules: &Rules) -> String {
    let mut object = Members(Map::new());
    object.put("id", moment.id);
    object.put("timestamp", moment.timestamp);
    object.put("event_type", entry.event.name());
    if entry.event.is_security() {
        object.put("security_event", true);
    }
    object.put("outcome", entry.outcome);
    if let Some(code) = entry.code {
        object.put("code", code.code());
    }
    who(&mut object, entry, rules);
    object.maybe("request_id", entry.request_id.as_deref());
    let part_of = entry.correlation_id.as_deref();
    object.maybe(
        "correlation_id",
        part_of.filter(|whole| entry.request_id.as_deref() != Some(whole)),
    );
    what(&mut object, entry, rules);
    if let Some(duration) = entry.duration {
        // Rounded to microseconds, which is what a clock can tell.
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        object.put("duration_us", micros);
    }
    if entry.rounds > 1 {
        object.put("rounds", entry.rounds);
    }
    object.maybe("decision", entry.decision.as_deref());
    object.maybe("detail", entry.detail.as_deref().map(|text| rules.text(text, LONGEST)));
    let arguments = match &entry.arguments {
        Arguments::None => None,
        Arguments::Raw(raw) => rules.arguments(raw),
        Arguments::TooLarge(bytes) => (rules.keep() != Keep::None).then(|| left_out(*bytes)),
    };
    object.maybe("arguments", arguments);
    Value::Object(object.0).to_string()
}

fn who(object: &mut Members, entry: &Entry, rules: &Rules) {
    if let Some(principal) = &entry.principal {
        object.put("principal", rules.text(&principal.subject, LONGEST));
        object.put("issuer", rules.text(&principal.issuer, LONGEST));
        object.maybe("credential", principal.grants.credential.as_deref());
    }
    object.maybe("address", entry.address.map(|address| address.to_string()));
    object.maybe(
        "client",
        entry.client.as_deref().and_then(client).map(|text| rules.text(&text, LONGEST)),
    );
    object.maybe("user_agent", entry.user_agent.as_deref().map(|text| rules.text(text, LONGEST)));
    // Whoever knows a session's id need not find it here; who has it can look for it.
    object.maybe("session", entry.session.map(|id| hex(&Sha256::digest(id)[..FINGERPRINT])));
}

fn what(object: &mut Members, entry: &Entry, rules: &Rules) {
    object.maybe("server", entry.server.as_deref());
    object.maybe("method", entry.method.as_deref().map(|text| rules.text(text, LONGEST)));
    let Some(name) = entry.name.as_deref() else { return };
    let (member, name) = match entry.method.as_deref() {
        Some(method::TOOLS_CALL) => ("tool_name", name.to_owned()),
        Some(method::PROMPTS_GET) => ("prompt_name", name.to_owned()),
        Some(method::RESOURCES_READ) => ("resource", without_query(name, rules)),
        _ => ("subject", name.to_owned()),
    };
    object.put(member, rules.text(&name, LONGEST));
}

/// People put tokens into the query of an address.
fn without_query(uri: &str, rules: &Rules) -> String {
    match uri.split_once('?') {
        Some((head, _)) if rules.keep() != Keep::Full => {
            format!("{head}?{}", crate::redact::REDACTED)
        }
        _ => uri.to_owned(),
    }
}

/// Says who a client claims to be.
fn client(raw: &[u8]) -> Option<String> {
    let info: Value = serde_json::from_slice(raw).ok()?;
    let text = |member: &str| info.get(member).and_then(Value::as_str);
    Some(match text("version") {
        Some(version) => format!("{}/{version}", text("name")?),
        None => text("name")?.to_owned(),
    })
}

/// Returns a sealed line with what it is found by. `at` is in Unix milliseconds.
pub fn stored(line: &Line, at: u64, body: &str) -> StoredLine {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let text =
        |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    StoredLine {
        seq: line.seq,
        at,
        event: text("event_type"),
        outcome: text("outcome"),
        principal: text("principal"),
        name: name_of(&body).to_owned(),
        request_id: text("request_id"),
        line: line.text.clone(),
    }
}

/// Returns what a written entry is about; empty if nothing.
pub fn name_of(entry: &Value) -> &str {
    let members = ["tool_name", "prompt_name", "resource", "subject"];
    members.iter().find_map(|member| entry.get(*member)?.as_str()).unwrap_or_default()
}

struct Members(Map<String, Value>);

impl Members {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn maybe(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use gantry_core::audit::Event;
    use gantry_core::{ErrorCode, Grants, Principal};

    use super::*;
    use crate::audit::Chain;
    use crate::redact::Secrets;

    const MOMENT: Moment<'_> = Moment { id: "a-1", timestamp: "2026-11-25T08:30:00.250Z" };

    fn rules() -> Rules {
        Rules::new(Keep::Redacted, &[], Secrets::new(["s3cr3t-value".to_owned()]))
    }

    fn call() -> Entry {
        let grants = Grants { credential: Some("token".into()), ..Grants::default() };
        Entry {
            outcome: "ok",
            principal: Some(Arc::new(Principal { grants, ..Principal::new("gantry", "ada") })),
            address: Some([127, 0, 0, 1].into()),
            client: Some(Bytes::from_static(br#"{"name":"ide","version":"2"}"#)),
            session: Some([7; 16]),
            request_id: Some("r-1".into()),
            correlation_id: Some("r-1".into()),
            server: Some("git".into()),
            method: Some("tools/call".into()),
            name: Some("git__log".into()),
            duration: Some(Duration::from_micros(1500)),
            arguments: Arguments::Raw(Bytes::from_static(br#"{"n":3,"token":"t"}"#)),
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
        let written = body(MOMENT, &call(), &rules());
        let session = hex(&Sha256::digest([7; 16])[..FINGERPRINT]);
        assert_eq!(written, expected.replace("2ac1a4b6e2b3d1ee", &session));
    }

    #[test]
    fn a_refusal_says_why_and_no_secret() {
        let entry = Entry {
            user_agent: Some("curl s3cr3t-value".into()),
            detail: Some("no".into()),
            ..Entry::new(Event::AuthenticationFailure).ended("refused", Some(ErrorCode::TokenWrong))
        };
        let written = body(MOMENT, &entry, &rules());
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
        let written = body(MOMENT, &read, &rules());
        assert!(written.contains(r#""resource":"https://a/b?[redacted]""#), "{written}");
    }

    #[test]
    fn a_line_is_found_by_what_it_says() {
        let body = body(MOMENT, &call(), &rules());
        let line = Chain::default().seal("a-1", &body);
        let stored = stored(&line, 5, &body);
        assert_eq!((stored.seq, stored.at, &*stored.name), (1, 5, "git__log"));
        assert_eq!((&*stored.principal, &*stored.event), ("ada", "tool.executed"));
    }
}
