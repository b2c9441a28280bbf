//! Tests of the validating tools.

use serde_json::{Value, json};

use crate::rig;

const SERVICE: &str = "data_standardization";
const SCHEMA: &str = "validate_schema_compliance";
const STRUCTURE: &str = "validate_data_structure";
const INTEGRITY: &str = "verify_data_integrity";
const RULES: &str = "validate_business_rules";

fn ask(tool: &str, arguments: &Value) -> Value {
    rig::ask(SERVICE, tool, arguments)
}

#[test]
fn a_schema_is_read_as_strictly_as_is_asked_for() {
    let of = |level: &str, data: Value| {
        let schema = json!({
            "properties": { "day": { "format": "date" }, "n": { "type": "number" } },
        });
        let arguments = json!({ "data": data, "schema": schema, "validation_level": level });
        ask(SCHEMA, &arguments)["is_valid"].as_bool().unwrap()
    };
    for (data, strict, standard, lenient) in [
        (json!({ "day": "2026-01-31", "n": 1 }), true, true, true),
        (json!({ "day": "yesterday" }), false, true, true),
        (json!({ "more": 1 }), false, true, true),
        (json!({ "n": "1" }), false, false, true),
        (json!({ "n": "one" }), false, false, false),
    ] {
        assert_eq!(of("strict", data.clone()), strict, "{data}");
        assert_eq!(of("standard", data.clone()), standard, "{data}");
        assert_eq!(of("lenient", data.clone()), lenient, "{data}");
    }
}

#[test]
fn a_schema_reaches_nothing_outside_and_no_pattern_takes_forever() {
    let schema = json!({ "$ref": "http://127.0.0.1:9/schema.json" });
    let error = rig::refusal(SERVICE, SCHEMA, &json!({ "data": {}, "schema": schema }));
    assert!(error.starts_with("`schema`: is no schema: "), "{error}");
    let schema = json!({ "properties": { "a": { "pattern": "^(a+)+$" } } });
    let data = json!({ "a": format!("{}b", "a".repeat(50_000)) });
    assert_eq!(ask(SCHEMA, &json!({ "data": data, "schema": schema }))["is_valid"], false);
}

#[test]
fn a_condition_of_its_own_has_to_hold() {
    let of = |condition: &str| json!({ "data": { "a": 1 }, "schema": {}, "custom_validators": { "own": condition } });
    assert_eq!(ask(SCHEMA, &of("a == 1"))["is_valid"], true);
    assert_eq!(ask(SCHEMA, &of("a == 2"))["errors"][0]["message"], "`own` does not hold");
    let message = "`own` asks for `b`, which the data does not have";
    assert_eq!(ask(SCHEMA, &of("b == 2"))["errors"][0]["message"], message);
    assert_eq!(
        rig::refusal(SERVICE, SCHEMA, &of("exit(1)")),
        "`custom_validators.own`: has `(` at 4, where the end is expected; there are no calls here"
    );
}

#[test]
fn a_shape_may_leave_members_out() {
    let of = |data: Value, shape: Value| {
        ask(STRUCTURE, &json!({ "data": data, "expected_structure": shape }))["is_valid"].clone()
    };
    assert_eq!(of(json!({ "a": 1, "b": 2 }), json!({ "a": "integer" })), true);
    assert_eq!(of(json!({}), json!({ "a": "integer?" })), true);
    assert_eq!(of(json!({ "a": "x" }), json!({ "a": "integer?" })), false);
    assert_eq!(of(json!({ "a": 1.5 }), json!({ "a": "number" })), true);
    assert_eq!(of(json!([[1], []]), json!([["integer"]])), true);
    assert_eq!(of(json!([null]), json!([])), true);
    assert_eq!(of(json!(null), json!({})), false);
    let arguments = json!({ "data": 1, "expected_structure": { "a": ["number", "text"] } });
    assert_eq!(
        rig::refusal(SERVICE, STRUCTURE, &arguments),
        "`expected_structure.a`: has several items; give the one shape of all"
    );
    let arguments = json!({ "data": 1, "expected_structure": { "a": "float" } });
    assert_eq!(
        rig::refusal(SERVICE, STRUCTURE, &arguments),
        "`expected_structure.a`: names no type; use one of string, number, integer, boolean, \
         object, array, null, any"
    );
}

#[test]
fn a_checksum_does_not_depend_on_the_order_of_names() {
    let of = |data: Value| ask(INTEGRITY, &json!({ "data": data }))["checksum"].clone();
    let sum = of(json!({ "a": 1, "b": { "c": [1.5, "ä"], "d": null } }));
    assert_eq!(of(json!({ "b": { "d": null, "c": [1.5, "ä"] }, "a": 1 })), sum);
    assert_ne!(of(json!({ "a": 1 })), sum);
    let data = json!({ "a": 1, "b": { "c": [1.5, "ä"], "d": null } });
    let answer = ask(INTEGRITY, &json!({ "data": data, "expected_checksum": sum }));
    assert_eq!(answer["is_intact"], true);
    assert_eq!(answer["checks"]["checksum"]["checked"], 1);
}

#[test]
fn a_share_of_records_may_fail_as_the_tolerance_says() {
    let records: Vec<Value> =
        (0..20).map(|n| json!({ "day": if n == 0 { "?" } else { "2026-01-01" } })).collect();
    let of = |tolerance: f64| {
        let arguments =
            json!({ "data": records, "formats": { "day": "date" }, "tolerance": tolerance });
        ask(INTEGRITY, &arguments)["is_intact"].clone()
    };
    assert_eq!(of(0.05), true);
    assert_eq!(of(0.04), false);
    let arguments = json!({
        "data": { "a": 1, "b": 0 }, "relationships": [{ "left": "a", "right": "a / b" }],
    });
    let answer = ask(INTEGRITY, &arguments);
    assert_eq!(answer["failures"][0]["reason"], "divides by zero");
    for (arguments, expected) in [
        (json!({ "data": 1 }), "`data`: is neither an object nor an array of objects"),
        (
            json!({ "data": [{}, 1] }),
            "`data[1]`: is no object; give an object, or an array of objects",
        ),
        (
            json!({ "data": {}, "relationships": [{ "left": "a +", "right": "1" }] }),
            "`relationships[0].left`: has nothing more at 3, where a value is expected",
        ),
    ] {
        assert_eq!(rig::refusal(SERVICE, INTEGRITY, &arguments), expected);
    }
}

#[test]
fn rules_are_enforced_from_a_severity_on() {
    let of = |severity: &str, level: &str| {
        let rule = json!({ "rule_id": "r", "condition": "a > 1", "severity": severity });
        let arguments = json!({ "data": { "a": 1 }, "rules": [rule], "enforcement_level": level });
        ask(RULES, &arguments)["is_valid"].as_bool().unwrap()
    };
    for (severity, level, expected) in [
        ("error", "error", false),
        ("error", "info", false),
        ("warning", "error", true),
        ("warning", "warning", false),
        ("info", "warning", true),
        ("info", "info", false),
    ] {
        assert_eq!(of(severity, level), expected, "{severity} {level}");
    }
}

#[test]
fn a_rule_without_a_value_is_violated_and_a_bad_rule_is_refused() {
    let rule = |condition: &str| json!([{ "rule_id": "r", "condition": condition }]);
    let answer = ask(RULES, &json!({ "data": [{ "a": 0 }, {}], "rules": rule("1 / a > 0") }));
    let reasons: Vec<&str> = answer["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|violation| violation["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["divides by zero", "asks for `a`, which the data does not have"]);
    assert_eq!(answer["compliance_score"], 0.0);
    for (arguments, expected) in [
        (
            json!({ "data": {}, "rules": rule("a and") }),
            "`rules[0].condition`: has nothing more at 5, where a value is expected",
        ),
        (json!({ "data": 1, "rules": [] }), "`data`: expected an object, or an array of objects"),
        (
            json!({ "data": {}, "rules": [{ "rule_id": "r" }] }),
            "`rules[0].condition`: is required and was not given",
        ),
    ] {
        assert_eq!(rig::refusal(SERVICE, RULES, &arguments), expected);
    }
}
