//! Tests of [`super`]: what of arguments is left out, and how the rest is written.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::redact::REDACTED;

fn rules(keep: Keep, rules: &[&str]) -> Rules {
    let rules: Vec<_> = rules.iter().map(|&rule| rule.to_owned()).collect();
    Rules::new(keep, &rules, Secrets::new(["hunter2hunter2".to_owned()]))
}

#[track_caller]
fn check(written: &[&str], arguments: &Value, expected: &Value) {
    assert_eq!(kept(Keep::Redacted, written, &arguments.to_string()).as_ref(), Some(expected));
}

/// Returns what is written of arguments, read again.
fn kept(keep: Keep, written: &[&str], arguments: &str) -> Option<Value> {
    let mut text = "before".to_owned();
    let is_kept = rules(keep, written).write_arguments(arguments.as_bytes(), &mut text);
    let text = text.strip_prefix("before").unwrap();
    assert_eq!(is_kept, !text.is_empty());
    is_kept.then(|| serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

#[test]
fn values_are_left_out_by_the_names_that_they_have() {
    check(
        &[],
        &json!({ "path": "/x", "api_key": "k", "Key": "k", "keyword": "w", "deep": [{ "dbPassword": "p" }] }),
        &json!({ "path": "/x", "api_key": REDACTED, "Key": REDACTED, "keyword": "w", "deep": [{ "dbPassword": REDACTED }] }),
    );
    check(
        &["*ssn*", "iban"],
        &json!({ "customer-SSN": 1, "IBAN": "x", "ibans": "y" }),
        &json!({ "customer-SSN": REDACTED, "IBAN": REDACTED, "ibans": "y" }),
    );
}

#[test]
fn values_are_left_out_by_where_they_stand() {
    check(
        &["/a/0/b", "/x~1y", "/gone"],
        &json!({ "a": [{ "b": { "c": 1 } }, { "b": 2 }], "x/y": true }),
        &json!({ "a": [{ "b": REDACTED }, { "b": 2 }], "x/y": REDACTED }),
    );
}

#[test]
fn the_gateways_own_secrets_are_left_out_wherever_they_are() {
    let arguments = json!({ "text": "it is hunter2hunter2!", "token": "abc" });
    check(&[], &arguments, &json!({ "text": "it is [redacted]!", "token": REDACTED }));
    let full = kept(Keep::Full, &["text"], &arguments.to_string());
    assert_eq!(full, Some(json!({ "text": "it is [redacted]!", "token": "abc" })));
    assert_eq!(kept(Keep::None, &[], "{}"), None);
}

#[test]
fn what_is_long_is_cut() {
    let text = "ä".repeat(LONGEST_TEXT + LONGEST_MARK);
    check(&[], &json!({ "a": text }), &json!({ "a": text }));
    let text = "ä".repeat(LONGEST_TEXT + LONGEST_MARK + 1);
    let cut = format!("{}... [{} bytes]", "ä".repeat(LONGEST_TEXT), text.len());
    check(&[], &json!({ "a": text }), &json!({ "a": cut }));
    let many: Vec<_> = (0..5000).collect();
    let raw = json!({ "a": many }).to_string();
    let kept = |raw: &str| kept(Keep::Redacted, &[], raw);
    assert_eq!(kept(&raw), Some(json!(format!("[{} bytes]", raw.len()))));
    assert_eq!(kept("{"), Some(json!("[1 bytes that are no JSON]")));
    assert_eq!(kept("{}{"), Some(json!("[3 bytes that are no JSON]")));
}

#[test]
fn what_is_kept_stands_in_one_line_and_means_what_was_sent() {
    let raw = "{ \"a\" : [ 1, -2, 3.5 , 1e300, true,\n null, [], {} ],\t\"b\\u000a\\\"\": \"\\ud83d\\ude00\\r\" }";
    let mut text = String::new();
    assert!(rules(Keep::Redacted, &[]).write_arguments(raw.as_bytes(), &mut text));
    assert_eq!(text, "{\"a\":[1,-2,3.5,1e+300,true,null,[],{}],\"b\\n\\\"\":\"😀\\r\"}");
    assert_eq!(kept(Keep::Full, &[], raw), Some(serde_json::from_str(raw).unwrap()));
}

#[test]
fn simple_arguments_are_written_like_all_others() {
    let long = format!("{{\"a\":\"{}\",\"b\":1}}", "x".repeat(2 * LONGEST_TEXT));
    let longer = format!("{{\"a\":\"{0}\",\"token\":\"{0}\\\"\",\"b\":1}}", "x".repeat(5000));
    let odd = format!("{{\"a\":\"{0}\\\"{0}\",\"b\":\"ä{0}\"}}", "x".repeat(5000));
    let edge = "x".repeat(LONGEST_TEXT - 3);
    let secret = format!("{{\"a\":\"{edge}hunter2hunter2{}\"}}", "x".repeat(5000));
    let large = format!("{{\"a\":1{}}}", ",\"token\":1".repeat(700));
    let raw = [
        r#"{"text":"it is hunter2hunter2!","n":0,"m":907,"token":"abc","pin":1}"#,
        r#"{"key":true,"a-key":5,"Pass_Word":null,"b":false,"pin":"ä"}"#,
        r#"{"":""}"#,
        &long,
        &longer,
        &odd,
        &secret,
        &large,
        // What is not as simple as it looks.
        r"{}",
        r#"{"a":-0}"#,
        r#"{"a":1,}"#,
        r#"{"a":01}"#,
        r#"{"a":1.50}"#,
        r#"{"a":nul}"#,
        r#"{"a":}"#,
        r#"{"a":"b\"}"#,
        r#"{"a":"b\","c":"d"}"#,
        r#"{"a" :"b"}"#,
        r#"{"a":["b"],"c":{"d":"e"}}"#,
        r#"{"a":"b"}}"#,
        r#"{"a":"b""c":1}"#,
        r#"{"a":123456789012345678901234567890}"#,
        "{\"a\":\"\u{1}\"}",
    ];
    for keep in [Keep::Redacted, Keep::Full] {
        let simple = rules(keep, &["pin"]);
        // A pointer that leads nowhere has them taken apart.
        let apart = rules(keep, &["pin", "/no/where"]);
        for raw in raw {
            let written = |rules: &Rules| {
                let mut text = String::from("before");
                assert!(rules.write_arguments(raw.as_bytes(), &mut text));
                text
            };
            assert_eq!(written(&simple), written(&apart), "{raw}");
        }
    }
}

#[test]
fn only_values_are_hidden_by_a_name() {
    check(
        &["/deep/secret"],
        &json!({ "token": null, "secrets": true, "keys": { "a": 1 }, "apiKey": [1, { "b": 2 }], "password": 7, "deep": { "secret": { "x": 1 } } }),
        &json!({ "token": null, "secrets": true, "keys": { "a": 1 }, "apiKey": REDACTED, "password": REDACTED, "deep": { "secret": REDACTED } }),
    );
}

#[test]
fn a_message_is_shown_with_its_arguments_as_the_rules_leave_them() {
    let written = ["ssn".to_owned(), "/a/b".to_owned()];
    let rules = Rules::for_showing(&written, Secrets::new(["hunter2hunter2".to_owned()]));
    let long = "x".repeat(LONGEST_TEXT * 2);
    let message = json!({
        "ssn": 1,
        "params": { "name": "hunter2hunter2", "arguments": { "ssn": 1, "a": { "b": 2, "c": long } } },
    });
    let shown: Value =
        serde_json::from_str(&rules.redacted(message.to_string().as_bytes())).unwrap();
    let expected = json!({
        "ssn": 1,
        "params": { "name": REDACTED, "arguments": { "ssn": REDACTED, "a": { "b": REDACTED, "c": long } } },
    });
    assert_eq!(shown, expected);
}

#[test]
fn a_star_stands_for_anything() {
    let fits = |pattern: &str, text: &str| fits(pattern.as_bytes(), text.as_bytes());
    assert!(fits("*", "") && fits("a*c", "abbc") && fits("*b*", "abc") && fits("a*a", "aa"));
    assert!(!fits("a*c", "ab") && !fits("", "a") && !fits("a*a", "a") && fits("*ab", "aab"));
}

proptest! {
    #[test]
    fn what_is_kept_is_what_was_sent(
        names in proptest::collection::vec("[ -~]{0,6}|\\PC{0,6}|[\u{0}-\u{1f}\"]{0,3}", 3),
        texts in proptest::collection::vec("[ -~]{0,40}|\\PC{0,40}|[\u{0}-\u{1f}\"\\\\]{0,9}", 3),
        number in any::<i64>(),
    ) {
        let [name, other, inner] = &names[..] else { unreachable!() };
        let sent = json!({ name: texts[0], other: [texts[1], number, { inner: texts[2] }, null] });
        prop_assert_eq!(kept(Keep::Full, &[], &sent.to_string()), Some(sent));
    }
}
