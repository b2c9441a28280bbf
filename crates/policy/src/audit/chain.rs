//! The chain: each line holds its place, the hash of the line before, and its own.
//!
//! A line is `{"seq":7,"prev":"HEX",BODY,"hash":"HEX"}`. Its hash is SHA-256 over `prev`, the SHA-256 of the
//! entry `{BODY}`, and `seq` as eight bytes, the highest first. The bytes of an entry are hashed as they
//! stand, so that whoever checks a line need not agree with us on how JSON is written.
//!
//! That of an entry depends on no other one, so that those of many are made side by side; what has to
//! wait for the line before is always short.

use std::borrow::Cow;

use memchr::memchr;

use super::arguments::push_number;
use crate::sha256::{BYTES, Hash, sha256, sha256_each};

/// How the object of an entry begins.
pub(super) const ID: &str = "{\"id\":\"";
pub(super) const SEQ: &str = "{\"seq\":";
pub(super) const PREV: &str = ",\"prev\":\"";
pub(super) const OWN: &str = ",\"hash\":\"";
pub(super) const END: &str = "\"}";
/// Bytes of a line beside its body, at most.
pub const AROUND: usize = 192;

/// The last entry of a trail: what the next one is chained to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its place, from 1 on; 0 before the first.
    pub seq: u64,
    /// Its hash; zeros before the first.
    pub hash: [u8; BYTES],
    /// Its id, which is the same in every trail; empty before the first.
    pub id: String,
}

/// A trail to which entries are added.
#[derive(Debug, Clone)]
pub struct Chain {
    head: Head,
    /// The digits of its hash, which stand in the next line too.
    digits: String,
}

// === impl Head ===

impl Default for Head {
    fn default() -> Self {
        Self { seq: 0, hash: [0; BYTES], id: String::new() }
    }
}

impl Head {
    /// Writes it down: `SEQ HASH ID`.
    pub fn to_text(&self) -> String {
        format!("{} {} {}", self.seq, hex(&self.hash), self.id)
    }

    /// Reads what [`Self::to_text`] wrote; the id may be left out, as by whoever keeps an anchor.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let (seq, hash) = (words.next()?.parse().ok()?, from_hex(words.next()?)?);
        let id = words.next().unwrap_or_default().to_owned();
        words.next().is_none().then_some(Self { seq, hash, id })
    }

    /// Reads the head that a line makes; `None` if it is no line of a trail. Its hash is not checked.
    pub fn of_line(line: &str) -> Option<Self> {
        let parts = super::verify::Parts::of(line)?;
        let id = parts.body.strip_prefix("\"id\":\"")?.split('"').next()?;
        Some(Self { seq: parts.seq, hash: parts.hash, id: id.to_owned() })
    }
}

// === impl Chain ===

impl Default for Chain {
    fn default() -> Self {
        Self::after(Head::default())
    }
}

impl Chain {
    /// Goes on after an entry.
    pub fn after(head: Head) -> Self {
        Self { digits: hex(&head.hash), head }
    }

    /// Returns the last entry.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Adds entries, whose objects are given, and writes their lines behind others.
    pub fn seal(&mut self, entries: &[&str], lines: &mut String) {
        let objects: Vec<_> = entries.iter().map(|entry| object(entry)).collect();
        let texts: Vec<_> = objects.iter().map(|object| object.as_bytes()).collect();
        for (object, digest) in objects.iter().zip(sha256_each(&texts)) {
            self.link(object, &digest, lines);
        }
        if let Some(last) = entries.last() {
            self.head.id.clear();
            self.head.id.push_str(id_of(last));
        }
    }

    fn link(&mut self, object: &str, digest: &Hash, lines: &mut String) {
        let seq = self.head.seq + 1;
        lines.push_str(SEQ);
        push_number(lines, seq);
        lines.push_str(PREV);
        lines.push_str(&self.digits);
        lines.push_str("\",");
        lines.push_str(object.get(1..object.len() - 1).unwrap_or_default());
        let hash = linked(&self.head.hash, digest, seq);
        self.digits.clear();
        push_hex(&mut self.digits, &hash);
        lines.push_str(OWN);
        lines.push_str(&self.digits);
        lines.push_str(END);
        lines.push('\n');
        (self.head.seq, self.head.hash) = (seq, hash);
    }
}

/// Returns an entry in its braces: one that was damaged while it waited on the disk has its place all the same.
fn object(entry: &str) -> Cow<'_, str> {
    if entry.len() > 1 && entry.starts_with('{') && entry.ends_with('}') {
        return entry.into();
    }
    let members = entry.strip_prefix('{').unwrap_or(entry);
    format!("{{{}}}", members.strip_suffix('}').unwrap_or(members)).into()
}

/// Returns the hash of a line: what follows from the one before, from its entry, and from its place.
pub(super) fn linked(prev: &Hash, entry: &Hash, seq: u64) -> Hash {
    let mut text = [0; 2 * BYTES + size_of::<u64>()];
    text[..BYTES].copy_from_slice(prev);
    text[BYTES..2 * BYTES].copy_from_slice(entry);
    text[2 * BYTES..].copy_from_slice(&seq.to_be_bytes());
    sha256(&text)
}

/// Returns the id of an entry, whose object is given; empty if it has none.
pub fn id_of(body: &str) -> &str {
    let Some(rest) = body.strip_prefix(ID) else { return "" };
    // Quotes are ASCII: no character is cut.
    memchr(b'"', rest.as_bytes()).and_then(|end| rest.get(..end)).unwrap_or(rest)
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

/// The two digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

fn push_hex(text: &mut String, bytes: &[u8]) {
    let mut digits = [0; 2 * BYTES];
    for bytes in bytes.chunks(BYTES) {
        let (pairs, _) = digits.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(bytes) {
            *pair = PAIRS[usize::from(*byte)];
        }
        // Invariant: digits are ASCII.
        text.push_str(std::str::from_utf8(&digits[..2 * bytes.len()]).unwrap_or_default());
    }
}

/// Reads a hash of lower-case digits alone: one hash has one text.
pub(super) fn from_hex(text: &str) -> Option<Hash> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut hash = [0; BYTES];
    if !rest.is_empty() || pairs.len() != BYTES {
        return None;
    }
    for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::super::Verifier;
    use super::*;

    #[test]
    fn a_line_is_json_whose_hash_anybody_can_make() {
        let mut chain = Chain::default();
        let mut lines = String::new();
        chain.seal(&[r#"{"id":"a-1","n":1}"#], &mut lines);
        let first = chain.head().clone();
        let entry = r#"{"id":"a-2","n":2}"#;
        chain.seal(&[entry], &mut lines);
        let line = lines.lines().nth(1).unwrap();
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((value["seq"].as_u64(), value["n"].as_u64()), (Some(2), Some(2)));
        let text = [&first.hash[..], &sha256(entry.as_bytes()), &[0, 0, 0, 0, 0, 0, 0, 2]].concat();
        assert_eq!(value["hash"], hex(&sha256(&text)));
        assert_eq!(value["prev"], hex(&first.hash));
        assert_eq!(Head::of_line(line), Some(chain.head().clone()));
    }

    #[test]
    fn entries_are_chained_alike_alone_and_with_others() {
        let entries: Vec<_> = (0..50)
            .map(|at| format!("{{\"id\":\"a-{at}\",\"n\":\"{}\"}}", "x".repeat(9 * at)))
            .collect();
        // Damaged ones among them.
        let entries =
            entries.iter().map(String::as_str).chain(["", "{", "}", "\"n\":1}", "{\"n\":1"]);
        let entries: Vec<_> = entries.collect();
        let (mut alone, mut lines_alone) = (Chain::default(), String::new());
        for entry in &entries {
            alone.seal(&[entry], &mut lines_alone);
        }
        let (mut together, mut lines) = (Chain::default(), String::new());
        together.seal(&entries, &mut lines);
        together.seal(&[], &mut lines);
        assert_eq!((together.head(), &lines), (alone.head(), &lines_alone));
        let mut verifier = Verifier::default().anchor(alone.head().clone());
        assert!(lines.lines().all(|line| verifier.line(line.as_bytes()).is_ok()));
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let mut chain = Chain::default();
        chain.seal(&[r#"{"id":"a-1"}"#], &mut String::new());
        let head = chain.head().clone();
        assert_eq!(Head::parse(&head.to_text()), Some(head.clone()));
        let anchor = Head::parse(&format!("1 {}", hex(&head.hash))).unwrap();
        assert_eq!((anchor.seq, anchor.hash), (1, head.hash));
        for wrong in ["", "1", "x y", &format!("1 {}", "A".repeat(64)), "1 00 a b"] {
            assert_eq!(Head::parse(wrong), None, "{wrong}");
        }
    }
}
