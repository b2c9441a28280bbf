//! Statements that cannot both be true.
//!
//! Two statements are held against each other when they are about the same: all their words agree
//! but for a negation, a quantifier, a number, one pair of opposites, or an order. Opposites come from
//! the word net. What is said in other words is not found: this finds contradictions in form, not in
//! the world.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Serialize;

use crate::data_standardization::{Measure, measure};
use crate::folding::{fold, words};

/// Pairs of opposites.
const ANTONYMS: &str = include_str!("../../data/antonyms.tsv");

static OPPOSITES: LazyLock<HashSet<(&'static str, &'static str)>> = LazyLock::new(|| {
    let pairs = ANTONYMS.lines().filter_map(|line| line.split_once('\t'));
    // Prepositions are in no word net.
    let pairs = pairs.chain([("before", "after"), ("above", "below"), ("inside", "outside")]);
    pairs.flat_map(|(first, second)| [(first, second), (second, first)]).collect()
});

/// What two statements disagree in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// One denies the other.
    Negation,
    /// One says of all what the other denies of some.
    Quantifier,
    /// They give different numbers.
    Number,
    /// They use opposite words.
    Opposite,
    /// They exchange what stands on both sides of a relation.
    Order,
}

/// Two statements that cannot both be true.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Contradiction {
    /// The place of the first, counted from 0.
    pub(super) first: usize,
    /// The place of the second.
    pub(super) second: usize,
    /// What they disagree in.
    pub(super) kind: Kind,
    /// What exactly, in a sentence.
    pub(super) reason: String,
    /// How sure that is, from 0 to 1.
    pub(super) confidence: f64,
}

/// A statement as it is compared.
#[derive(Debug, Clone)]
struct Statement {
    /// Words that carry its meaning, by their stems, in their order.
    content: Vec<String>,
    is_negative: bool,
    quantifier: Quantifier,
    numbers: Vec<String>,
    years: Vec<String>,
    measure: Option<Measure>,
}

/// For how much of something a statement is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    Unsaid,
    All,
    Some,
    None,
    Always,
    Never,
}

/// Finds the contradictions among statements.
pub(super) fn find(statements: &[String]) -> Vec<Contradiction> {
    let read: Vec<Statement> = statements.iter().map(|text| Statement::of(text)).collect();
    let mut found = Vec::new();
    for (first, one) in read.iter().enumerate() {
        for (second, other) in read.iter().enumerate().skip(first + 1) {
            if let Some((kind, reason, confidence)) = one.against(other) {
                found.push(Contradiction { first, second, kind, reason, confidence });
            }
        }
    }
    found
}

/// Words that carry no meaning of their own.
const SMALL: [&str; 36] = [
    "the", "a", "an", "is", "are", "was", "were", "be", "been", "do", "does", "did", "has", "have",
    "had", "that", "this", "there", "it", "of", "to", "will", "would", "can", "at", "on", "in",
    "by", "for", "very", "also", "just", "and", "its", "their", "as",
];

/// Words for a time within which a number is meant, not a number that is stated.
const ONCE: [&str; 14] = [
    "found",
    "born",
    "die",
    "built",
    "sign",
    "invent",
    "discover",
    "launch",
    "publish",
    "establish",
    "begin",
    "end",
    "creat",
    "introduc",
];

impl Statement {
    fn of(text: &str) -> Self {
        let spelled = text
            .to_lowercase()
            .replace('’', "'")
            .replace("can't", "can not")
            .replace("won't", "will not")
            .replace("n't", " not");
        let measure = measure(text);
        let mut statement = Self {
            content: Vec::new(),
            is_negative: false,
            quantifier: Quantifier::Unsaid,
            numbers: Vec::new(),
            years: Vec::new(),
            measure,
        };
        // 10:00 and 3.5 are one word each.
        for word in spelled.split_whitespace() {
            let word = word.trim_matches(|character: char| {
                !character.is_alphanumeric() && !matches!(character, '%' | '$' | '€' | '£')
            });
            statement.take(word);
        }
        statement
    }

    fn take(&mut self, word: &str) {
        let quantifier = match word {
            "all" | "every" | "each" | "everyone" | "everybody" | "everything" => {
                Some(Quantifier::All)
            }
            "some" | "someone" | "somebody" | "several" | "many" | "most" | "few" => {
                Some(Quantifier::Some)
            }
            "no" | "nobody" | "none" | "nothing" | "noone" => Some(Quantifier::None),
            "always" => Some(Quantifier::Always),
            "never" => Some(Quantifier::Never),
            _ => None,
        };
        if let Some(quantifier) = quantifier {
            self.quantifier = quantifier;
            return;
        }
        if word == "not" || word == "without" {
            self.is_negative = !self.is_negative;
            return;
        }
        let number = spelled_number(word).map(str::to_owned).or_else(|| {
            word.contains(|character: char| character.is_ascii_digit()).then(|| word.to_owned())
        });
        if let Some(number) = number {
            let is_year = number.len() == 4
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && number.starts_with(['1', '2']);
            if is_year {
                self.years.push(number);
            } else {
                self.numbers.push(number);
            }
            return;
        }
        let folded = fold(word);
        for word in words(&folded) {
            if !SMALL.contains(&word) {
                self.content.push(stem(word));
            }
        }
    }

    /// Says in what two statements disagree.
    fn against(&self, other: &Self) -> Option<(Kind, String, f64)> {
        let own: BTreeSet<&String> = self.content.iter().collect();
        let its: BTreeSet<&String> = other.content.iter().collect();
        let only_own: Vec<&String> = own.difference(&its).copied().collect();
        let only_its: Vec<&String> = its.difference(&own).copied().collect();
        match (only_own.as_slice(), only_its.as_slice()) {
            ([], []) if !own.is_empty() => self.same_words(other),
            ([first], [second]) => self.one_pair(other, first, second),
            // `20 euros` and `20 dollars` have other words, and other values.
            _ => None,
        }
        .or_else(|| self.measures(other, &only_own, &only_its))
    }

    /// Statements of the same words.
    fn same_words(&self, other: &Self) -> Option<(Kind, String, f64)> {
        if let Some(reason) = self.quantifiers(other) {
            return Some((Kind::Quantifier, reason, 0.9));
        }
        if self.quantifier == other.quantifier
            && self.is_negative != other.is_negative
            && self.numbers == other.numbers
            && self.years == other.years
        {
            return Some((Kind::Negation, "one denies what the other says".to_owned(), 0.95));
        }
        if self.is_negative || other.is_negative {
            return None;
        }
        let is_once = self.content.iter().any(|word| ONCE.contains(&word.as_str()));
        if self.years != other.years {
            // A year says when; only what happens once cannot have two.
            let is_stated = is_once
                && self.numbers.is_empty()
                && self.years.len() == 1
                && other.years.len() == 1;
            return is_stated.then(|| {
                (Kind::Number, format!("{} is not {}", self.years[0], other.years[0]), 0.85)
            });
        }
        if self.numbers != other.numbers && self.numbers.len() == other.numbers.len() {
            if self.measure.is_some() && self.measure == other.measure {
                return None;
            }
            return Some((
                Kind::Number,
                format!("{} is not {}", self.numbers.join(", "), other.numbers.join(", ")),
                0.85,
            ));
        }
        let is_relation = self.content.iter().any(|word| {
            word == "than"
                || word == "before"
                || word == "after"
                || word == "above"
                || word == "below"
        });
        if is_relation && self.content != other.content {
            return Some((
                Kind::Order,
                "the two sides of the relation are exchanged".to_owned(),
                0.9,
            ));
        }
        None
    }

    /// Quantifiers that exclude each other.
    fn quantifiers(&self, other: &Self) -> Option<String> {
        let says = |statement: &Self| match (statement.quantifier, statement.is_negative) {
            (Quantifier::All, false) => Some("all"),
            (Quantifier::Some, true) => Some("not all"),
            (Quantifier::None, false) => Some("none"),
            (Quantifier::Some, false) => Some("some"),
            (Quantifier::Always, _) => Some("always"),
            (Quantifier::Never, _) => Some("never"),
            (Quantifier::Unsaid, _) if !statement.numbers.is_empty() => Some("some"),
            (Quantifier::Unsaid, false) => Some("it is so"),
            _ => None,
        };
        let pair = (says(self)?, says(other)?);
        let excludes = [
            ("all", "not all"),
            ("all", "none"),
            ("some", "none"),
            ("always", "never"),
            ("never", "it is so"),
        ];
        let holds = excludes
            .iter()
            .any(|(first, second)| pair == (*first, *second) || pair == (*second, *first));
        holds.then(|| format!("`{}` and `{}` exclude each other", pair.0, pair.1))
    }

    /// Statements that differ in one word.
    fn one_pair(&self, other: &Self, first: &str, second: &str) -> Option<(Kind, String, f64)> {
        let is_same_else = self.numbers == other.numbers
            && self.years == other.years
            && self.quantifier == other.quantifier;
        if is_same_else && self.is_negative == other.is_negative && is_opposite(first, second) {
            return Some((Kind::Opposite, format!("`{first}` is the opposite of `{second}`"), 0.9));
        }
        None
    }

    /// The same thing measured twice, with other values.
    fn measures(
        &self,
        other: &Self,
        only_own: &[&String],
        only_its: &[&String],
    ) -> Option<(Kind, String, f64)> {
        let (own, its) = (self.measure.as_ref()?, other.measure.as_ref()?);
        let are_units = only_own.iter().all(|word| own.names(word))
            && only_its.iter().all(|word| its.names(word));
        let is_plain = !self.is_negative && !other.is_negative && self.years == other.years;
        if !are_units || !is_plain || own == its || only_own.is_empty() && only_its.is_empty() {
            return None;
        }
        Some((Kind::Number, format!("{own} is not {its}"), 0.8))
    }
}

fn spelled_number(word: &str) -> Option<&'static str> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    const DIGITS: [&str; 13] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];
    WORDS.iter().position(|name| *name == word).map(|at| DIGITS[at])
}

/// Tells whether two stems are opposites: in the word net, or by a prefix.
fn is_opposite(first: &str, second: &str) -> bool {
    let forms =
        |stem: &str| [stem.to_owned(), format!("{stem}e"), format!("{stem}d"), format!("{stem}ed")];
    let by_prefix = |one: &str, other: &str| {
        let prefixes = ["un", "in", "im", "dis", "non", "ir", "il"];
        other.len() > 2 && prefixes.iter().any(|prefix| one.strip_prefix(prefix) == Some(other))
    };
    forms(first).iter().any(|one| {
        forms(second).iter().any(|other| {
            let (one, other) = (one.as_str(), other.as_str());
            OPPOSITES.contains(&(one, other)) || by_prefix(one, other) || by_prefix(other, one)
        })
    })
}

/// Returns the stem of a word: without the endings of verbs and nouns.
fn stem(word: &str) -> String {
    for (irregular, stem) in [
        ("rose", "rise"),
        ("fell", "fall"),
        ("grew", "grow"),
        ("shrank", "shrink"),
        ("won", "win"),
        ("lost", "lose"),
        ("began", "begin"),
        ("built", "built"),
        ("founded", "found"),
        ("dead", "dead"),
        ("died", "die"),
        ("open", "open"),
        ("opened", "open"),
        ("born", "born"),
    ] {
        if word == irregular {
            return stem.to_owned();
        }
    }
    for ending in ["ing", "ed", "es", "s"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.len() >= 3
            && !word.ends_with("ss")
            && !(ending == "ed" && stem.ends_with('e'))
        {
            // `stopped` is `stop`.
            let doubled = stem.len() > 3
                && stem
                    .as_bytes()
                    .windows(2)
                    .next_back()
                    .is_some_and(|pair| pair[0] == pair[1] && !b"lsaeiou".contains(&pair[0]));
            let stem = if doubled && ending != "s" {
                stem.get(..stem.len() - 1).unwrap_or(stem)
            } else {
                stem
            };
            return stem.trim_end_matches('e').to_owned();
        }
    }
    if word.len() > 4 { word.trim_end_matches('e').to_owned() } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Kind, find};

    fn kinds(first: &str, second: &str) -> Vec<Kind> {
        find(&[first.to_owned(), second.to_owned()]).into_iter().map(|found| found.kind).collect()
    }

    #[test]
    fn statements_that_exclude_each_other_are_found() {
        for (first, second, kind) in [
            ("The door is locked.", "The door isn't locked.", Kind::Negation),
            ("The shop is open.", "The shop is closed.", Kind::Opposite),
            ("Every test passed.", "Some tests did not pass.", Kind::Quantifier),
            ("He never smokes.", "He smokes.", Kind::Quantifier),
            ("The tower is 300 m tall.", "The tower is 324 m tall.", Kind::Number),
            ("Ann is older than Bob.", "Bob is older than Ann.", Kind::Order),
        ] {
            assert_eq!(kinds(first, second), [kind], "{first} {second}");
            assert_eq!(kinds(second, first), [kind], "{second} {first}");
        }
    }

    #[test]
    fn statements_that_can_both_be_true_are_left_alone() {
        for (first, second) in [
            ("The door is locked.", "The door is locked."),
            ("The door is locked.", "The window is not locked."),
            ("Sales rose in 2020.", "Sales rose in 2021."),
            ("The road is 1 km long.", "The road is 1000 m long."),
            ("", ""),
        ] {
            assert_eq!(kinds(first, second), [], "{first} {second}");
        }
    }
}
