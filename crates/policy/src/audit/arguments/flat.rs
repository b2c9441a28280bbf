//! Arguments as most are, written down without being taken apart: an object of texts without escapes, whole
//! numbers and words, that stands without spaces.

use gantry_protocol::json;

use super::{LONGEST_TEXT, Rules, push_plain};
use crate::redact::REDACTED;

/// Digits of a whole number that is the same however it is read.
const MOST_DIGITS: usize = 15;

impl Rules {
    /// Writes what is kept of such arguments; `None` if they are others, which leaves anything behind the
    /// text.
    pub(super) fn write_flat(&self, raw: &[u8], into: &mut String) -> Option<()> {
        let raw = std::str::from_utf8(raw).ok()?;
        let mut rest = raw.strip_prefix('{')?.strip_suffix('}')?;
        into.push('{');
        loop {
            let (name, value) = json::split_plain_string(rest)?;
            push_plain(into, name);
            into.push(':');
            rest = self.write_value(self.hides(name), value.strip_prefix(':')?, into)?;
            if rest.is_empty() {
                into.push('}');
                return Some(());
            }
            rest = rest.strip_prefix(',')?;
            into.push(',');
        }
    }

    /// Writes what is kept of a value, and returns what stands behind it.
    fn write_value<'t>(
        &self,
        is_hidden: bool,
        value: &'t str,
        into: &mut String,
    ) -> Option<&'t str> {
        if value.starts_with('"') {
            let (text, rest) = json::split_plain_string(value)?;
            let longest = if self.cuts { LONGEST_TEXT } else { usize::MAX };
            let kept = if is_hidden { REDACTED.into() } else { self.text(text, longest) };
            push_plain(into, &kept);
            return Some(rest);
        }
        let (word, rest) = value.split_at(value.find(',').unwrap_or(value.len()));
        match word {
            "true" | "false" | "null" => into.push_str(word),
            _ if !is_whole(word) => return None,
            _ if is_hidden => push_plain(into, REDACTED),
            _ => into.push_str(word),
        }
        Some(rest)
    }
}

/// Tells whether a word is a whole number as JSON has it.
fn is_whole(word: &str) -> bool {
    let digits = word.as_bytes();
    let is_written = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= MOST_DIGITS;
    is_written && digits.iter().all(u8::is_ascii_digit)
}
