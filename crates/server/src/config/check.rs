//! What the parts of the configuration share while they are checked.

use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use gantry_core::ErrorCode;

use super::path::{Path, Step};
use super::problem::{Problem, Report};
use super::raw::{DurationText, SizeText};
use super::shape;
use super::tree::{Data, Node};
use super::units;

/// The report, and what is needed to write good messages.
pub(crate) struct Checker<'a> {
    report: Report,
    root: Option<&'a Node>,
    folder: &'a FilePath,
}

impl<'a> Checker<'a> {
    /// Starts to check the file read as `root`, whose relative paths begin at `folder`.
    pub(crate) fn new(root: Option<&'a Node>, folder: &'a FilePath) -> Self {
        Self { report: Report::default(), root, folder }
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.report.into_problems()
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.report.push(problem);
    }

    /// Reports that the value at `path` is not what it `must be`.
    pub(crate) fn invalid(&mut self, path: &Path, text: &str, expected: &str) {
        self.invalid_with_hint(path, text, expected, None);
    }

    pub(crate) fn invalid_with_hint(
        &mut self,
        path: &Path,
        text: &str,
        expected: &str,
        hint: Option<String>,
    ) {
        let shown = shown(self.root, path, text);
        let message = format!("`{path}` must be {expected}, but is {shown}");
        self.push(Problem::new(ErrorCode::ConfigInvalidValue, path, message).with_hint(hint));
    }

    /// Reports settings that are missing or do not go together.
    pub(crate) fn conflict(&mut self, path: &Path, message: String, hint: Option<&str>) {
        self.push(Problem::new(ErrorCode::ConfigConflict, path, message).with_hint(hint));
    }

    /// Reads a duration within `bounds`, both included.
    pub(crate) fn duration(
        &mut self,
        path: &Path,
        text: &DurationText,
        bounds: (Duration, Duration),
    ) -> Duration {
        let (least, most) = bounds;
        match units::parse_duration(&text.0) {
            Some(duration) if (least..=most).contains(&duration) => duration,
            Some(_) => {
                let (least, most) = (units::format_duration(least), units::format_duration(most));
                self.invalid(path, &text.0, &format!("from {least} to {most}"));
                least_of(bounds)
            }
            None => {
                let hint = without_unit(&text.0).map(|number| format!("write `{number}s`"));
                self.invalid_with_hint(path, &text.0, "a duration such as `15s`", hint);
                least_of(bounds)
            }
        }
    }

    /// Reads a size in bytes within `bounds`, both included.
    pub(crate) fn size(&mut self, path: &Path, text: &SizeText, bounds: (usize, usize)) -> usize {
        let (least, most) = bounds;
        match units::parse_size(&text.0) {
            Some(size) if (least..=most).contains(&size) => size,
            Some(_) => {
                let (least, most) = (units::format_size(least), units::format_size(most));
                self.invalid(path, &text.0, &format!("from {least} to {most}"));
                bounds.0
            }
            None => {
                let hint = without_unit(&text.0).map(|number| format!("write `{number}B`"));
                self.invalid_with_hint(path, &text.0, "a size such as `10MiB`", hint);
                least
            }
        }
    }

    /// Makes a path absolute; a relative one begins at the folder of the file.
    pub(crate) fn absolute(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    pub(crate) fn folder(&self) -> &FilePath {
        self.folder
    }
}

/// Returns what a message may call the value at `path`, which is `text`.
pub(crate) fn shown(root: Option<&Node>, path: &Path, text: &str) -> String {
    match root.and_then(|root| find(root, path)) {
        Some(node) if matches!(node.data, Data::Scalar(_)) => shape::shown(path, node),
        _ => format!("`{text}`"),
    }
}

fn find<'a>(root: &'a Node, path: &Path) -> Option<&'a Node> {
    path.steps().iter().try_fold(root, |node, step| match (step, &node.data) {
        (Step::Key(key), _) => node.entry(key).map(|entry| &entry.value),
        (Step::Index(index), Data::Sequence { entries }) => entries.get(*index),
        (Step::Index(_), _) => None,
    })
}

/// Stands in for a value that was refused; the whole configuration is, so nobody uses it.
fn least_of(bounds: (Duration, Duration)) -> Duration {
    bounds.0
}

fn without_unit(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}
