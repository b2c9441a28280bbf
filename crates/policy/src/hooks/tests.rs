//! Which hooks a tool has, when they act, and what they take out.

use serde_json::{Value, json};

use super::*;
use crate::access::{Hints, Kind};

fn hook(name: &str, action: Action) -> HookSpec {
    HookSpec { name: name.into(), tools: Vec::new(), servers: Vec::new(), when: None, action }
}

fn deny(name: &str) -> HookSpec {
    hook(name, Action::Deny("no".into()))
}

fn redaction(pointers: &[&str], text: Option<&str>) -> Redaction {
    let pointers: Vec<_> = pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
    Redaction::new(&pointers, text).unwrap()
}

#[test]
fn a_tool_has_the_hooks_that_fit_its_name_and_server_in_order() {
    let for_tool = HookSpec { tools: vec!["git__*".into()], ..deny("tool") };
    let for_server = HookSpec { servers: vec!["git".into()], ..deny("server") };
    let elsewhere =
        HookSpec { tools: vec!["git__log".into()], servers: vec!["db".into()], ..deny("x") };
    let requests = vec![for_tool, deny("all"), for_server, elsewhere];
    let hooks = Hooks::compile(HooksSpec { requests, results: Vec::new() }).unwrap();
    let names = |tool: &str, server: &str| {
        let own = hooks.of_tool(tool, server, "").unwrap();
        own.requests.iter().map(|hook| hook.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("git__log", "git"), ["tool", "all", "server"]);
    assert_eq!(names("git__log", "db"), ["tool", "all", "x"]);
    assert_eq!(names("db__query", "db"), ["all"]);
    assert!(Hooks::default().of_tool("git__log", "git", "").is_none());
}

#[test]
fn secrecy_is_told_before_a_call_and_is_no_hook_to_be_run() {
    let secret = HookSpec { tools: vec!["vault__*".into()], ..hook("s", Action::Secret) };
    let spec = HooksSpec { requests: Vec::new(), results: vec![secret] };
    let hooks = Hooks::compile(spec).unwrap();
    let own = hooks.of_tool("vault__read", "vault", "").unwrap();
    assert_eq!(own.secrecy, Secrecy { arguments: false, result: true });
    assert!(own.results.is_empty());
    assert!(hooks.of_tool("git__log", "git", "").is_none());
}

#[test]
fn a_condition_that_cannot_be_told_is_an_error_for_the_caller_to_count() {
    let when = Some("arguments.n > 3".to_owned());
    let requests = vec![HookSpec { when, ..deny("many") }];
    let hooks = Hooks::compile(HooksSpec { requests, results: Vec::new() }).unwrap();
    let hook = Arc::clone(&hooks.of_tool("up__x", "up", "").unwrap().requests[0]);
    let principal = gantry_core::Principal::anonymous();
    let asker = Asker { principal: &principal, address: None, unix_seconds: 0 };
    let hints = Hints::default();
    let thing = Thing { kind: Kind::Tool, name: "up__x", server: "up", view: "", hints };
    let acts = |raw: &str| hook.acts(&asker, &thing, &Arguments::read(raw.as_bytes()).unwrap());
    assert_eq!(acts(r#"{"n":4}"#), Ok(true));
    assert_eq!(acts(r#"{"n":3}"#), Ok(false));
    assert!(acts("{}").is_err());
}

#[test]
fn what_cannot_be_used_is_named_by_its_place() {
    let bad = HookSpec { when: Some("argument.n".into()), ..deny("bad") };
    let redact = Action::Redact { pointers: vec!["iban".into()], text: None };
    let pattern = Action::Redact { pointers: Vec::new(), text: Some("(".into()) };
    let results = vec![deny("good"), hook("pointer", redact), hook("pattern", pattern)];
    let errors = Hooks::compile(HooksSpec { requests: vec![bad], results }).unwrap_err();
    let places: Vec<_> = errors.iter().map(|error| (error.is_of_results, error.index)).collect();
    assert_eq!(places, [(false, 0), (true, 1), (true, 2)]);
    assert!(errors[1].source.to_string().contains("begins with `/`"), "{errors:?}");
    assert!(errors[2].source.to_string().contains("unclosed group"), "{errors:?}");
}

#[test]
fn places_are_taken_out_of_arguments() {
    let mut arguments =
        json!({ "a": { "b/c": 1, "~": 2 }, "rows": [{ "id": 1 }, { "id": 2 }, {}] });
    redaction(&["/a/b~1c", "/a/~0", "/rows/*/id", "/absent/x"], None).arguments(&mut arguments);
    let gone = REDACTED_TEXT;
    let expected =
        json!({ "a": { "b/c": gone, "~": gone }, "rows": [{ "id": gone }, { "id": gone }, {}] });
    assert_eq!(arguments, expected);
}

const REDACTED_TEXT: &str = crate::redact::REDACTED;

#[test]
fn a_text_that_repeats_the_structure_is_treated_like_it() {
    let structure = json!({ "iban": "DE02", "note": "pay DE02 now", "n": 1 });
    let mut result = json!({
        "structuredContent": structure,
        "content": [
            { "type": "text", "text": structure.to_string() },
            { "type": "text", "text": "not {json" },
            { "type": "resource", "resource": { "uri": "a:b", "text": "for DE02" } },
            { "type": "image", "data": "DE02" },
        ],
    });
    redaction(&["/iban"], Some("DE[0-9]{2}")).result(&mut result);
    let clean =
        json!({ "iban": REDACTED_TEXT, "note": format!("pay {REDACTED_TEXT} now"), "n": 1 });
    assert_eq!(result["structuredContent"], clean);
    let text = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), clean);
    assert_eq!(result["content"][1]["text"], "not {json");
    assert_eq!(result["content"][2]["resource"]["text"], format!("for {REDACTED_TEXT}"));
}

#[test]
fn errors_are_cleaned_too() {
    let (mut message, mut data) =
        ("no row for DE02".to_owned(), json!({ "iban": "x", "at": "DE02" }));
    redaction(&["/iban"], Some("DE[0-9]{2}")).error(&mut message, Some(&mut data));
    assert_eq!(message, format!("no row for {REDACTED_TEXT}"));
    assert_eq!(data, json!({ "iban": REDACTED_TEXT, "at": REDACTED_TEXT }));
}

#[test]
fn a_question_is_signed_with_its_time() {
    let webhook = WebhookSpec {
        url: "https://example.com/?key=hunter2".into(),
        deadline: Duration::from_secs(1),
        passes_on_failure: false,
        secret: Some("key".into()),
    };
    // HMAC-SHA-256 with the key `key` over `1.{}`, as OpenSSL has it.
    let expected = "1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224";
    assert_eq!(webhook.signature(1, b"{}").as_deref(), Some(expected));
    assert_eq!(WebhookSpec { secret: None, ..webhook.clone() }.signature(1, b"{}"), None);
    assert!(!format!("{webhook:?}").contains("hunter2"), "{webhook:?}");
}
