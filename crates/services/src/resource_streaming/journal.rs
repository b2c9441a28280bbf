//! What happens while questions are answered: for each principal its own log and thoughts.
//!
//! It lives as long as the process and has a bound in each direction; the oldest goes first.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

use super::address::admits;
use super::subscription::Owner;

/// The most principals; who was not heard for the longest time is forgotten first.
const MAX_OWNERS: usize = 1_000;
/// The most entries of each kind that a principal has.
const MAX_ENTRIES: usize = 200;
/// The most bytes of what a thought says; what is longer is left out.
const MAX_CONTENT: usize = 4 << 10;
/// The most characters of a question as it is kept.
const MAX_QUESTION: usize = 256;

/// The journals of all principals.
#[derive(Debug, Default)]
pub(super) struct Journals {
    by_owner: HashMap<Owner, Journal>,
    clock: u64,
}

#[derive(Debug, Default)]
struct Journal {
    used: u64,
    questions: u64,
    log: VecDeque<Entry>,
    thoughts: VecDeque<Thought>,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Entry {
    /// Unix seconds.
    pub(super) at: u64,
    pub(super) question_id: String,
    /// `started`, `progress`, `answered` or `failed`.
    pub(super) stage: &'static str,
    pub(super) message: String,
}

/// A step of reasoning.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Thought {
    /// Unix seconds.
    pub(super) at: u64,
    pub(super) question_id: String,
    /// What was asked.
    pub(super) skill: &'static str,
    pub(super) request: Value,
    pub(super) answer: Value,
}

// === impl Journals ===

impl Journals {
    /// Begins a question; returns its id, which is unique among those of its owner.
    pub(super) fn begin(&mut self, owner: &Owner) -> String {
        let journal = self.of(owner);
        journal.questions += 1;
        format!("question-{}", journal.questions)
    }

    pub(super) fn log(&mut self, owner: &Owner, entry: Entry) {
        push(&mut self.of(owner).log, entry);
    }

    pub(super) fn think(&mut self, owner: &Owner, thought: Thought) {
        push(&mut self.of(owner).thoughts, thought);
    }

    /// Returns the log of an owner, the latest last, as far as it has what is asked for.
    pub(super) fn entries(&self, owner: &Owner, conditions: &[(String, String)]) -> Vec<Entry> {
        let log = self.by_owner.get(owner).into_iter().flat_map(|journal| &journal.log);
        log.filter(|entry| {
            admits(conditions, &[("stage", entry.stage), ("question_id", &entry.question_id)])
        })
        .cloned()
        .collect()
    }

    /// Returns the thoughts of an owner likewise.
    pub(super) fn thoughts(&self, owner: &Owner, conditions: &[(String, String)]) -> Vec<Thought> {
        let all = self.by_owner.get(owner).into_iter().flat_map(|journal| &journal.thoughts);
        all.filter(|thought| {
            admits(conditions, &[("skill", thought.skill), ("question_id", &thought.question_id)])
        })
        .cloned()
        .collect()
    }

    fn of(&mut self, owner: &Owner) -> &mut Journal {
        self.clock += 1;
        if !self.by_owner.contains_key(owner) && self.by_owner.len() >= MAX_OWNERS {
            let oldest = self.by_owner.iter().min_by_key(|(_, journal)| journal.used);
            if let Some(oldest) = oldest.map(|(owner, _)| owner.clone()) {
                self.by_owner.remove(&oldest);
            }
        }
        let journal = self.by_owner.entry(owner.clone()).or_default();
        journal.used = self.clock;
        journal
    }
}

/// Returns a value as it is kept.
pub(super) fn kept(value: &Value) -> Value {
    let length = value.to_string().len();
    if length <= MAX_CONTENT {
        return value.clone();
    }
    serde_json::json!({ "left_out": true, "bytes": length })
}

/// Returns the beginning of a question.
pub(super) fn shortened(question: &str) -> String {
    let mut short: String = question.chars().take(MAX_QUESTION).collect();
    if short.len() < question.len() {
        short.push('…');
    }
    short
}

fn push<T>(entries: &mut VecDeque<T>, entry: T) {
    if entries.len() == MAX_ENTRIES {
        entries.pop_front();
    }
    entries.push_back(entry);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner(subject: &str) -> Owner {
        ("gantry".into(), subject.into())
    }

    fn entry(at: u64) -> Entry {
        Entry { at, question_id: "q".to_owned(), stage: "progress", message: String::new() }
    }

    #[test]
    fn the_oldest_entries_and_principals_go_first() {
        let mut journals = Journals::default();
        for at in 0..=MAX_ENTRIES as u64 {
            journals.log(&owner("ada"), entry(at));
        }
        let kept = journals.entries(&owner("ada"), &[]);
        assert_eq!((kept.len(), kept[0].at), (MAX_ENTRIES, 1));
        for n in 0..MAX_OWNERS {
            journals.log(&owner(&n.to_string()), entry(0));
        }
        assert!(journals.entries(&owner("ada"), &[]).is_empty());
        assert_eq!(journals.entries(&owner("0"), &[]).len(), 1);
    }

    #[test]
    fn questions_are_numbered_for_each_principal() {
        let mut journals = Journals::default();
        let ids = ["ada", "ada", "bob"].map(|subject| journals.begin(&owner(subject)));
        assert_eq!(ids, ["question-1", "question-2", "question-1"]);
    }

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        assert_eq!(kept(&json!("x".repeat(MAX_CONTENT)))["left_out"], true);
        assert_eq!(kept(&json!({ "a": 1 })), json!({ "a": 1 }));
        assert_eq!(shortened("ä"), "ä");
        let short = shortened(&"ä".repeat(MAX_QUESTION + 1));
        assert!(short.chars().count() == MAX_QUESTION + 1 && short.ends_with('…'));
    }
}
