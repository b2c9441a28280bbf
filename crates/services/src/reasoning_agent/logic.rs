//! Facts and rules, and what follows from them, with proofs.
//!
//! Rules are Datalog with stratified negation, comparisons and arithmetic, given as text and read
//! when they are needed. [`evaluate`] finds everything that follows, round by round, so that each
//! fact is kept with a shallowest proof; [`proof`] shows it.

use std::fmt;
use std::sync::Arc;

mod evaluate;
mod parse;
mod program;
mod proof;

#[cfg(test)]
mod tests;

pub(super) use evaluate::{Limits, Model, Stop, evaluate};
pub(super) use parse::{parse_atom, parse_fact, parse_rule};
pub(super) use program::{Program, name};
pub(super) use proof::{Step, prove};

/// A thing or a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Value {
    /// A name, or a text in quotes.
    Symbol(Arc<str>),
    /// A number, by its order-preserving bits.
    Number(Number),
}

/// A finite number that can be a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(f64);

/// What stands in an atom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    /// A value.
    Value(Value),
    /// A variable, by its number within its rule.
    Variable(usize),
}

/// A predicate with its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Atom {
    pub(super) predicate: Arc<str>,
    pub(super) terms: Vec<Term>,
}

/// A predicate with values: something that is true.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Fact {
    pub(super) predicate: Arc<str>,
    pub(super) values: Vec<Value>,
}

/// What is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Term(Term),
    Operation(Box<Self>, Operator, Box<Self>),
}

/// How two numbers are computed into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// It has to be true.
    Is(Atom),
    /// It must not be known to be true.
    IsNot(Atom),
    /// Both sides compare so; a variable that is not bound yet takes the value of the other side.
    Compare(Expression, Comparison, Expression),
}

/// Something that is true if all conditions are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) head: Atom,
    pub(super) body: Vec<Condition>,
    /// The names of its variables.
    pub(super) variables: Vec<String>,
    /// As it was written.
    pub(super) text: String,
}

// === impl Number ===

impl Number {
    /// Makes a number; what is not finite is none.
    pub(super) fn new(value: f64) -> Option<Self> {
        // -0 is 0.
        value.is_finite().then_some(Self(value + 0.0))
    }

    pub(super) fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.total_cmp(&other.0).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

// === what is shown ===

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol(name) if is_plain(name) => formatter.write_str(name),
            Self::Symbol(text) => {
                write!(formatter, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Self::Number(number) => write!(formatter, "{}", number.get()),
        }
    }
}

/// Tells whether a name needs no quotes.
fn is_plain(name: &str) -> bool {
    name.starts_with(|character: char| character.is_lowercase())
        && name.chars().all(|character| character.is_alphanumeric() || character == '_')
        && name != "not"
}

impl fmt::Display for Fact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.predicate)?;
        for (at, value) in self.values.iter().enumerate() {
            write!(formatter, "{}{value}", if at == 0 { "(" } else { ", " })?;
        }
        if self.values.is_empty() { Ok(()) } else { formatter.write_str(")") }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}
