//! How good data are: completeness, consistency, uniqueness, validity, timeliness.
//!
//! Data are records: objects with fields. Each dimension is a share from 0 to 1, and each share that
//! is below 1 has an issue that says what lowers it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::date::{self, Order};
use super::item::{round, share, to_float};
use crate::folding::fold;

/// The most issues that are told; there may be one for each field and record.
const MAX_ISSUES: usize = 50;

/// A dimension of quality.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Dimension {
    /// The share of required fields that are filled.
    Completeness,
    /// The share of values that have the type and shape of most others of their field.
    Consistency,
    /// The share of records that are no repetition of an earlier one.
    Uniqueness,
    /// The share of values that are no placeholder and can be what their field says.
    Validity,
    /// How recent the newest date of each record is.
    Timeliness,
}

/// What lowers a dimension.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Issue {
    /// Which one.
    pub(super) dimension: Dimension,
    /// Where: `[3].name`.
    pub(super) place: String,
    /// What is wrong.
    pub(super) problem: String,
}

/// The quality of data.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Quality {
    /// The mean of the dimensions.
    pub(super) overall: f64,
    /// Each dimension from 0 to 1; timeliness is left out where no record has a date.
    pub(super) dimensions: BTreeMap<Dimension, f64>,
    /// What lowers them, the first of each kind.
    pub(super) issues: Vec<Issue>,
    /// How many issues there are, told or not.
    pub(super) n_issues: usize,
}

/// What the assessment goes by.
#[derive(Debug, Clone)]
pub(super) struct Rules<'a> {
    /// Fields that every record has to have; empty means those that any has.
    pub(super) required: &'a [String],
    /// Fields that tell records apart; empty means all.
    pub(super) keys: &'a [String],
    /// Days after which a record is out of date.
    pub(super) max_age_days: f64,
    /// The present time, Unix seconds.
    pub(super) now: u64,
}

impl Dimension {
    pub(super) const ALL: [Self; 5] =
        [Self::Completeness, Self::Consistency, Self::Uniqueness, Self::Validity, Self::Timeliness];

    /// What it measures.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Completeness => "the share of required fields that are filled",
            Self::Consistency => {
                "the share of values that have the type and shape of most others of their field"
            }
            Self::Uniqueness => "the share of records that are no repetition of an earlier one",
            Self::Validity => {
                "the share of values that are no placeholder and can be what their field says"
            }
            Self::Timeliness => "the share of dated records that are not out of date",
        }
    }
}

/// Collects issues up to a bound.
#[derive(Debug, Default)]
struct Issues {
    told: Vec<Issue>,
    n: usize,
}

impl Issues {
    fn add(&mut self, dimension: Dimension, place: String, problem: impl Into<String>) {
        self.n += 1;
        if self.told.len() < MAX_ISSUES {
            self.told.push(Issue { dimension, place, problem: problem.into() });
        }
    }
}

/// Assesses records.
pub(super) fn assess(records: &[Map<String, Value>], rules: &Rules<'_>) -> Quality {
    let mut issues = Issues::default();
    let mut dimensions = BTreeMap::new();
    dimensions.insert(Dimension::Completeness, completeness(records, rules, &mut issues));
    dimensions.insert(Dimension::Consistency, consistency(records, &mut issues));
    dimensions.insert(Dimension::Uniqueness, uniqueness(records, rules, &mut issues));
    dimensions.insert(Dimension::Validity, validity(records, &mut issues));
    if let Some(timeliness) = timeliness(records, rules, &mut issues) {
        dimensions.insert(Dimension::Timeliness, timeliness);
    }
    let overall = dimensions.values().sum::<f64>() / to_float(dimensions.len());
    let dimensions =
        dimensions.into_iter().map(|(dimension, score)| (dimension, round(score))).collect();
    Quality { overall: round(overall), dimensions, issues: issues.told, n_issues: issues.n }
}

/// Tells whether a value says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn completeness(records: &[Map<String, Value>], rules: &Rules<'_>, issues: &mut Issues) -> f64 {
    let every: BTreeSet<&str> =
        records.iter().flat_map(|record| record.keys()).map(String::as_str).collect();
    let required: BTreeSet<&str> = if rules.required.is_empty() {
        every
    } else {
        rules.required.iter().map(String::as_str).collect()
    };
    let mut filled = 0;
    for (at, record) in records.iter().enumerate() {
        for name in &required {
            if record.get(*name).is_some_and(|value| !is_empty(value)) {
                filled += 1;
            } else {
                issues.add(
                    Dimension::Completeness,
                    format!("[{at}].{name}"),
                    "is empty or missing",
                );
            }
        }
    }
    share(filled, required.len() * records.len())
}

/// The type and shape of a value: `Aa-00` for letters, signs and digits, runs drawn together.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
        Value::String(text) => text_shape(text),
    }
}

fn text_shape(text: &str) -> String {
    let n_digits = text.chars().filter(char::is_ascii_digit).count();
    // Free text has no shape of its own; codes, dates and numbers have.
    if n_digits * 3 < text.chars().filter(|character| character.is_alphanumeric()).count() {
        return "text".to_owned();
    }
    let mut shape = String::from("text ");
    for character in text.trim().chars() {
        let sign = match character {
            '0'..='9' => '0',
            _ if character.is_alphabetic() => 'a',
            other => other,
        };
        if !shape.ends_with(sign) {
            shape.push(sign);
        }
    }
    shape
}

fn consistency(records: &[Map<String, Value>], issues: &mut Issues) -> f64 {
    let mut shapes: BTreeMap<&str, BTreeMap<String, Vec<usize>>> = BTreeMap::new();
    for (at, record) in records.iter().enumerate() {
        for (name, value) in record.iter().filter(|(_, value)| !is_empty(value)) {
            shapes.entry(name).or_default().entry(shape(value)).or_default().push(at);
        }
    }
    let (mut alike, mut total) = (0, 0);
    for (name, shapes) in shapes {
        let usual =
            shapes.iter().max_by_key(|(_, places)| places.len()).map(|(shape, _)| shape.clone());
        for (shape, places) in &shapes {
            total += places.len();
            if Some(shape) == usual.as_ref() {
                alike += places.len();
                continue;
            }
            for at in places {
                let usual = usual.as_deref().unwrap_or_default();
                issues.add(
                    Dimension::Consistency,
                    format!("[{at}].{name}"),
                    format!("is `{shape}` where most are `{usual}`"),
                );
            }
        }
    }
    share(alike, total)
}

fn uniqueness(records: &[Map<String, Value>], rules: &Rules<'_>, issues: &mut Issues) -> f64 {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut unique = 0;
    for (at, record) in records.iter().enumerate() {
        let fields: BTreeMap<&str, String> = record
            .iter()
            .filter(|(name, _)| rules.keys.is_empty() || rules.keys.contains(name))
            .map(|(name, value)| (name.as_str(), normal(value)))
            .collect();
        match seen.insert(format!("{fields:?}"), at) {
            None => unique += 1,
            Some(first) => {
                issues.add(Dimension::Uniqueness, format!("[{at}]"), format!("repeats [{first}]"));
            }
        }
    }
    share(unique, records.len())
}

/// Texts that read the same are the same.
fn normal(value: &Value) -> String {
    match value {
        Value::String(text) => fold(text),
        other => other.to_string(),
    }
}

/// What people write where they know nothing.
const PLACEHOLDERS: [&str; 16] = [
    "n a",
    "na",
    "none",
    "null",
    "unknown",
    "tbd",
    "test",
    "xxx",
    "asdf",
    "dummy",
    "undefined",
    "not available",
    "todo",
    "foo",
    "nil",
    "nan",
];

fn validity(records: &[Map<String, Value>], issues: &mut Issues) -> f64 {
    let (mut valid, mut total) = (0, 0);
    for (at, record) in records.iter().enumerate() {
        for (name, value) in record.iter().filter(|(_, value)| !is_empty(value)) {
            total += 1;
            match problem(name, value) {
                None => valid += 1,
                Some(problem) => issues.add(Dimension::Validity, format!("[{at}].{name}"), problem),
            }
        }
    }
    share(valid, total)
}

/// Returns why a value cannot be what its field says.
pub(super) fn problem(name: &str, value: &Value) -> Option<String> {
    let name = fold(name);
    let has = |word: &str| name.split(' ').any(|part| part == word);
    match value {
        Value::String(text) => {
            let folded = fold(text);
            if folded.is_empty() {
                return Some("has neither letters nor digits".to_owned());
            }
            if PLACEHOLDERS.contains(&folded.as_str()) {
                return Some(format!("`{}` is a placeholder", text.trim()));
            }
            if text.contains('\u{fffd}') {
                return Some("has characters that were lost in another encoding".to_owned());
            }
            if has("email") && !is_email(text) {
                return Some("is no address of mail".to_owned());
            }
            if (has("date") || name.ends_with(" at"))
                && date::read(text, Order::MonthFirst, 2000).standard.is_none()
            {
                return Some("is no date".to_owned());
            }
            None
        }
        Value::Number(number) => {
            let value = number.as_f64()?;
            let bounded = if has("percent") || has("share") {
                Some(100.0)
            } else {
                has("confidence").then_some(1.0)
            };
            if let Some(most) = bounded.filter(|most| !(0.0..=*most).contains(&value)) {
                return Some(format!("{value} is not between 0 and {most}"));
            }
            (value < 0.0 && (has("age") || has("quantity") || has("count")))
                .then(|| format!("{value} is below 0"))
        }
        _ => None,
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.trim().rsplit_once('@') else { return false };
    !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !text.trim().contains(char::is_whitespace)
}

fn timeliness(
    records: &[Map<String, Value>],
    rules: &Rules<'_>,
    issues: &mut Issues,
) -> Option<f64> {
    let (mut timely, mut dated) = (0, 0);
    for (at, record) in records.iter().enumerate() {
        let newest = record
            .iter()
            .filter(|(name, _)| is_time(name))
            .filter_map(|(_, value)| days_since(value, rules.now))
            .min_by(f64::total_cmp);
        let Some(age) = newest else { continue };
        dated += 1;
        if age <= rules.max_age_days {
            timely += 1;
        } else {
            issues.add(
                Dimension::Timeliness,
                format!("[{at}]"),
                format!("its newest date is {age:.0} days old"),
            );
        }
    }
    (dated > 0).then(|| share(timely, dated))
}

fn is_time(name: &str) -> bool {
    let name = fold(name);
    ["date", "updated", "created", "modified", "timestamp", "time"]
        .iter()
        .any(|word| name.split(' ').any(|part| part == *word))
}

/// Returns the age of a date or of Unix seconds, in days.
fn days_since(value: &Value, now: u64) -> Option<f64> {
    let now = i64::try_from(now).ok()?;
    let then = match value {
        Value::Number(number) => number.as_i64().filter(|seconds| *seconds > 100_000_000)?,
        Value::String(text) => {
            let reading = date::read(text, Order::MonthFirst, 2000);
            let date: jiff::civil::Date = reading.parts.get("date")?.parse().ok()?;
            let epoch = jiff::civil::date(1970, 1, 1);
            i64::from(date.since(epoch).ok()?.get_days()) * 86_400
        }
        _ => return None,
    };
    let days = (now - then) / 86_400;
    Some(f64::from(i32::try_from(days).ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{Dimension, Rules, assess};

    fn records(value: Value) -> Vec<Map<String, Value>> {
        serde_json::from_value(value).unwrap()
    }

    fn rules() -> Rules<'static> {
        Rules { required: &[], keys: &[], max_age_days: 365.0, now: 1_767_225_600 }
    }

    #[test]
    fn good_data_have_nothing_to_complain_of() {
        let data = records(json!([
            { "name": "Ada", "email": "ada@example.com", "updated": "2025-12-01" },
            { "name": "Bob", "email": "bob@example.com", "updated": "2025-11-01" },
        ]));
        let quality = assess(&data, &rules());
        assert!(quality.overall > 0.999, "{quality:?}");
        assert!(quality.issues.is_empty());
    }

    #[test]
    fn each_dimension_finds_its_own_fault() {
        for (data, dimension, place) in [
            (json!([{ "a": "x", "b": "" }]), Dimension::Completeness, "[0].b"),
            (
                json!([{ "a": "2024-01-01" }, { "a": "2024-01-02" }, { "a": "1/2/24" }]),
                Dimension::Consistency,
                "[2].a",
            ),
            (json!([{ "a": "x" }, { "a": "X " }]), Dimension::Uniqueness, "[1]"),
            (json!([{ "email": "nobody" }]), Dimension::Validity, "[0].email"),
            (json!([{ "a": "N/A" }]), Dimension::Validity, "[0].a"),
            (json!([{ "updated": "2001-01-01" }]), Dimension::Timeliness, "[0]"),
        ] {
            let quality = assess(&records(data.clone()), &rules());
            assert!(quality.dimensions[&dimension] < 1.0, "{data}: {quality:?}");
            let issue = quality.issues.iter().find(|issue| issue.dimension == dimension).unwrap();
            assert_eq!(issue.place, place);
        }
    }

    #[test]
    fn nothing_is_of_perfect_quality() {
        let quality = assess(&[], &rules());
        assert!((quality.overall - 1.0).abs() < 1e-12);
    }
}
