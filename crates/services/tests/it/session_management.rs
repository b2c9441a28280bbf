//! The life of a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use gantry_core::{Clock, Principal};
use gantry_services::{NoLink, Ports, Services, ToolError, catalogue};
use serde_json::{Value, json};

use crate::rig::NOW;

const DAY: u64 = 24 * 60 * 60;

/// A clock that the test moves.
#[derive(Debug)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

struct Rig {
    clock: Arc<Hand>,
    services: Services,
}

impl Rig {
    fn new() -> Self {
        let clock = Arc::new(Hand(AtomicU64::new(NOW)));
        let services = Services::new(Ports::detached(Arc::clone(&clock) as Arc<dyn Clock>));
        Self { clock, services }
    }

    fn later(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn call(&self, who: &str, tool: &str, arguments: &Value) -> Result<Value, ToolError> {
        let service = catalogue::find("session_management").unwrap();
        let tool = service.tool(tool).unwrap();
        let principal = Principal::of_gantry(who);
        let context = self.services.context(service, &principal, &NoLink);
        let output = Services::call(&context, tool, arguments.to_string().as_bytes())?;
        Ok(serde_json::from_str(output.json()).unwrap())
    }

    fn ask(&self, who: &str, session: Option<&str>, method: &str, params: &Value) -> Value {
        let mut arguments = json!({ "request": { "id": 7, "method": method, "params": params } });
        if let Some(session) = session {
            arguments["session_id"] = json!(session);
        }
        self.call(who, "handle_mcp_request_with_session", &arguments).unwrap()
    }

    fn open(&self, who: &str, client: &str) -> (String, String) {
        let answer = self.ask(who, None, "initialize", &json!({ "client_id": client }));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&answer["session"]["session_id"]), text(&answer["auth_token"]))
    }

    fn is_valid(&self, who: &str, session: &str) -> bool {
        let arguments = json!({ "session_id": session });
        let answer = self.call(who, "validate_session", &arguments).unwrap();
        answer["valid"].as_bool().unwrap()
    }
}

fn is_refused(answer: &Value) -> bool {
    answer["response"]["error"]["code"] == json!(-32600) && answer.get("session").is_none()
}

#[test]
fn a_session_lives_from_its_beginning_to_its_end() {
    let rig = Rig::new();
    let (session, _) = rig.open("ada", "phone");
    let ask = |method, params: Value| rig.ask("ada", Some(&session), method, &params);
    let state = |answer: &Value| answer["session"]["state"].as_str().unwrap().to_owned();

    assert_eq!(state(&ask("notifications/initialized", json!({}))), "active");
    let updated = ask("session/update", json!({ "metadata": { "a": 1, "b": 2 } }));
    assert_eq!(updated["session"]["metadata"], json!({ "a": 1, "b": 2 }));
    let updated = ask("session/update", json!({ "metadata": { "a": null } }));
    assert_eq!(updated["session"]["metadata"], json!({ "b": 2 }));
    let subscribed = ask("resources/subscribe", json!({ "uri": "reasoning://thoughts" }));
    assert_eq!(subscribed["session"]["subscriptions"], json!(["reasoning://thoughts"]));
    let unsubscribed = ask("resources/unsubscribe", json!({ "uri": "reasoning://thoughts" }));
    assert_eq!(unsubscribed["response"]["result"], json!({ "unsubscribed": true }));

    assert_eq!(state(&ask("session/suspend", json!({}))), "suspended");
    assert!(!rig.is_valid("ada", &session));
    let refused = ask("ping", json!({}));
    assert!(is_refused(&refused), "{refused}");
    assert!(refused["response"]["error"]["message"].as_str().unwrap().contains("session/resume"));
    assert_eq!(state(&ask("session/resume", json!({}))), "active");
    assert!(rig.is_valid("ada", &session));
    // What was refused does not count.
    assert_eq!(ask("ping", json!({}))["session"]["message_count"], json!(9));

    assert_eq!(state(&ask("session/terminate", json!({}))), "terminated");
    assert!(is_refused(&ask("ping", json!({}))));
    assert!(is_refused(&ask("session/resume", json!({}))));
    assert!(!rig.is_valid("ada", &session));
    let stats = rig.call("ada", "mcp_server", &json!({})).unwrap();
    assert_eq!(stats["sessions"]["by_state"], json!({ "terminated": 1 }));
}

#[test]
fn a_session_expires_a_day_after_its_last_request_and_is_then_cleaned_up() {
    let rig = Rig::new();
    let (session, _) = rig.open("ada", "phone");
    rig.later(DAY - 1);
    assert!(rig.is_valid("ada", &session));
    assert!(!is_refused(&rig.ask("ada", Some(&session), "ping", &json!({}))));
    rig.later(DAY);
    assert!(!rig.is_valid("ada", &session));
    assert!(is_refused(&rig.ask("ada", Some(&session), "ping", &json!({}))));
    let arguments = json!({ "session_id": session });
    let shown = rig.call("ada", "validate_session", &arguments).unwrap();
    assert_eq!(shown["session"]["state"], json!("expired"));
    rig.later(60 * 60);
    let gone = rig.call("ada", "validate_session", &arguments).unwrap();
    assert_eq!(gone.get("session"), None);
}

#[test]
fn a_session_is_its_owners_and_its_clients_alone() {
    let rig = Rig::new();
    let (session, token) = rig.open("ada", "phone");
    let (other, other_token) = rig.open("ada", "desk");
    assert!(is_refused(&rig.ask("bob", Some(&session), "ping", &json!({}))));
    assert!(!rig.is_valid("bob", &session));
    let with = |who: &str, session: &str, token: &str| {
        let request = json!({ "method": "ping" });
        let arguments = json!({ "request": request, "session_id": session, "auth_token": token });
        is_refused(&rig.call(who, "handle_mcp_request_with_session", &arguments).unwrap())
    };
    assert!(!with("ada", &session, &token));
    assert!(!with("ada", &other, &other_token));
    assert!(with("ada", &session, &other_token));
    assert!(with("bob", &session, &token));
    assert!(with("ada", &session, "nonsense"));
    // The token of a client opens further sessions of that client, and of no other.
    let reopen = |client: Option<&str>| {
        let params = json!({ "client_id": client });
        let request = json!({ "method": "initialize", "params": params });
        let arguments = json!({ "request": request, "auth_token": token });
        rig.call("ada", "handle_mcp_request_with_session", &arguments).unwrap()
    };
    assert_eq!(reopen(None)["session"]["client_id"], json!("phone"));
    assert!(is_refused(&reopen(Some("desk"))));
}

#[test]
fn what_is_wrong_with_a_request_is_said_by_its_field() {
    let rig = Rig::new();
    let (session, _) = rig.open("ada", "phone");
    let field = |arguments: Value| {
        let error = rig.call("ada", "handle_mcp_request_with_session", &arguments).unwrap_err();
        error.field().unwrap_or_else(|| panic!("{error}")).to_owned()
    };
    let within = |request: Value| field(json!({ "request": request, "session_id": session }));
    assert_eq!(field(json!({})), "request");
    assert_eq!(field(json!({ "request": {} })), "request.method");
    assert_eq!(within(json!({ "method": "initialize" })), "session_id");
    assert_eq!(within(json!({ "method": "session/fly" })), "request.method");
    assert_eq!(within(json!({ "method": "resources/subscribe" })), "request.params.uri");
    // There is no gateway around these services.
    assert_eq!(within(json!({ "method": "tools/list" })), "request.method");
    let metadata = json!({ "metadata": "x" });
    let update = json!({ "method": "session/update", "params": metadata });
    assert_eq!(within(update), "request.params.metadata");
    let large = json!({ "metadata": { "x": "y".repeat(20_000) } });
    let update = json!({ "method": "session/update", "params": large });
    assert_eq!(within(update), "request.params.metadata");
    let kept = rig.ask("ada", Some(&session), "session/get", &json!({}));
    assert_eq!(kept["session"]["metadata"], json!({}));
}
