//! What can be told of a condition before it is ever evaluated: that its names and functions exist,
//! that operators stand between things they can work on, and that it is true or false in the end.
//!
//! Arguments have no types until a call brings them; wherever they play a part, everything is
//! possible and nothing is refused.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue};

use super::condition::VARIABLES;

/// Deepest tree.
const MOST_DEPTH: usize = 48;
/// Most macros (`all`, `exists`, `exists_one`, `map`, `filter`) of one condition.
const MOST_MACROS: usize = 4;
/// Members of `principal` and `time`, and whether they are texts, numbers or lists.
const PRINCIPAL: [(&str, Type); 5] = [
    ("issuer", Type::Text),
    ("subject", Type::Text),
    ("roles", Type::List),
    ("scopes", Type::List),
    ("tier", Type::Text),
];
const TIME: [(&str, Type); 4] = [
    ("unix", Type::Number),
    ("hour", Type::Number),
    ("minute", Type::Number),
    ("weekday", Type::Number),
];

/// What an expression is, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    /// Whatever the arguments say.
    Any,
    Bool,
    Number,
    Text,
    Bytes,
    List,
    Map,
    Null,
    Principal,
    Time,
}

/// Checks a condition; the error is for people.
pub(super) fn check(expression: &IdedExpr) -> Result<(), String> {
    let mut checker = Checker { bound: Vec::new(), depth: 0, macros: 0 };
    match checker.type_of(expression)? {
        Type::Bool | Type::Any => Ok(()),
        other => Err(format!("it is {}, and must be true or false", other.words())),
    }
}

struct Checker {
    /// What macros bind.
    bound: Vec<(String, Type)>,
    depth: usize,
    macros: usize,
}

impl Type {
    fn words(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Bytes => "bytes",
            Self::List => "a list",
            Self::Map => "a mapping",
            Self::Null => "null",
            Self::Principal => "the principal",
            Self::Time => "the time",
        }
    }

    fn is(self, wanted: Self) -> bool {
        self == wanted || self == Self::Any
    }

    fn is_one_of(self, wanted: &[Self]) -> bool {
        self == Self::Any || wanted.contains(&self)
    }
}

impl Checker {
    fn type_of(&mut self, expression: &IdedExpr) -> Result<Type, String> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(format!("it is nested deeper than {MOST_DEPTH}; make several rules of it"));
        }
        let found = self.type_inside(expression);
        self.depth -= 1;
        found
    }

    fn type_inside(&mut self, expression: &IdedExpr) -> Result<Type, String> {
        match &expression.expr {
            Expr::Literal(literal) => Ok(type_of_literal(literal)),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => {
                let of = self.type_of(&select.operand)?;
                let member = member(of, &select.field)?;
                Ok(if select.test { Type::Bool } else { member })
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.type_of(element)?;
                }
                Ok(Type::List)
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let cel::common::ast::EntryExpr::MapEntry(entry) = &entry.expr {
                        self.type_of(&entry.key)?;
                        self.type_of(&entry.value)?;
                    }
                }
                Ok(Type::Map)
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Struct(made) => Err(format!("there is no type `{}`", made.type_name)),
            Expr::Unspecified => Err("it is empty".to_owned()),
        }
    }

    fn variable(&self, name: &str) -> Result<Type, String> {
        if let Some((_, bound)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return Ok(*bound);
        }
        match name {
            "principal" => Ok(Type::Principal),
            "time" => Ok(Type::Time),
            "arguments" => Ok(Type::Map),
            _ if VARIABLES.contains(&name) => Ok(Type::Text),
            _ => Err(format!("there is no `{name}`; there are: {}", VARIABLES.join(", "))),
        }
    }

    fn call(&mut self, call: &CallExpr) -> Result<Type, String> {
        let mut types = Vec::with_capacity(call.args.len() + 1);
        for operand in call.target.as_deref().into_iter().chain(&call.args) {
            types.push(self.type_of(operand)?);
        }
        let name = call.func_name.as_str();
        if name == "matches" {
            check_pattern(call)?;
        }
        if let ([first, second], "_==_" | "_!=_") = (types.as_slice(), name) {
            let is_comparable = first.is(*second) || second.is(Type::Null) || first.is(Type::Null);
            if !(is_comparable || *second == Type::Any) {
                return Err(never(name, &types));
            }
            return Ok(Type::Bool);
        }
        signature(name, &types)
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<Type, String> {
        if !self.bound.is_empty() {
            // Each level would multiply the work by the length of a list that a caller sends.
            return Err("a macro such as `all` stands inside another; make two rules".to_owned());
        }
        self.macros += 1;
        if self.macros > MOST_MACROS {
            return Err(format!("it has more than {MOST_MACROS} macros such as `all`"));
        }
        let range = self.type_of(&comprehension.iter_range)?;
        if !range.is_one_of(&[Type::List, Type::Map]) {
            return Err(format!("a macro goes through a list or a mapping, not {}", range.words()));
        }
        let start = self.type_of(&comprehension.accu_init)?;
        self.bound.push((comprehension.accu_var.clone(), start));
        self.bound.push((comprehension.iter_var.clone(), Type::Any));
        if let Some(second) = &comprehension.iter_var2 {
            self.bound.push((second.clone(), Type::Any));
        }
        let inner = self
            .type_of(&comprehension.loop_cond)
            .and_then(|_| self.type_of(&comprehension.loop_step))
            .and_then(|_| self.type_of(&comprehension.result));
        self.bound.clear();
        inner
    }
}

fn type_of_literal(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => Type::Number,
        LiteralValue::String(_) => Type::Text,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Null => Type::Null,
    }
}

fn member(of: Type, name: &str) -> Result<Type, String> {
    let known: &[(&str, Type)] = match of {
        Type::Principal => &PRINCIPAL,
        Type::Time => &TIME,
        Type::Any | Type::Map => return Ok(Type::Any),
        other => return Err(format!("{} has no members, so no `{name}`", other.words())),
    };
    let found = known.iter().find(|(known, _)| *known == name);
    found.map(|(_, kind)| *kind).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        format!("{} has no `{name}`; it has: {}", of.words(), names.join(", "))
    })
}

/// A pattern that a caller could send would be compiled at its cost.
fn check_pattern(call: &CallExpr) -> Result<(), String> {
    let Some(Expr::Literal(LiteralValue::String(pattern))) =
        call.args.last().map(|last| &last.expr)
    else {
        return Err("the pattern of `matches` must be a text in quotes".to_owned());
    };
    regex::Regex::new(pattern.inner())
        .map(|_| ())
        .map_err(|error| format!("the pattern of `matches` cannot be used: {error}"))
}

/// Returns what an operator or function gives for operands of these types.
fn signature(name: &str, types: &[Type]) -> Result<Type, String> {
    const ORDERED: &[Type] = &[Type::Number, Type::Text, Type::Bytes, Type::Bool];
    const JOINED: &[Type] = &[Type::Number, Type::Text, Type::Bytes, Type::List];
    let all = |wanted: Type| types.iter().all(|found| found.is(wanted));
    let alike = |wanted: &[Type]| match types {
        [first, second] => {
            first.is_one_of(wanted)
                && second.is_one_of(wanted)
                && (first.is(*second) || *second == Type::Any)
        }
        _ => false,
    };
    let (fits, gives) = match name {
        "_&&_" | "_||_" | "!_" => (all(Type::Bool), Type::Bool),
        "@not_strictly_false" => (true, Type::Bool),
        "_<_" | "_<=_" | "_>_" | "_>=_" => (alike(ORDERED), Type::Bool),
        "_+_" => (alike(JOINED), types.first().copied().unwrap_or(Type::Any)),
        "_-_" | "_*_" | "_/_" | "_%_" | "-_" => (all(Type::Number), Type::Number),
        "@in" => {
            let into = types.last().copied().unwrap_or(Type::Any);
            (into.is_one_of(&[Type::List, Type::Map]), Type::Bool)
        }
        "_[_]" => {
            let of = types.first().copied().unwrap_or(Type::Any);
            (of.is_one_of(&[Type::List, Type::Map]), Type::Any)
        }
        "_?_:_" => match types {
            [condition, first, second] => {
                (condition.is(Type::Bool), if first == second { *first } else { Type::Any })
            }
            _ => (false, Type::Any),
        },
        "size" => {
            let sized = [Type::Text, Type::Bytes, Type::List, Type::Map];
            (types.len() == 1 && types[0].is_one_of(&sized), Type::Number)
        }
        "startsWith" | "endsWith" | "contains" | "matches" => {
            (types.len() == 2 && all(Type::Text), Type::Bool)
        }
        "int" | "uint" | "double" => (types.len() == 1, Type::Number),
        "string" => (types.len() == 1, Type::Text),
        "bool" => (types.len() == 1, Type::Bool),
        "dyn" => (types.len() == 1, Type::Any),
        other => return Err(format!("there is no function `{other}`")),
    };
    if fits { Ok(gives) } else { Err(never(name, types)) }
}

fn never(name: &str, types: &[Type]) -> String {
    let operands: Vec<_> = types.iter().map(|found| found.words()).collect();
    let name = name.trim_matches(['_', '@']);
    format!("`{name}` cannot be used with {}", operands.join(" and "))
}
