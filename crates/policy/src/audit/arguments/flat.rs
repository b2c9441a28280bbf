//! Arguments as most are, written down without being taken apart: an object of texts without escapes, whole
//! numbers and words, that stands without spaces.

use gantry_protocol::json;
use memchr::memchr;

use super::shorten::{LONG, end_of_text};
use super::{LONGEST_TEXT, Rules, push_cut, push_plain};
use crate::redact::REDACTED;

/// Digits of a whole number that is the same however it is read.
const MOST_DIGITS: usize = 15;

impl Rules {
    /// Writes what is kept of such arguments, up to `most` bytes of the text; `None` if they are others, or
    /// more, which leaves anything behind the text.
    pub(super) fn write_flat(&self, raw: &[u8], into: &mut String, most: usize) -> Option<()> {
        let mut rest = raw.strip_prefix(b"{")?.strip_suffix(b"}")?;
        into.push('{');
        loop {
            let (name, value) = json::split_plain_string(rest)?;
            push_plain(into, name);
            into.push(':');
            rest = self.write_value(self.hides(name), value.strip_prefix(b":")?, into)?;
            let is_last = rest.is_empty();
            into.push(if is_last { '}' } else { ',' });
            if is_last || into.len() > most {
                return (into.len() <= most).then_some(());
            }
            rest = rest.strip_prefix(b",")?;
        }
    }

    /// Writes what is kept of a value, and returns what stands behind it.
    fn write_value<'t>(
        &self,
        is_hidden: bool,
        value: &'t [u8],
        into: &mut String,
    ) -> Option<&'t [u8]> {
        if value.starts_with(b"\"") {
            if let Some(rest) = self.write_long(is_hidden, value, into) {
                return Some(rest);
            }
            let (text, rest) = json::split_plain_string(value)?;
            let longest = if self.cuts { LONGEST_TEXT } else { usize::MAX };
            let kept = if is_hidden { REDACTED.into() } else { self.text(text, longest) };
            push_plain(into, &kept);
            return Some(rest);
        }
        let (word, rest) = value.split_at(memchr(b',', value).unwrap_or(value.len()));
        let written = std::str::from_utf8(word).ok()?;
        match word {
            b"true" | b"false" | b"null" => into.push_str(written),
            _ if !is_whole(word) => return None,
            _ if is_hidden => push_plain(into, REDACTED),
            _ => into.push_str(written),
        }
        Some(rest)
    }

    /// Writes what is kept of a long text, of which the end is looked for and no more, and returns what stands
    /// behind it; `None`, and nothing is written, for any other.
    fn write_long<'t>(
        &self,
        is_hidden: bool,
        value: &'t [u8],
        into: &mut String,
    ) -> Option<&'t [u8]> {
        if value.len() <= LONG || !self.cuts {
            return None;
        }
        let end = end_of_text(value, 1)?;
        let text = value.get(1..end).filter(|text| text.len() > LONG)?;
        if is_hidden {
            push_plain(into, REDACTED);
        } else {
            let beginning = self.plain_beginning(text)?;
            into.push('"');
            push_cut(into, beginning, text.len());
            into.push('"');
        }
        value.get(end + 1..)
    }
}

/// Tells whether a word is a whole number as JSON has it.
fn is_whole(digits: &[u8]) -> bool {
    let is_written = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= MOST_DIGITS;
    is_written && digits.iter().all(u8::is_ascii_digit)
}
