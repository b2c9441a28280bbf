//! Records to standardise.

use serde_json::{Map, Value, json};

use super::{Case, Part, Score, Scores, report, total};
use crate::rig::{call, services};

const DEVELOPMENT: &str = include_str!("../../judged/standardization_development.jsonl");
const FURTHER: &str = include_str!("../../judged/standardization_further.jsonl");
const HELD_OUT: &str = include_str!("../../judged/standardization_held_out.jsonl");

pub(super) fn cases(part: Part) -> Vec<Case> {
    super::cases(match part {
        Part::Development => DEVELOPMENT,
        Part::Further => FURTHER,
        Part::HeldOut => HELD_OUT,
    })
}

/// Standardises every record of a part, through the tools.
pub(super) fn judge(part: Part) -> Scores {
    let mut scores = Scores::new();
    let services = services();
    for case in cases(part) {
        let found = match case.kind.as_str() {
            kind @ ("account" | "location" | "product") => {
                let arguments = json!({ kind: [case.input] });
                let answer = call(
                    &services,
                    "data_standardization",
                    "mcp_batch_standardization_skill",
                    &arguments,
                )
                .unwrap();
                answer["results"][kind][0].clone()
            }
            kind => {
                let mut value = json!({ "kind": kind, "value": case.input });
                if let Some(region) = &case.region {
                    value["region"] = json!(region);
                }
                let answer = call(
                    &services,
                    "data_standardization",
                    "standardize_values",
                    &json!({ "values": [value] }),
                );
                // What is refused is not right either.
                answer.map(|answer| answer["readings"][0].clone()).unwrap_or_default()
            }
        };
        let expected = case.expected.as_object().expect("labels are an object");
        let wrong: Vec<String> =
            expected.iter().filter_map(|(name, label)| wrong(&case, &found, name, label)).collect();
        let score: &mut Score = scores.entry(case.kind.clone()).or_default();
        score.count(&case, expected.len(), &wrong);
    }
    scores
}

/// Says what is wrong with a field, if anything is.
fn wrong(case: &Case, found: &Value, name: &str, label: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let (is_right, shown) = match (case.kind.as_str(), name) {
        ("account" | "product", _) => (found[name] == *label, text(&found[name])),
        ("location", "country") => {
            (found["codes"]["iso_3166_1_alpha2"] == *label, text(&found["l2_country"]))
        }
        ("location", "state") => {
            (same(&text(&found["l3_state"]), &text(label)), text(&found["l3_state"]))
        }
        ("location", _) => {
            let city = text(&found["l4_city"]);
            let names: Vec<String> = serde_json::from_value(label.clone()).unwrap();
            (names.iter().any(|name| same(name, &city)), city)
        }
        // This source tells moments in UTC.
        ("date", _)
            if case.source.starts_with("dateparser") && found["parts"]["utc"].is_string() =>
        {
            let moment = text(&found["parts"]["utc"]);
            let (date, time) = moment.trim_end_matches('Z').split_once('T').unwrap_or_default();
            let shown = if name == "date" { date } else { time };
            (same(shown, &text(label)), shown.to_owned())
        }
        ("country", _) => (found["parts"]["alpha2"] == *label, text(&found["parts"]["alpha2"])),
        ("number", _) => same_number(&found["standard"], label),
        ("amount" | "quantity", "amount" | "value") => {
            let standard =
                if found["standard"].is_null() { &Value::Null } else { &found["parts"][name] };
            same_number(standard, label)
        }
        ("amount" | "quantity", _) => (found["parts"][name] == *label, text(&found["parts"][name])),
        ("company", "legal_form") => {
            (same_form(&text(&found["parts"][name]), &text(label)), text(&found["parts"][name]))
        }
        _ => (same(&text(&found["parts"][name]), &text(label)), text(&found["parts"][name])),
    };
    let label = if label.is_array() { &label[0] } else { label };
    (!is_right).then(|| format!("{name} is `{shown}`, not {label}"))
}

/// Texts are the same if their letters and digits are.
fn same(first: &str, second: &str) -> bool {
    let letters = |text: &str| -> String {
        use unicode_normalization::UnicodeNormalization as _;
        let plain = text.nfkd().filter(|character| character.is_alphanumeric());
        plain.flat_map(char::to_lowercase).collect()
    };
    letters(first) == letters(second)
}

/// `llc` and `LLC`, `company` and `Co.`.
fn same_form(found: &str, label: &str) -> bool {
    let long = match label.to_lowercase().trim_matches('.') {
        "incorporated" => "inc",
        "corporation" => "corp",
        "limited" => "ltd",
        "company" => "co",
        other => return same(found, other),
    };
    same(found, long)
}

fn same_number(found: &Value, label: &Value) -> (bool, String) {
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<f64>().ok());
    let is_same = match (number(found), number(label)) {
        (Some(found), Some(label)) => (found - label).abs() <= 1e-9 * label.abs().max(1e-9),
        (found, label) => found == label,
    };
    (is_same, found.as_str().unwrap_or("nothing").to_owned())
}

#[test]
fn development_records_are_standardised() {
    let scores = judge(Part::Development);
    let share = total(&scores).share();
    assert!(share >= 0.97, "{share:.3} of the records; {}", report(&scores));
}

#[test]
fn further_records_are_standardised() {
    let scores = judge(Part::Further);
    let share = total(&scores).share();
    assert!(share >= 0.96, "{share:.3} of the records; {}", report(&scores));
}

#[test]
fn held_out_records_are_standardised() {
    // The failures are not printed: whoever saw them would make rules for them.
    let share = total(&judge(Part::HeldOut)).share();
    assert!(share >= 0.93, "{share:.3} of the records; see docs/services/evaluation.md");
}

#[test]
fn a_label_that_is_no_text_is_no_surprise() {
    let labels = Map::from_iter([("amount".to_owned(), Value::Null)]);
    assert_eq!(same_number(&Value::Null, &labels["amount"]), (true, "nothing".to_owned()));
}
