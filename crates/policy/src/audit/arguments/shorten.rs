//! Large arguments without the greater part of their long texts.
//!
//! An entry holds the beginning of a long text alone, so that the rest need not be decoded.

use std::borrow::Cow;

use gantry_protocol::json;
use memchr::memchr;

use super::{LONGEST_TEXT, Rules, cut, end_of};

/// The most bytes of a text that stays as it is.
pub(super) const LONG: usize = 1024;
/// Bytes of a long text that are looked at, beside those of the longest secret: more than the
/// beginning that is kept, which may be written in escapes.
const LOOKED_AT: usize = 4 * 1024;
/// The same where there are no escapes.
const LOOKED_AT_PLAIN: usize = 4 * LONGEST_TEXT;

impl Rules {
    /// Returns arguments with their long texts cut as an entry has them; `None` if none is long, or if
    /// everything is kept. Reads them once and decodes next to nothing. `raw` must be JSON.
    pub(super) fn shortened(&self, raw: &[u8]) -> Option<Vec<u8>> {
        if !self.cuts || raw.len() <= LONG {
            return None;
        }
        let (mut short, mut copied, mut at) = (Vec::with_capacity(LONG), 0, 0);
        while let Some(quote) = memchr(b'"', raw.get(at..)?) {
            let start = at + quote + 1;
            let end = end_of_text(raw, start)?;
            at = end + 1;
            // A name is never cut: it decides whether its value is left out.
            if end - start > LONG && !is_name(&raw[at..]) {
                short.extend_from_slice(&raw[copied..start - 1]);
                short.extend_from_slice(&json::quote(&self.beginning(&raw[start..end])));
                copied = at;
            }
        }
        if copied == 0 {
            return None;
        }
        short.extend_from_slice(&raw[copied..]);
        Some(short)
    }

    /// Returns the beginning of a long text, which is given as it stands between its quotes.
    fn beginning(&self, raw: &[u8]) -> String {
        if let Some(plain) = self.plain_beginning(raw) {
            return cut(plain, raw.len());
        }
        let longest_secret = self.secrets.longest();
        let first = |bytes: usize| raw.get(..bytes + longest_secret).unwrap_or(raw);
        let mut looked_at = first(LOOKED_AT_PLAIN);
        if memchr(b'\\', looked_at).is_some() {
            looked_at = first(LOOKED_AT);
        }
        let piece = whole_escapes(whole_characters(looked_at));
        let text = match memchr(b'\\', piece.as_bytes()) {
            None => Cow::Borrowed(piece),
            // Half of a pair of surrogates that stands alone is no text.
            Some(_) => serde_json::from_str(&format!("\"{piece}\"")).map_or("".into(), Cow::Owned),
        };
        let text = self.secrets.without_values(&text);
        // Behind this a secret may begin that ends where nobody looked.
        let unsure = if looked_at.len() < raw.len() { longest_secret } else { 0 };
        let sure = text.floor_char_boundary(text.len().saturating_sub(unsure));
        let end = end_of(&text, LONGEST_TEXT).map_or(sure, |end| end.min(sure));
        cut(text.get(..end).unwrap_or_default(), raw.len())
    }

    /// Returns the beginning of most texts, of which nothing has to be decoded or left out; `None` for
    /// another one.
    pub(super) fn plain_beginning<'a>(&self, raw: &'a [u8]) -> Option<&'a str> {
        // So far a secret reaches at most that begins in what is kept.
        let looked_at = raw.get(..LONGEST_TEXT + self.secrets.longest())?;
        let text = std::str::from_utf8(looked_at).ok()?;
        if !text.is_ascii() || !json::is_plain(text) {
            return None;
        }
        let is_clean = matches!(self.secrets.without_values(text), Cow::Borrowed(_));
        text.get(..LONGEST_TEXT).filter(|_| is_clean)
    }
}

/// Finds the quote that ends a text: the first one that does not stand behind an odd number of backslashes.
pub(super) fn end_of_text(raw: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr(b'"', raw.get(at..)?)?;
        let backslashes = raw[start..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        if backslashes.is_multiple_of(2) {
            return Some(at);
        }
        at += 1;
    }
}

/// Tells whether the text was the name of a member.
fn is_name(rest: &[u8]) -> bool {
    rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// Returns a piece of text without the character in which it was cut.
fn whole_characters(piece: &[u8]) -> &str {
    let valid = |piece| std::str::from_utf8(piece);
    valid(piece).unwrap_or_else(|error| valid(&piece[..error.valid_up_to()]).unwrap_or_default())
}

/// Returns a piece of text without the escape in which it was cut.
fn whole_escapes(piece: &str) -> &str {
    let (bytes, mut at) = (piece.as_bytes(), 0);
    while let Some(found) = memchr(b'\\', &bytes[at..]) {
        let escape = at + found;
        let length = match bytes[escape + 1..] {
            // The first half of a pair of surrogates.
            [b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', ..] => 12,
            [b'u', ..] => 6,
            _ => 2,
        };
        if escape + length > bytes.len() {
            // Invariant: a backslash is a character of its own.
            return piece.get(..escape).unwrap_or_default();
        }
        at = escape + length;
    }
    piece
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::{Keep, LARGEST};
    use super::*;
    use crate::redact::Secrets;

    const SECRET: &str = "hunter2hunter2";

    fn rules() -> Rules {
        Rules::new(Keep::Redacted, &["ssn".to_owned()], Secrets::new([SECRET.to_owned()]))
    }

    /// Returns what an entry has of arguments, after they were shortened or not.
    fn written(raw: &str, is_shortened: bool) -> Value {
        let (rules, mut text) = (rules(), String::new());
        if is_shortened {
            assert!(rules.write_arguments(raw.as_bytes(), &mut text));
        } else {
            rules.take_apart((raw.as_bytes(), raw.len()), &mut text, LARGEST);
        }
        serde_json::from_str(&text).unwrap()
    }

    #[track_caller]
    fn is_the_same(arguments: &Value) {
        let raw = arguments.to_string();
        let short = rules().shortened(raw.as_bytes()).expect("something is long");
        assert!(short.len() < raw.len(), "{}", short.len());
        assert_eq!(written(&raw, true), written(&raw, false));
    }

    #[test]
    fn an_entry_is_the_same_as_that_of_the_whole() {
        let long = "x".repeat(5000);
        is_the_same(&json!({ "a": long, "b": [long, 1, { "c": "ä".repeat(3000) }], "d": "short" }));
        is_the_same(&json!({ "token": long, "ssn": long, "plain": long }));
        is_the_same(&json!({ "a": format!("{SECRET} {long}") }));
        is_the_same(&json!({ "a": format!("{}{SECRET}{long}", "y".repeat(LONGEST_TEXT - 5)) }));
        is_the_same(&json!({ "a": SECRET.repeat(1000) }));
        is_the_same(&json!([long, { long.clone(): long }]));
    }

    #[test]
    fn what_is_short_stays_as_it_was_sent() {
        let raw = json!({ "a": vec!["x".repeat(LONG); 20], "b": 1 }).to_string();
        assert_eq!(rules().shortened(raw.as_bytes()), None);
        let full = Rules::new(Keep::Full, &[], Secrets::default());
        assert_eq!(full.shortened(json!({ "a": "x".repeat(5000) }).to_string().as_bytes()), None);
    }

    #[test]
    fn a_text_that_was_looked_at_whole_keeps_its_beginning_whatever_secrets_there_are() {
        let rules = Rules::new(Keep::Redacted, &[], Secrets::new(["s".repeat(3000)]));
        let raw = json!({ "a": "x".repeat(LONG + 1) }).to_string();
        let short = String::from_utf8(rules.shortened(raw.as_bytes()).unwrap()).unwrap();
        assert!(short.contains(&"x".repeat(LONGEST_TEXT)), "{short}");
    }

    #[test]
    fn a_name_is_never_cut() {
        let name = format!("{}password", "n".repeat(2 * LONG));
        let raw = json!({ name.clone(): "x".repeat(5000) }).to_string();
        let short = String::from_utf8(rules().shortened(raw.as_bytes()).unwrap()).unwrap();
        assert!(short.contains(&name), "{short}");
        assert_eq!(written(&raw, true), written(&raw, false));
    }

    #[test]
    fn nothing_is_cut_within_an_escape_or_a_character() {
        for shift in 0..12 {
            let text = format!("{}{}", "x".repeat(shift), r"\ud83d\ude00".repeat(2000));
            let raw = format!("{{\"a\":\"{text}\",\"b\":\"{}\"}}", r#"\"\\"#.repeat(3000));
            let written = written(&raw, true);
            let beginning = written["a"].as_str().unwrap();
            assert!(beginning.starts_with('x') || shift == 0, "{beginning}");
            assert!(written["b"].as_str().unwrap().starts_with("\"\\\"\\"), "{written}");
        }
    }

    proptest! {
        #[test]
        fn no_part_of_a_secret_shows_wherever_it_stands(
            before in 0..(LOOKED_AT + 40),
            odd in "[a-z\\\\\"ä\u{1f600}]{0,40}",
            times in 1..400_usize,
        ) {
            let text = format!("{}{odd}{}{}", "x".repeat(before), SECRET.repeat(times), "y".repeat(3000));
            let kept = written(&json!({ "a": text }).to_string(), true).to_string();
            prop_assert!(!kept.contains("hunter"), "{}", kept);
        }

        #[test]
        fn a_long_text_of_any_characters_is_cut_where_the_whole_would_be(text in "\\PC{1100,1300}") {
            let raw = json!({ "a": text }).to_string();
            let beginning = |value: &Value| {
                let text = value["a"].as_str().unwrap();
                text.rsplit_once("... [").map_or(text.to_owned(), |(kept, _)| kept.to_owned())
            };
            prop_assert_eq!(beginning(&written(&raw, true)), beginning(&written(&raw, false)));
        }
    }
}
