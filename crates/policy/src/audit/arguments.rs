//! What of the arguments of a call may stand in the audit trail.
//!
//! A value is left out by the name of its member, by where it stands, or because it is one of the
//! gateway's own secrets. Long texts are cut: an entry is to say what was asked, not to be a copy.

use std::borrow::Cow;

use serde_json::Value;

use crate::redact::{REDACTED, Secrets, holds_something, is_secret_name};

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
#[derive(Debug, Default)]
pub struct Rules {
    keep: Keep,
    /// JSON pointers in their steps (RFC 6901), from the arguments on.
    pointers: Vec<Vec<String>>,
    /// Names of members, in lower case, without `-` and `_`; `*` stands for anything.
    names: Vec<String>,
    secrets: Secrets,
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
        Self { keep, pointers, names, secrets }
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

    /// Returns what is kept of raw arguments; `None` if nothing is.
    pub fn arguments(&self, raw: &[u8]) -> Option<Value> {
        if self.keep == Keep::None {
            return None;
        }
        if raw == b"{}" {
            return Some(Value::Object(serde_json::Map::new()));
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(raw) else {
            return Some(format!("[{} bytes that are no JSON]", raw.len()).into());
        };
        let pointers: Vec<&[String]> = self.pointers.iter().map(Vec::as_slice).collect();
        self.clean(&mut value, &pointers);
        if self.keep == Keep::Redacted && raw.len() > LARGEST && value.to_string().len() > LARGEST {
            return Some(left_out(raw.len()).into());
        }
        Some(value)
    }

    /// Cleans a value; `pointers` are those that lead here, without the steps taken.
    fn clean(&self, value: &mut Value, pointers: &[&[String]]) {
        match value {
            Value::String(text) => {
                let longest = if self.keep == Keep::Full { usize::MAX } else { LONGEST_TEXT };
                if let Cow::Owned(cleaned) = self.text(text, longest) {
                    *text = cleaned;
                }
            }
            Value::Array(entries) => {
                for (at, entry) in entries.iter_mut().enumerate() {
                    self.clean_member(&at.to_string(), entry, pointers, false);
                }
            }
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    self.clean_member(name, member, pointers, self.hides(name));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn clean_member(&self, name: &str, member: &mut Value, pointers: &[&[String]], hidden: bool) {
        let further: Vec<&[String]> = pointers
            .iter()
            .filter_map(|pointer| pointer.split_first().filter(|(step, _)| *step == name))
            .map(|(_, rest)| rest)
            .collect();
        let is_pointed_at = self.keep != Keep::Full && further.iter().any(|rest| rest.is_empty());
        if is_pointed_at || (hidden && holds_something(member)) {
            *member = REDACTED.into();
        } else {
            self.clean(member, &further);
        }
    }

    fn hides(&self, name: &str) -> bool {
        if self.keep == Keep::Full {
            return false;
        }
        let plain = plain(name);
        is_secret_name(name)
            || plain.ends_with("key")
            || plain.ends_with("keys")
            || self.names.iter().any(|pattern| fits(pattern.as_bytes(), plain.as_bytes()))
    }
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
        let kept = rules(Keep::Redacted, written).arguments(arguments.to_string().as_bytes());
        assert_eq!(kept.as_ref(), Some(expected));
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
        let full = rules(Keep::Full, &["text"]).arguments(arguments.to_string().as_bytes());
        assert_eq!(full, Some(json!({ "text": "it is [redacted]!", "token": "abc" })));
        assert_eq!(rules(Keep::None, &[]).arguments(b"{}"), None);
    }

    #[test]
    fn what_is_long_is_cut() {
        let text = "ä".repeat(LONGEST_TEXT + 1);
        let cut = format!("{}... [{} bytes]", "ä".repeat(LONGEST_TEXT), text.len());
        check(&[], &json!({ "a": text }), &json!({ "a": cut }));
        let many: Vec<_> = (0..5000).collect();
        let raw = json!({ "a": many }).to_string();
        let kept = rules(Keep::Redacted, &[]).arguments(raw.as_bytes());
        assert_eq!(kept, Some(json!(format!("[{} bytes]", raw.len()))));
        let kept = rules(Keep::Redacted, &[]).arguments(b"{");
        assert_eq!(kept, Some(json!("[1 bytes that are no JSON]")));
    }

    #[test]
    fn a_star_stands_for_anything() {
        let fits = |pattern: &str, text: &str| fits(pattern.as_bytes(), text.as_bytes());
        assert!(fits("*", "") && fits("a*c", "abbc") && fits("*b*", "abc") && fits("a*a", "aa"));
        assert!(!fits("a*c", "ab") && !fits("", "a") && !fits("a*a", "a") && fits("*ab", "aab"));
    }
}
