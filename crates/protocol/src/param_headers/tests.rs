//! What holds of `param_headers`, and what must be refused.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn schema(properties: &Value) -> Result<ParamHeaders, InvalidAnnotation> {
    let tool = json!({"name":"t","inputSchema":{"type":"object","properties":properties}});
    ParamHeaders::of_tool(tool.to_string().as_bytes())
}

fn all() -> ParamHeaders {
    schema(&json!({
        "region": {"type":"string","x-mcp-header":"Region"},
        "count": {"type":"integer","x-mcp-header":"Count"},
        "dry": {"type":["boolean","null"],"x-mcp-header":"Dry"},
        "plain": {"type":"number"},
        "deep": {"type":"object","properties":{"in": {"type":"string","x-mcp-header":"Deep"}}},
    }))
    .unwrap()
}

fn values(arguments: &str) -> Vec<(String, String)> {
    let headers = all();
    let values = headers.values(Some(arguments.as_bytes()));
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (format!("mcp-param-{name}"), value.to_owned())
}

#[test]
fn arguments_become_headers() {
    assert_eq!(
        values(r#"{"region":"us-west1","count":42.0,"dry":true,"deep":{"in":"x"}}"#),
        [pair("region", "us-west1"), pair("count", "42"), pair("dry", "true"), pair("deep", "x")]
    );
    assert_eq!(
        values(r#"{"region":"Hello, 世界","count":-7,"dry":false}"#),
        [
            pair("region", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            pair("count", "-7"),
            pair("dry", "false")
        ]
    );
}

#[test]
fn null_and_absent_arguments_have_no_header() {
    assert!(values(r#"{"region":null,"deep":null,"other":1}"#).is_empty());
    assert!(values("{}").is_empty());
    assert!(values(r#"{"region":{"a":1},"deep":"x"}"#).is_empty());
    assert!(all().values(None).is_empty());
}

#[test]
fn numbers_are_spelled_as_integers() {
    for (written, spelled) in [
        ("42", "42"),
        ("42.0", "42"),
        ("4.2e1", "42"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("9007199254740991", "9007199254740991"),
        ("1.5", "1.5"),
        ("1e300", "1e300"),
    ] {
        assert_eq!(values(&format!(r#"{{"count":{written}}}"#)), [pair("count", spelled)]);
    }
}

#[test]
fn a_tool_without_annotations_costs_nothing() {
    assert!(schema(&json!({"a":{"type":"array"}})).unwrap().is_empty());
    assert!(ParamHeaders::of_tool(b"{}").unwrap().is_empty());
    assert!(ParamHeaders::of_tool(b"7").unwrap().is_empty());
    // A property of that name, and data of that name, are no annotations.
    let lookalike = schema(&json!({
        "x-mcp-header": {"type":"string"},
        "a": {"type":"object","default":{"x-mcp-header":"Q"}},
    }));
    assert!(lookalike.unwrap().is_empty());
}

#[test]
fn an_escaped_key_is_an_annotation_too() {
    let raw = br#"{"type":"object","properties":{"a":{"type":"string","x-mcp-\u0068eader":"A"}}}"#;
    assert!(ParamHeaders::of_schema(raw).unwrap().recognises("Mcp-Param-A"));
}

#[test]
fn duplicates_are_invalid_in_any_case() {
    let result = schema(&json!({
        "a": {"type":"string","x-mcp-header":"Tenant"},
        "b": {"type":"object","properties":{"c":{"type":"string","x-mcp-header":"TENANT"}}},
    }));
    assert_eq!(result, Err(InvalidAnnotation::Duplicate { name: "TENANT".to_owned() }));
}

#[test]
fn names_must_be_header_names() {
    for name in ["", "a b", "a:b", "ä", "a\r\nb", "a\u{7f}"] {
        let result = schema(&json!({"a":{"type":"string","x-mcp-header":name}}));
        assert!(matches!(result, Err(InvalidAnnotation::Name { .. })), "{name:?}");
    }
    let result = schema(&json!({"a":{"type":"string","x-mcp-header":7}}));
    assert!(matches!(result, Err(InvalidAnnotation::Name { .. })));
}

#[test]
fn only_primitive_types_can_be_mirrored() {
    for kind in [
        json!("number"),
        json!("object"),
        json!("array"),
        json!("null"),
        json!(["string", "integer"]),
        json!(null),
    ] {
        let result = schema(&json!({"a":{"type":kind,"x-mcp-header":"A"}}));
        assert!(matches!(result, Err(InvalidAnnotation::Type { .. })), "{kind}");
    }
    let untyped = schema(&json!({"a":{"x-mcp-header":"A"}}));
    assert!(matches!(untyped, Err(InvalidAnnotation::Type { .. })));
}

#[test]
fn annotations_must_be_reachable_by_properties_alone() {
    let mark = json!({"type":"string","x-mcp-header":"A"});
    for property in [
        json!({"type":"array","items":mark}),
        json!({"type":"array","items":{"type":"object","properties":{"x":mark}}}),
        json!({"anyOf":[{"type":"null"}, mark]}),
        json!({"not":mark}),
        json!({"if":{"properties":{"x":mark}}}),
        json!({"type":"object","additionalProperties":mark}),
        json!({"type":"object","patternProperties":{"^x":mark}}),
    ] {
        let result = schema(&json!({ "a": property }));
        assert!(matches!(result, Err(InvalidAnnotation::Unreachable { .. })), "{property}");
    }
    for root in [
        json!({"type":"string","x-mcp-header":"A"}),
        json!({"type":"object","$defs":{"d":mark}}),
        json!({"type":"object","allOf":[{"properties":{"x":mark}}]}),
    ] {
        let result = ParamHeaders::of_schema(root.to_string().as_bytes());
        assert!(matches!(result, Err(InvalidAnnotation::Unreachable { .. })), "{root}");
    }
}

#[track_caller]
fn check(arguments: &str, sent: &[(&str, &str)], good: bool) {
    let lookup = |name: &str| sent.iter().find(|(sent, _)| *sent == name).map(|(_, value)| *value);
    let result = all().check(Some(arguments.as_bytes()), lookup);
    assert_eq!(result.is_ok(), good, "{result:?}");
    if let Err(error) = result {
        assert_eq!(error.code, code::HEADER_MISMATCH);
    }
}

#[test]
fn headers_must_say_what_the_arguments_say() {
    check(r#"{"region":"a"}"#, &[("mcp-param-region", "a")], true);
    check(r#"{"region":"a"}"#, &[("mcp-param-region", "=?base64?YQ==?=")], true);
    check(r#"{"region":"a"}"#, &[("mcp-param-region", "A")], false);
    check(r#"{"region":"a"}"#, &[], false);
    check(r#"{"region":"a"}"#, &[("mcp-param-region", "=?base64?YQ?=")], false);
    check(r#"{"region":"a"}"#, &[("mcp-param-region", "a\u{1}")], false);
    check(r#"{"region":null}"#, &[], true);
    check("{}", &[("mcp-param-region", "a")], false);
    check(r#"{"count":42}"#, &[("mcp-param-count", "42.0")], true);
    check(r#"{"count":42.0}"#, &[("mcp-param-count", "42")], true);
    check(r#"{"count":42}"#, &[("mcp-param-count", "43")], false);
    check(r#"{"count":42}"#, &[("mcp-param-count", "abc")], false);
    check(r#"{"region":"1"}"#, &[("mcp-param-region", "1.0")], false);
    check(r#"{"dry":true}"#, &[("mcp-param-dry", "true")], true);
    check(r#"{"dry":true}"#, &[("mcp-param-dry", "True")], false);
    check("{}", &[("mcp-param-unknown", "a")], true);
    check(r#"{"region":"a","region":"b"}"#, &[("mcp-param-region", "b")], false);
    check(r#"{"other":"a","other":"b"}"#, &[], true);
}

proptest! {
    #[test]
    fn our_own_headers_pass_our_own_check(
        region in any::<String>(),
        count in proptest::option::of(any::<i64>()),
        dry in any::<bool>(),
    ) {
        let headers = all();
        let arguments = json!({"region": region, "count": count, "dry": dry}).to_string();
        let sent = headers.values(Some(arguments.as_bytes()));
        let lookup = |name: &str| {
            sent.iter().find(|(sent, _)| *sent == name).map(|(_, value)| value.as_str())
        };
        prop_assert_eq!(headers.check(Some(arguments.as_bytes()), lookup), Ok(()));
    }
}
