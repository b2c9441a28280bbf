//! Standardisation and reasoning on labelled data that were collected before there was a rule.
//!
//! `tests/judged/SOURCES.md` says where the data come from and how they are split. The figures are
//! published by `docs/services/evaluation.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

mod reasoning;
mod standardization;

/// A labelled case.
#[derive(Debug, Clone, serde::Deserialize)]
struct Case {
    id: String,
    kind: String,
    source: String,
    input: Value,
    expected: Value,
    #[serde(default)]
    region: Option<String>,
}

/// A case that was not answered as its label says.
#[derive(Debug, Clone)]
struct Failure {
    id: String,
    input: String,
    wrong: String,
}

/// How many cases of a kind there were, and how many were answered as their labels say.
#[derive(Debug, Clone, Default)]
struct Score {
    n_cases: usize,
    n_right: usize,
    /// The same for the fields of the labels.
    n_fields: usize,
    n_fields_right: usize,
    by_hand: [usize; 2],
    failures: Vec<Failure>,
}

type Scores = BTreeMap<String, Score>;

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Development,
    /// What was drawn later, when the first held-out part had become development data as well.
    Further,
    HeldOut,
}

impl Score {
    /// Counts a case; `wrong` says for each field what is wrong with it.
    fn count(&mut self, case: &Case, n_fields: usize, wrong: &[String]) {
        self.n_cases += 1;
        self.n_fields += n_fields;
        self.n_fields_right += n_fields.saturating_sub(wrong.len());
        self.n_right += usize::from(wrong.is_empty());
        if case.source == "by hand" {
            self.by_hand[0] += 1;
            self.by_hand[1] += usize::from(wrong.is_empty());
        }
        if !wrong.is_empty() {
            let input = match &case.input {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            self.failures.push(Failure { id: case.id.clone(), input, wrong: wrong.join("; ") });
        }
    }

    fn share(&self) -> f64 {
        if self.n_cases == 0 {
            1.0
        } else {
            f64::from(u32::try_from(self.n_right).unwrap())
                / f64::from(u32::try_from(self.n_cases).unwrap())
        }
    }
}

/// Adds up the scores of all kinds.
fn total(scores: &Scores) -> Score {
    let mut total = Score::default();
    for score in scores.values() {
        total.n_cases += score.n_cases;
        total.n_right += score.n_right;
        total.n_fields += score.n_fields;
        total.n_fields_right += score.n_fields_right;
        total.by_hand[0] += score.by_hand[0];
        total.by_hand[1] += score.by_hand[1];
    }
    total
}

fn cases(text: &str) -> Vec<Case> {
    text.lines().map(|line| serde_json::from_str(line).expect("a case is JSON")).collect()
}

/// Writes what went wrong, for whoever works on the rules; for the development part alone.
fn report(scores: &Scores) -> String {
    let mut text = String::new();
    for (kind, score) in scores {
        let Score { n_cases, n_right, .. } = score;
        writeln!(text, "{kind}: {n_right} of {n_cases}").unwrap();
        for failure in &score.failures {
            writeln!(text, "    {} `{}`: {}", failure.id, failure.input, failure.wrong).unwrap();
        }
    }
    text
}

/// The cases are split by their ids alone, and the records by their order, as `SOURCES.md` says.
#[test]
fn the_parts_have_nothing_in_common() {
    use sha2::{Digest as _, Sha256};
    let mut seen = std::collections::BTreeSet::new();
    for part in [Part::Development, Part::Further, Part::HeldOut] {
        let (records, cases) = (standardization::cases(part), reasoning::cases(part));
        let least = if part == Part::Further { 0 } else { 50 };
        assert!(records.len() >= 250 && cases.len() >= least, "{} {}", records.len(), cases.len());
        for case in &cases {
            let first = Sha256::digest(case.id.as_bytes())[0];
            assert_eq!(first % 2 == 1, part == Part::HeldOut, "{}", case.id);
        }
        for case in records.into_iter().chain(cases) {
            assert!(seen.insert(case.id.clone()), "{} is in two parts", case.id);
        }
    }
}
