//! What can be wrong with a configuration, and how it is said.
//!
//! A [`Problem`] names a path; [`ConfigErrors`] holds every problem of one file, with its place.
//! Invariant: no text here holds a value that came from a variable, because it may be a secret.

use std::fmt;
use std::path::{Path as FilePath, PathBuf};

use gantry_core::ErrorCode;

use super::path::Path;
use super::tree::Location;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which kind of thing, for `gantry explain`.
    pub code: ErrorCode,
    /// What it is about.
    pub path: Path,
    /// Where the file says so; absent for what the file does not say.
    pub location: Option<Location>,
    /// The file of `location`, where it is not the main one.
    pub file: Option<PathBuf>,
    /// What is wrong, without the place.
    pub message: String,
    /// What would be right, if that can be told.
    pub hint: Option<String>,
}

impl Problem {
    /// Makes a problem whose place is found later, by its path.
    pub(crate) fn new(code: ErrorCode, path: &Path, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.clone(),
            location: None,
            file: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what would be right.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// Sets what it is about.
    #[must_use]
    pub(crate) fn with_path(mut self, path: &Path) -> Self {
        self.path = path.clone();
        self
    }

    /// Sets the place.
    #[must_use]
    pub(crate) fn at(mut self, location: Location) -> Self {
        self.location = location.somewhere();
        self
    }

    /// Renders the problem in one line, with its place in `file`.
    pub fn render(&self, file: Option<&FilePath>) -> String {
        let place = match (self.file.as_deref().or(file), self.location) {
            (Some(file), Some(Location { line, column, .. })) => {
                format!(" ({}:{line}:{column})", file.display())
            }
            (None, Some(Location { line, column, .. })) => {
                format!(" (line {line}, column {column})")
            }
            (_, None) => String::new(),
        };
        match &self.hint {
            Some(hint) => format!("{}{place}; {hint}", self.message),
            None => format!("{}{place}", self.message),
        }
    }
}

/// Everything that is wrong with one configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    file: Option<PathBuf>,
    problems: Vec<Problem>,
    watched: Vec<PathBuf>,
}

impl ConfigErrors {
    pub(crate) fn new(file: Option<PathBuf>, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.location);
        Self { file, problems, watched: Vec::new() }
    }

    pub(crate) fn single(file: Option<PathBuf>, problem: Problem) -> Self {
        Self::new(file, vec![problem])
    }

    /// Says what else had a say, and may put it right when it changes.
    #[must_use]
    pub(crate) fn with_watched(mut self, watched: Vec<PathBuf>) -> Self {
        self.watched = watched;
        self
    }

    /// Returns what else had a say, if that was found out.
    pub(crate) fn watched(&self) -> &[PathBuf] {
        &self.watched
    }

    /// Returns the file, if there is one.
    pub fn file(&self) -> Option<&FilePath> {
        self.file.as_deref()
    }

    /// Returns what is wrong, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Returns the problems that are `wanted`; `None` if none is.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&Problem) -> bool) -> Option<Self> {
        let problems: Vec<_> =
            self.problems.iter().filter(|problem| wanted(problem)).cloned().collect();
        (!problems.is_empty()).then(|| Self { problems, ..self.clone() })
    }

    /// Returns one line for each problem, with its place and what would be right.
    pub fn lines(&self) -> Vec<String> {
        self.problems.iter().map(|problem| problem.render(self.file())).collect()
    }

    /// Returns the codes that occur, each once.
    pub fn codes(&self) -> Vec<ErrorCode> {
        let mut codes: Vec<_> = self.problems.iter().map(|problem| problem.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// Collects problems while a stage goes on.
#[derive(Debug, Default)]
pub(crate) struct Report {
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

/// Offers the known word nearest to `word`, if one is near enough to be a slip of the keyboard.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = word.chars().count().max(3) / 3;
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Renders [`nearest`] as a hint.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, known).map(|candidate| format!("did you mean `{candidate}`?"))
}
