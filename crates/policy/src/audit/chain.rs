//! The chain: each line holds its place, the hash of the line before, and its own.
//!
//! A line is `{"seq":7,"prev":"HEX",BODY,"hash":"HEX"}`, where the hash is SHA-256 over all that stands
//! before `,"hash"`. The bytes are hashed as they stand, so that whoever checks a line need not agree
//! with us on how JSON is written.

use memchr::memchr;

use super::arguments::push_number;
use crate::sha256::{BYTES, Hash, sha256};

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

    /// Adds an entry, whose object is given, and writes its line behind others.
    pub fn seal(&mut self, body: &str, lines: &mut String) {
        let seq = self.head.seq + 1;
        let members = body.strip_prefix('{').unwrap_or(body);
        let members = members.strip_suffix('}').unwrap_or(members);
        let start = lines.len();
        lines.push_str(SEQ);
        push_number(lines, seq);
        lines.push_str(PREV);
        lines.push_str(&self.digits);
        lines.push_str("\",");
        lines.push_str(members);
        let hash = sha256(&lines.as_bytes()[start..]);
        self.digits.clear();
        push_hex(&mut self.digits, &hash);
        lines.push_str(OWN);
        lines.push_str(&self.digits);
        lines.push_str(END);
        lines.push('\n');
        (self.head.seq, self.head.hash) = (seq, hash);
        self.head.id.clear();
        self.head.id.push_str(id_of(body));
    }
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
    use super::*;

    #[test]
    fn a_line_is_json_whose_hash_anybody_can_make() {
        let mut chain = Chain::default();
        let mut lines = String::new();
        chain.seal(r#"{"id":"a-1","n":1}"#, &mut lines);
        let first = chain.head().clone();
        chain.seal(r#"{"id":"a-2","n":2}"#, &mut lines);
        let line = lines.lines().nth(1).unwrap();
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((value["seq"].as_u64(), value["n"].as_u64()), (Some(2), Some(2)));
        let (before, _) = line.split_once(",\"hash\"").unwrap();
        assert_eq!(value["hash"], hex(&sha256(before.as_bytes())));
        assert_eq!(value["prev"], hex(&first.hash));
        assert_eq!(Head::of_line(line), Some(chain.head().clone()));
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let mut chain = Chain::default();
        chain.seal(r#"{"id":"a-1"}"#, &mut String::new());
        let head = chain.head().clone();
        assert_eq!(Head::parse(&head.to_text()), Some(head.clone()));
        let anchor = Head::parse(&format!("1 {}", hex(&head.hash))).unwrap();
        assert_eq!((anchor.seq, anchor.hash), (1, head.hash));
        for wrong in ["", "1", "x y", &format!("1 {}", "A".repeat(64)), "1 00 a b"] {
            assert_eq!(Head::parse(wrong), None, "{wrong}");
        }
    }
}
