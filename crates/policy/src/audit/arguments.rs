//! What of the arguments of a call may stand in the audit trail.
//!
//! A value is left out by the name of its member, by where it stands, or because it is one of the
//! gateway's own secrets. Long texts are cut: an entry is to say what was asked, not to be a copy.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::redact::{REDACTED, Secrets, is_secret_name, with_plain};

/// The most characters of a text that are kept, unless everything is.
const LONGEST_TEXT: usize = 256;
/// The most bytes of arguments that are kept, unless everything is.
const LARGEST: usize = 8 * 1024;

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
            self.write_arguments(arguments.to_string().as_bytes(), &mut kept);
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
        let text = self.secrets.without_values(text);
        match cut(&text, longest) {
            Some(cut) => cut.into(),
            None => text,
        }
    }

    /// Writes what is kept of raw arguments as JSON without spaces; `false` if nothing is, which
    /// leaves the text as it was.
    pub fn write_arguments(&self, raw: &[u8], into: &mut String) -> bool {
        if self.keep == Keep::None {
            return false;
        }
        let start = into.len();
        let pointers = self.pointers.iter().map(Vec::as_slice).collect();
        let mut reader = serde_json::Deserializer::from_slice(raw);
        let cleaner = Cleaner { rules: self, into, pointers, is_hidden: false };
        let read = cleaner.deserialize(&mut reader).and_then(|()| reader.end());
        let instead = if read.is_err() {
            format!("[{} bytes that are no JSON]", raw.len())
        } else if self.cuts && into.len() - start > LARGEST {
            left_out(raw.len())
        } else {
            return true;
        };
        into.truncate(start);
        push_text(into, &instead);
        true
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
        let by_name = || {
            if name.is_ascii() {
                with_plain(name, is_hidden)
            } else {
                is_hidden(plain(name).as_bytes())
            }
        };
        is_secret_name(name) || by_name()
    }
}

/// Writes a value down as it is read, without what is left out of it: for every call there are
/// arguments, and a tree of them would cost more than all the rest of its entry.
struct Cleaner<'r, 'o> {
    rules: &'r Rules,
    into: &'o mut String,
    /// Those that lead here, without the steps taken.
    pointers: Vec<&'r [String]>,
    /// Whether it is the value of a member whose name says that it is left out.
    is_hidden: bool,
}

/// The name of a member: written down, and what it says of its value.
struct Name<'r, 'o, 'p> {
    rules: &'r Rules,
    into: &'o mut String,
    pointers: &'p [&'r [String]],
}

// === impl Cleaner ===

impl Cleaner<'_, '_> {
    fn is_pointed_at(&self) -> bool {
        self.rules.keep != Keep::Full && self.pointers.iter().any(|rest| rest.is_empty())
    }

    /// Writes a value that is kept as it is, unless its name hides it.
    fn plain(self, value: impl fmt::Display) {
        if self.is_hidden {
            push_text(self.into, REDACTED);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(self.into, "{value}");
        }
    }
}

impl<'de> DeserializeSeed<'de> for Cleaner<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        if self.is_pointed_at() {
            push_text(self.into, REDACTED);
            return IgnoredAny::deserialize(value).map(|_| ());
        }
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cleaner<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    // Truth values, nothing and objects are no secrets whatever they are called.
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.into.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.into.push_str("null");
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.plain(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.plain(value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.plain(Value::from(value));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.is_hidden {
            push_text(self.into, REDACTED);
            return Ok(());
        }
        let longest = if self.rules.cuts { LONGEST_TEXT } else { usize::MAX };
        push_text(self.into, &self.rules.text(text, longest));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        if self.is_hidden {
            push_text(self.into, REDACTED);
            while entries.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let Self { rules, into, pointers, .. } = self;
        into.push('[');
        for at in 0_usize.. {
            let end = into.len();
            if at > 0 {
                into.push(',');
            }
            let further = further(&pointers, |step| step.parse() == Ok(at));
            let entry = Cleaner { rules, into, pointers: further, is_hidden: false };
            if entries.next_element_seed(entry)?.is_none() {
                into.truncate(end);
                break;
            }
        }
        into.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { rules, into, pointers, .. } = self;
        into.push('{');
        let mut is_first = true;
        loop {
            let end = into.len();
            if !is_first {
                into.push(',');
            }
            let name = Name { rules, into, pointers: &pointers };
            let Some((is_hidden, further)) = members.next_key_seed(name)? else {
                into.truncate(end);
                break;
            };
            into.push(':');
            members.next_value_seed(Cleaner { rules, into, pointers: further, is_hidden })?;
            is_first = false;
        }
        into.push('}');
        Ok(())
    }
}

// === impl Name ===

impl<'de, 'r> DeserializeSeed<'de> for Name<'r, '_, '_> {
    type Value = (bool, Vec<&'r [String]>);

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'r> Visitor<'_> for Name<'r, '_, '_> {
    type Value = (bool, Vec<&'r [String]>);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        push_text(self.into, name);
        Ok((self.rules.hides(name), further(self.pointers, |step| step == name)))
    }
}

/// Returns the pointers that lead on by a step, without it.
fn further<'r>(pointers: &[&'r [String]], is_it: impl Fn(&str) -> bool) -> Vec<&'r [String]> {
    let next = pointers.iter().filter_map(|pointer| pointer.split_first());
    next.filter(|(step, _)| is_it(step)).map(|(_, rest)| rest).collect()
}

/// Writes a text as JSON.
pub(super) fn push_text(into: &mut String, text: &str) {
    if !is_plain(text.as_bytes()) {
        into.push_str(&Value::from(text).to_string());
        return;
    }
    into.reserve(text.len() + 2);
    into.push('"');
    into.push_str(text);
    into.push('"');
}

/// Tells whether a text stands in JSON as it is. Without a way out of the inner loop, so that it
/// is done for many bytes at once.
fn is_plain(text: &[u8]) -> bool {
    let is_odd = |odd: bool, byte: &u8| odd | (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
    let (chunks, rest) = text.as_chunks::<16>();
    !chunks.iter().any(|chunk| chunk.iter().fold(false, is_odd)) && !rest.iter().fold(false, is_odd)
}

/// Stands for arguments of so many bytes.
pub(super) fn left_out(bytes: usize) -> String {
    format!("[{bytes} bytes]")
}

/// Cuts a text that is too long, and says how long it was.
pub(super) fn cut(text: &str, longest: usize) -> Option<String> {
    if text.len() <= longest {
        return None;
    }
    let (end, _) = text.char_indices().nth(longest)?;
    Some(format!("{}... [{} bytes]", text.get(..end)?, text.len()))
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
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(keep: Keep, rules: &[&str]) -> Rules {
        let rules: Vec<_> = rules.iter().map(|&rule| rule.to_owned()).collect();
        Rules::new(keep, &rules, Secrets::new(["hunter2hunter2".to_owned()]))
    }

    #[track_caller]
    fn check(written: &[&str], arguments: &Value, expected: &Value) {
        assert_eq!(kept(Keep::Redacted, written, &arguments.to_string()).as_ref(), Some(expected));
    }

    /// Returns what is written of arguments, read again.
    fn kept(keep: Keep, written: &[&str], arguments: &str) -> Option<Value> {
        let mut text = "before".to_owned();
        let is_kept = rules(keep, written).write_arguments(arguments.as_bytes(), &mut text);
        let text = text.strip_prefix("before").unwrap();
        assert_eq!(is_kept, !text.is_empty());
        is_kept
            .then(|| serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    #[test]
    fn values_are_left_out_by_the_names_that_they_have() {
        check(
            &[],
            &json!({ "path": "/x", "api_key": "k", "Key": "k", "keyword": "w", "deep": [{ "dbPassword": "p" }] }),
            &json!({ "path": "/x", "api_key": REDACTED, "Key": REDACTED, "keyword": "w", "deep": [{ "dbPassword": REDACTED }] }),
        );
        check(
            &["*ssn*", "iban"],
            &json!({ "customer-SSN": 1, "IBAN": "x", "ibans": "y" }),
            &json!({ "customer-SSN": REDACTED, "IBAN": REDACTED, "ibans": "y" }),
        );
    }

    #[test]
    fn values_are_left_out_by_where_they_stand() {
        check(
            &["/a/0/b", "/x~1y", "/gone"],
            &json!({ "a": [{ "b": { "c": 1 } }, { "b": 2 }], "x/y": true }),
            &json!({ "a": [{ "b": REDACTED }, { "b": 2 }], "x/y": REDACTED }),
        );
    }

    #[test]
    fn the_gateways_own_secrets_are_left_out_wherever_they_are() {
        let arguments = json!({ "text": "it is hunter2hunter2!", "token": "abc" });
        check(&[], &arguments, &json!({ "text": "it is [redacted]!", "token": REDACTED }));
        let full = kept(Keep::Full, &["text"], &arguments.to_string());
        assert_eq!(full, Some(json!({ "text": "it is [redacted]!", "token": "abc" })));
        assert_eq!(kept(Keep::None, &[], "{}"), None);
    }

    #[test]
    fn what_is_long_is_cut() {
        let text = "ä".repeat(LONGEST_TEXT + 1);
        let cut = format!("{}... [{} bytes]", "ä".repeat(LONGEST_TEXT), text.len());
        check(&[], &json!({ "a": text }), &json!({ "a": cut }));
        let many: Vec<_> = (0..5000).collect();
        let raw = json!({ "a": many }).to_string();
        let kept = |raw: &str| kept(Keep::Redacted, &[], raw);
        assert_eq!(kept(&raw), Some(json!(format!("[{} bytes]", raw.len()))));
        assert_eq!(kept("{"), Some(json!("[1 bytes that are no JSON]")));
        assert_eq!(kept("{}{"), Some(json!("[3 bytes that are no JSON]")));
    }

    #[test]
    fn what_is_kept_stands_in_one_line_and_means_what_was_sent() {
        let raw = "{ \"a\" : [ 1, -2, 3.5 , 1e300, true,\n null, [], {} ],\t\"b\\u000a\\\"\": \"\\ud83d\\ude00\\r\" }";
        let mut text = String::new();
        assert!(rules(Keep::Redacted, &[]).write_arguments(raw.as_bytes(), &mut text));
        assert_eq!(text, "{\"a\":[1,-2,3.5,1e+300,true,null,[],{}],\"b\\n\\\"\":\"😀\\r\"}");
        assert_eq!(kept(Keep::Full, &[], raw), Some(serde_json::from_str(raw).unwrap()));
    }

    #[test]
    fn only_values_are_hidden_by_a_name() {
        check(
            &["/deep/secret"],
            &json!({ "token": null, "secrets": true, "keys": { "a": 1 }, "apiKey": [1, { "b": 2 }], "password": 7, "deep": { "secret": { "x": 1 } } }),
            &json!({ "token": null, "secrets": true, "keys": { "a": 1 }, "apiKey": REDACTED, "password": REDACTED, "deep": { "secret": REDACTED } }),
        );
    }

    #[test]
    fn a_message_is_shown_with_its_arguments_as_the_rules_leave_them() {
        let written = ["ssn".to_owned(), "/a/b".to_owned()];
        let rules = Rules::for_showing(&written, Secrets::new(["hunter2hunter2".to_owned()]));
        let long = "x".repeat(LONGEST_TEXT * 2);
        let message = json!({
            "ssn": 1,
            "params": { "name": "hunter2hunter2", "arguments": { "ssn": 1, "a": { "b": 2, "c": long } } },
        });
        let shown: Value =
            serde_json::from_str(&rules.redacted(message.to_string().as_bytes())).unwrap();
        let expected = json!({
            "ssn": 1,
            "params": { "name": REDACTED, "arguments": { "ssn": REDACTED, "a": { "b": REDACTED, "c": long } } },
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_star_stands_for_anything() {
        let fits = |pattern: &str, text: &str| fits(pattern.as_bytes(), text.as_bytes());
        assert!(fits("*", "") && fits("a*c", "abbc") && fits("*b*", "abc") && fits("a*a", "aa"));
        assert!(!fits("a*c", "ab") && !fits("", "a") && !fits("a*a", "a") && fits("*ab", "aab"));
    }
}
