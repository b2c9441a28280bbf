//! The dimensions of quality, each a share between 0 and 1.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::discriminant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::ToolError;
use crate::service::Resource;
use crate::validation::patterns::Pattern;

/// What is older is not timely any more.
const TIMELY_DAYS: f64 = 365.0;
const SECONDS_PER_DAY: f64 = 86_400.0;
/// So many times the middle half of numbers, a number is too far from it to be believed.
const FAR: f64 = 3.0;

/// The resource.
pub(super) const RESOURCE: Resource = Resource {
    uri: "quality://assessment/dimensions",
    title: "Dimensions of quality",
    description: "The dimensions of the quality of data, what each measures and how much it counts.",
    read,
};

/// A dimension of quality.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Dimension {
    /// The share of fields that have a value, of all that any record has or the schema requires.
    Completeness,
    /// The share of numbers that are not further from the middle half of their field than three
    /// times its width.
    Accuracy,
    /// The share of values that are of the type that most values of their field have.
    Consistency,
    /// The share of dates that are not older than a year and not in the future.
    Timeliness,
    /// The share of records that the schema accepts; without one, of texts that have the format that
    /// the name of their field speaks of.
    Validity,
    /// The share of records that are not like an earlier one.
    Uniqueness,
}

/// The dimensions with how much each counts.
pub(super) const WEIGHTS: [(Dimension, f64); 6] = [
    (Dimension::Completeness, 0.25),
    (Dimension::Accuracy, 0.25),
    (Dimension::Consistency, 0.20),
    (Dimension::Timeliness, 0.15),
    (Dimension::Validity, 0.10),
    (Dimension::Uniqueness, 0.05),
];

/// Records that are assessed.
#[derive(Debug)]
pub(super) struct Dataset<'a> {
    /// The records.
    pub(super) records: &'a [Map<String, Value>],
    /// Fields that each record should have.
    pub(super) required: Vec<String>,
    /// What accepts a record, if there is a schema.
    pub(super) validator: Option<jsonschema::Validator>,
    /// Unix seconds.
    pub(super) now: f64,
}

/// Tells whether a value says something.
pub(super) fn is_filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(_) => true,
    }
}

impl Dataset<'_> {
    /// Returns the share, or `None` if there is nothing that the dimension could be seen in.
    pub(super) fn assess(&self, dimension: Dimension) -> Option<f64> {
        match dimension {
            Dimension::Completeness => self.completeness(),
            Dimension::Accuracy => self.accuracy(),
            Dimension::Consistency => self.consistency(),
            Dimension::Timeliness => self.timeliness(),
            Dimension::Validity => self.validity(),
            Dimension::Uniqueness => self.uniqueness(),
        }
    }

    fn completeness(&self) -> Option<f64> {
        let fields: BTreeSet<&String> =
            self.records.iter().flat_map(Map::keys).chain(&self.required).collect();
        let filled = self.records.iter().map(|record| {
            fields.iter().filter(|field| is_filled(record.get(field.as_str()))).count()
        });
        share(filled.sum(), fields.len() * self.records.len())
    }

    fn accuracy(&self) -> Option<f64> {
        let mut by_field: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
        for (field, value) in self.records.iter().flatten() {
            if let Some(number) = value.as_f64() {
                by_field.entry(field).or_default().push(number);
            }
        }
        let (mut n_near, mut n_numbers) = (0, 0);
        for numbers in by_field.values_mut() {
            numbers.sort_unstable_by(f64::total_cmp);
            let (low, high) = (quantile(numbers, 0.25), quantile(numbers, 0.75));
            let reach = FAR * (high - low);
            let is_near = |number: &&f64| (low - reach..=high + reach).contains(*number);
            n_near += numbers.iter().filter(is_near).count();
            n_numbers += numbers.len();
        }
        share(n_near, n_numbers)
    }

    fn consistency(&self) -> Option<f64> {
        let mut by_field: BTreeMap<&String, Vec<_>> = BTreeMap::new();
        for (field, value) in self.records.iter().flatten().filter(|(_, value)| !value.is_null()) {
            by_field.entry(field).or_default().push(discriminant(value));
        }
        let (mut n_usual, mut n_values) = (0, 0);
        for kinds in by_field.values() {
            let count = |kind| kinds.iter().filter(|other| *other == kind).count();
            let different: HashSet<_> = kinds.iter().collect();
            n_usual += different.into_iter().map(count).max().unwrap_or_default();
            n_values += kinds.len();
        }
        share(n_usual, n_values)
    }

    fn timeliness(&self) -> Option<f64> {
        let times: Vec<f64> =
            self.records.iter().flat_map(Map::values).filter_map(unix_seconds).collect();
        let is_timely = |time: &&f64| {
            let days = (self.now - **time) / SECONDS_PER_DAY;
            (0.0..=TIMELY_DAYS).contains(&days)
        };
        share(times.iter().filter(is_timely).count(), times.len())
    }

    fn validity(&self) -> Option<f64> {
        if let Some(validator) = &self.validator {
            let accepts = |record: &&Map<String, Value>| {
                validator.is_valid(&Value::Object((*record).clone()))
            };
            return share(self.records.iter().filter(accepts).count(), self.records.len());
        }
        let texts = self.records.iter().flatten().filter_map(|(field, value)| {
            Some((spoken_of(field)?, value.as_str().filter(|text| !text.trim().is_empty())?))
        });
        let texts: Vec<(Pattern, &str)> = texts.collect();
        let n_fitting = texts.iter().filter(|(pattern, text)| pattern.fits(text)).count();
        share(n_fitting, texts.len())
    }

    fn uniqueness(&self) -> Option<f64> {
        let written = self.records.iter().map(|record| {
            let sorted: BTreeMap<&String, String> =
                record.iter().map(|(field, value)| (field, value.to_string())).collect();
            format!("{sorted:?}")
        });
        let different: HashSet<String> = written.collect();
        share(different.len(), self.records.len())
    }
}

/// Returns the format that the name of a field speaks of.
fn spoken_of(field: &str) -> Option<Pattern> {
    let field = field.to_lowercase();
    let known = [
        ("email", Pattern::Email),
        ("phone", Pattern::Phone),
        ("url", Pattern::Url),
        ("uuid", Pattern::Uuid),
    ];
    known.into_iter().find(|(name, _)| field.contains(name)).map(|(_, pattern)| pattern)
}

/// Returns the time that a text is.
fn unix_seconds(value: &Value) -> Option<f64> {
    let text = value.as_str()?;
    let text = if Pattern::Date.fits(text) { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let time = humantime::parse_rfc3339(&text).ok()?;
    Some(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs_f64())
}

/// Returns the number below which a share of the sorted numbers is, straight between two of them.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position is within the list"
)]
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let position = share * last as f64;
    let (below, above) = (position.floor() as usize, (position.ceil() as usize).min(last));
    let way = position - position.floor();
    sorted[below] * (1.0 - way) + sorted[above] * way
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 values")]
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[expect(clippy::unnecessary_wraps, reason = "other resources may fail")]
fn read(_: &Context<'_>) -> Result<Value, ToolError> {
    let weights: BTreeMap<Dimension, f64> = WEIGHTS.into_iter().collect();
    Ok(json!({
        "dimensions": WEIGHTS.map(|(dimension, _)| dimension),
        "default_weights": weights,
        "meanings": {
            "completeness": "the share of fields that have a value",
            "accuracy": "the share of numbers that are not far from the others of their field",
            "consistency": "the share of values of the type that is usual for their field",
            "timeliness": "the share of dates of the last year",
            "validity": "the share of records that the schema accepts",
            "uniqueness": "the share of records that are not like an earlier one",
        },
    }))
}
