//! Holds the scanner against `serde_json`: the same bytes are accepted, and the members are the same.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{Object, ObjectError, Wanted};

/// Pieces that together make valid JSON, nearly valid JSON and rubbish.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"a\"",
    "\"name\"",
    "\"\\u0041\"",
    "\"\\ud800\"",
    "\\",
    "\\u12",
    "\\u00zz",
    "\\x",
    "0",
    "00",
    "-",
    "-0",
    "1",
    "12.5",
    "1.",
    ".5",
    "1e5",
    "1E+",
    "1e-7",
    "true",
    "tru",
    "false",
    "null",
    "nul",
    " ",
    "\n",
    "\t",
    "\r",
    "\u{c}",
    "\u{feff}",
    "é",
    "\u{1f600}",
    "\u{7f}",
    "\u{1}",
    "{\"a\":1}",
    "[1,2]",
    "\"a\":",
    "[]",
    "{}",
    "a text that is longer than one step of the scanner is",
];

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(bytes).is_ok()
}

/// The scanner and `serde_json` must say the same of these bytes.
#[track_caller]
fn check(bytes: &[u8]) {
    let shown = String::from_utf8_lossy(bytes);
    // As a value in an object, so that any kind of value is tried.
    let wrapped = [b"{\"x\" : ", bytes, b"\t}"].concat();
    match Object::read(&wrapped, 0..wrapped.len()) {
        Ok(object) => {
            assert!(is_json(&wrapped), "accepted: {shown}");
            assert_eq!(object.span, 0..wrapped.len());
            check_members(&wrapped, &object);
        }
        Err(ObjectError::Malformed { .. }) => assert!(!is_json(&wrapped), "refused: {shown}"),
        Err(ObjectError::NotAnObject) => panic!("refused for no reason: {shown}"),
    }
    match Object::read(bytes, 0..bytes.len()) {
        Ok(object) => {
            assert!(is_json(bytes), "accepted: {shown}");
            check_members(bytes, &object);
        }
        Err(ObjectError::Malformed { .. }) => assert!(!is_json(bytes), "refused: {shown}"),
        Err(ObjectError::NotAnObject) => {
            let value = serde_json::from_slice::<&RawValue>(bytes).expect("it is said to be JSON");
            assert!(!value.get().starts_with('{'), "no object: {shown}");
        }
    }
}

/// Every span holds what `serde_json` finds there.
fn check_members(bytes: &[u8], object: &Object) {
    for member in &object.members {
        let value = &bytes[member.value.clone()];
        let raw: &RawValue = serde_json::from_slice(value).expect("a value is JSON");
        assert_eq!(raw.get().as_bytes(), value);
        // A key with a lone surrogate is a key to us, and to nobody who decodes it.
        if let Ok(name) = serde_json::from_slice::<String>(&bytes[member.key.clone()]) {
            assert_eq!(member.name, name);
        }
    }
    if let Ok(map) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes) {
        let mut names: Vec<&str> = Vec::new();
        for member in &object.members {
            if !names.contains(&&*member.name) {
                names.push(&member.name);
            }
        }
        assert_eq!(names, map.keys().collect::<Vec<_>>());
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        ".{0,70}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            proptest::collection::vec((".{0,40}", inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_plain_text_is_one_that_is_written_as_it_is(
        text in "[a-z \"\\\\\u{0}-\u{1f}\u{7f}é😀]{0,3}[a-zé ]{0,30}[a-z\"\\\\\n]{0,2}",
    ) {
        let quoted = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(super::is_plain(&text), quoted == format!("\"{text}\""));
        prop_assert_eq!(super::quote(&text), quoted.as_bytes());
    }

    #[test]
    fn what_serde_writes_is_read(value in value(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_vec_pretty(&value).unwrap()
        } else {
            serde_json::to_vec(&value).unwrap()
        };
        check(&text);
    }

    #[test]
    fn a_changed_byte_is_judged_as_serde_judges_it(
        value in value(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        how in 0..3_u8,
    ) {
        let mut text = serde_json::to_vec(&value).unwrap();
        for (at, byte) in changes {
            let at = at.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ if text.len() > 1 => drop(text.remove(at)),
                _ => {}
            }
        }
        check(&text);
    }

    #[test]
    fn loose_pieces_are_judged_as_serde_judges_them(
        pieces in proptest::collection::vec(prop::sample::select(PIECES), 0..12),
    ) {
        check(pieces.concat().as_bytes());
    }

    #[test]
    fn any_bytes_are_judged_as_serde_judges_them(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        check(&bytes);
        check(&[b"\"", &bytes[..], b"\""].concat());
    }
}

#[test]
fn every_byte_at_every_place_of_a_string_is_judged_as_serde_judges_it() {
    for length in [0, 1, 7, 8, 9, 31, 32, 33, 40, 63, 64, 65] {
        for at in 0..length {
            for byte in 0..=u8::MAX {
                let mut text = vec![b'x'; length + 2];
                text[0] = b'"';
                text[length + 1] = b'"';
                text[at + 1] = byte;
                check(&text);
            }
        }
    }
}

#[test]
fn numbers_and_words_are_judged_as_serde_judges_them() {
    let texts = [
        "0",
        "-0",
        "00",
        "01",
        "-",
        "--1",
        "+1",
        "1.",
        "1.0",
        ".1",
        "-.1",
        "1e",
        "1e+",
        "1E-0",
        "1e5.2",
        "0e1",
        "0.0e0",
        "1 2",
        "1a",
        "0x1",
        "NaN",
        "Infinity",
        "true",
        "True",
        "truefalse",
        "nul",
        "null0",
        "\"",
        "\"\\",
        "\"\\u",
        "\"\\u00",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ude00\"",
        "\"\\U0041\"",
        "",
        " ",
        "//",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\"::1}",
        "[}",
        "{]",
        "]",
        "}",
        "[[]",
        "[]]",
        "{}{}",
        "{} x",
        "{} \n",
        "\u{feff}{}",
        "{}\u{0}",
        "\u{c}{}",
    ];
    for text in texts {
        check(text.as_bytes());
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
    check(&deep);
    let objects = [br#"{"a":"#.repeat(300_000), b"1".to_vec(), b"}".repeat(300_000)].concat();
    let object = Object::read(&objects, 0..objects.len()).unwrap();
    assert_eq!(object.members.len(), 1);
    let mixed = [br#"[{"a":"#.repeat(100_000), b"}]".repeat(99_999), b"]}".to_vec()].concat();
    check(&mixed);
}

#[test]
fn a_mistake_is_said_with_its_place() {
    let text = b"{\"a\": 1,\n \"b\" 2}";
    let error = Object::read(text, 0..text.len()).unwrap_err();
    assert_eq!(error.to_string(), "not valid JSON at line 2, column 6: expected `:`");
    let invalid = b"{\"a\":\"\xff\"}";
    assert!(matches!(Object::read(invalid, 0..9), Err(ObjectError::Malformed { .. })));
}

#[test]
fn wanted_objects_are_read_in_the_same_pass() {
    const WANTED: &[Wanted] =
        &[Wanted { name: "a", place: 1, inner: &[Wanted { name: "b", place: 0, inner: &[] }] }];
    let text = br#"xx{"a":{"b":{"c":[{}]},"b":{}},"b":{"no":1},"a":{"second":1}} y"#;
    let mut found = [None, None];
    let object = Object::read_with(text, 2..text.len() - 1, WANTED, &mut found).unwrap();
    assert_eq!(object.members.len(), 3);
    let [b, a] = found.map(Option::unwrap);
    assert_eq!(&text[a.span], br#"{"b":{"c":[{}]},"b":{}}"#);
    assert_eq!(&text[b.span], br#"{"c":[{}]}"#);
    let mut found = [None, None];
    let scalar = br#"{"a":{"b":1}}"#;
    Object::read_with(scalar, 0..scalar.len(), WANTED, &mut found).unwrap();
    assert!(found[0].is_none() && found[1].is_some());
}

#[test]
fn known_keys_are_not_allocated() {
    let text = br#"{"jsonrpc":1,"n\u0061me":2,"other":3}"#;
    let object = Object::read(text, 0..text.len()).unwrap();
    assert!(matches!(object.members[0].name, Cow::Borrowed("jsonrpc")));
    assert_eq!(object.members[1].name, "name");
    assert_eq!(object.members[2].name, "other");
}

#[test]
fn a_string_is_told_whatever_its_escapes() {
    let is = |raw: &str, text: &str| super::is_string(raw.as_bytes(), text);
    assert!(is(r#""name""#, "name") && is(r#""n\u0061me""#, "name") && is(r#""a\\n""#, r"a\n"));
    assert!(
        !is(r#""a\n""#, r"a\n")
            && !is("name", "name")
            && !is("\"", "")
            && !is(r#""names""#, "name")
    );
}

#[test]
fn no_known_key_is_another_one_in_other_case() {
    for (at, known) in super::KNOWN.iter().enumerate() {
        let same = |other: &&&str| known.eq_ignore_ascii_case(other);
        assert_eq!(super::KNOWN.iter().position(|other| same(&other)), Some(at), "{known}");
        let (first, rest) = known.split_at(1);
        let escaped = format!("{{\"\\u{:04x}{rest}\":1}}", first.as_bytes()[0]);
        let object = Object::read(escaped.as_bytes(), 0..escaped.len()).unwrap();
        assert!(
            matches!(object.members[0].name, Cow::Borrowed(name) if name == *known),
            "{escaped}"
        );
    }
}

#[test]
fn a_key_that_stands_twice_is_told_known_or_not() {
    let ambiguous = |text: &str| {
        let object = Object::read(text.as_bytes(), 0..text.len()).unwrap();
        object.ambiguous_key(&["name", "cursor"]).map(str::to_owned)
    };
    assert_eq!(ambiguous(r#"{"name":1,"n\u0061me":2}"#).as_deref(), Some("name"));
    assert_eq!(ambiguous(r#"{"mine":1,"mine":2}"#).as_deref(), Some("mine"));
    assert_eq!(ambiguous(r#"{"name":1,"Name":2}"#).as_deref(), Some("Name"));
    assert_eq!(ambiguous(r#"{"Cursor":1}"#).as_deref(), Some("Cursor"));
    assert_eq!(ambiguous(r#"{"name":1,"cursor":2,"mine":3,"Mine":4}"#), None);
}
