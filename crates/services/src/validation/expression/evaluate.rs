//! The value of an expression.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Arithmetic, Comparison, MAX_TEXT, Mistake, Node, Operand};

/// Returns the value of a part; names mean what the data has.
pub(super) fn evaluate(node: &Node, data: &Map<String, Value>) -> Result<Operand, Mistake> {
    match node {
        Node::Constant(value) => Ok(value.clone()),
        Node::Name(name) => match data.get(name) {
            Some(value) => Ok(Operand::from(value)),
            None => Err(Mistake(format!("asks for `{name}`, which the data does not have"))),
        },
        Node::List(items) => {
            let items = items.iter().map(|item| evaluate(item, data));
            Ok(Operand::List(items.collect::<Result<_, _>>()?))
        }
        Node::Not(part) => Ok(Operand::Boolean(!evaluate(part, data)?.is_true())),
        Node::Negative(part) => match evaluate(part, data)? {
            Operand::Number(number) => Ok(Operand::Number(-number)),
            other => Err(Mistake(format!("takes the negative of {}", other.kind()))),
        },
        Node::And(parts) => first(parts, data, false),
        Node::Or(parts) => first(parts, data, true),
        Node::Arithmetic(left, operation, right) => {
            arithmetic(evaluate(left, data)?, *operation, evaluate(right, data)?)
        }
        Node::Comparison(first, further) => {
            let mut left = evaluate(first, data)?;
            for (comparison, right) in further {
                let right = evaluate(right, data)?;
                if !compare(&left, *comparison, &right)? {
                    return Ok(Operand::Boolean(false));
                }
                left = right;
            }
            Ok(Operand::Boolean(true))
        }
    }
}

/// Returns the first value that settles the matter, else the last.
fn first(parts: &[Node], data: &Map<String, Value>, settles: bool) -> Result<Operand, Mistake> {
    let mut value = Operand::Boolean(!settles);
    for part in parts {
        value = evaluate(part, data)?;
        if value.is_true() == settles {
            break;
        }
    }
    Ok(value)
}

fn arithmetic(left: Operand, operation: Arithmetic, right: Operand) -> Result<Operand, Mistake> {
    let (left, right) = match (left, right) {
        (Operand::Number(left), Operand::Number(right)) => (left, right),
        (Operand::Text(left), Operand::Text(right)) if operation == Arithmetic::Plus => {
            if left.len() + right.len() > MAX_TEXT {
                return Err(Mistake(format!("makes a text of more than {MAX_TEXT} bytes")));
            }
            return Ok(Operand::Text(left + &right));
        }
        (left, right) => {
            let (left, right) = (left.kind(), right.kind());
            return Err(Mistake(format!("calculates with {left} and {right}")));
        }
    };
    let divides = matches!(operation, Arithmetic::By | Arithmetic::Modulo);
    if divides && right == 0.0 {
        return Err(Mistake("divides by zero".to_owned()));
    }
    let result = match operation {
        Arithmetic::Plus => left + right,
        Arithmetic::Minus => left - right,
        Arithmetic::Times => left * right,
        Arithmetic::By => left / right,
        // What is left has the sign of the divisor.
        Arithmetic::Modulo => left - right * (left / right).floor(),
    };
    if result.is_finite() {
        Ok(Operand::Number(result))
    } else {
        Err(Mistake("comes to more than a number can hold".to_owned()))
    }
}

fn compare(left: &Operand, comparison: Comparison, right: &Operand) -> Result<bool, Mistake> {
    let order = || match (left, right) {
        (Operand::Number(left), Operand::Number(right)) => Ok(left.total_cmp(right)),
        (Operand::Text(left), Operand::Text(right)) => Ok(left.cmp(right)),
        _ => {
            let (left, right) = (left.kind(), right.kind());
            Err(Mistake(format!("asks whether {left} or {right} is less")))
        }
    };
    Ok(match comparison {
        Comparison::Equal => left == right,
        Comparison::Unequal => left != right,
        Comparison::Less => order()? == Ordering::Less,
        Comparison::AtMost => order()? != Ordering::Greater,
        Comparison::More => order()? == Ordering::Greater,
        Comparison::AtLeast => order()? != Ordering::Less,
        Comparison::In => contains(left, right)?,
        Comparison::NotIn => !contains(left, right)?,
    })
}

fn contains(item: &Operand, all: &Operand) -> Result<bool, Mistake> {
    match (item, all) {
        (_, Operand::List(items)) => Ok(items.contains(item)),
        (Operand::Text(part), Operand::Text(text)) => Ok(text.contains(part)),
        (Operand::Text(name), Operand::Object(members)) => Ok(members.contains_key(name)),
        _ => {
            let (item, all) = (item.kind(), all.kind());
            Err(Mistake(format!("asks whether {item} is in {all}")))
        }
    }
}

impl From<&Value> for Operand {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Boolean(*value),
            // Minus zero is zero, and every number of JSON is a double here.
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or_default() + 0.0),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(members.clone()),
        }
    }
}
