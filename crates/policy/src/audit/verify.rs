//! Finds the first place at which a trail is not what was written.
//!
//! What a chain cannot show by itself is that its end is missing: for that somebody has to have kept a
//! later head ([`Verifier::anchor`]). What was removed at its beginning is no offence, because
//! rotation does so; the place of the first line tells how much it was.

use super::chain::{END, Head, OWN, PREV, SEQ, from_hex, linked};
use crate::sha256::{BYTES, Hash, Sha256};

/// What is wrong at the first place where anything is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// It was never written by a gateway.
    #[error("it is no entry of an audit trail")]
    NotAnEntry,
    /// Some byte of it is another.
    #[error("the entry {seq} was changed: its hash is not that of its content")]
    Changed {
        /// Its place.
        seq: u64,
    },
    /// Entries are missing, were put in, or stand in another order.
    #[error(
        "the entry {found} stands where {expected} was expected: entries were removed, added or moved"
    )]
    Gap {
        /// The place that should be next.
        expected: u64,
        /// The place that is.
        found: u64,
    },
    /// The one before is another than it was.
    #[error("the entry {seq} follows another entry than the one before it")]
    Unlinked {
        /// Its place.
        seq: u64,
    },
    /// The trail says something else than the head that was kept.
    #[error("the entry {seq} is not the one whose hash was kept: the trail was written anew")]
    NotTheAnchor {
        /// Its place.
        seq: u64,
    },
    /// The end is missing.
    #[error("the trail ends with {last}, and {kept} was written: {} entries are missing at its end", kept - last)]
    Truncated {
        /// The last place that is there.
        last: u64,
        /// The place whose hash was kept.
        kept: u64,
    },
}

/// Reads a trail, a line at a time.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    anchors: Vec<Head>,
    first: Option<u64>,
    last: Option<Head>,
}

/// A line in its pieces.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) seq: u64,
    prev: Hash,
    /// The members of the entry, between `prev` and `hash`.
    pub(super) body: &'a str,
    pub(super) hash: Hash,
}

impl<'a> Parts<'a> {
    pub(super) fn of(line: &'a str) -> Option<Self> {
        let rest = line.strip_prefix(SEQ)?;
        let (digits, rest) = rest.split_once(PREV)?;
        let seq: u64 = digits.parse().ok()?;
        // One place has one text, too.
        if seq.to_string() != digits {
            return None;
        }
        let (prev, rest) = rest.split_at_checked(2 * BYTES)?;
        let body = rest.strip_prefix("\",")?.strip_suffix(END)?;
        let (body, hash) = body.rsplit_once(OWN)?;
        Some(Self { seq, prev: from_hex(prev)?, body, hash: from_hex(hash)? })
    }

    /// Returns the hash that it should have.
    fn expected(&self) -> Hash {
        let mut entry = Sha256::new();
        for piece in ["{", self.body, "}"] {
            entry.update(piece.as_bytes());
        }
        linked(&self.prev, &entry.finish(), self.seq)
    }
}

impl Verifier {
    /// Wants the trail to hold an entry of which the place and the hash were kept.
    #[must_use]
    pub fn anchor(mut self, head: Head) -> Self {
        self.anchors.push(head);
        self
    }

    /// Takes the next line, without the end of the line.
    ///
    /// # Errors
    ///
    /// It is not the one that was written after the line before.
    pub fn line(&mut self, line: &[u8]) -> Result<(), Break> {
        let text = std::str::from_utf8(line).map_err(|_| Break::NotAnEntry)?;
        let parts = Parts::of(text).ok_or(Break::NotAnEntry)?;
        let seq = parts.seq;
        if parts.expected() != parts.hash {
            return Err(Break::Changed { seq });
        }
        let (expected, prev) = match &self.last {
            Some(last) => (last.seq + 1, Some(last.hash)),
            None if seq == 1 => (1, Some([0; BYTES])),
            None => (seq, None),
        };
        if seq != expected || seq == 0 {
            return Err(Break::Gap { expected, found: seq });
        }
        if prev.is_some_and(|prev| prev != parts.prev) {
            return Err(Break::Unlinked { seq });
        }
        if self.anchors.iter().any(|anchor| anchor.seq == seq && anchor.hash != parts.hash) {
            return Err(Break::NotTheAnchor { seq });
        }
        self.first = self.first.or(Some(seq));
        self.last = Some(Head { seq, hash: parts.hash, id: String::new() });
        Ok(())
    }

    /// Returns the place of the first entry, and the last entry; `None` if there was no line.
    ///
    /// # Errors
    ///
    /// An entry whose hash was kept is missing at the end.
    pub fn finish(self) -> Result<Option<(u64, Head)>, Break> {
        let last = self.last.as_ref().map_or(0, |last| last.seq);
        let kept = self.anchors.iter().map(|anchor| anchor.seq).max().unwrap_or(0);
        if kept > last {
            return Err(Break::Truncated { last, kept });
        }
        Ok(self.first.zip(self.last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Chain;
    use super::*;

    /// A trail of some entries, and its head.
    fn trail(texts: &[String]) -> (Vec<String>, Head) {
        let mut chain = Chain::default();
        let lines = texts.iter().enumerate().map(|(at, text)| {
            let body = format!("{{\"id\":\"t-{at}\",\"detail\":{}}}", serde_json::json!(text));
            let mut line = String::new();
            chain.seal(&[&body], &mut line);
            line.trim_end().to_owned()
        });
        (lines.collect(), chain.head().clone())
    }

    /// The number of the first line that is refused; that of the end counts as one more.
    fn first_break(file: &[u8], head: &Head) -> Option<usize> {
        let mut verifier = Verifier::default().anchor(head.clone());
        let lines: Vec<_> =
            file.strip_suffix(b"\n").unwrap_or(file).split(|byte| *byte == b'\n').collect();
        for (at, line) in lines.iter().enumerate() {
            if verifier.line(line).is_err() {
                return Some(at);
            }
        }
        verifier.finish().err().map(|_| lines.len())
    }

    fn file(lines: &[String]) -> Vec<u8> {
        lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
    }

    fn texts() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec(".{0,40}", 1..12)
    }

    proptest! {
        #[test]
        fn what_was_written_is_accepted(texts in texts()) {
            let (lines, head) = trail(&texts);
            prop_assert_eq!(first_break(&file(&lines), &head), None);
            // From a later beginning on as well: rotation takes the oldest away.
            for from in 1..lines.len() {
                prop_assert_eq!(first_break(&file(&lines[from..]), &head), None);
            }
        }

        #[test]
        fn any_other_byte_is_found_in_its_line(texts in texts(), place: prop::sample::Index, flip in 1_u8..=255) {
            let (lines, head) = trail(&texts);
            let mut file = file(&lines);
            // The end of the last line may be missing as well.
            let at = place.index(file.len() - 1);
            let line = file[..at].split(|byte| *byte == b'\n').count() - 1;
            file[at] ^= flip;
            prop_assert_eq!(first_break(&file, &head), Some(line));
        }

        #[test]
        fn a_missing_line_is_found(texts in texts(), place: prop::sample::Index) {
            let (mut lines, head) = trail(&texts);
            let at = place.index(lines.len());
            lines.remove(at);
            let found = first_break(&file(&lines), &head);
            // The first may be gone by rotation.
            let expected = if at == 0 && !lines.is_empty() { None } else { Some(at) };
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn two_lines_that_changed_places_are_found(texts in proptest::collection::vec(".{0,40}", 2..12), one: prop::sample::Index, other: prop::sample::Index) {
            let (mut lines, head) = trail(&texts);
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            prop_assume!(one != other);
            lines.swap(one, other);
            // A later line at the first place is found by the one after it.
            let first = one.min(other);
            let found = first_break(&file(&lines), &head);
            prop_assert!(found.is_some_and(|found| found == first || (first == 0 && found == 1)), "{:?}", found);
        }

        #[test]
        fn a_line_that_was_put_in_is_found(texts in texts(), from: prop::sample::Index, to: prop::sample::Index) {
            let (mut lines, head) = trail(&texts);
            let copy = lines[from.index(lines.len())].clone();
            let to = to.index(lines.len() + 1);
            lines.insert(to, copy);
            prop_assert!(first_break(&file(&lines), &head).is_some());
        }

        #[test]
        fn a_missing_end_is_found_by_the_head_that_was_kept(texts in texts(), place: prop::sample::Index) {
            let (lines, head) = trail(&texts);
            let kept = place.index(lines.len());
            let found = first_break(&file(&lines[..kept]), &head);
            prop_assert!(found.is_some());
            let mut verifier = Verifier::default();
            for line in &lines[..kept] {
                verifier.line(line.as_bytes()).unwrap();
            }
            prop_assert!(verifier.finish().is_ok(), "without a head nothing tells");
        }

        #[test]
        fn another_trail_of_the_same_length_is_found_by_the_head(texts in texts()) {
            let (_, head) = trail(&texts);
            let mut others = texts;
            others[0].push('x');
            let (lines, _) = trail(&others);
            let mut verifier = Verifier::default().anchor(head.clone());
            let broken = lines.iter().find_map(|line| verifier.line(line.as_bytes()).err());
            prop_assert_eq!(broken, Some(Break::NotTheAnchor { seq: head.seq }));
        }
    }
}
