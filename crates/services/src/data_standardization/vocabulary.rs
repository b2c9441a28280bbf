//! Words of the operator's or the caller's own, which come before the tables.
//!
//! One form is that of the tables: a line a term, `kind`, then the four levels, then what the term
//! is called with `|` between the names, all separated by tabs. Lines that begin with `#` are comments.
//! The other is a JSON list of terms as callers give them.

use std::collections::HashMap;

use super::hierarchy::{Kind, Level, Placed};
use super::item::Term;
use super::table::rows;
use crate::folding::fold;

/// The most terms of one vocabulary.
const MAX_TERMS: usize = 50_000;

/// Terms with what they are called.
#[derive(Debug, Default)]
pub struct Vocabulary {
    terms: Vec<[String; 4]>,
    names: HashMap<(Kind, String), usize>,
}

/// Why a vocabulary cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    /// A line has not what a line has to have.
    #[error(
        "line {line}: {problem}; write account, location or product, four levels and the names, with tabs between them"
    )]
    Line {
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The JSON is none, or not a list of terms.
    #[error("line {line}: {problem}; write a list of objects with `kind`, `levels` and `names`")]
    Json {
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// There are too many terms.
    #[error("more than {MAX_TERMS} terms; split the vocabulary, or leave terms out")]
    TooLarge,
}

impl Vocabulary {
    /// Reads the text of a vocabulary.
    pub fn parse(text: &str) -> Result<Self, VocabularyError> {
        let mut vocabulary = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_end_matches('\r');
            let Some(row) = rows(line).next() else { continue };
            let broken = |problem: String| VocabularyError::Line { line: at + 1, problem };
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == row.cell(0));
            let kind = kind.ok_or_else(|| broken(format!("`{}` is no kind", row.cell(0))))?;
            let levels = [1, 2, 3, 4].map(|n| row.cell(n).trim().to_owned());
            if levels.iter().all(String::is_empty) {
                return Err(broken("all four levels are empty".to_owned()));
            }
            let names: Vec<&str> = row.alternatives(5).collect();
            vocabulary.add(kind, levels, &names)?;
        }
        Ok(vocabulary)
    }

    /// Reads a JSON list of terms.
    pub fn parse_json(text: &str) -> Result<Self, VocabularyError> {
        let terms: Vec<Term> = serde_json::from_str(text).map_err(|error| {
            VocabularyError::Json { line: error.line(), problem: error.to_string() }
        })?;
        let mut vocabulary = Self::default();
        for (at, term) in terms.into_iter().enumerate() {
            if term.levels.iter().all(|level| level.trim().is_empty()) {
                let problem = format!("all four levels of the term {at} are empty");
                return Err(VocabularyError::Json { line: 1, problem });
            }
            let names: Vec<&str> = term.names.iter().map(String::as_str).collect();
            vocabulary.add(term.kind, term.levels, &names)?;
        }
        Ok(vocabulary)
    }

    /// Adds a term; its narrowest level is one of its names.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        levels: [String; 4],
        names: &[&str],
    ) -> Result<(), VocabularyError> {
        if self.terms.len() >= MAX_TERMS {
            return Err(VocabularyError::TooLarge);
        }
        let at = self.terms.len();
        let own = levels.iter().rev().find(|level| !level.is_empty()).cloned().unwrap_or_default();
        self.terms.push(levels);
        for name in names.iter().copied().chain([own.as_str()]) {
            let folded = fold(name);
            if !folded.is_empty() {
                self.names.insert((kind, folded), at);
            }
        }
        Ok(())
    }

    /// Returns how many terms there are.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Tells whether there is no term.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Finds a term by its name.
    pub(super) fn find(&self, kind: Kind, text: &str) -> Option<Placed> {
        let name = fold(text);
        let levels = self.terms.get(*self.names.get(&(kind, name.clone()))?)?;
        let level = |level: &String| {
            if level.is_empty() {
                Level::missing("the vocabulary leaves it out")
            } else {
                Level::found(level.clone(), 1.0, format!("`{name}` is in the vocabulary"))
            }
        };
        Some(Placed {
            levels: levels.each_ref().map(level),
            codes: std::collections::BTreeMap::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Vocabulary};

    #[test]
    fn terms_are_found_by_each_of_their_names() {
        let text = "# ours\naccount\tExpenses\tOperating Expenses\tIT\tObservability\tDatadog|Grafana Cloud\n\n";
        let vocabulary = Vocabulary::parse(text).unwrap();
        assert_eq!(vocabulary.len(), 1);
        for name in ["datadog", "GRAFANA  CLOUD", "observability"] {
            let placed = vocabulary.find(Kind::Account, name).unwrap();
            assert_eq!(placed.levels[3].value.as_deref(), Some("Observability"));
        }
        assert!(vocabulary.find(Kind::Product, "datadog").is_none());
    }

    #[test]
    fn a_list_of_terms_says_the_same() {
        let text = r#"[{"kind": "account", "names": ["Datadog"],
            "levels": ["Expenses", "Operating Expenses", "IT", "Observability"]}]"#;
        let vocabulary = Vocabulary::parse_json(text).unwrap();
        let placed = vocabulary.find(Kind::Account, "datadog").unwrap();
        assert_eq!(placed.levels[0].value.as_deref(), Some("Expenses"));
        let error = Vocabulary::parse_json("[\n{\"kind\": \"thing\"}]").unwrap_err();
        assert!(error.to_string().starts_with("line 2: "), "{error}");
        let empty = r#"[{"kind": "account", "names": ["x"], "levels": ["", "", "", " "]}]"#;
        assert!(Vocabulary::parse_json(empty).is_err());
    }

    #[test]
    fn a_line_with_a_mistake_is_named() {
        let error = Vocabulary::parse("account\ta\tb\tc\td\te\nthing\ta\tb\tc\td\te").unwrap_err();
        assert!(error.to_string().starts_with("line 2: `thing` is no kind;"), "{error}");
        let error = Vocabulary::parse("account\t\t\t\t\tname").unwrap_err();
        assert!(error.to_string().contains("all four levels are empty"), "{error}");
    }
}
