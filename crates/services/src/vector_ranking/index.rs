//! The words of documents, as far as a ranking needs them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::document::Corpus;
use crate::context::Context;
use crate::error::ToolError;
use crate::text;

/// After so many documents the caller is asked whether they still want the answer.
const CHECK_EVERY: usize = 256;

/// Which words are in which documents, for documents that are asked about more than once.
#[derive(Debug, Default)]
pub(super) struct Index {
    terms: HashMap<Box<str>, u32>,
    /// By term: the documents that have it.
    postings: Vec<Vec<Posting>>,
    /// By document: its terms, each once, in ascending order.
    words: Vec<Box<[u32]>>,
    /// By document: how many words it has.
    lengths: Vec<u32>,
}

/// A document that has a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Posting {
    /// Its position.
    pub(super) document: u32,
    /// How often it has it.
    pub(super) count: u32,
}

/// Where the words of a query are.
#[derive(Debug)]
pub(super) struct Matches<'a> {
    /// By document: how many words it has.
    pub(super) lengths: Cow<'a, [u32]>,
    /// The words of the query in their order.
    pub(super) terms: Vec<TermMatches<'a>>,
}

/// Where a word is.
#[derive(Debug)]
pub(super) struct TermMatches<'a> {
    /// The word.
    pub(super) term: String,
    /// How often the query has it.
    pub(super) n_times: u32,
    /// The documents that have it, in ascending order.
    pub(super) postings: Cow<'a, [Posting]>,
}

/// Documents to be ranked, with their index if they have one.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// The documents.
    pub(super) corpus: &'a Corpus,
    /// Their words, if they were taken down before.
    pub(super) index: Option<&'a Index>,
}

// === impl Index ===

impl Index {
    /// Adds a document.
    pub(super) fn add(&mut self, text: &str) {
        let document = number(self.words.len());
        let mut counts: HashMap<u32, u32> = HashMap::new();
        let mut length = 0;
        text::each_word(text, |word| {
            length += 1;
            *counts.entry(self.term(word)).or_default() += 1;
        });
        for (&term, &count) in &counts {
            self.postings[term as usize].push(Posting { document, count });
        }
        let mut words: Vec<u32> = counts.into_keys().collect();
        words.sort_unstable();
        self.words.push(words.into_boxed_slice());
        self.lengths.push(length);
    }

    fn term(&mut self, word: &str) -> u32 {
        if let Some(&term) = self.terms.get(word) {
            return term;
        }
        let term = number(self.postings.len());
        self.terms.insert(word.into(), term);
        self.postings.push(Vec::new());
        term
    }

    /// Returns how many terms there are.
    pub(super) fn n_terms(&self) -> usize {
        self.terms.len()
    }

    /// Returns about how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let n_words: usize = self.words.iter().map(|words| words.len()).sum();
        let terms: usize = self.terms.keys().map(|term| term.len() + 64).sum();
        terms + n_words * (size_of::<Posting>() + size_of::<u32>()) + self.lengths.len() * 20
    }
}

// === impl View ===

impl<'a> View<'a> {
    /// Finds the words of a query.
    pub(super) fn matches(
        &self,
        context: &Context<'_>,
        query: &str,
    ) -> Result<Matches<'a>, ToolError> {
        let mut terms: Vec<TermMatches<'a>> = Vec::new();
        let mut by_term: HashMap<String, usize> = HashMap::new();
        text::each_word(query, |word| {
            if let Some(&at) = by_term.get(word) {
                terms[at].n_times += 1;
                return;
            }
            by_term.insert(word.to_owned(), terms.len());
            let term = word.to_owned();
            terms.push(TermMatches { term, n_times: 1, postings: Cow::default() });
        });
        if let Some(index) = self.index {
            for found in &mut terms {
                let Some(&term) = index.terms.get(found.term.as_str()) else { continue };
                found.postings = Cow::Borrowed(&index.postings[term as usize]);
            }
            return Ok(Matches { lengths: Cow::Borrowed(&index.lengths), terms });
        }
        let lengths = self.count(context, &by_term, &mut terms)?;
        Ok(Matches { lengths: Cow::Owned(lengths), terms })
    }

    /// Goes through the texts once, which for one query is quicker than to make an index.
    fn count(
        &self,
        context: &Context<'_>,
        by_term: &HashMap<String, usize>,
        terms: &mut [TermMatches<'_>],
    ) -> Result<Vec<u32>, ToolError> {
        let documents = self.corpus.documents();
        let mut lengths = Vec::with_capacity(documents.len());
        let mut counts = vec![0; terms.len()];
        for (position, document) in documents.iter().enumerate() {
            if position % CHECK_EVERY == 0 {
                context.progress(position, documents.len(), "reading documents")?;
            }
            let mut length = 0;
            text::each_word(document.text(), |word| {
                length += 1;
                if let Some(&at) = by_term.get(word) {
                    counts[at] += 1;
                }
            });
            lengths.push(length);
            for (found, count) in terms.iter_mut().zip(&mut counts) {
                if *count > 0 {
                    let posting = Posting { document: number(position), count: *count };
                    found.postings.to_mut().push(posting);
                    *count = 0;
                }
            }
        }
        Ok(lengths)
    }

    /// Returns how alike the words of two documents are: of those in either, the share in both.
    pub(super) fn words_in_common(&self, left: usize, right: usize) -> f64 {
        if let Some(index) = self.index {
            return common(&index.words[left], &index.words[right]);
        }
        let words = |position: usize| {
            let mut words = HashSet::new();
            text::each_word(self.corpus.documents()[position].text(), |word| {
                words.insert(word.to_owned());
            });
            words
        };
        let (left, right) = (words(left), words(right));
        share(left.intersection(&right).count(), left.len(), right.len())
    }
}

/// Compares two ascending lists.
fn common(left: &[u32], right: &[u32]) -> f64 {
    let (mut at, mut n_common) = (0, 0);
    for word in left {
        while right.get(at).is_some_and(|other| other < word) {
            at += 1;
        }
        n_common += usize::from(right.get(at) == Some(word));
    }
    share(n_common, left.len(), right.len())
}

#[expect(clippy::cast_precision_loss, reason = "no document has 2^53 words")]
fn share(n_common: usize, n_left: usize, n_right: usize) -> f64 {
    let n_either = n_left + n_right - n_common;
    if n_either == 0 { 0.0 } else { n_common as f64 / n_either as f64 }
}

fn number(position: usize) -> u32 {
    u32::try_from(position).expect("there are at most `MAX_DOCUMENTS`, of `MAX_TEXT` bytes each")
}
