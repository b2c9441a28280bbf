//! Messages: what is read is unambiguous, and an edit changes what it names and nothing else.

use std::borrow::Cow;

use bytes::Bytes;
use gantry_protocol::message::{self, Body, Kind, Message, ParseError};
use gantry_protocol::{Id, Object, ObjectEdit, code};
use serde_json::Value;

/// Members that one input edits; more of the same finds nothing new.
const EDITED: usize = 8;

/// A member as it must come out: name and raw value.
type Members = Vec<(String, Vec<u8>)>;

/// Reads a body, and edits every message in it.
pub fn envelope(data: &[u8]) {
    match Body::parse(Bytes::copy_from_slice(data)) {
        Err(error) => check_refusal(&error),
        Ok(Body::One(message)) => check_message(&message),
        Ok(Body::Batch(elements)) => {
            assert!(!elements.is_empty(), "an empty batch is refused");
            for element in &elements {
                match element {
                    Err(error) => check_refusal(error),
                    Ok(message) => check_message(message),
                }
            }
        }
    }
}

fn check_refusal(refusal: &ParseError) {
    let expected = [code::PARSE_ERROR, code::INVALID_REQUEST, code::INVALID_PARAMS];
    assert!(expected.contains(&refusal.error.code), "{refusal:?}");
    let answer = message::failure(refusal.id.as_ref(), &refusal.error);
    let answer = Message::parse(answer).expect("what tells the peer of it is a message");
    assert_eq!((answer.kind(), answer.id()), (Kind::Error, refusal.id.as_ref()));
}

fn check_message(message: &Message) {
    let again = Message::parse(message.bytes().clone()).expect("it was read before");
    assert_same(message, &again);
    check_reading(message);
    check_new_id(message);
    check_edits(message, message.envelope());
    if let Some(params) = message.params() {
        check_edits(message, params);
        check_nested_edit(message, params);
    }
    if let Some(meta) = message.meta() {
        check_edits(message, meta);
    }
}

fn assert_same(one: &Message, other: &Message) {
    assert_eq!(one.kind(), other.kind());
    assert_eq!(one.id(), other.id());
    assert_eq!(one.method(), other.method());
}

/// Another parser must find the same where the gateway decides.
fn check_reading(message: &Message) {
    // It refuses what we only skip: deep nesting, huge numbers, lone surrogates.
    let Ok(value) = serde_json::from_slice::<Value>(message.bytes()) else { return };
    assert_eq!(value.get("jsonrpc").and_then(Value::as_str), Some("2.0"));
    assert_eq!(value.get("method").and_then(Value::as_str).unwrap_or(""), message.method());
    if let Some(Id::String(id)) = message.id() {
        assert_eq!(value.get("id").and_then(Value::as_str), Some(&**id));
    }
    let empty = Value::Null;
    let params = value.get("params").unwrap_or(&empty);
    for name in ["name", "uri", "cursor"] {
        let expected = params.get(name).and_then(Value::as_str);
        assert_eq!(message.param_string(name).as_deref(), expected, "{name}");
    }
    let token = params.get("_meta").and_then(|meta| meta.get("progressToken"));
    let found = message.progress_token().map(serde_json::from_slice::<Value>);
    assert_eq!(found.map(|token| token.expect("a value")).as_ref(), token);
}

fn check_new_id(message: &Message) {
    let (Some(old), Some(span)) = (message.id(), message.span("id")) else { return };
    assert_eq!(message.with_id(old), message.bytes(), "the same id changes nothing");
    for id in [Id::from(u64::MAX), Id::String("\"\\\u{7}é".into())] {
        let changed = message.with_id(&id);
        let read = Message::parse(changed.clone()).expect("it was a message before");
        assert_eq!((read.kind(), read.id()), (message.kind(), Some(&id)));
        assert_eq!(read.method(), message.method());
        if *old != id {
            // The white space around the message is not part of it.
            let whole = &message.envelope().span;
            let bytes = message.bytes();
            let expected =
                [&bytes[whole.start..span.start], &id.to_raw(), &bytes[span.end..whole.end]];
            assert_eq!(changed, expected.concat(), "every other byte stays");
        }
    }
}

/// Removes, replaces and adds members one by one.
fn check_edits(message: &Message, object: &Object) {
    let bytes = message.bytes();
    let before = members(bytes, object);
    assert_eq!(ObjectEdit::new(bytes, object).finish(), bytes[object.span.clone()]);
    for position in 0..before.len().min(EDITED) {
        let name = before[position].0.clone();
        let is_named = |member: &(String, Vec<u8>)| member.0 == name;

        let mut edit = ObjectEdit::new(bytes, object);
        edit.remove(&name);
        let mut expected = before.clone();
        expected.retain(|member| !is_named(member));
        assert_eq!(reread(&edit.finish()), expected, "without {name:?}");

        let mut edit = ObjectEdit::new(bytes, object);
        edit.set(&name, &b"[null]"[..]).set_string("a new\none", "\u{0}");
        let mut expected = before.clone();
        for member in expected.iter_mut().filter(|member| is_named(member)) {
            member.1 = b"[null]".to_vec();
        }
        match expected.iter_mut().find(|member| member.0 == "a new\none") {
            Some(member) => member.1 = br#""\u0000""#.to_vec(),
            None => expected.push(("a new\none".to_owned(), br#""\u0000""#.to_vec())),
        }
        assert_eq!(reread(&edit.finish()), expected, "with another {name:?}");
    }
}

/// Renames what is routed, as the gateway does.
fn check_nested_edit(message: &Message, params: &Object) {
    let bytes = message.bytes();
    let mut inner = ObjectEdit::new(bytes, params);
    inner.set_string("name", "local").remove("cursor");
    if let Some(meta) = message.meta() {
        let mut meta = ObjectEdit::new(bytes, meta);
        meta.set("progressToken", &b"7"[..]);
        inner.nest("_meta", meta);
    }
    let mut edit = message.edit();
    edit.nest("params", inner);
    let edited = Message::parse(edit.finish()).expect("it was a message before");
    assert_same(message, &edited);
    assert_eq!(edited.param_string("name"), Some(Cow::Borrowed("local")));
    assert_eq!(edited.param("cursor"), None);
    assert_eq!(edited.progress_token(), message.meta().map(|_| &b"7"[..]));
    let others = |message: &Message| {
        let params = message.params().expect("it has params");
        let mut members = members(message.bytes(), params);
        members.retain(|(name, _)| !["name", "cursor", "_meta"].contains(&name.as_str()));
        members
    };
    assert_eq!(others(&edited), others(message));
}

fn members(bytes: &[u8], object: &Object) -> Members {
    let member = |member: &gantry_protocol::json::Member| {
        (member.name.to_string(), bytes[member.value.clone()].to_vec())
    };
    object.members.iter().map(member).collect()
}

fn reread(bytes: &[u8]) -> Members {
    let object = Object::read(bytes, 0..bytes.len()).expect("an edited object is one");
    members(bytes, &object)
}
