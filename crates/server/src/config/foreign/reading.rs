//! Reads a file of whatever system as a tree of our own shape.

use std::path::{Path as FilePath, PathBuf};

use super::super::env::Env;
use super::super::problem::{Problem, Report};
use super::super::tree::{self, Node};
use super::draft::Draft;
use super::note::Note;
use super::recognise::{self, Foreign, Format};
use super::{clients, configurable, spring};

/// A file, and what was read besides for its sake.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What it says; `None` if that is nothing.
    pub(crate) root: Option<Node>,
    /// What of it was not taken over as it stands.
    pub(crate) notes: Vec<Note>,
    pub(crate) format: Format,
    /// The files that have a say, the main one first; a place names them by their index.
    pub(crate) files: Vec<PathBuf>,
    /// Files and folders that would have a say if they were there, or were others.
    pub(crate) candidates: Vec<PathBuf>,
}

/// Reads `text`, which stands at `path`; `also` are more files that one variable names with it.
///
/// # Errors
///
/// What makes the rest unreadable. Lesser things go to `report`.
pub(crate) fn read(
    text: &str,
    path: Option<&FilePath>,
    also: &[PathBuf],
    env: &Env,
    report: &mut Report,
) -> Result<Reading, Problem> {
    let main = path.unwrap_or(FilePath::new("")).to_owned();
    let Some(foreign) = recognise::read(text, path, report)? else {
        let root = tree::parse(text, report)?;
        let (files, candidates) = (vec![main], Vec::new());
        return Ok(Reading { root, notes: Vec::new(), format: Format::Gantry, files, candidates });
    };
    let Foreign { format, documents } = foreign;
    let mut draft = Draft::new(report);
    let mut files = vec![main];
    let mut candidates = Vec::new();
    match (format, documents.first()) {
        (Format::Client, Some(root)) => clients::convert(root, path, &mut draft),
        (Format::Configurable, Some(root)) => configurable::convert(root, &mut draft),
        (Format::Spring, _) => {
            files.extend(also.iter().cloned());
            let application = spring::convert(documents, &files, env, &mut draft)?;
            (files, candidates) = (application.files, application.candidates);
        }
        (Format::Gantry, _) | (_, None) => {}
    }
    let (root, mut notes) = draft.finish();
    for note in &mut notes {
        let index = note.location.map_or(0, |location| location.file);
        note.file = files.get(index).filter(|_| index > 0).cloned();
    }
    Ok(Reading { root: Some(root), notes, format, files, candidates })
}
