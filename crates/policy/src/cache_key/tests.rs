//! Tests of [`super`].

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn key(text: &str) -> Result<Key, Ambiguous> {
    Ok(KeyBuilder::default().json(text.as_bytes())?.finish())
}

#[test]
fn the_way_of_writing_does_not_count() {
    let one = key(r#"{"a":[1,"A\n"],"b":{"c":null,"d":true}}"#).unwrap();
    let other = key("{ \"b\" : {\"d\":true , \"c\":null},\n \"\\u0061\":[ 1, \"\\u0041\\n\" ] }");
    assert_eq!(one, other.unwrap());
}

#[test]
fn what_is_said_does() {
    let texts = [
        "{}",
        "[]",
        "null",
        "\"\"",
        "0",
        "\"0\"",
        "[0]",
        "[[0]]",
        "[0,0]",
        r#"{"a":0}"#,
        r#"{"a":null}"#,
        r#"{"b":0}"#,
        r#"{"a":0,"b":0}"#,
        r#"{"a":{"b":0}}"#,
        "1",
        "1.0",
        "12345678901234567890123",
        "12345678901234567890124",
        r#"["ab"]"#,
        r#"["a","b"]"#,
    ];
    let mut keys: Vec<_> = texts.iter().map(|text| key(text).unwrap()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), texts.len());
}

#[test]
fn what_has_two_meanings_has_no_key() {
    assert_eq!(key(r#"{"a":1,"a":2}"#), Err(Ambiguous));
    assert_eq!(key(r#"{"x":[{"a":1,"\u0061":1}]}"#), Err(Ambiguous));
    assert_eq!(key("{"), Err(Ambiguous));
}

#[test]
fn texts_are_told_apart_by_where_they_end() {
    let of = |one: &str, other: &str| KeyBuilder::default().text(one).text(other).finish();
    assert_ne!(of("ab", "c"), of("a", "bc"));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..6)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(reversed).collect(),
        Value::Object(members) => {
            members.iter().rev().map(|(name, value)| (name.clone(), reversed(value))).collect()
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn equal_values_have_one_key_and_others_another(one in values(), other in values()) {
        let compact = key(&one.to_string()).unwrap();
        let pretty = key(&serde_json::to_string_pretty(&reversed(&one)).unwrap()).unwrap();
        prop_assert_eq!(compact, pretty);
        let wrapped = key(&json!([one]).to_string()).unwrap();
        prop_assert_ne!(compact, wrapped);
        prop_assert_eq!(one == other, compact == key(&other.to_string()).unwrap());
    }
}
