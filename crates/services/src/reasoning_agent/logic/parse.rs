//! Reading facts, rules and goals.
//!
//! `ancestor(X, Z) :- parent(X, Y), ancestor(Y, Z).` Names that begin with a capital letter or `_`
//! are variables; other names, numbers and texts in quotes are values. Conditions are atoms,
//! `not` before an atom, and comparisons of arithmetic with `=`, `!=`, `<`, `<=`, `>`, `>=`.

use std::sync::Arc;

use super::{Atom, Comparison, Condition, Expression, Fact, Number, Operator, Rule, Term, Value};

/// The most bytes of a fact or rule.
const MAX_TEXT: usize = 4_096;
/// The most terms of an atom.
const MAX_TERMS: usize = 16;
/// The most conditions of a rule.
const MAX_CONDITIONS: usize = 32;
/// How deep brackets may be.
const MAX_DEPTH: usize = 16;

/// Reads a fact.
pub(in crate::reasoning_agent) fn parse_fact(text: &str) -> Result<Fact, String> {
    let mut parser = Parser::new(text)?;
    let atom = parser.atom()?;
    parser.end()?;
    let values = atom.terms.into_iter().map(|term| match term {
        Term::Value(value) => Ok(value),
        Term::Variable(at) => {
            Err(format!("`{}` is a variable; a fact has values alone", parser.variables[at]))
        }
    });
    Ok(Fact { predicate: atom.predicate, values: values.collect::<Result<_, _>>()? })
}

/// Reads a goal: an atom whose variables are asked for. Returns their names as well.
pub(in crate::reasoning_agent) fn parse_atom(text: &str) -> Result<(Atom, Vec<String>), String> {
    let mut parser = Parser::new(text)?;
    let atom = parser.atom()?;
    parser.take("?");
    parser.end()?;
    Ok((atom, parser.variables))
}

/// Reads a rule.
pub(in crate::reasoning_agent) fn parse_rule(text: &str) -> Result<Rule, String> {
    let mut parser = Parser::new(text)?;
    let head = parser.atom()?;
    let mut body = Vec::new();
    if parser.take(":-") || parser.take("<-") || parser.take("if ") {
        loop {
            body.push(parser.condition()?);
            if body.len() > MAX_CONDITIONS {
                return Err(format!("more than {MAX_CONDITIONS} conditions; split the rule"));
            }
            if !parser.take(",") {
                break;
            }
        }
    }
    parser.end()?;
    Ok(Rule {
        head,
        body,
        variables: parser.variables,
        text: text.trim().trim_end_matches('.').to_owned(),
    })
}

#[derive(Debug)]
struct Parser<'a> {
    rest: &'a str,
    variables: Vec<String>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, String> {
        if text.len() > MAX_TEXT {
            return Err(format!("{} bytes; at most {MAX_TEXT} are read", text.len()));
        }
        Ok(Self { rest: text.trim(), variables: Vec::new(), depth: 0 })
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, sign: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn end(&mut self) -> Result<(), String> {
        self.take(".");
        self.skip();
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(format!("nothing can stand before `{}`", self.shown()))
        }
    }

    /// The beginning of what is left, for errors.
    fn shown(&self) -> String {
        self.rest.chars().take(20).collect()
    }

    fn word(&mut self) -> Option<&'a str> {
        self.skip();
        let end = self
            .rest
            .find(|character: char| !character.is_alphanumeric() && character != '_')
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        if word.is_empty() || word.starts_with(|character: char| character.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        Some(word)
    }

    fn atom(&mut self) -> Result<Atom, String> {
        let shown = self.shown();
        let Some(name) = self.word() else {
            return Err(format!("`{shown}` is no name of a predicate"));
        };
        if name.starts_with(|character: char| character.is_uppercase() || character == '_') {
            return Err(format!(
                "`{name}` is a variable; the name of a predicate begins with a small letter"
            ));
        }
        let mut terms = Vec::new();
        if self.take("(") && !self.take(")") {
            loop {
                terms.push(self.term()?);
                if terms.len() > MAX_TERMS {
                    return Err(format!("`{name}` has more than {MAX_TERMS} terms"));
                }
                if self.take(",") {
                    continue;
                }
                if self.take(")") {
                    break;
                }
                return Err(format!("`,` or `)` is missing before `{}`", self.shown()));
            }
        }
        Ok(Atom { predicate: Arc::from(name), terms })
    }

    fn term(&mut self) -> Result<Term, String> {
        self.skip();
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        if let Some(number) = self.number()? {
            return Ok(Term::Value(Value::Number(number)));
        }
        let shown = self.shown();
        let Some(name) = self.word() else {
            return Err(format!("`{shown}` is neither a value nor a variable"));
        };
        if name == "_" {
            // Each `_` is a variable of its own.
            self.variables.push(format!("_{}", self.variables.len()));
            return Ok(Term::Variable(self.variables.len() - 1));
        }
        if !name.starts_with(|character: char| character.is_uppercase() || character == '_') {
            return Ok(Term::Value(Value::Symbol(Arc::from(name))));
        }
        let known = self.variables.iter().position(|variable| variable == name);
        Ok(Term::Variable(known.unwrap_or_else(|| {
            self.variables.push(name.to_owned());
            self.variables.len() - 1
        })))
    }

    fn quoted(&mut self) -> Result<Term, String> {
        let mut text = String::new();
        let mut is_escaped = false;
        for (at, character) in self.rest.char_indices().skip(1) {
            match (is_escaped, character) {
                (false, '\\') => is_escaped = true,
                (false, '"') => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(Term::Value(Value::Symbol(Arc::from(text))));
                }
                _ => {
                    text.push(character);
                    is_escaped = false;
                }
            }
        }
        Err("a quote is not closed".to_owned())
    }

    fn number(&mut self) -> Result<Option<Number>, String> {
        let unsigned = self.rest.strip_prefix('-').unwrap_or(self.rest);
        if !unsigned.starts_with(|character: char| character.is_ascii_digit()) {
            return Ok(None);
        }
        let mut end = self.rest.len() - unsigned.len();
        let bytes = self.rest.as_bytes();
        while let Some(byte) = bytes.get(end) {
            let is_exponent = matches!(byte, b'e' | b'E')
                && bytes.get(end + 1).is_some_and(|next| next.is_ascii_digit() || *next == b'-');
            let is_point = *byte == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            let is_sign =
                *byte == b'-' && matches!(bytes.get(end.wrapping_sub(1)), Some(b'e' | b'E'));
            if !byte.is_ascii_digit() && !is_exponent && !is_point && !is_sign {
                break;
            }
            end += 1;
        }
        let (written, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        let number = written.parse().ok().and_then(Number::new);
        let Some(number) = number else {
            return Err(format!("`{written}` is no number that can be held"));
        };
        self.rest = rest;
        Ok(Some(number))
    }

    fn condition(&mut self) -> Result<Condition, String> {
        self.skip();
        if let Some(rest) = self.rest.strip_prefix("not ").or_else(|| self.rest.strip_prefix("\\+"))
        {
            self.rest = rest;
            return Ok(Condition::IsNot(self.atom()?));
        }
        // An atom and a comparison can begin alike; what follows tells them apart.
        let (rest, n_variables) = (self.rest, self.variables.len());
        let begins_small = rest.starts_with(|character: char| character.is_lowercase());
        if begins_small {
            let atom = self.atom();
            self.skip();
            match atom {
                Ok(atom) if self.rest.is_empty() || self.rest.starts_with([',', '.']) => {
                    return Ok(Condition::Is(atom));
                }
                // What has a bracket is an atom, and its own mistake says more.
                Err(problem) if rest.contains('(') => return Err(problem),
                _ => {}
            }
        }
        self.rest = rest;
        self.variables.truncate(n_variables);
        let left = self.sum()?;
        let Some(comparison) = self.comparison() else {
            return Err(format!("a comparison such as `<` is missing before `{}`", self.shown()));
        };
        Ok(Condition::Compare(left, comparison, self.sum()?))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let signs = [
            ("!=", Comparison::NotEqual),
            ("\\=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            ("=<", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
            ("==", Comparison::Equal),
            ("=", Comparison::Equal),
            ("is ", Comparison::Equal),
        ];
        signs.into_iter().find(|(sign, _)| self.take(sign)).map(|(_, comparison)| comparison)
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut left = self.product()?;
        loop {
            let operator = if self.take("+") {
                Operator::Add
            } else if self.take("-") {
                Operator::Subtract
            } else {
                return Ok(left);
            };
            left = Expression::Operation(Box::new(left), operator, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.factor()?;
        loop {
            let operator = if self.take("*") {
                Operator::Multiply
            } else if self.take("/") {
                Operator::Divide
            } else if self.take("%") {
                Operator::Remainder
            } else {
                return Ok(left);
            };
            left = Expression::Operation(Box::new(left), operator, Box::new(self.factor()?));
        }
    }

    fn factor(&mut self) -> Result<Expression, String> {
        if !self.take("(") {
            return Ok(Expression::Term(self.term()?));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("brackets are deeper than {MAX_DEPTH}"));
        }
        let inner = self.sum()?;
        self.depth -= 1;
        if self.take(")") {
            Ok(inner)
        } else {
            Err(format!("`)` is missing before `{}`", self.shown()))
        }
    }
}
