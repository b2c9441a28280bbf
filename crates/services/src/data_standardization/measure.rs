//! What a text measures, for whoever compares statements.

use std::fmt;

use super::quantity::Unit;
use super::{amount, number, quantity};
use crate::folding::fold;

/// A number with a unit or a currency.
#[derive(Debug, Clone)]
pub(crate) enum Measure {
    /// In the base unit of its kind.
    Quantity {
        /// The number in the base unit.
        base: f64,
        /// The base unit.
        base_unit: &'static str,
        /// As it was written.
        shown: String,
        /// What the unit is called, folded.
        unit: String,
    },
    /// Money.
    Amount {
        /// The number.
        amount: String,
        /// The code of the currency.
        currency: String,
    },
}

/// Returns what a text measures: its first number with the unit or currency behind it.
pub(crate) fn measure(text: &str) -> Option<Measure> {
    let found = number::find(text)?;
    let rest = text.get(found.start..)?;
    let reading = quantity::read(rest);
    if let (Some(unit), Some(value)) = (reading.parts.get("unit"), reading.parts.get("value")) {
        let known: Unit = quantity::unit(unit)?;
        let written = text.get(found.end..).unwrap_or_default();
        return Some(Measure::Quantity {
            base: known.to_base(value.parse().ok()?),
            base_unit: known.base,
            shown: format!("{value} {unit}"),
            unit: fold(written),
        });
    }
    let reading = amount::read(text, None);
    let (amount, currency) = (reading.parts.get("amount")?, reading.parts.get("currency")?);
    Some(Measure::Amount { amount: amount.clone(), currency: currency.clone() })
}

impl Measure {
    /// Tells whether a word, or its beginning, is what the unit or currency is called.
    pub(crate) fn names(&self, stem: &str) -> bool {
        match self {
            Self::Quantity { unit, .. } => {
                unit.split(' ').take(3).any(|word| word.starts_with(stem))
            }
            Self::Amount { currency, .. } => {
                let name = amount::by_code(currency)
                    .map(|currency| fold(currency.name))
                    .unwrap_or_default();
                name.split(' ').any(|word| word.starts_with(stem))
                    || currency.eq_ignore_ascii_case(stem)
            }
        }
    }
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Quantity { base, base_unit, .. },
                Self::Quantity { base: other, base_unit: unit, .. },
            ) => base_unit == unit && (base - other).abs() <= 1e-9 * base.abs().max(1e-9),
            (Self::Amount { amount, currency }, Self::Amount { amount: other, currency: code }) => {
                amount == other && currency == code
            }
            _ => false,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity { shown, .. } => formatter.write_str(shown),
            Self::Amount { amount, currency } => write!(formatter, "{amount} {currency}"),
        }
    }
}
