//! `servers_from`: more servers from other files, such as a folder that a cluster mounts.
//!
//! A file may be one of ours with `servers` alone, or one of another system. Its servers are added
//! to those of the main file; the same name in both is refused, because neither could be meant to
//! be left out in silence. A folder stands for its files that end in `.yml`, `.yaml` or `.json`, in
//! the order of their names; names that begin with a dot are those of whoever swaps them.

use std::path::{Path as FilePath, PathBuf};

use gantry_core::ErrorCode;

use super::env::Env;
use super::foreign::Format;
use super::foreign::note::Note;
use super::foreign::reading::{self, Reading};
use super::path::Path;
use super::problem::{Problem, Report};
use super::tree::{Data, Node};
use super::{read_file, variables};

const KEY: &str = "servers_from";
const ENDINGS: [&str; 3] = ["yml", "yaml", "json"];
/// More files in one folder are a mistake.
const MOST_FILES: usize = 256;

/// Adds what the files say that the main file names.
pub(crate) fn merge(main: &mut Reading, folder: &FilePath, env: &Env, report: &mut Report) {
    let named = main.root.as_ref().and_then(|root| root.find(&Path::root().key(KEY)));
    let Some(Node { data: Data::Sequence { entries }, .. }) = named else { return };
    let mut paths = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let at = Path::root().key(KEY).index(index);
        // What is wrong with a variable is said where all of them are put in.
        let text = entry.as_text().and_then(|text| variables::expand(text, &at, env, folder).ok());
        paths.extend(text.map(|text| (at, folder.join(text))));
    }
    for (at, path) in paths {
        match files(&path) {
            Ok(files) => {
                main.candidates.push(path);
                for file in files {
                    add(main, &file, &at, env, report);
                }
            }
            Err(problem) => {
                main.candidates.push(path);
                report.push(problem.with_path(&at));
            }
        }
    }
}

fn files(path: &FilePath) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |error: std::io::Error| {
        let message = format!("cannot read the folder `{}`: {error}", path.display());
        Problem::new(ErrorCode::ConfigUnreadable, &Path::root(), message)
    };
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        if ENDINGS.contains(&ending) && !is_hidden && file.is_file() {
            files.push(file);
        }
    }
    if files.len() > MOST_FILES {
        let message = format!("`{}` has more than {MOST_FILES} files", path.display());
        return Err(Problem::new(ErrorCode::ConfigConflict, &Path::root(), message));
    }
    files.sort();
    Ok(files)
}

/// Adds the servers of one file.
fn add(main: &mut Reading, file: &FilePath, at: &Path, env: &Env, report: &mut Report) {
    let offset = main.files.len();
    let mut own = Report::default();
    let text = match read_file(file, false) {
        Ok(text) => text.unwrap_or_default(),
        Err(problem) => {
            report.push(problem.with_path(at));
            return;
        }
    };
    let read = reading::read(&text, Some(file), &[], env, &mut own);
    let mut problems = own.into_problems();
    match read {
        Ok(mut read) => {
            main.files.append(&mut read.files);
            main.candidates.append(&mut read.candidates);
            main.notes.append(&mut read.notes);
            if let Some(mut root) = read.root {
                root.shift_files(offset);
                take(main, &root, read.format, &mut problems);
            }
        }
        Err(problem) => {
            main.files.push(file.to_owned());
            problems.push(problem);
        }
    }
    for mut problem in problems {
        if problem.file.is_none() {
            problem.file = Some(file.to_owned());
        }
        report.push(problem);
    }
}

fn take(main: &mut Reading, root: &Node, format: Format, problems: &mut Vec<Problem>) {
    let mut others = Vec::new();
    for entry in root.entries() {
        if entry.key != "servers" {
            others.push((entry.key.clone(), entry.key_at));
            continue;
        }
        for server in entry.value.entries() {
            let path = Path::root().key("servers").key(&server.key);
            let Some(own) = main.root.as_mut() else { return };
            if own.find(&path).is_some() {
                let message = format!("the server `{}` is in two files", server.key);
                problems.push(
                    Problem::new(ErrorCode::ConfigNameTaken, &path, message)
                        .at(server.key_at)
                        .with_hint(Some("rename one, or take it out of one of them")),
                );
            } else {
                own.insert(&path, server.value.clone());
            }
        }
    }
    for (key, at) in others {
        let file = main.files.get(at.file).cloned();
        let reason = match format {
            Format::Gantry => "only `servers` are taken from a file of `servers_from`",
            _ => "only servers are taken from a file of `servers_from`",
        };
        let note = Note { path: key, reason: reason.to_owned(), location: at.somewhere(), file };
        main.notes.push(note);
    }
}
