//! Messages as they may be shown or kept: without secrets, and short.
//!
//! A secret is told by the name of the member that holds it, or by its value. It is looked for in
//! decoded strings, before anything is cut, so that neither escapes nor the end of a body hide one.

use std::borrow::Cow;

use memchr::memmem::Finder;
use serde_json::Value;

/// The longest body that is shown, in characters.
const LONGEST: usize = 4096;
/// A longer message is not read for this.
const LARGEST: usize = 256 * 1024;
/// Shorter values would be found everywhere.
const SHORTEST: usize = 6;
/// Most names have no more bytes.
const SHORT_NAME: usize = 48;
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
/// Bytes of the shortest of them.
const SHORTEST_PART: usize = {
    let (mut least, mut at) = (usize::MAX, 0);
    while at < SECRET_NAMES.len() {
        if SECRET_NAMES[at].len() < least {
            least = SECRET_NAMES[at].len();
        }
        at += 1;
    }
    least
};
/// Names that only look like it: where the protocol itself says what the value is.
const HARMLESS_NAMES: [&str; 2] = ["progressToken", "maxTokens"];

/// Texts that must not be shown, whatever holds them.
#[derive(Default)]
pub struct Secrets {
    /// Longest first, so that one that contains another is taken out whole. Each is prepared to be
    /// looked for, because that is done to every text of every entry of the audit trail.
    values: Vec<Finder<'static>>,
}

impl Secrets {
    /// Takes the texts; those that are too short to be secrets are left out.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut values: Vec<_> =
            values.into_iter().filter(|value| value.len() >= SHORTEST).collect();
        values.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        values.dedup();
        let prepared = values.iter().map(|value| Finder::new(value.as_bytes()).into_owned());
        Self { values: prepared.collect() }
    }

    /// Returns a message as it may be shown.
    pub fn redacted(&self, message: &[u8]) -> String {
        self.redacted_after(message, |_| {})
    }

    /// The same after something else was taken out.
    pub(crate) fn redacted_after(&self, message: &[u8], first: impl FnOnce(&mut Value)) -> String {
        if message.len() > LARGEST {
            return format!("[{} bytes]", message.len());
        }
        let Ok(mut value) = serde_json::from_slice(message) else {
            return format!("[{} bytes that are no JSON]", message.len());
        };
        first(&mut value);
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

    /// Returns how many bytes the longest one has.
    pub(crate) fn longest(&self) -> usize {
        self.values.first().map_or(0, |value| value.needle().len())
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
        // What is longer than the text is not in it.
        let first = self.values.partition_point(|value| value.needle().len() > text.len());
        for value in &self.values[first..] {
            if let Some(found) = value.find(text.as_bytes()) {
                text = without_value(&text, value, found).into();
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

/// Takes a value out of a text in which it was found first at `found`.
fn without_value(text: &str, value: &Finder<'_>, mut found: usize) -> String {
    let (mut rest, mut kept) = (text, String::with_capacity(text.len()));
    loop {
        // Invariant: the value is a text, so that wherever it stands in another one both ends are
        // between characters.
        kept.push_str(rest.get(..found).unwrap_or_default());
        kept.push_str(REDACTED);
        rest = rest.get(found + value.needle().len()..).unwrap_or_default();
        match value.find(rest.as_bytes()) {
            Some(next) => found = next,
            None => break,
        }
    }
    kept.push_str(rest);
    kept
}

/// A schema or a truth value under such a name is no secret.
fn holds_something(member: &Value) -> bool {
    matches!(member, Value::String(_) | Value::Number(_) | Value::Array(_))
}

/// Tells whether a member or argument of this name is likely to hold a secret.
pub fn is_secret_name(name: &str) -> bool {
    with_plain(name, |plain| says_secret(name, plain))
}

/// Tells the same of a name that is there as [`with_plain`] hands it on, too.
pub(crate) fn says_secret(name: &str, plain: &[u8]) -> bool {
    has_secret_part(plain) && !HARMLESS_NAMES.contains(&name)
}

/// Tells whether a plain name has a part that stands for a secret.
fn has_secret_part(plain: &[u8]) -> bool {
    let mut places = 0..(plain.len() + 1).saturating_sub(SHORTEST_PART);
    places.any(|at| {
        let rest = &plain[at..];
        SECRET_NAMES.iter().any(|part| rest.starts_with(part.as_bytes()))
    })
}

/// Hands a name on without `-` and `_` and in lower case, made without an allocation where it is short.
pub(crate) fn with_plain<T>(name: &str, look: impl FnOnce(&[u8]) -> T) -> T {
    if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return look(name.as_bytes());
    }
    let kept = name.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
    let mut plain = kept.map(|byte| byte.to_ascii_lowercase());
    let mut short = [0; SHORT_NAME];
    if name.len() > SHORT_NAME {
        return look(&plain.collect::<Vec<u8>>());
    }
    let mut length = 0;
    for (place, byte) in short.iter_mut().zip(&mut plain) {
        *place = byte;
        length += 1;
    }
    look(&short[..length])
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
    fn a_name_is_told_by_any_part_of_it() {
        for part in SECRET_NAMES {
            for name in
                [part.to_owned(), format!("x{part}"), format!("{part}_y"), part.to_uppercase()]
            {
                assert!(is_secret_name(&name), "{name}");
            }
            let shorter: String = part.chars().skip(1).collect();
            assert!(!is_secret_name(&shorter), "{part}");
        }
        for name in ["", "text", "id", "tok-en_", "progressToken"] {
            assert_eq!(is_secret_name(name), name == "tok-en_", "{name}");
        }
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
