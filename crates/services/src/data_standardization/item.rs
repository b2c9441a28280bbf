//! Items to standardise, and what became of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::classify::classify;
use super::hierarchy::{Kind, Level};
use super::vocabulary::Vocabulary;
use crate::arguments::text_within;
use crate::context::Context;
use crate::error::ToolError;

/// The most items of one call.
pub(super) const MAX_ITEMS: usize = 10_000;
/// The most bytes of one item's text.
const MAX_TEXT: usize = 1_000;
/// From this confidence on an item counts as standardised.
pub(super) const ENOUGH: f64 = 0.5;
/// Items between two looks at whether the caller still waits.
const STRIDE: usize = 64;

/// An item: its text, or an object with its text and an id. Further fields are left alone.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "it gives the schema; items are read so that a mistake names its place"
)]
pub(super) enum ItemSchema {
    /// What is written.
    Text(String),
    /// What is written, with what is known of it.
    Record {
        /// What is written; `text`, `value` or `description` mean the same.
        name: String,
        /// Given back with the answer; `account_id`, `location_id` or `product_id` mean the same.
        id: Option<String>,
        /// The country of a place that may be in several: ISO 3166, two letters.
        country: Option<String>,
    },
}

/// An item that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// The caller's name for it, or its place in the list.
    pub(super) id: String,
    /// What is written.
    pub(super) text: String,
    /// The country to prefer.
    pub(super) country: Option<String>,
}

/// Items by what they are.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    /// Accounts of ledgers.
    #[serde(default)]
    #[schemars(with = "Vec<ItemSchema>")]
    pub(super) account: Vec<Value>,
    /// Places.
    #[serde(default)]
    #[schemars(with = "Vec<ItemSchema>")]
    pub(super) location: Vec<Value>,
    /// Products.
    #[serde(default)]
    #[schemars(with = "Vec<ItemSchema>")]
    pub(super) product: Vec<Value>,
}

/// A term of the caller's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Term {
    /// What it is.
    pub(super) kind: Kind,
    /// What it is called; compared without case, accents and signs.
    pub(super) names: Vec<String>,
    /// The four levels, from the widest to the narrowest; an empty one is left out.
    pub(super) levels: [String; 4],
}

/// An item in its hierarchy.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Standardized {
    /// What the item is.
    pub(super) kind: Kind,
    /// The id and the four levels, under the names of the hierarchy: `account_id`, `l1_category`
    /// and so on.
    #[serde(flatten)]
    pub(super) fields: BTreeMap<&'static str, Option<String>>,
    /// What was written.
    pub(super) original: String,
    /// Whether the item is found surely enough.
    #[serde(rename = "standardized")]
    pub(super) is_found: bool,
    /// The mean over the levels, from 0 to 1.
    pub(super) confidence: f64,
    /// How sure each level is and why, by the name of its field.
    pub(super) details: BTreeMap<&'static str, Level>,
    /// Codes of standards, such as ISO 3166.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) codes: BTreeMap<&'static str, String>,
}

/// What became of many items.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Summary {
    /// How many there were.
    pub(super) total: usize,
    /// How many are standardised.
    pub(super) standardized: usize,
    /// The share of those; 1 where there were none.
    pub(super) success_rate: f64,
    /// The mean confidence; 1 where there were none.
    pub(super) average_confidence: f64,
}

/// Reads the items of a field.
pub(super) fn read(field: &str, kind: Kind, values: &[Value]) -> Result<Vec<Item>, ToolError> {
    if values.len() > MAX_ITEMS {
        let problem = format!(
            "has {} items; at most {MAX_ITEMS} are taken, so give them in parts",
            values.len()
        );
        return Err(ToolError::argument(field, problem));
    }
    values
        .iter()
        .enumerate()
        .map(|(at, value)| read_one(&format!("{field}[{at}]"), kind, at, value))
        .collect()
}

fn read_one(field: &str, kind: Kind, at: usize, value: &Value) -> Result<Item, ToolError> {
    let own = format!("{}-{}", kind.name(), at + 1);
    let item = match value {
        Value::String(text) => Item { id: own, text: text.clone(), country: None },
        Value::Object(object) => {
            let text =
                ["name", "text", "value", "description"].iter().find_map(|name| object.get(*name));
            let Some(text) = text else {
                return Err(ToolError::argument(
                    format!("{field}.name"),
                    "is required and was not given",
                ));
            };
            let id = [kind.id_field(), "id"].iter().find_map(|name| object.get(*name));
            let id = match id {
                None | Some(Value::Null) => own,
                Some(Value::String(id)) => id.clone(),
                Some(Value::Number(id)) => id.to_string(),
                Some(_) => {
                    return Err(ToolError::argument(
                        format!("{field}.id"),
                        "is not a text; give a text or a number",
                    ));
                }
            };
            let text = text
                .as_str()
                .map(str::to_owned)
                .or_else(|| text.as_number().map(ToString::to_string));
            let Some(text) = text else {
                return Err(ToolError::argument(
                    format!("{field}.name"),
                    "is not a text; give what is written",
                ));
            };
            let country = object.get("country").and_then(Value::as_str);
            Item { id, text, country: country.map(str::to_ascii_uppercase) }
        }
        Value::Number(number) => Item { id: own, text: number.to_string(), country: None },
        _ => {
            return Err(ToolError::argument(
                field,
                "is neither a text nor an object; give what is written",
            ));
        }
    };
    text_within(field, &item.text, MAX_TEXT)?;
    Ok(item)
}

impl Batch {
    /// Returns the items by kind, in the order of the kinds.
    pub(super) fn read(&self, prefix: &str) -> Result<Vec<(Kind, Vec<Item>)>, ToolError> {
        let lists = [
            (Kind::Account, &self.account),
            (Kind::Location, &self.location),
            (Kind::Product, &self.product),
        ];
        let total: usize = lists.iter().map(|(_, list)| list.len()).sum();
        if total > MAX_ITEMS {
            let problem =
                format!("has {total} items; at most {MAX_ITEMS} are taken, so give them in parts");
            let field = if prefix.is_empty() { "account" } else { prefix.trim_end_matches('.') };
            return Err(ToolError::argument(field, problem));
        }
        lists
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(kind, list)| Ok((kind, read(&format!("{prefix}{}", kind.name()), kind, list)?)))
            .collect()
    }
}

/// Makes a vocabulary of the caller's own terms.
pub(super) fn vocabulary(terms: &[Term]) -> Result<Vocabulary, ToolError> {
    let mut vocabulary = Vocabulary::default();
    for (at, term) in terms.iter().enumerate() {
        let names: Vec<&str> = term.names.iter().map(String::as_str).collect();
        if term.levels.iter().all(|level| level.trim().is_empty()) {
            return Err(ToolError::argument(
                format!("vocabulary[{at}].levels"),
                "are all empty; give at least one",
            ));
        }
        let added = vocabulary.add(term.kind, term.levels.clone(), &names);
        added.map_err(|error| ToolError::argument("vocabulary", error.to_string()))?;
    }
    Ok(vocabulary)
}

/// Standardises items, tells of progress, and stops when the caller takes the call back.
pub(super) fn standardize(
    context: &Context<'_>,
    lists: &[(Kind, Vec<Item>)],
    own: &Vocabulary,
) -> Result<Vec<Standardized>, ToolError> {
    let total: usize = lists.iter().map(|(_, items)| items.len()).sum();
    let mut done = Vec::with_capacity(total);
    let operators = context.services.vocabularies();
    // The caller's own words come before the operator's.
    let vocabularies: Vec<&Vocabulary> = std::iter::once(own).chain(operators.iter()).collect();
    for (kind, items) in lists {
        for item in items {
            if done.len().is_multiple_of(STRIDE) {
                context.progress(done.len(), total, &format!("standardising {}s", kind.name()))?;
            }
            done.push(one(*kind, item, &vocabularies));
        }
    }
    context.progress(total, total, "standardised")?;
    Ok(done)
}

/// Standardises one item.
pub(super) fn one(kind: Kind, item: &Item, vocabularies: &[&Vocabulary]) -> Standardized {
    let placed = classify(kind, &item.text, item.country.as_deref(), vocabularies);
    let confidence = round(placed.confidence());
    let is_found = placed.is_found();
    let mut fields = BTreeMap::from([(kind.id_field(), Some(item.id.clone()))]);
    let mut details = BTreeMap::new();
    for (name, level) in kind.level_fields().into_iter().zip(placed.levels) {
        fields.insert(name, level.value.clone());
        details.insert(name, Level { confidence: round(level.confidence), ..level });
    }
    Standardized {
        kind,
        fields,
        original: item.text.clone(),
        is_found: is_found && confidence >= ENOUGH,
        confidence,
        details,
        codes: placed.codes,
    }
}

/// Rounds to four decimals: more would be a precision that nothing has.
pub(super) fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// Sums up what became of items.
pub(super) fn summarize(items: &[Standardized]) -> Summary {
    let standardized = items.iter().filter(|item| item.is_found).count();
    Summary {
        total: items.len(),
        standardized,
        success_rate: round(share(standardized, items.len())),
        average_confidence: round(mean(items.iter().map(|item| item.confidence))),
    }
}

/// Returns a part of a whole; 1 where there is nothing.
pub(super) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { to_float(part) / to_float(whole) }
}

/// Returns the mean; 1 where there is nothing.
pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n_values = values.len();
    if n_values == 0 { 1.0 } else { values.sum::<f64>() / to_float(n_values) }
}

/// Counts are far below what a float holds exactly.
pub(super) fn to_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
