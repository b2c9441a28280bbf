//! Hierarchies of four levels: what an item was brought to, with how sure each level is and why.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an item is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// An account of a ledger.
    Account,
    /// A place.
    Location,
    /// Something that is sold.
    Product,
}

/// A level of a hierarchy.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Level {
    /// The standard term, or nothing where none was found.
    pub(super) value: Option<String>,
    /// How sure it is, from 0 to 1.
    pub(super) confidence: f64,
    /// Why.
    pub(super) reason: String,
}

/// An item in its hierarchy.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    /// The four levels, from the widest to the narrowest.
    pub(super) levels: [Level; 4],
    /// Codes of standards: ISO 3166.
    pub(super) codes: BTreeMap<&'static str, String>,
}

// === impl Kind ===

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Account, Self::Location, Self::Product];

    /// Its name in arguments and answers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Location => "location",
            Self::Product => "product",
        }
    }

    /// The field that identifies an item.
    pub(super) fn id_field(self) -> &'static str {
        match self {
            Self::Account => "account_id",
            Self::Location => "location_id",
            Self::Product => "product_id",
        }
    }

    /// The fields of the four levels.
    pub(super) fn level_fields(self) -> [&'static str; 4] {
        match self {
            Self::Account => ["l1_category", "l2_subcategory", "l3_classification", "l4_specific"],
            Self::Location => ["l1_region", "l2_country", "l3_state", "l4_city"],
            Self::Product => ["l1_category", "l2_family", "l3_line", "l4_specific"],
        }
    }
}

// === impl Level ===

impl Level {
    /// Makes a level that was found.
    pub(super) fn found(
        value: impl Into<String>,
        confidence: f64,
        reason: impl Into<String>,
    ) -> Self {
        Self { value: Some(value.into()), confidence, reason: reason.into() }
    }

    /// Makes a level that was not found.
    pub(super) fn missing(reason: impl Into<String>) -> Self {
        Self { value: None, confidence: 0.0, reason: reason.into() }
    }
}

// === impl Placed ===

impl Placed {
    /// Makes an item that fits nowhere.
    pub(super) fn nowhere(reason: &str) -> Self {
        Self { levels: std::array::from_fn(|_| Level::missing(reason)), codes: BTreeMap::new() }
    }

    /// The mean of the levels' confidence; a level that was not found counts as none.
    pub(super) fn confidence(&self) -> f64 {
        self.levels.iter().map(|level| level.confidence).sum::<f64>() / 4.0
    }

    /// Tells whether something was found.
    pub(super) fn is_found(&self) -> bool {
        self.levels.iter().any(|level| level.value.is_some())
    }
}
