//! Tests of [`super`].

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::id::Id;

fn parse(text: &str) -> Message {
    Message::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

const ENVELOPE: Envelope<'_> = Envelope {
    revision: Revision::V2026_07_28,
    capabilities: br#"{"roots":{}}"#,
    client_info: Some(br#"{"name":"c","version":"1"}"#),
    log_level: Some("debug"),
};

#[track_caller]
fn check(input: &str, change: impl FnOnce(&mut Outgoing<'_>), expected: &str) {
    let message = parse(input);
    let mut outgoing = Outgoing::new(&message);
    change(&mut outgoing);
    assert_eq!(String::from_utf8_lossy(&outgoing.to_bytes()), expected);
}

#[test]
fn a_claim_is_read_even_if_it_is_incomplete() {
    let message = parse(
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"a":1},"io.modelcontextprotocol/logLevel":"info"}}}"#,
    );
    let claim = read_claim(&message).unwrap();
    assert_eq!(claim.version, "2026-07-28");
    assert_eq!(claim.capabilities, Some(&br#"{"a":1}"#[..]));
    assert_eq!(claim.client_info, None);
    assert_eq!(claim.log_level.as_deref(), Some("info"));
    let odd = parse(
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":5}}}"#,
    );
    assert_eq!(read_claim(&odd).unwrap().version, "5");
    assert!(read_claim(&parse(r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#)).is_none());
}

#[test]
fn nothing_to_change_is_no_copy() {
    let text = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":1.0},"_meta":{"progressToken":3}}}"#;
    let message = parse(text);
    for envelope in [EnvelopeChange::Keep, EnvelopeChange::WithinLegacy, EnvelopeChange::ToLegacy] {
        let outgoing = Outgoing {
            id: Some(Id::from(7)),
            name: Some(("name", "echo")),
            progress_token: TokenChange::Set(b"3"),
            envelope,
            ..Outgoing::new(&message)
        };
        assert_eq!(outgoing.to_bytes().as_ptr(), message.bytes().as_ptr());
    }
}

#[test]
fn within_an_era_only_id_name_and_token_change() {
    check(
        r#"{ "jsonrpc":"2.0", "method":"tools/call", "params": { "name":"a__echo", "arguments":{"n":1.50}, "_meta":{ "progressToken":"t", "x":1 } }, "id":7 }"#,
        |outgoing| {
            outgoing.id = Some(Id::from(12));
            outgoing.name = Some(("name", "echo"));
            outgoing.progress_token = TokenChange::Set(b"99");
        },
        r#"{ "jsonrpc":"2.0", "method":"tools/call", "params": { "name":"echo", "arguments":{"n":1.50}, "_meta":{ "progressToken":99, "x":1 } }, "id":12 }"#,
    );
}

#[test]
fn a_request_without_a_token_gets_none() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        |outgoing| outgoing.progress_token = TokenChange::Set(b"99"),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
    );
}

#[test]
fn a_legacy_request_gets_the_envelope_and_loses_its_task() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e","task":{"ttl":1},"requestState":"forged","_meta":{"io.modelcontextprotocol/logLevel":"alert","io.modelcontextprotocol/subscriptionId":1,"vendor/k":1}}}"#,
        |outgoing| outgoing.envelope = EnvelopeChange::ToModern(ENVELOPE),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e","_meta":{"io.modelcontextprotocol/logLevel":"debug","vendor/k":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{"roots":{}}}}}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        |outgoing| {
            let envelope = Envelope { client_info: None, log_level: None, ..ENVELOPE };
            outgoing.envelope = EnvelopeChange::ToModern(envelope);
        },
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}}}}}"#,
    );
}

#[test]
fn a_modern_request_loses_the_envelope_and_its_answers() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{},"io.modelcontextprotocol/logLevel":"info","traceparent":"p"},"name":"e","inputResponses":{},"requestState":"s"}}"#,
        |outgoing| outgoing.envelope = EnvelopeChange::ToLegacy,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"traceparent":"p"},"name":"e"}}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"c","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#,
        |outgoing| outgoing.envelope = EnvelopeChange::ToLegacy,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"c"}}"#,
    );
}

#[test]
fn a_legacy_request_to_a_legacy_server_keeps_its_task() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e","task":{},"_meta":{"io.modelcontextprotocol/logLevel":"info","io.modelcontextprotocol/related-task":{"taskId":"t"}}}}"#,
        |outgoing| outgoing.envelope = EnvelopeChange::WithinLegacy,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e","task":{},"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}}}}"#,
    );
}

#[test]
fn answers_of_a_round_replace_those_of_the_last() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e","requestState":"old"}}"#,
        |outgoing| {
            outgoing.answers =
                Some(Answers { input_responses: Some(br#"{"k":{}}"#), request_state: None });
        },
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e","inputResponses":{"k":{}}}}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e"}}"#,
        |outgoing| {
            outgoing.envelope = EnvelopeChange::ToModern(Envelope {
                client_info: None,
                log_level: None,
                ..ENVELOPE
            });
            outgoing.answers =
                Some(Answers { input_responses: None, request_state: Some(br#""s\u0041""#) });
        },
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e","requestState":"s\u0041","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}}}}}"#,
    );
}

#[test]
fn a_completion_is_renamed_in_its_reference() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a__p"},"argument":{}}}"#,
        |outgoing| outgoing.name = Some(("name", "p")),
        r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},"argument":{}}}"#,
    );
}

#[test]
fn our_span_becomes_the_parent() {
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"traceparent":"00-a","tracestate":"s"}}}"#,
        |outgoing| outgoing.traceparent = Some("00-b"),
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"traceparent":"00-b","tracestate":"s"}}}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#,
        |outgoing| outgoing.traceparent = Some("00-b"),
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"traceparent":"00-b"}}}"#,
    );
}

#[test]
fn single_members_are_set() {
    let progress = parse(
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":5,"progress":1.0}}"#,
    );
    assert_eq!(
        &with_param(&progress, "progressToken", b"\"mine\"")[..],
        br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":1.0}}"#
    );
    let changed = parse(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    let tagged = with_meta(&changed, SUBSCRIPTION_ID, Some(b"1"));
    assert_eq!(
        &tagged[..],
        br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#
    );
    let tagged = Message::parse(tagged).unwrap();
    assert_eq!(with_meta(&tagged, SUBSCRIPTION_ID, Some(b"1")), tagged.bytes());
    // What was the only member leaves nothing behind.
    assert_eq!(
        &with_meta(&tagged, SUBSCRIPTION_ID, None)[..],
        br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}"#
    );
    let both = parse(
        r#"{"jsonrpc":"2.0","method":"a","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1,"b":2}}}"#,
    );
    assert_eq!(
        &with_meta(&both, SUBSCRIPTION_ID, None)[..],
        br#"{"jsonrpc":"2.0","method":"a","params":{"_meta":{"b":2}}}"#
    );
}

#[test]
fn the_type_of_a_result_is_told() {
    let of = |result: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        result_type(&Message::parse(text.into()).unwrap())
    };
    assert_eq!(of(r#"{"content":[]}"#), ResultType::Complete);
    assert_eq!(of(r#"{"resultType":"complete"}"#), ResultType::Complete);
    assert_eq!(of(r#"{"x":{"resultType":"task"}}"#), ResultType::Complete);
    assert_eq!(of(r#"{"resultType":"input_required"}"#), ResultType::InputRequired);
    assert_eq!(of(r#"{"resultType":"task"}"#), ResultType::Task);
    assert_eq!(of(r#"{"resultType":7}"#), ResultType::Unknown("7".to_owned()));
}

proptest! {
    /// Whatever a client has in `_meta`, crossing to modern and back leaves its own keys.
    #[test]
    fn own_keys_survive_both_crossings(
        keys in proptest::collection::btree_map("[a-z]{1,8}(/[a-z]{1,4})?", any::<i32>(), 0..5),
    ) {
        let request = json!({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":keys}});
        let message = parse(&request.to_string());
        let modern = Outgoing {
            envelope: EnvelopeChange::ToModern(ENVELOPE),
            ..Outgoing::new(&message)
        }
        .to_bytes();
        let modern = Message::parse(modern).unwrap();
        prop_assert_eq!(read_claim(&modern).unwrap().version, "2026-07-28");
        let back = Outgoing { envelope: EnvelopeChange::ToLegacy, ..Outgoing::new(&modern) };
        let back: Value = serde_json::from_slice(&back.to_bytes()).unwrap();
        if keys.is_empty() {
            prop_assert!(back["params"].get("_meta").is_none());
        } else {
            prop_assert_eq!(&back["params"]["_meta"], &json!(keys));
        }
    }
}
