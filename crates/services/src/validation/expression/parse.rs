//! Words and signs as an expression, by precedence: `or`, `and`, `not`, comparisons, `+ -`, `* / %`,
//! the sign.

use super::token::{Kind, Token};
use super::{Arithmetic, Comparison, MAX_DEPTH, Mistake, Node, Operand};

/// Reads a whole expression.
pub(super) fn parse(tokens: &[Token<'_>]) -> Result<Node, Mistake> {
    let mut parser = Parser { tokens, next: 0, depth: 0 };
    let root = parser.or()?;
    match parser.peek().kind {
        Kind::End => Ok(root),
        _ => Err(parser.unexpected("the end")),
    }
}

struct Parser<'a> {
    /// Ends with an end, beyond which nothing is read.
    tokens: &'a [Token<'a>],
    next: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a Token<'a> {
        let last = self.tokens.len() - 1;
        &self.tokens[self.next.min(last)]
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let is_there = matches!(self.peek().kind, Kind::Sign(found) if found == sign);
        self.next += usize::from(is_there);
        is_there
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_there = matches!(self.peek().kind, Kind::Word(found) if found == word);
        self.next += usize::from(is_there);
        is_there
    }

    fn unexpected(&self, expected: &str) -> Mistake {
        let token = self.peek();
        let found = match &token.kind {
            Kind::Number(number) => format!("`{number}`"),
            Kind::Text(_) => "a text".to_owned(),
            Kind::Word(word) => format!("`{word}`"),
            Kind::Sign(sign) => format!("`{sign}`"),
            Kind::End => "nothing more".to_owned(),
        };
        let hint = match token.kind {
            Kind::Sign("(") => "; there are no calls here",
            Kind::Sign("[") => "; there are no subscripts here",
            _ => "",
        };
        Mistake(format!("has {found} at {}, where {expected} is expected{hint}", token.at))
    }

    fn or(&mut self) -> Result<Node, Mistake> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Mistake(format!("has parts more than {MAX_DEPTH} deep in each other")));
        }
        let mut parts = vec![self.and()?];
        while self.takes_word("or") {
            parts.push(self.and()?);
        }
        self.depth -= 1;
        Ok(one_or(parts, Node::Or))
    }

    fn and(&mut self) -> Result<Node, Mistake> {
        let mut parts = vec![self.not()?];
        while self.takes_word("and") {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Node::And))
    }

    fn not(&mut self) -> Result<Node, Mistake> {
        let mut n_nots = 0_usize;
        while self.takes_word("not") {
            n_nots += 1;
        }
        let mut node = self.comparison()?;
        // Two of them are not none: `not not x` is true or false whatever x is.
        for _ in 0..if n_nots < 2 { n_nots } else { 2 + n_nots % 2 } {
            node = Node::Not(Box::new(node));
        }
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, Mistake> {
        let first = self.sum()?;
        let mut further = Vec::new();
        while let Some(comparison) = self.takes_comparison()? {
            further.push((comparison, self.sum()?));
        }
        if further.is_empty() {
            return Ok(first);
        }
        Ok(Node::Comparison(Box::new(first), further))
    }

    fn takes_comparison(&mut self) -> Result<Option<Comparison>, Mistake> {
        const SIGNS: [(&str, Comparison); 6] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Less),
            (">", Comparison::More),
        ];
        for (sign, comparison) in SIGNS {
            if self.takes_sign(sign) {
                return Ok(Some(comparison));
            }
        }
        if self.takes_word("in") {
            return Ok(Some(Comparison::In));
        }
        if self.takes_word("not") {
            if self.takes_word("in") {
                return Ok(Some(Comparison::NotIn));
            }
            return Err(self.unexpected("`in`"));
        }
        Ok(None)
    }

    fn sum(&mut self) -> Result<Node, Mistake> {
        let mut node = self.product()?;
        loop {
            let operation = if self.takes_sign("+") {
                Arithmetic::Plus
            } else if self.takes_sign("-") {
                Arithmetic::Minus
            } else {
                return Ok(node);
            };
            node = Node::Arithmetic(Box::new(node), operation, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Node, Mistake> {
        let mut node = self.signed()?;
        loop {
            let operation = if self.takes_sign("*") {
                Arithmetic::Times
            } else if self.takes_sign("/") {
                Arithmetic::By
            } else if self.takes_sign("%") {
                Arithmetic::Modulo
            } else {
                return Ok(node);
            };
            node = Node::Arithmetic(Box::new(node), operation, Box::new(self.signed()?));
        }
    }

    fn signed(&mut self) -> Result<Node, Mistake> {
        let mut is_negative = false;
        loop {
            if self.takes_sign("-") {
                is_negative = !is_negative;
            } else if !self.takes_sign("+") {
                break;
            }
        }
        let node = self.part()?;
        Ok(if is_negative { Node::Negative(Box::new(node)) } else { node })
    }

    fn part(&mut self) -> Result<Node, Mistake> {
        let node = match &self.peek().kind {
            Kind::Number(number) => Node::Constant(Operand::Number(*number)),
            Kind::Text(text) => Node::Constant(Operand::Text(text.clone())),
            Kind::Word("true" | "True") => Node::Constant(Operand::Boolean(true)),
            Kind::Word("false" | "False") => Node::Constant(Operand::Boolean(false)),
            Kind::Word("null" | "None") => Node::Constant(Operand::Null),
            Kind::Word("and" | "or" | "not" | "in") | Kind::End => {
                return Err(self.unexpected("a value"));
            }
            Kind::Word(name) => Node::Name((*name).to_owned()),
            Kind::Sign("(") => return self.between("(", ")"),
            Kind::Sign("[") => return self.between("[", "]"),
            Kind::Sign(_) => return Err(self.unexpected("a value")),
        };
        self.next += 1;
        Ok(node)
    }

    /// Reads a list, or a part in parentheses.
    fn between(&mut self, open: &str, close: &str) -> Result<Node, Mistake> {
        self.takes_sign(open);
        let mut items = Vec::new();
        let mut is_list = open == "[";
        while !self.takes_sign(close) {
            if !items.is_empty() {
                if !self.takes_sign(",") {
                    return Err(self.unexpected(&format!("`{close}`")));
                }
                is_list = true;
                if self.takes_sign(close) {
                    break;
                }
            }
            items.push(self.or()?);
        }
        if !is_list && items.is_empty() {
            is_list = true;
        }
        Ok(if is_list { Node::List(items) } else { one_or(items, Node::List) })
    }
}

/// Returns the only part, or what several make.
fn one_or(mut parts: Vec<Node>, many: impl FnOnce(Vec<Node>) -> Node) -> Node {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            many(parts)
        }
        (None, _) => many(parts),
    }
}
