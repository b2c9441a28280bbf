//! What holds of `headers`, and what must be refused.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::error::code;
use crate::message::{Body, Message};
use crate::revision::Revision;

const V: &str = "2026-07-28";

fn message(text: &str) -> Message {
    Message::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

fn request(method: &str, params: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#))
}

fn claimed(method: &str, version: &str, rest: &str) -> Message {
    request(
        method,
        &format!(
            r#"{{{rest}"_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}","io.modelcontextprotocol/clientCapabilities":{{}}}}}}"#
        ),
    )
}

fn version(text: &str) -> PostHeaders<'_> {
    PostHeaders { protocol_version: Some(text), ..PostHeaders::default() }
}

fn full<'a>(version: &'a str, method: &'a str, name: Option<&'a str>) -> PostHeaders<'a> {
    PostHeaders {
        protocol_version: Some(version),
        mcp_method: Some(method),
        mcp_name: name,
        has_session: false,
    }
}

fn classify(message: &Message, headers: &PostHeaders<'_>) -> Result<ClientEra, Refusal> {
    classify_post(message, headers, |_| false)
}

#[track_caller]
fn refused(message: &Message, headers: &PostHeaders<'_>, status: u16, code: i64) -> Refusal {
    let refusal = classify(message, headers).unwrap_err();
    assert_eq!((refusal.status, refusal.error.code), (status, code), "{refusal:?}");
    refusal
}

const SESSION: PostHeaders<'_> =
    PostHeaders { protocol_version: None, mcp_method: None, mcp_name: None, has_session: true };
const NONE: PostHeaders<'_> =
    PostHeaders { protocol_version: None, mcp_method: None, mcp_name: None, has_session: false };

#[test]
fn row_5_a_batch_needs_a_session_of_2025_03_26() {
    let batch = |text: &'static str| match Body::parse(Bytes::from_static(text.as_bytes())) {
        Ok(Body::Batch(elements)) => elements,
        other => panic!("no batch: {other:?}"),
    };
    let good = batch(r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#);
    let session = Some(Revision::V2025_03_26);
    assert_eq!(check_batch(&good, session), Ok(()));
    for revision in [None, Some(Revision::V2025_06_18), Some(Revision::V2024_11_05)] {
        let refusal = check_batch(&good, revision).unwrap_err();
        assert_eq!((refusal.status, refusal.error.code), (400, code::INVALID_REQUEST));
    }
    let bad = batch(r#"[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}]"#);
    assert!(check_batch(&bad, session).is_err());
    let bad = batch(
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}]"#,
    );
    assert!(check_batch(&bad, session).is_err());
}

#[test]
fn row_6_a_response_needs_a_session() {
    let response = message(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert_eq!(classify(&response, &SESSION), Ok(ClientEra::Session));
    refused(&response, &NONE, 400, code::INVALID_REQUEST);
    refused(&response, &version(V), 400, code::INVALID_REQUEST);
}

#[test]
fn row_7_a_modern_notification_is_taken_and_ignored() {
    let plain = message(r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#);
    assert_eq!(classify(&plain, &version(V)), Ok(ClientEra::ModernNotification));
    let claimed = message(
        r#"{"jsonrpc":"2.0","method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
    );
    assert_eq!(classify(&claimed, &NONE), Ok(ClientEra::ModernNotification));
}

#[test]
fn row_8_another_notification_belongs_to_its_session() {
    let plain = message(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!(classify(&plain, &SESSION), Ok(ClientEra::Session));
    refused(&plain, &NONE, 400, code::INVALID_REQUEST);
}

#[test]
fn row_9_header_and_claim_must_agree_before_the_revision_counts() {
    refused(&claimed("tools/list", V, ""), &NONE, 400, code::HEADER_MISMATCH);
    refused(&claimed("tools/list", V, ""), &version("2025-11-25"), 400, code::HEADER_MISMATCH);
    refused(&claimed("tools/list", "v999", ""), &version(V), 400, code::HEADER_MISMATCH);
    let twice = format!("{V}, {V}");
    refused(&claimed("tools/list", V, ""), &version(&twice), 400, code::HEADER_MISMATCH);
}

#[test]
fn row_10_an_unknown_or_legacy_claim_names_what_is_supported() {
    for claim in ["v999", "2025-11-25", "2027-01-01"] {
        let refusal = refused(
            &claimed("tools/list", claim, ""),
            &version(claim),
            400,
            code::UNSUPPORTED_PROTOCOL_VERSION,
        );
        let data = refusal.error.data.unwrap();
        assert_eq!(data["requested"], claim);
        assert_eq!(data["supported"], serde_json::json!(supported_versions()));
    }
}

#[test]
fn row_11_capabilities_are_required_and_an_object() {
    for meta in ["", r#","io.modelcontextprotocol/clientCapabilities":[]"#] {
        let message = request(
            "tools/list",
            &format!(r#"{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{V}"{meta}}}}}"#),
        );
        let refusal = refused(&message, &full(V, "tools/list", None), 400, code::INVALID_PARAMS);
        assert!(refusal.error.message.contains("io.modelcontextprotocol/clientCapabilities"));
    }
}

#[test]
fn row_12_methods_that_are_not_modern_are_not_found() {
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "tasks/result",
        "unknown/x",
    ] {
        let message = claimed(method, V, "");
        refused(&message, &full(V, method, None), 404, code::METHOD_NOT_FOUND);
    }
    let task = claimed("tasks/get", V, "");
    let verdict = classify_post(&task, &full(V, "tasks/get", None), |name| name == "tasks/get");
    assert_eq!(verdict, Ok(ClientEra::Modern(Revision::V2026_07_28)));
    let ping = claimed("ping", V, "");
    assert!(classify_post(&ping, &full(V, "ping", None), |_| true).is_err());
}

#[test]
fn row_13_method_and_name_headers_must_equal_the_body() {
    let call = claimed("tools/call", V, r#""name":"wetter-ä","#);
    let good = encode_value("wetter-ä");
    let mismatch = code::HEADER_MISMATCH;
    assert_eq!(
        classify(&call, &full(V, "tools/call", Some(&good))),
        Ok(ClientEra::Modern(Revision::V2026_07_28))
    );
    refused(&call, &full(V, "Tools/Call", Some(&good)), 400, mismatch);
    refused(&call, &full(V, "tools/call", None), 400, mismatch);
    refused(&call, &full(V, "tools/call", Some("other")), 400, mismatch);
    refused(&call, &full(V, "tools/call", Some("=?base64?d2V0?x?=")), 400, mismatch);
    refused(&call, &full(V, "tools/call", Some("=?base64?b3RoZXI=?=")), 400, mismatch);
    refused(&call, &PostHeaders { mcp_name: Some(&good), ..version(V) }, 400, mismatch);
    let unnamed = claimed("tools/call", V, "");
    refused(&unnamed, &full(V, "tools/call", Some("x")), 400, mismatch);
    assert!(classify(&unnamed, &full(V, "tools/call", None)).is_ok());
    // A name on a method without a rule is nobody's business.
    let list = claimed("tools/list", V, "");
    assert!(classify(&list, &full(V, "tools/list", Some("x"))).is_ok());
    // Outer white space is no part of a field value.
    assert!(classify(&list, &full(" 2026-07-28 ", "\ttools/list ", None)).is_ok());
}

#[test]
fn row_14_a_session_header_does_not_make_a_modern_request_legacy() {
    let headers = PostHeaders { has_session: true, ..full(V, "tools/list", None) };
    let verdict = classify(&claimed("tools/list", V, ""), &headers);
    assert_eq!(verdict, Ok(ClientEra::Modern(Revision::V2026_07_28)));
}

#[test]
fn row_15_a_modern_header_without_a_claim_is_never_served_as_legacy() {
    let headers = PostHeaders { has_session: true, ..version(V) };
    let refusal = refused(&request("tools/list", "{}"), &headers, 400, code::INVALID_PARAMS);
    assert!(refusal.error.message.contains("io.modelcontextprotocol/protocolVersion"));
    refused(&request("ping", "{}"), &version("2027-01-01"), 400, code::INVALID_PARAMS);
}

#[test]
fn row_16_a_method_of_the_modern_era_needs_the_envelope() {
    for method in ["server/discover", "subscriptions/listen"] {
        refused(&request(method, "{}"), &SESSION, 400, code::INVALID_PARAMS);
    }
}

#[test]
fn row_17_initialize_without_a_claim_is_legacy_whatever_it_asks_for() {
    let asked = |text: &str| {
        let params = format!(r#"{{"protocolVersion":"{text}"}}"#);
        classify(&request("initialize", &params), &NONE).unwrap()
    };
    assert_eq!(asked("2024-11-05"), ClientEra::Initialize(Revision::V2024_11_05));
    assert_eq!(asked("2025-03-26"), ClientEra::Initialize(Revision::V2025_03_26));
    assert_eq!(asked("2025-06-18"), ClientEra::Initialize(Revision::V2025_06_18));
    assert_eq!(asked("2025-11-25"), ClientEra::Initialize(Revision::V2025_11_25));
    assert_eq!(asked(V), ClientEra::Initialize(Revision::V2025_11_25));
    assert_eq!(asked("1.0"), ClientEra::Initialize(Revision::V2025_11_25));
    let verdict = classify(&request("initialize", "{}"), &version(V)).unwrap();
    assert_eq!(verdict, ClientEra::Initialize(Revision::V2025_11_25));
}

#[test]
fn row_18_a_session_knows_its_revision() {
    assert_eq!(classify(&request("tools/list", "{}"), &SESSION), Ok(ClientEra::Session));
    let session = Revision::V2025_06_18;
    assert_eq!(check_session_revision(None, session), Ok(()));
    assert_eq!(check_session_revision(Some("2025-06-18"), session), Ok(()));
    for other in ["2025-11-25", "bad", ""] {
        assert_eq!(check_session_revision(Some(other), session).unwrap_err().status, 400);
    }
}

#[test]
fn row_19_a_lost_session_is_not_found() {
    assert_eq!(session_gone().status, 404);
}

#[test]
fn row_20_without_a_session_the_client_is_told_both_ways() {
    let refusal = refused(&request("tools/list", "{}"), &NONE, 400, code::INVALID_REQUEST);
    assert!(refusal.error.message.contains("initialize") && refusal.error.message.contains(V));
}

#[test]
fn a_transport_of_the_legacy_era_knows_no_envelope() {
    let call = claimed("tools/call", V, r#""name":"x","#);
    assert_eq!(classify_legacy(&call, true).unwrap(), ClientEra::Session);
    assert_eq!(classify_legacy(&call, false).unwrap_err().code, code::INVALID_REQUEST);
    let hello = claimed("initialize", V, r#""protocolVersion":"2024-11-05","#);
    let agreed = ClientEra::Initialize(Revision::V2024_11_05);
    assert_eq!(classify_legacy(&hello, false).unwrap(), agreed);
    assert_eq!(classify_legacy(&request("ping", "{}"), false).unwrap(), ClientEra::Session);
    let cancelled = message(r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#);
    assert_eq!(classify_legacy(&cancelled, false).unwrap(), ClientEra::Session);
}

#[test]
fn lines_are_told_apart_without_headers() {
    let line = |message: &Message, initialized| {
        classify_line(message, initialized, |_| false).map_err(|error| error.code)
    };
    let modern = Ok(ClientEra::Modern(Revision::V2026_07_28));
    assert_eq!(line(&claimed("server/discover", V, ""), false), modern);
    assert_eq!(line(&claimed("tools/list", V, ""), true), modern);
    assert_eq!(
        line(&claimed("initialize", V, ""), false),
        Err(code::METHOD_NOT_FOUND),
        "an initialize with a claim is modern"
    );
    assert_eq!(line(&claimed("x", "v9", ""), false), Err(code::UNSUPPORTED_PROTOCOL_VERSION));
    let handshake = request("initialize", r#"{"protocolVersion":"2025-06-18"}"#);
    assert_eq!(line(&handshake, false), Ok(ClientEra::Initialize(Revision::V2025_06_18)));
    assert_eq!(line(&request("ping", "{}"), false), Ok(ClientEra::Session));
    assert_eq!(line(&request("server/discover", "{}"), false), Err(code::INVALID_PARAMS));
    assert_eq!(line(&request("tools/list", "{}"), false), Err(code::INVALID_REQUEST));
    assert_eq!(line(&request("tools/list", "{}"), true), Ok(ClientEra::Session));
}

#[test]
fn values_are_encoded_as_the_specification_shows() {
    for (plain, encoded) in [
        ("us-west1", "us-west1"),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ("", ""),
    ] {
        assert_eq!(encode_value(plain), encoded);
        assert_eq!(decode_value(encoded).as_deref(), Some(plain));
    }
}

#[test]
fn wrong_encodings_are_refused_and_half_ones_are_literal() {
    for wrong in [
        "=?base64?SGVsbG8?=",
        "=?base64?SGVs!!!bG8=?=",
        "=?base64?//79?=",
        "caf\u{e9}",
        "a\u{7f}b",
        "a\nb",
    ] {
        assert_eq!(decode_value(wrong), None, "{wrong:?}");
    }
    for literal in ["SGVsbG8=?=", "=?base64?SGVsbG8=", "=?BASE64?SGVsbG8=?="] {
        assert_eq!(decode_value(literal).as_deref(), Some(literal));
    }
}

proptest! {
    #[test]
    fn every_value_survives_its_header(text in any::<String>()) {
        let encoded = encode_value(&text);
        prop_assert!(encoded.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)));
        prop_assert_eq!(encoded.trim(), &*encoded);
        let decoded = decode_value(&encoded);
        prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
    }

    #[test]
    fn decoding_never_panics(text in "(=\\?base64\\?)?\\PC{0,12}(\\?=)?") {
        let _ = decode_value(&text);
    }
}
