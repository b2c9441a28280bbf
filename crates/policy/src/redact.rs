//! Messages as they may be shown or kept: without secrets, and short.
//!
//! A secret is told by the name of the member that holds it, or by its value. It is looked for in
//! decoded strings, before anything is cut, so that neither escapes nor the end of a body hide one.

use std::borrow::Cow;

use serde_json::Value;

/// The longest body that is shown, in characters.
const LONGEST: usize = 4096;
/// A longer message is not read for this.
const LARGEST: usize = 256 * 1024;
/// Shorter values would be found everywhere.
const SHORTEST: usize = 6;
/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Parts of names whose values are nobody's business, without `-` and `_`, in lower case.
const SECRET_NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "cookie",
    "bearer",
];
/// Names that only look like it: where the protocol itself says what the value is.
const HARMLESS_NAMES: [&str; 2] = ["progressToken", "maxTokens"];

/// Texts that must not be shown, whatever holds them.
#[derive(Default)]
pub struct Secrets {
    /// Longest first, so that one that contains another is taken out whole.
    values: Vec<String>,
}

impl Secrets {
    /// Takes the texts; those that are too short to be secrets are left out.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut values: Vec<_> =
            values.into_iter().filter(|value| value.len() >= SHORTEST).collect();
        values.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        values.dedup();
        Self { values }
    }

    /// Returns a message as it may be shown.
    pub fn redacted(&self, message: &[u8]) -> String {
        if message.len() > LARGEST {
            return format!("[{} bytes]", message.len());
        }
        let Ok(mut value) = serde_json::from_slice(message) else {
            return format!("[{} bytes that are no JSON]", message.len());
        };
        self.clean(&mut value);
        let text = value.to_string();
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => {
                let shown = text.get(..end).unwrap_or_default();
                format!("{shown}... [{} bytes]", message.len())
            }
            None => text,
        }
    }

    /// Returns a text without the values.
    pub fn without(&self, text: &str) -> String {
        self.without_values(text).into_owned()
    }

    fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(cleaned) = self.without_values(text) {
                    *text = cleaned;
                }
            }
            Value::Array(entries) => entries.iter_mut().for_each(|entry| self.clean(entry)),
            Value::Object(members) => {
                for (name, member) in members {
                    if is_secret_name(name) && holds_something(member) {
                        *member = REDACTED.into();
                    } else {
                        self.clean(member);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    pub(crate) fn without_values<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for value in &self.values {
            if text.contains(value) {
                text = text.replace(value, REDACTED).into();
            }
        }
        text
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Secrets").field("count", &self.values.len()).finish()
    }
}

/// A schema or a truth value under such a name is no secret.
pub(crate) fn holds_something(member: &Value) -> bool {
    matches!(member, Value::String(_) | Value::Number(_) | Value::Array(_))
}

/// Tells whether a member or argument of this name is likely to hold a secret.
pub fn is_secret_name(name: &str) -> bool {
    if HARMLESS_NAMES.contains(&name) {
        return false;
    }
    let plain: String = name
        .chars()
        .filter(|character| !matches!(character, '-' | '_'))
        .map(|character| character.to_ascii_lowercase())
        .collect();
    SECRET_NAMES.iter().any(|part| plain.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secrets: &[&str], message: &str, expected: &str) {
        let secrets = Secrets::new(secrets.iter().map(|&text| text.to_owned()));
        assert_eq!(secrets.redacted(message.as_bytes()), expected);
    }

    #[test]
    fn secrets_are_told_by_their_names() {
        check(
            &[],
            r#"{"api_key":"a","Api-Key":1,"nested":[{"dbPassword":"b","user":"c"}],"tokens":["d"]}"#,
            r#"{"api_key":"[redacted]","Api-Key":"[redacted]","nested":[{"dbPassword":"[redacted]","user":"c"}],"tokens":"[redacted]"}"#,
        );
        check(
            &[],
            r#"{"progressToken":7,"properties":{"token":{"type":"string"}},"secret":false}"#,
            r#"{"progressToken":7,"properties":{"token":{"type":"string"}},"secret":false}"#,
        );
    }

    #[test]
    fn secrets_are_told_by_their_values_however_they_are_written() {
        check(
            &["hunter2hunter2", "hunter2"],
            r#"{"text":"it is \u0068unter2hunter2, or hunter2"}"#,
            r#"{"text":"it is [redacted], or [redacted]"}"#,
        );
        // What is too short to be a secret would be taken out of every other word.
        check(&["a"], r#"{"text":"banana"}"#, r#"{"text":"banana"}"#);
    }

    #[test]
    fn a_long_body_is_cut_after_its_secrets_are_gone() {
        let secret = "s3cret-".repeat(4);
        let message = format!(r#"{{"text":"{}{secret}"}}"#, "ä".repeat(LONGEST - 12));
        let shown = Secrets::new([secret]).redacted(message.as_bytes());
        assert!(shown.ends_with(&format!("... [{} bytes]", message.len())), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
        let huge = format!("\"{}\"", "x".repeat(LARGEST));
        check(&[], &huge, &format!("[{} bytes]", huge.len()));
        check(&[], "{", "[1 bytes that are no JSON]");
    }
}
