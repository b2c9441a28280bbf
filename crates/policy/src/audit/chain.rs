//! The chain: each entry has its place, and those that are written together have one seal.
//!
//! An entry is a line `{"seq":7,BODY}`, and the last of those that are written together, which may be the
//! only one, is `{"seq":8,"prev":"HEX",BODY,"hash":"HEX"}`. There `prev` is the hash of the seal before, and
//! `hash` is SHA-256 over the SHA-256 of each entry `{BODY}` since then, `prev`, and `seq` as eight bytes, the
//! highest first. The bytes of an entry are hashed as they stand, so that whoever checks them need not
//! agree with us on how JSON is written.
//!
//! That of an entry depends on no other one, so that those of many are made side by side; what has to
//! wait for the seal before is short.

use std::borrow::Cow;

use memchr::memchr;

use super::arguments::push_number;
use crate::sha256::{BYTES, Hash, Sha256, sha256_each};

/// How the object of an entry begins.
pub(super) const ID: &str = "{\"id\":\"";
pub(super) const SEQ: &str = "{\"seq\":";
pub(super) const PREV: &str = "\"prev\":\"";
pub(super) const OWN: &str = ",\"hash\":\"";
pub(super) const END: &str = "\"}";
/// Bytes of a line beside its body, at most, without a seal.
pub const AROUND: usize = 32;
/// Bytes of a seal.
pub const SEAL: usize = 160;

/// The last seal of a trail: what the next one is chained to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The place of its entry, from 1 on; 0 before the first.
    pub seq: u64,
    /// Its hash; zeros before the first.
    pub hash: [u8; BYTES],
    /// The id of its entry, which is the same in every trail; empty before the first.
    pub id: String,
}

/// A trail to which entries are added.
#[derive(Debug, Clone)]
pub struct Chain {
    head: Head,
    /// The digits of its hash, which stand in the next seal too.
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

    /// Reads the head that a line makes; `None` if it is no line of a trail, or has no seal. Its hash is not
    /// checked.
    pub fn of_line(line: &str) -> Option<Self> {
        let parts = super::verify::Parts::of(line)?;
        let hash = parts.seal.as_ref()?.hash;
        Some(Self { hash, ..Self::where_it_ends(&parts)? })
    }

    /// Reads where a trail ends, of which this is the last line: with a hash of zeros if that has no seal,
    /// which none is.
    pub fn of_last_line(line: &str) -> Option<Self> {
        Self::of_line(line).or_else(|| Self::where_it_ends(&super::verify::Parts::of(line)?))
    }

    fn where_it_ends(parts: &super::verify::Parts<'_>) -> Option<Self> {
        let id = parts.body.strip_prefix("\"id\":\"")?.split('"').next()?;
        Some(Self { seq: parts.seq, hash: [0; BYTES], id: id.to_owned() })
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

    /// Adds entries, whose objects are given, under one seal, and writes their lines behind others.
    pub fn seal(&mut self, entries: &[&str], lines: &mut String) {
        let objects: Vec<_> = entries.iter().map(|entry| object(entry)).collect();
        let Some((last, others)) = objects.split_last() else { return };
        let texts: Vec<_> = objects.iter().map(|object| object.as_bytes()).collect();
        let digests = sha256_each(&texts);
        for object in others {
            self.begin_line(lines);
            lines.push_str(members(object));
            lines.push_str("}\n");
        }
        self.begin_line(lines);
        lines.push_str(PREV);
        lines.push_str(&self.digits);
        lines.push_str("\",");
        lines.push_str(members(last));
        let mut together = Sha256::new();
        together.update(digests.as_flattened());
        self.head.hash = sealed(together, &self.head.hash, self.head.seq);
        self.digits.clear();
        push_hex(&mut self.digits, &self.head.hash);
        lines.push_str(OWN);
        lines.push_str(&self.digits);
        lines.push_str(END);
        lines.push('\n');
        self.head.id.clear();
        self.head.id.push_str(id_of(last));
    }

    fn begin_line(&mut self, lines: &mut String) {
        self.head.seq += 1;
        lines.push_str(SEQ);
        push_number(lines, self.head.seq);
        lines.push(',');
    }
}

/// Returns what stands between the braces of an entry.
fn members(object: &str) -> &str {
    object.get(1..object.len() - 1).unwrap_or_default()
}

/// Returns an entry in its braces: one that was damaged while it waited on the disk has its place all the same.
fn object(entry: &str) -> Cow<'_, str> {
    if entry.len() > 1 && entry.starts_with('{') && entry.ends_with('}') {
        return entry.into();
    }
    let members = entry.strip_prefix('{').unwrap_or(entry);
    format!("{{{}}}", members.strip_suffix('}').unwrap_or(members)).into()
}

/// Returns the hash of a seal: what follows from its entries, whose digests were taken in, from the seal
/// before, and from its place.
pub(super) fn sealed(mut together: Sha256, prev: &Hash, seq: u64) -> Hash {
    together.update(prev);
    together.update(&seq.to_be_bytes());
    together.finish()
}

/// Tells whether a line is one of a trail whose seal comes with a later one.
pub fn is_without_seal(line: &str) -> bool {
    super::verify::Parts::of(line).is_some_and(|parts| parts.seal.is_none())
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
    use crate::sha256::sha256;

    #[test]
    fn lines_are_json_whose_hash_anybody_can_make() {
        let mut chain = Chain::default();
        let mut lines = String::new();
        chain.seal(&[r#"{"id":"a-1","n":1}"#], &mut lines);
        let first = chain.head().clone();
        let entries = [r#"{"id":"a-2","n":2}"#, r#"{"id":"a-3","n":3}"#];
        chain.seal(&entries, &mut lines);
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines[1], r#"{"seq":2,"id":"a-2","n":2}"#);
        assert_eq!(Head::of_line(lines[1]), None);
        let value: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
        assert_eq!((value["seq"].as_u64(), value["n"].as_u64()), (Some(3), Some(3)));
        let digests = entries.map(|entry| sha256(entry.as_bytes())).concat();
        let text = [&digests, &first.hash[..], &[0, 0, 0, 0, 0, 0, 0, 3]].concat();
        assert_eq!(value["hash"], hex(&sha256(&text)));
        assert_eq!(value["prev"], hex(&first.hash));
        assert_eq!(Head::of_line(lines[2]), Some(chain.head().clone()));
    }

    #[test]
    fn entries_are_accepted_however_many_have_one_seal() {
        let entries: Vec<_> = (0..50)
            .map(|at| format!("{{\"id\":\"a-{at}\",\"n\":\"{}\"}}", "x".repeat(9 * at)))
            .collect();
        // Damaged ones among them.
        let entries =
            entries.iter().map(String::as_str).chain(["", "{", "}", "\"n\":1}", "{\"n\":1"]);
        let entries: Vec<_> = entries.collect();
        for together in 1..=entries.len() {
            let (mut chain, mut lines) = (Chain::default(), String::new());
            for some in entries.chunks(together) {
                chain.seal(some, &mut lines);
                chain.seal(&[], &mut lines);
            }
            let mut verifier = Verifier::default().anchor(chain.head().clone());
            assert!(lines.lines().all(|line| verifier.line(line.as_bytes()).is_ok()));
            assert!(verifier.finish().is_ok());
        }
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
