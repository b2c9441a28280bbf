//! A text with places for values: `Review {{code}}`.
//!
//! A place is a name between two pairs of braces, with or without blanks around it. Anything else
//! between braces is text as it stands, and so is a place with a backslash before it. What is put in
//! is not searched for places again, so that a value can never ask for another's.

/// A text that was taken apart once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Place(Box<str>),
}

/// What was put in makes the text too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text would be longer than {most} bytes")]
pub struct TooLong {
    /// The most bytes.
    pub most: usize,
}

impl Template {
    /// Takes a text apart. Every text is a template.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            plain.push_str(before);
            let named = after.split_once("}}").map(|(inside, after)| (inside.trim(), after));
            let Some((name, after)) = named.filter(|(name, _)| is_name(name)) else {
                // One brace at a time: `{{{name}}` is a brace and a place.
                plain.push('{');
                rest = rest.get(before.len() + 1..).unwrap_or_default();
                continue;
            };
            rest = after;
            if plain.ends_with('\\') {
                plain.pop();
                plain.extend(["{{", name, "}}"]);
                continue;
            }
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
            }
            pieces.push(Piece::Place(name.into()));
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.into()));
        }
        Self { pieces }
    }

    /// Returns the names of its places, in order, each as often as it occurs.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place(name) => Some(&**name),
            Piece::Text(_) => None,
        })
    }

    /// Puts values in; a place without one stays empty.
    ///
    /// # Errors
    ///
    /// The text would be longer than `most` bytes.
    pub fn fill<'a>(
        &self,
        value: impl Fn(&str) -> Option<&'a str>,
        most: usize,
    ) -> Result<String, TooLong> {
        let mut text = String::new();
        for piece in &self.pieces {
            let part = match piece {
                Piece::Text(text) => text,
                Piece::Place(name) => value(name).unwrap_or_default(),
            };
            if part.len() > most.saturating_sub(text.len()) {
                return Err(TooLong { most });
            }
            text.push_str(part);
        }
        Ok(text)
    }
}

/// Tells whether a text can be the name of a place, and so of an argument.
pub fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Template, TooLong};

    const MOST: usize = 1 << 20;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let value = |name: &str| match name {
            "name" => Some("{{other}}"),
            "other" => Some("wrong"),
            "a.b-c_1" => Some("odd"),
            _ => None,
        };
        assert_eq!(Template::parse(text).fill(value, MOST).unwrap(), expected, "{text}");
    }

    #[test]
    fn values_take_their_places_and_are_not_searched_again() {
        check("Hello {{name}}!", "Hello {{other}}!");
        check("{{ name }}{{name}}", "{{other}}{{other}}");
        check("{{a.b-c_1}}", "odd");
        check("a {{missing}} b", "a  b");
    }

    #[test]
    fn what_is_no_place_is_text() {
        for text in ["", "{", "{{", "{{}}", "{{ }}", "{{#if x}}", "{{a b}}", "{{'q'}}", "}}", "{{a"]
        {
            check(text, text);
            assert_eq!(Template::parse(text).places().count(), 0, "{text}");
        }
        check(r"\{{name}} and \{{ name }}", "{{name}} and {{name}}");
        check("{{{name}}}", "{{{other}}}");
        check("{{ {{name}}", "{{ {{other}}");
    }

    #[test]
    fn a_text_is_never_longer_than_it_may_be() {
        let template = Template::parse("{{x}}{{x}}{{x}}");
        let value = "0123456789";
        assert_eq!(template.fill(|_| Some(value), 29), Err(TooLong { most: 29 }));
        assert_eq!(template.fill(|_| Some(value), 30).unwrap().len(), 30);
    }

    proptest! {
        #[test]
        fn a_text_without_names_between_braces_stays(text in "[a{} é#\n]{0,40}") {
            let template = Template::parse(&text);
            prop_assume!(template.places().next().is_none());
            prop_assert_eq!(template.fill(|_| None, MOST).unwrap(), text);
        }
    }
}
