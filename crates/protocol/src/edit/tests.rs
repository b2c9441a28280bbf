//! What holds of `edit`, and what must be refused.

use proptest::prelude::*;
use serde_json::Value;

use super::ObjectEdit;

#[track_caller]
fn check(input: &str, change: impl FnOnce(&mut ObjectEdit<'_>), expected: &str) {
    let mut edit = ObjectEdit::read(input.as_bytes()).expect("the input is an object");
    change(&mut edit);
    assert_eq!(String::from_utf8_lossy(&edit.finish()), expected);
}

#[test]
fn untouched_bytes_stay() {
    check(
        " {\n \"a\" : 1.50, \"b\":\t[ 1 ] }",
        |edit| {
            edit.set("b", &b"2"[..]);
        },
        "{\n \"a\" : 1.50, \"b\":\t2 }",
    );
}

#[test]
fn members_are_removed_with_one_separator() {
    let remove = |names: &'static [&'static str]| {
        move |edit: &mut ObjectEdit<'_>| {
            for name in names {
                edit.remove(*name);
            }
        }
    };
    check(r#"{"a":1,"b":2,"c":3}"#, remove(&["a"]), r#"{"b":2,"c":3}"#);
    check(r#"{"a":1,"b":2,"c":3}"#, remove(&["b"]), r#"{"a":1,"c":3}"#);
    check(r#"{"a":1,"b":2,"c":3}"#, remove(&["c"]), r#"{"a":1,"b":2}"#);
    check(r#"{"a":1,"b":2,"c":3}"#, remove(&["a", "b", "c"]), "{}");
    check(r#"{"a":1}"#, remove(&["z"]), r#"{"a":1}"#);
}

#[test]
fn members_are_added_at_the_end() {
    let add = |edit: &mut ObjectEdit<'_>| {
        edit.set_string("x", "y\"z");
    };
    check("{}", add, r#"{"x":"y\"z"}"#);
    check("{ }", add, r#"{ "x":"y\"z"}"#);
    check(r#"{"a":1 }"#, add, r#"{"a":1,"x":"y\"z" }"#);
}

#[test]
fn an_escaped_key_is_found() {
    check(
        r#"{"\u0061":1}"#,
        |edit| {
            edit.set("a", &b"2"[..]);
        },
        r#"{"\u0061":2}"#,
    );
}

#[test]
fn nested_edits_are_written_in_place() {
    let raw = br#"{"params": {"name":"x","_meta":{"k":1}} }"#;
    let object = crate::Object::read(raw, 0..raw.len()).unwrap();
    let params = crate::Object::read(raw, object.get("params").unwrap().value.clone()).unwrap();
    let mut inner = ObjectEdit::new(raw, &params);
    inner.set_string("name", "y");
    let mut outer = ObjectEdit::new(raw, &object);
    outer.nest("params", inner);
    assert_eq!(&outer.finish()[..], br#"{"params": {"name":"y","_meta":{"k":1}} }"#);
}

proptest! {
    #[test]
    fn an_edit_does_what_the_same_edit_of_a_map_does(
        keys in proptest::collection::vec("[a-d]{1,2}", 0..6),
        removed in proptest::collection::vec("[a-d]{1,2}", 0..3),
        added in proptest::collection::vec("[a-f]{1,2}", 0..3),
    ) {
        let mut map = serde_json::Map::new();
        for (index, key) in keys.iter().enumerate() {
            map.insert(key.clone(), Value::from(index));
        }
        let text = serde_json::to_string_pretty(&map).unwrap();
        let mut edit = ObjectEdit::read(text.as_bytes()).unwrap();
        for key in &removed {
            edit.remove(key);
            map.shift_remove(key);
        }
        for key in &added {
            edit.set(key, &b"true"[..]);
            map.insert(key.clone(), Value::Bool(true));
        }
        let out: serde_json::Map<String, Value> = serde_json::from_slice(&edit.finish()).unwrap();
        prop_assert_eq!(out, map);
    }
}
