//! What became of a setting of another system's file, where that is not simply its value.

use std::path::PathBuf;

use gantry_core::ErrorCode;

use super::super::path::Path;
use super::super::problem::Problem;
use super::super::tree::Location;

/// One setting that was not taken over, or not as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where it stands, in the words of its own file.
    pub path: String,
    /// What became of it and why, as half a sentence.
    pub reason: String,
    /// Where that is.
    pub location: Option<Location>,
    /// The file, where it is not the main one.
    pub file: Option<PathBuf>,
}

impl Note {
    pub(super) fn new(path: impl Into<String>, at: Location, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into(), location: at.somewhere(), file: None }
    }

    /// The same as a warning.
    pub(crate) fn to_problem(&self) -> Problem {
        let message = format!("`{}`: {}", self.path, self.reason);
        let path = Path::root().key(&self.path);
        let mut problem = Problem::new(ErrorCode::ForeignSetting, &path, message);
        problem.location = self.location;
        problem.file.clone_from(&self.file);
        problem
    }
}
