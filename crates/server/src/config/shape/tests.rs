//! Tests of [`super`].

use proptest::prelude::*;

use super::super::tree;
use super::*;

fn fit_text(text: &str) -> (Value, Vec<Problem>) {
    let mut report = Report::default();
    let root = tree::parse(text, &mut report).unwrap().unwrap();
    let value = fit(&root, &mut report);
    (value, report.into_problems())
}

#[track_caller]
fn complaint(text: &str, expected: &str) {
    let (_, problems) = fit_text(text);
    let messages: Vec<_> = problems
        .iter()
        .map(|problem| match &problem.hint {
            Some(hint) => format!("{}; {hint}", problem.message),
            None => problem.message.clone(),
        })
        .collect();
    assert_eq!(messages, [expected], "{text}");
}

#[test]
fn unknown_keys_are_told_with_the_nearest_known_one() {
    complaint("sever: {}", "unknown key `sever` at the top level; did you mean `server`?");
    complaint(
        "servers: {docs: {comand: x}}",
        "unknown key `comand` in `servers.docs`; did you mean `command`?",
    );
    complaint("xyzzy: 1", "unknown key `xyzzy` at the top level");
}

#[test]
fn wrong_types_are_told_in_words() {
    complaint("servers: []", "`servers` must be a mapping, but is a list");
    complaint("servers: {a: {args: x}}", "`servers.a.args` must be a list, but is `x`");
    complaint("servers: {a: }", "`servers.a` must be a mapping, but is empty");
    complaint("builtin: yes", "`builtin` must be `true` or `false`, but is `yes`");
    complaint("builtin: 'true'", "`builtin` must be `true` or `false`, but is `true`");
    complaint("names: {max: 7}", "`names.max` must be a whole number from 24 to 128, but is `7`");
    complaint(
        "log: {level: infos}",
        "`log.level` must be one of `off`, `error`, `warn`, `info`, `debug`, `trace`, but is `infos`; \
         did you mean `info`?",
    );
}

#[test]
fn secrets_in_the_wrong_place_are_not_shown() {
    for text in [
        "auth: hunter2",
        "auth: {tokens: hunter2}",
        "auth: {tokens: [hunter2]}",
        "servers: {a: {env: hunter2}}",
        "servers: {a: {headers: [hunter2]}}",
    ] {
        let (_, problems) = fit_text(text);
        assert!(!problems.is_empty() && !problems[0].message.contains("hunter2"), "{problems:?}");
    }
}

#[test]
fn a_key_without_a_value_is_no_key() {
    let (value, problems) = fit_text("servers:\nlog:\n  level:\n");
    assert_eq!(problems, []);
    assert_eq!(value, serde_json::json!({ "log": {} }));
}

#[test]
fn texts_keep_what_is_written() {
    let (value, problems) = fit_text("servers: {a: {args: [1.10, true, 0x10, '~']}}");
    assert_eq!(problems, []);
    assert_eq!(value["servers"]["a"]["args"], serde_json::json!(["1.10", "true", "0x10", "~"]));
}

#[test]
fn what_fits_is_kept_beside_what_does_not() {
    let (value, problems) = fit_text("servers: {a: {comand: x, url: y}}\nbuiltin: 3\n");
    assert_eq!(problems.len(), 2);
    assert_eq!(value, serde_json::json!({ "servers": { "a": { "url": "y" } } }));
}

fn any_yaml() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("server"),
        Just("servers"),
        Just("limits"),
        Just("body"),
        Just("views"),
        Just("a"),
        Just("type"),
        Just("args"),
        Just("env"),
        Just("tools"),
        Just("allow"),
        Just("names"),
        Just("max"),
        Just("log"),
        Just("level"),
        Just("auth"),
        Just("tokens"),
        Just("enabled"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u64..200).prop_map(Value::from),
        "[a-z0-9${}:]{0,6}".prop_map(Value::from),
        Just(Value::from("stdio")),
        Just(Value::from("info")),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(String::from), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_fits_the_schema_can_be_read(value in any_yaml()) {
        let text = value.to_string();
        let mut report = Report::default();
        if let Ok(Some(root)) = tree::parse(&text, &mut report) {
            let fitted = fit(&root, &mut report);
            prop_assert!(serde_json::from_value::<raw::Config>(fitted).is_ok());
        }
    }
}
