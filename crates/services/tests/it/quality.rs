//! Tests of the tools that assess quality.

use serde_json::{Value, json};

use crate::rig::{self, number};

const SERVICE: &str = "data_standardization";
const QUALITY: &str = "assess_data_quality";

fn ask(tool: &str, arguments: &Value) -> Value {
    rig::ask(SERVICE, tool, arguments)
}

/// Returns what a dimension of a dataset comes to.
fn dimension(name: &str, dataset: &Value) -> Value {
    let arguments = json!({ "dataset": dataset, "quality_dimensions": [name] });
    ask(QUALITY, &arguments)["dimension_scores"][name].clone()
}

#[test]
fn each_dimension_is_the_share_that_it_says() {
    let records = json!([{ "a": 1, "b": "" }, { "a": null }, { "a": [], "b": 2 }, { "c": true }]);
    assert_eq!(dimension("completeness", &records), 3.0 / 12.0);

    let numbers: Vec<Value> = [1, 2, 3, 4, 5, 6, 7, 1000].map(|n| json!({ "n": n })).to_vec();
    assert_eq!(dimension("accuracy", &json!(numbers)), 7.0 / 8.0);

    let records = json!([{ "a": 1 }, { "a": 2 }, { "a": "3" }, { "a": null }]);
    assert_eq!(dimension("consistency", &records), 2.0 / 3.0);

    // The clock stands at the beginning of 2026.
    let records = json!([
        { "at": "2025-06-01" }, { "at": "2024-06-01" }, { "at": "2026-06-01T00:00:00Z" },
        { "at": "2025-12-31T23:59:59Z", "other": "text" },
    ]);
    assert_eq!(dimension("timeliness", &records), 0.5);

    let records =
        json!([{ "email": "ada@example.org" }, { "work_email": "nobody" }, { "email": "" }]);
    assert_eq!(dimension("validity", &records), 0.5);

    let records = json!([{ "a": 1, "b": 2 }, { "b": 2, "a": 1 }, { "a": 1 }, { "a": "1" }]);
    assert_eq!(dimension("uniqueness", &records), 0.75);
}

#[test]
fn what_the_records_say_nothing_about_is_not_assessed() {
    let answer = ask(QUALITY, &json!({ "dataset": [{ "a": true }] }));
    assert_eq!(answer["not_assessed"], json!(["accuracy", "timeliness", "validity"]));
    assert_eq!(answer["overall_score"], 1.0);
}

#[test]
fn a_schema_weights_and_thresholds_are_heard() {
    let arguments = json!({
        "dataset": [{ "a": 1 }, { "a": "x" }],
        "schema": { "required": ["b"], "properties": { "a": { "type": "integer" } } },
        "quality_dimensions": ["completeness", "validity"],
        "dimension_weights": { "completeness": 3, "validity": 1 },
        "thresholds": { "completeness": 0.5 },
    });
    let answer = ask(QUALITY, &arguments);
    assert_eq!(answer["dimension_scores"], json!({ "completeness": 0.5, "validity": 0.0 }));
    assert_eq!(answer["overall_score"], 0.375);
    assert_eq!(answer["issues"], json!(["validity is 0.00, below 0.70"]));
    assert_eq!(answer["quality_level"], "poor");
}

#[test]
fn arguments_that_make_no_sense_are_refused_by_name() {
    for (tool, arguments, expected) in [
        (QUALITY, json!({ "dataset": [] }), "`dataset`: is empty; give at least one record"),
        (
            QUALITY,
            json!({ "dataset": [1] }),
            "`dataset[0]`: invalid type: integer `1`, expected a map",
        ),
        (
            QUALITY,
            json!({ "dataset": [{}], "dimension_weights": { "beauty": 1 } }),
            "`dimension_weights.beauty`: unknown variant `beauty`, expected one of \
             `completeness`, `accuracy`, `consistency`, `timeliness`, `validity`, `uniqueness`",
        ),
        (
            QUALITY,
            json!({ "dataset": [{}], "dimension_weights": { "accuracy": -1 } }),
            "`dimension_weights.accuracy`: is -1; give a number from 0 to 1000000000",
        ),
        (
            "calculate_completeness_score",
            json!({ "data": {}, "required_fields": [], "field_weights": { "a": -1 } }),
            "`field_weights.a`: is -1; give 0 or more",
        ),
        (
            "calculate_confidence_score",
            json!({ "result": {}, "validation_methods": [] }),
            "`validation_methods`: is empty; name at least one",
        ),
        (
            "calculate_confidence_score",
            json!({ "result": {}, "validation_methods": ["accuracy"] }),
            "`baseline`: is needed for accuracy and was not given",
        ),
        (
            "assess_data_product_quality",
            json!({ "product_definition": {}, "data_source": { "records": [] } }),
            "`data_source.records`: is empty; give at least one record",
        ),
        (
            "assess_standardization_quality",
            json!({ "original_data": [1], "standardized_data": [] }),
            "`standardized_data`: has not one entry for each of the 1 records",
        ),
    ] {
        assert_eq!(rig::refusal(SERVICE, tool, &arguments), expected);
    }
}

#[test]
fn emptiness_is_what_is_asked_for() {
    let of = |handling: &str| {
        let arguments = json!({
            "data": { "a": "", "b": null, "c": 0 }, "required_fields": ["a", "b", "c"],
            "empty_value_handling": handling,
        });
        ask("calculate_completeness_score", &arguments)["present_fields"].clone()
    };
    assert_eq!(of("strict"), json!(["c"]));
    assert_eq!(of("lenient"), json!(["a", "c"]));
}

#[test]
fn each_method_says_what_it_sees() {
    let of = |method: &str, context: Value| {
        let arguments = json!({
            "result": { "day": "2026-01-31", "n": 5, "same": true },
            "validation_methods": [method], "context": context,
        });
        ask("calculate_confidence_score", &arguments)["confidence"].clone()
    };
    assert_eq!(of("format", json!({ "formats": { "day": "date", "n": "email" } })), 0.5);
    assert_eq!(of("range", json!({ "ranges": { "n": { "max": 5 }, "m": { "min": 0 } } })), 0.5);
    let previous = json!([{ "day": "2026-01-31", "n": 10, "same": true }, {}]);
    let agreement = f64::midpoint((1.0 + 0.5 + 1.0) / 3.0, 0.0);
    let found = number(&of("consistency", json!({ "previous_results": previous })));
    assert!((found - agreement).abs() < 1e-12);
}
