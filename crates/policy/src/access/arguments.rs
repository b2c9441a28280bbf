//! The arguments of a call as conditions see them: bounded, and without a key that stands twice.
//!
//! A key that stands twice may be read differently by the server behind, so that a rule would look at
//! one value and the server act on the other. The bytes themselves go on as they came.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use cel::Value;
use cel::common::value::Val;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

/// Most bytes of arguments that conditions look at.
const MOST_BYTES: usize = 256 << 10;
/// Most values in them, at all depths together.
const MOST_VALUES: usize = 10_000;
/// Deepest nesting.
const MOST_DEPTH: usize = 32;

/// Arguments that were read.
pub struct Arguments {
    value: Box<dyn Val>,
}

/// Why no rule can look at the arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentsError {
    /// They are too long.
    #[error("the arguments have {found} bytes, and access rules look at {MOST_BYTES} at most")]
    TooLarge {
        /// Bytes.
        found: usize,
    },
    /// They are no object, have a key twice, are nested too deep, or hold too many values.
    #[error("the arguments cannot be looked at by access rules: {0}")]
    Unusable(String),
}

impl Arguments {
    /// Returns those of a request that has none.
    pub fn none() -> Self {
        let value = Box::<dyn Val>::try_from(Value::from(HashMap::<String, Value>::new()));
        Self { value: value.expect("an empty mapping is a value") }
    }

    /// Reads raw JSON; `null` is the same as nothing.
    ///
    /// # Errors
    ///
    /// They are beyond a bound, or ambiguous. Such a call must be refused where rules look at
    /// arguments.
    pub fn read(raw: &[u8]) -> Result<Self, ArgumentsError> {
        if raw.len() > MOST_BYTES {
            return Err(ArgumentsError::TooLarge { found: raw.len() });
        }
        let unusable = |error: serde_json::Error| ArgumentsError::Unusable(error.to_string());
        let budget = Cell::new(MOST_VALUES);
        let mut reader = serde_json::Deserializer::from_slice(raw);
        let seed = Seed { budget: &budget, depth: MOST_DEPTH };
        let value = seed.deserialize(&mut reader).map_err(unusable)?;
        reader.end().map_err(unusable)?;
        match value {
            Value::Null => return Ok(Self::none()),
            Value::Map(_) => {}
            _ => return Err(ArgumentsError::Unusable("they are no object".to_owned())),
        }
        let value = Box::<dyn Val>::try_from(value)
            .map_err(|error| ArgumentsError::Unusable(error.to_string()))?;
        Ok(Self { value })
    }

    pub(super) fn value(&self) -> &dyn Val {
        &*self.value
    }
}

impl fmt::Debug for Arguments {
    /// Shows none: they may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Arguments").finish_non_exhaustive()
    }
}

/// Reads one value, within what is left.
#[derive(Clone, Copy)]
struct Seed<'a> {
    budget: &'a Cell<usize>,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        let deeper = depth.map(|depth| Self { depth, ..self });
        deeper.ok_or_else(|| E::custom(format!("they are nested deeper than {MOST_DEPTH}")))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        let left =
            self.budget.get().checked_sub(1).ok_or_else(|| {
                D::Error::custom(format!("they hold more than {MOST_VALUES} values"))
            })?;
        self.budget.set(left);
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::UInt(value), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(Arc::new(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = entries.next_element_seed(seed)? {
            list.push(value);
        }
        Ok(Value::List(Arc::new(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let (mut map, mut keys) = (HashMap::new(), HashSet::new());
        while let Some(key) = entries.next_key::<String>()? {
            if !keys.insert(key.clone()) {
                let shown: String = key.chars().take(100).collect();
                return Err(A::Error::custom(format!("the key `{shown}` stands there twice")));
            }
            let value = entries.next_value_seed(seed)?;
            map.insert(key, value);
        }
        Ok(Value::from(map))
    }
}
