//! The language of rules: constants, names of the data, `+ - * / %`, comparisons, `and`, `or`, `not`,
//! `in`, `not in`, and lists.
//!
//! There are no calls, no attributes, no subscripts and no loops, so an expression ends after as many
//! steps as it has parts, and reaches nothing but the data that it is given. Conditions are read as
//! Python reads them; `x < y < z` means both.

use std::fmt;

use serde_json::{Map, Value};

mod evaluate;
mod parse;
mod token;

/// The most bytes of an expression.
const MAX_LENGTH: usize = 4096;
/// How deep parts may stand in each other.
const MAX_DEPTH: usize = 32;
/// The most bytes of a text that is put together.
const MAX_TEXT: usize = 1 << 16;

/// An expression that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    root: Node,
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake(String);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Constant(Operand),
    Name(String),
    List(Vec<Self>),
    Not(Box<Self>),
    Negative(Box<Self>),
    /// All must hold; looked at from the left, and no further than is needed.
    And(Vec<Self>),
    /// One must hold; looked at in the same way.
    Or(Vec<Self>),
    Arithmetic(Box<Self>, Arithmetic, Box<Self>),
    /// The first part, then comparisons each with the part before.
    Comparison(Box<Self>, Vec<(Comparison, Self)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arithmetic {
    Plus,
    Minus,
    Times,
    By,
    Modulo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
    NotIn,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    /// An object of the data, of which only the names can be asked for, by `in`.
    Object(Map<String, Value>),
}

impl Expression {
    /// Reads an expression.
    pub(super) fn parse(source: &str) -> Result<Self, Mistake> {
        if source.len() > MAX_LENGTH {
            let length = source.len();
            return Err(Mistake(format!("has {length} bytes; at most {MAX_LENGTH} are read")));
        }
        Ok(Self { root: parse::parse(&token::tokens(source)?)? })
    }

    /// Tells whether it holds for the data.
    pub(super) fn holds(&self, data: &Map<String, Value>) -> Result<bool, Mistake> {
        Ok(evaluate::evaluate(&self.root, data)?.is_true())
    }

    /// Returns its value as a number.
    pub(super) fn number(&self, data: &Map<String, Value>) -> Result<f64, Mistake> {
        match evaluate::evaluate(&self.root, data)? {
            Operand::Number(number) => Ok(number),
            other => Err(Mistake(format!("is {}, where a number is needed", other.kind()))),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Operand {
    /// Tells whether a condition of this value holds: not for null, false, 0 and what is empty.
    fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Boolean(value) => *value,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Object(members) => !members.is_empty(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

#[cfg(test)]
mod tests;
