//! Expressions as words and signs.

use super::Mistake;

/// A word or sign, and where it begins, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) at: usize,
}

/// What a word or sign is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'a> {
    Number(f64),
    Text(String),
    /// A name or a word of the language.
    Word(&'a str),
    Sign(&'static str),
    End,
}

/// The longer before the shorter.
const SIGNS: [&str; 15] =
    ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]"];

/// Takes an expression apart; an end follows the last word or sign.
pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, Mistake> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else { break };
        let (kind, length) = if first.is_ascii_digit() {
            number(trimmed, at)?
        } else if first == '\'' || first == '"' {
            text(trimmed, first, at)?
        } else if first.is_alphabetic() || first == '_' {
            let end = trimmed.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let word = trimmed.get(..end.unwrap_or(trimmed.len())).unwrap_or(trimmed);
            (Kind::Word(word), word.len())
        } else if first == ',' {
            (Kind::Sign(","), 1)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| trimmed.starts_with(sign)) {
            (Kind::Sign(sign), sign.len())
        } else {
            let hint = match first {
                '.' => "; there are no attributes here",
                '=' => "; compare with `==`",
                _ => "",
            };
            return Err(Mistake(format!("has `{first}` at {at}, which means nothing here{hint}")));
        };
        tokens.push(Token { kind, at });
        at += length;
    }
    tokens.push(Token { kind: Kind::End, at });
    Ok(tokens)
}

fn number(source: &str, at: usize) -> Result<(Kind<'_>, usize), Mistake> {
    let mut before = ' ';
    let end = source.find(|letter: char| {
        let is_part = letter.is_ascii_digit()
            || letter == '.'
            || letter == 'e'
            || letter == 'E'
            || ((letter == '+' || letter == '-') && (before == 'e' || before == 'E'));
        before = letter;
        !is_part
    });
    let digits = source.get(..end.unwrap_or(source.len())).unwrap_or(source);
    match digits.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Kind::Number(number), digits.len())),
        _ => Err(Mistake(format!("has `{digits}` at {at}, which is no number"))),
    }
}

fn text(source: &str, quote: char, at: usize) -> Result<(Kind<'_>, usize), Mistake> {
    let mut text = String::new();
    let mut letters = source.char_indices().skip(1);
    while let Some((position, letter)) = letters.next() {
        if letter == quote {
            return Ok((Kind::Text(text), position + 1));
        }
        if letter == '\\' {
            let Some((_, escaped)) = letters.next() else { break };
            text.push(match escaped {
                'n' => '\n',
                't' => '\t',
                other => other,
            });
        } else {
            text.push(letter);
        }
    }
    Err(Mistake(format!("has a text at {at} that does not end")))
}
