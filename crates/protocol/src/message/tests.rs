//! What holds of `message`, and what must be refused.

use bytes::Bytes;

use super::{Body, Kind, Message, failure, notification, request, response};
use crate::error::RpcError;
use crate::id::Id;

fn parse(text: &str) -> Result<Message, (i64, Option<String>)> {
    Message::parse(Bytes::copy_from_slice(text.as_bytes()))
        .map_err(|error| (error.error.code, error.id.map(|id| id.to_string())))
}

#[track_caller]
fn refused(text: &str, code: i64, id: Option<&str>) {
    assert_eq!(parse(text).unwrap_err(), (code, id.map(str::to_owned)), "{text}");
}

#[test]
fn a_request_is_read_as_spans() {
    let text = r#" {"method":"tools/\u0063all" , "params":{"_meta":{"progressToken":7},"name":"e"},"id":"x","jsonrpc":"2.0","extra":[1]}"#;
    let message = parse(text).unwrap();
    assert_eq!(message.kind(), Kind::Request);
    assert_eq!(message.method(), "tools/call");
    assert_eq!(message.id(), Some(&Id::String("x".into())));
    assert_eq!(message.param_string("name").as_deref(), Some("e"));
    assert_eq!(message.progress_token(), Some(&b"7"[..]));
}

#[test]
fn kinds_are_told_apart() {
    let kind = |text| parse(text).unwrap().kind();
    assert_eq!(kind(r#"{"jsonrpc":"2.0","method":"x"}"#), Kind::Notification);
    assert_eq!(kind(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), Kind::Response);
    assert_eq!(kind(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#), Kind::Error);
}

#[test]
fn what_another_parser_could_read_differently_is_refused() {
    refused(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}"#, -32600, Some("1"));
    refused(r#"{"jsonrpc":"2.0","id":1,"Method":"y","method":"x"}"#, -32600, Some("1"));
    refused(
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"name":"a","Name":"b"}}"#,
        -32602,
        Some("1"),
    );
    refused(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":1,"a":2}}"#, -32602, Some("1"));
}

#[test]
fn what_is_no_message_is_refused_with_the_code_of_json_rpc() {
    refused("{", -32700, None);
    refused("7", -32600, None);
    refused("{}", -32600, None);
    refused(r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, -32600, Some("1"));
    refused(r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#, -32600, None);
    refused(r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#, -32600, None);
    refused(r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600, Some("1"));
    refused(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[]}"#, -32602, Some("1"));
    refused(r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#, -32600, Some("1"));
    let invalid = Message::parse(Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"method\":\"x\xff\"}"));
    assert_eq!(invalid.unwrap_err().error.code, -32700);
}

#[test]
fn deep_nesting_is_skipped_without_a_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"arguments":{deep}}}}}"#);
    assert!(parse(&text).unwrap().param("arguments").is_some());
}

#[test]
fn only_the_id_changes() {
    let message = parse("{ \"id\": 1, \"jsonrpc\":\"2.0\", \"result\":{\"n\":1.0e2 }}").unwrap();
    let changed = message.with_id(&Id::String("q".into()));
    assert_eq!(&changed[..], b"{ \"id\": \"q\", \"jsonrpc\":\"2.0\", \"result\":{\"n\":1.0e2 }}");
}

#[test]
fn a_batch_is_split() {
    let text = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},7]"#;
    let Ok(Body::Batch(elements)) = Body::parse(Bytes::from_static(text.as_bytes())) else {
        panic!("a batch");
    };
    assert!(elements[0].is_ok() && elements[1].is_err());
    assert!(Body::parse(Bytes::from_static(b"[]")).is_err());
}

#[test]
fn what_we_make_can_be_read() {
    let id = Id::from(3);
    for bytes in [
        request(&id, "tools/list", b"{}"),
        notification("x", b""),
        notification("x", b"{}"),
        response(&id, b"{}"),
        failure(Some(&id), &RpcError::method_not_found("y")),
        failure(None, &RpcError::invalid_request("z")),
    ] {
        Message::parse(bytes).unwrap();
    }
}

#[test]
fn no_known_key_is_a_routed_one_in_other_case() {
    let routed = [super::ENVELOPE_KEYS, super::PARAMS_KEYS].concat();
    for known in crate::json::KNOWN {
        let same = routed.iter().find(|key| key.eq_ignore_ascii_case(known));
        assert!(same.is_none_or(|key| key == known), "{known}");
    }
}
