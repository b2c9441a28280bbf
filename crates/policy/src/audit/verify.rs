//! Finds the first place at which a trail is not what was written.
//!
//! What a chain cannot show by itself is that its end is missing: for that somebody has to have kept a
//! later head ([`Verifier::anchor`]). What was removed at its beginning is no offence, because
//! rotation does so; the place of the first line tells how much it was.

use super::chain::{END, Head, OWN, PREV, SEQ, from_hex, sealed};
use crate::sha256::{BYTES, Hash, Sha256};

/// What is wrong at the first place where anything is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// It was never written by a gateway.
    #[error("it is no entry of an audit trail")]
    NotAnEntry,
    /// Some byte of it is another, or of those that are sealed with it.
    #[error("{}", of_changed(*first, *seq))]
    Changed {
        /// The place of the first one that it is sealed with.
        first: u64,
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
    #[error("the seal of entry {seq} follows another one than the seal before it")]
    Unlinked {
        /// Its place.
        seq: u64,
    },
    /// What they are sealed by is missing.
    #[error("the entries {first} to {last} have no seal: the one behind them was taken away")]
    Unsealed {
        /// The place of the first one.
        first: u64,
        /// The place of the last one.
        last: u64,
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
    /// The place of the last line.
    seq: Option<u64>,
    /// The last seal.
    last: Option<Head>,
    open: Option<Open>,
}

/// Entries whose seal is still to come.
#[derive(Debug, Clone)]
struct Open {
    first: u64,
    /// Has taken in the digest of each.
    together: Sha256,
}

/// A line in its pieces.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) seq: u64,
    /// The members of the entry.
    pub(super) body: &'a str,
    pub(super) seal: Option<Seal>,
}

/// What stands around the last of entries that are sealed together.
#[derive(Debug)]
pub(super) struct Seal {
    prev: Hash,
    pub(super) hash: Hash,
}

impl<'a> Parts<'a> {
    pub(super) fn of(line: &'a str) -> Option<Self> {
        let (digits, rest) = line.strip_prefix(SEQ)?.split_once(',')?;
        let seq: u64 = digits.parse().ok()?;
        // One place has one text, too.
        if seq.to_string() != digits {
            return None;
        }
        let Some(rest) = rest.strip_prefix(PREV) else {
            return Some(Self { seq, body: rest.strip_suffix('}')?, seal: None });
        };
        let (prev, rest) = rest.split_at_checked(2 * BYTES)?;
        let body = rest.strip_prefix("\",")?.strip_suffix(END)?;
        let (body, hash) = body.rsplit_once(OWN)?;
        let seal = Seal { prev: from_hex(prev)?, hash: from_hex(hash)? };
        Some(Self { seq, body, seal: Some(seal) })
    }

    fn digest(&self) -> Hash {
        let mut entry = Sha256::new();
        for piece in ["{", self.body, "}"] {
            entry.update(piece.as_bytes());
        }
        entry.finish()
    }
}

fn of_changed(first: u64, seq: u64) -> String {
    if first == seq {
        return format!("the entry {seq} was changed: its hash is not that of its content");
    }
    format!(
        "one of the entries {first} to {seq} was changed: their hash is not that of their content"
    )
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
    /// It is not the one that was written after the line before, or it ends what is not what was sealed.
    pub fn line(&mut self, line: &[u8]) -> Result<(), Break> {
        let text = std::str::from_utf8(line).map_err(|_| Break::NotAnEntry)?;
        let parts = Parts::of(text).ok_or(Break::NotAnEntry)?;
        let seq = parts.seq;
        let expected = self.seq.map_or(seq.max(1), |last| last.saturating_add(1));
        if seq != expected {
            return Err(Break::Gap { expected, found: seq });
        }
        let open = self.open.take();
        let mut open = open.unwrap_or_else(|| Open { first: seq, together: Sha256::new() });
        open.together.update(&parts.digest());
        self.seq = Some(seq);
        self.first = self.first.or(self.seq);
        if let Some(seal) = parts.seal {
            return self.seal(open, seq, &seal);
        }
        self.open = Some(open);
        Ok(())
    }

    fn seal(&mut self, open: Open, seq: u64, seal: &Seal) -> Result<(), Break> {
        let Open { first, together } = open;
        if sealed(together, &seal.prev, seq) != seal.hash {
            return Err(Break::Changed { first, seq });
        }
        let prev = match &self.last {
            Some(last) => Some(last.hash),
            None if self.first == Some(1) => Some([0; BYTES]),
            None => None,
        };
        if prev.is_some_and(|prev| prev != seal.prev) {
            return Err(Break::Unlinked { seq });
        }
        // Where a hash was kept there is a seal, and it is that one.
        let mut kept = self.anchors.iter().filter(|anchor| (first..=seq).contains(&anchor.seq));
        if let Some(other) = kept.find(|kept| (kept.seq, kept.hash) != (seq, seal.hash)) {
            return Err(Break::NotTheAnchor { seq: other.seq });
        }
        self.last = Some(Head { seq, hash: seal.hash, id: String::new() });
        Ok(())
    }

    /// Returns the place of the last line.
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// Returns the place of the first one of entries whose seal is still to come.
    pub fn unsealed(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.first)
    }

    /// Returns the place of the first entry, and the last seal; `None` if there was none.
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

    /// A trail of some entries, each with a seal of its own, and its head.
    fn trail(texts: &[String]) -> (Vec<String>, Head) {
        trail_of(texts, 1)
    }

    /// A trail of entries of which so many have one seal.
    fn trail_of(texts: &[String], together: usize) -> (Vec<String>, Head) {
        let body = |(at, text): (usize, &String)| {
            format!("{{\"id\":\"t-{at}\",\"detail\":{}}}", serde_json::json!(text))
        };
        let bodies: Vec<_> = texts.iter().enumerate().map(body).collect();
        let bodies: Vec<_> = bodies.iter().map(String::as_str).collect();
        let (mut chain, mut lines) = (Chain::default(), String::new());
        for some in bodies.chunks(together) {
            chain.seal(some, &mut lines);
        }
        (lines.lines().map(str::to_owned).collect(), chain.head().clone())
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
        fn any_other_byte_is_found_by_the_next_seal(texts in texts(), together in 1_usize..5, place: prop::sample::Index, flip in 1_u8..=255) {
            let (lines, head) = trail_of(&texts, together);
            let seal = |from: usize| (from..lines.len()).find(|at| Head::of_line(&lines[*at]).is_some());
            let mut file = file(&lines);
            // The end of the last line may be missing as well.
            let at = place.index(file.len() - 1);
            let line = file[..at].split(|byte| *byte == b'\n').count() - 1;
            file[at] ^= flip;
            let found = first_break(&file, &head);
            // What makes a seal no seal is found by the one after it, or by the head.
            let own = seal(line).unwrap();
            let latest = if own == line { seal(line + 1).unwrap_or(lines.len()) } else { own };
            prop_assert!(found.is_some_and(|found| (line..=latest).contains(&found)), "{:?} {}", found, line);
        }

        #[test]
        fn what_is_missing_or_moved_is_found_among_those_of_one_seal(texts in proptest::collection::vec(".{0,40}", 2..12), together in 2_usize..5, one: prop::sample::Index, other: prop::sample::Index) {
            let (lines, head) = trail_of(&texts, together);
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            let mut fewer = lines.clone();
            fewer.remove(one);
            let found = first_break(&file(&fewer), &head);
            // With the first one there is none that the next ones are held against until their seal.
            prop_assert!(found.is_some_and(|found| found >= one), "{:?} {}", found, one);
            prop_assume!(one != other);
            let mut swapped = lines.clone();
            swapped.swap(one, other);
            prop_assert!(first_break(&file(&swapped), &head).is_some());
            // The contents alone.
            let text = |at: usize| lines[at].split_once("\"id\"").unwrap().1.to_owned();
            prop_assume!(Head::of_line(&lines[one]).is_none() && Head::of_line(&lines[other]).is_none());
            let mut swapped = lines.clone();
            for (at, from) in [(one, other), (other, one)] {
                let place = lines[at].split_once("\"id\"").unwrap().0;
                swapped[at] = format!("{place}\"id\"{}", text(from));
            }
            prop_assert!(first_break(&file(&swapped), &head).is_some());
        }

        #[test]
        fn a_kept_head_without_its_seal_is_found(texts in proptest::collection::vec(".{0,40}", 2..12)) {
            let (_, head) = trail(&texts[..texts.len() - 1]);
            // The same entries, written anew by somebody who sealed them otherwise.
            let (lines, _) = trail_of(&texts, texts.len());
            prop_assert_eq!(first_break(&file(&lines), &head), Some(lines.len() - 1));
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
