//! What of the arguments of a call may stand in the audit trail.
//!
//! A value is left out by the name of its member, by where it stands, or because it is one of the
//! gateway's own secrets. Long texts are cut: an entry is to say what was asked, not to be a copy.

mod cleaner;
mod flat;
mod shorten;

use std::borrow::Cow;

use gantry_protocol::json;
use serde::de::DeserializeSeed as _;
use serde_json::Value;

use crate::redact::{Secrets, is_secret_name, says_secret, with_plain};
use cleaner::Cleaner;

/// The most characters of a text that are kept, unless everything is.
const LONGEST_TEXT: usize = 256;
/// The most characters of what stands behind a text that was cut.
const LONGEST_MARK: usize = 32;
/// The most bytes of arguments that are kept, unless everything is.
const LARGEST: usize = 8 * 1024;
/// Bytes that large arguments need as a rule, if most of them are one text.
const WRITTEN: usize = 512;

/// How much is kept of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Nothing.
    None,
    /// What the rules leave.
    #[default]
    Redacted,
    /// Everything but the gateway's own secrets.
    Full,
}

/// What is left out.
#[derive(Debug)]
pub struct Rules {
    keep: Keep,
    /// JSON pointers in their steps (RFC 6901), from the arguments on.
    pointers: Vec<Vec<String>>,
    /// Names of members, in lower case, without `-` and `_`; `*` stands for anything.
    names: Vec<String>,
    secrets: Secrets,
    /// Whether what is long is cut here.
    cuts: bool,
}

impl Rules {
    /// Takes rules as they are written: what begins with `/` is a JSON pointer, anything else the name
    /// of a member, in which `*` stands for anything.
    pub fn new(keep: Keep, rules: &[String], secrets: Secrets) -> Self {
        let (mut pointers, mut names) = (Vec::new(), Vec::new());
        for rule in rules {
            match rule.strip_prefix('/') {
                Some(pointer) => {
                    // The order matters: `~01` is `~1`.
                    let step = |step: &str| step.replace("~1", "/").replace("~0", "~");
                    pointers.push(pointer.split('/').map(step).collect());
                }
                None => names.push(plain(rule)),
            }
        }
        let cuts = keep != Keep::Full;
        Self { keep, pointers, names, secrets, cuts }
    }

    /// The same rules for what is shown at once, to somebody who asks for it, and kept nowhere: what is
    /// long is cut by whoever shows it.
    #[must_use]
    pub fn for_showing(rules: &[String], secrets: Secrets) -> Self {
        Self { cuts: false, ..Self::new(Keep::Redacted, rules, secrets) }
    }

    /// Returns a message as it may be shown: without secrets, and its arguments as the rules leave them.
    pub fn redacted(&self, message: &[u8]) -> String {
        self.secrets.redacted_after(message, |message| {
            let Some(arguments) = message.pointer_mut("/params/arguments") else { return };
            let mut kept = String::new();
            let sent = arguments.to_string();
            self.write_arguments(sent.as_bytes(), &mut kept);
            // Invariant: what is written is JSON.
            *arguments = serde_json::from_str(&kept).unwrap_or_default();
        })
    }

    /// Returns a text without the gateway's own secrets.
    pub fn without(&self, text: &str) -> String {
        self.secrets.without(text)
    }

    /// Returns how much is kept.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// Returns a text without the gateway's own secrets, cut.
    pub(super) fn text<'a>(&self, text: &'a str, longest: usize) -> Cow<'a, str> {
        let kept = self.secrets.without_values(text);
        match beginning(&kept, longest) {
            Some(beginning) => cut(beginning, text.len()).into(),
            None => kept,
        }
    }

    /// Returns what is kept of large arguments, if that is not all of them.
    pub fn written(&self, raw: &[u8]) -> Option<String> {
        let mut text = String::with_capacity(WRITTEN);
        (self.cuts && self.write_arguments(raw, &mut text)).then_some(text)
    }

    /// Writes what is kept of raw arguments, as JSON without spaces; `false` if nothing is, which leaves the
    /// text as it was.
    pub fn write_arguments(&self, raw: &[u8], into: &mut String) -> bool {
        if self.keep == Keep::None {
            return false;
        }
        let start = into.len();
        let most = if self.cuts { start + LARGEST } else { usize::MAX };
        if self.pointers.is_empty() {
            if self.write_flat(raw, into, most).is_some() {
                return true;
            }
            into.truncate(start);
        }
        let short = self.shortened(raw);
        self.take_apart((short.as_deref().unwrap_or(raw), raw.len()), into, most);
        true
    }

    /// Writes what is kept of arguments that were made shorter, of which `sent` bytes were sent.
    fn take_apart(&self, (raw, sent): (&[u8], usize), into: &mut String, most: usize) {
        let start = into.len();
        let pointers = self.pointers.iter().map(Vec::as_slice).collect();
        let mut reader = serde_json::Deserializer::from_slice(raw);
        let cleaner = Cleaner { rules: self, into, pointers, is_hidden: false, most };
        let read = cleaner.deserialize(&mut reader).and_then(|()| reader.end());
        let instead = if into.len() > most {
            left_out(sent)
        } else if read.is_err() {
            format!("[{sent} bytes that are no JSON]")
        } else {
            return;
        };
        into.truncate(start);
        push_text(into, &instead);
    }

    /// Tells whether the value of a member of this name is left out.
    fn hides(&self, name: &str) -> bool {
        if self.keep == Keep::Full {
            return false;
        }
        let is_hidden = |plain: &[u8]| {
            plain.ends_with(b"key")
                || plain.ends_with(b"keys")
                || self.names.iter().any(|pattern| fits(pattern.as_bytes(), plain))
        };
        if name.is_ascii() {
            return with_plain(name, |plain| says_secret(name, plain) || is_hidden(plain));
        }
        is_secret_name(name) || is_hidden(plain(name).as_bytes())
    }
}

/// Writes a text as JSON.
pub(super) fn push_text(into: &mut String, text: &str) {
    if json::is_plain(text) {
        push_plain(into, text);
    } else {
        into.push_str(&Value::from(text).to_string());
    }
}

/// Writes a text that needs no escapes as JSON.
fn push_plain(into: &mut String, text: &str) {
    into.reserve(text.len() + 2);
    into.push('"');
    into.push_str(text);
    into.push('"');
}

/// Writes a number; as every entry has several, not by the machinery that formats.
pub(super) fn push_number(into: &mut String, number: u64) {
    into.push_str(itoa::Buffer::new().format(number));
}

/// Stands for arguments of so many bytes.
pub(super) fn left_out(bytes: usize) -> String {
    format!("[{bytes} bytes]")
}

/// Returns the beginning of a text that is too long.
fn beginning(text: &str, longest: usize) -> Option<&str> {
    // Nothing is saved where the mark is as long as what is left out.
    let most = longest.saturating_add(LONGEST_MARK);
    end_of(text, most)?;
    text.get(..end_of(text, longest)?)
}

/// Returns where the first `n` characters of a text end, if there are more.
fn end_of(text: &str, n: usize) -> Option<usize> {
    match text.as_bytes().get(..n) {
        Some(first) if first.is_ascii() && text.len() > n => Some(n),
        Some(_) => text.char_indices().nth(n).map(|(end, _)| end),
        None => None,
    }
}

/// Returns the beginning of a text, and how long all of it was.
fn cut(beginning: &str, bytes: usize) -> String {
    let mut text = String::with_capacity(beginning.len() + LONGEST_MARK);
    push_cut(&mut text, beginning, bytes);
    text
}

/// Writes the same.
fn push_cut(into: &mut String, beginning: &str, bytes: usize) {
    into.push_str(beginning);
    into.push_str("... [");
    push_number(into, bytes as u64);
    into.push_str(" bytes]");
}

fn plain(name: &str) -> String {
    let kept = name.chars().filter(|character| !matches!(character, '-' | '_'));
    kept.flat_map(char::to_lowercase).collect()
}

/// Holds a text against a pattern in which `*` stands for anything.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last `*`, if it stands for one byte more.
    let mut again: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                again = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => match again {
                Some((after, from)) => {
                    again = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests;
