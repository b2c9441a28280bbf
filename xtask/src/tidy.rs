//! `cargo xtask tidy`: house rules that no lint knows, over every file that git tracks or would track.
//!
//! The rules themselves are pure and in [`rules`] and [`imports`]; this file feeds them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::shell;
use crate::workspace::Workspace;

mod imports;
mod rules;

/// A file as the rules see it.
#[derive(Debug, Clone, Copy)]
struct SourceFile<'a> {
    /// From the root of the checkout, with `/` on every platform.
    path: &'a str,
    text: &'a str,
}

/// Something a rule found.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from 1; 0 when it concerns the whole file.
    line: usize,
    message: String,
    is_error: bool,
}

/// A rule about one file.
type Rule = fn(SourceFile<'_>, &mut Vec<Finding>);

/// Rules about single files, in the order of their messages.
const RULES: &[Rule] = &[
    rules::starts_with_a_module_doc,
    rules::is_not_too_long,
    rules::is_no_mod_file,
    rules::names_the_function_in_the_log,
    rules::has_an_issue_for_every_todo,
    rules::names_no_machine,
    imports::are_in_three_groups,
];

/// Checks every file; prints what it finds and fails on errors.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let mut findings = Vec::new();
    let paths = tracked_files(workspace)?;
    for path in &paths {
        // What is not text has no rules; a file that was just deleted is still in git's list.
        let Ok(text) = fs::read_to_string(workspace.path(path)) else { continue };
        let file = SourceFile { path, text: &text };
        for rule in RULES {
            rule(file, &mut findings);
        }
    }
    findings.extend(missing_error_pages(workspace)?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    let n_errors = findings.iter().filter(|finding| finding.is_error).count();
    if n_errors > 0 {
        bail!("{n_errors} findings; the rules and their reasons are in `STYLE.md`");
    }
    println!("{} files are tidy", paths.len());
    Ok(())
}

/// Every file that is or would be in git, so that a new file is checked before it is added.
fn tracked_files(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let mut command = shell::command(workspace, "git");
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed =
        shell::capture(&mut command).context("tidy needs git and a checkout made by it")?;
    Ok(listed.split_terminator('\0').map(str::to_owned).collect())
}

/// Every public error code has a page that `gantry explain` shows.
fn missing_error_pages(workspace: &Workspace) -> anyhow::Result<Vec<Finding>> {
    const TABLE: &str = "crates/core/src/error_code.rs";
    let path = workspace.path(TABLE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read `{TABLE}`"))?;
    let missing = rules::error_codes(&text)
        .into_iter()
        .filter(|(_, code)| !workspace.path(&format!("docs/errors/{code}.md")).exists());
    Ok(missing
        .map(|(line, code)| {
            Finding::error(
                TABLE,
                line,
                format!("`{code}` has no page: write `docs/errors/{code}.md`"),
            )
        })
        .collect())
}

// === impl SourceFile ===

impl SourceFile<'_> {
    fn is_rust(self) -> bool {
        Path::new(self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

// === impl Finding ===

impl Finding {
    fn error(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into(), is_error: true }
    }

    fn warning(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into(), is_error: false }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = if self.is_error { "error" } else { "warning" };
        match self.line {
            0 => write!(formatter, "{severity}: {}: {}", self.path, self.message),
            line => write!(formatter, "{severity}: {}:{line}: {}", self.path, self.message),
        }
    }
}

#[cfg(test)]
mod tests;
