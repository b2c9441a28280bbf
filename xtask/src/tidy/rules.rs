//! Rules that look at the text of one file.

use super::{Finding, SourceFile};

/// Longer files are pointed out.
const LONG_FILE_LINES: usize = 600;

/// Longer files are refused.
const MAX_FILE_LINES: usize = 1000;

/// Endings of files in which an open task has to name its issue.
const CODE_ENDINGS: &[&str] =
    &[".rs", ".toml", ".lua", ".sh", ".py", ".js", ".ts", ".yaml", ".yml", ".sql", ".css"];

/// Macros that write to the log without saying in which function.
const EVENTS: [&str; 5] =
    ["tracing::error!", "tracing::warn!", "tracing::info!", "tracing::debug!", "tracing::trace!"];

/// What marks an open task. Put together here so that this file does not trip over itself.
const TASK_MARKS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Folders that exist on somebody's machine only.
const MACHINE_FOLDERS: [&str; 3] =
    [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/tmp/bash", "_jobs")];

/// Hosts that packages come from, which differ from machine to machine and are configured there.
const REGISTRY_HOSTS: [&str; 6] = [
    concat!("registry.", "npmjs.org"),
    concat!("files.", "pythonhosted.org"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("proxy.", "golang.org"),
    concat!("arti", "factory"),
];

/// Every Rust file says in its first line what it is for.
pub(super) fn starts_with_a_module_doc(file: SourceFile<'_>, findings: &mut Vec<Finding>) {
    if file.is_rust() && !file.text.starts_with("//! ") {
        findings.push(Finding::error(
            file.path,
            1,
            "the first line is no `//!` doc that says what the file is for",
        ));
    }
}

/// A file that has to be scrolled for minutes has more than one subject.
pub(super) fn is_not_too_long(file: SourceFile<'_>, findings: &mut Vec<Finding>) {
    if !file.is_rust() || is_test(file.path) || is_generated(file.text) {
        return;
    }
    let n_lines = file.text.lines().count();
    if n_lines > MAX_FILE_LINES {
        let message =
            format!("{n_lines} lines, at most {MAX_FILE_LINES} are allowed: split it by subject");
        findings.push(Finding::error(file.path, 0, message));
    } else if n_lines > LONG_FILE_LINES {
        let message = format!("{n_lines} lines: consider a split at {LONG_FILE_LINES}");
        findings.push(Finding::warning(file.path, 0, message));
    }
}

/// A module `foo` is `foo.rs`, so that an editor's tabs tell modules apart.
pub(super) fn is_no_mod_file(file: SourceFile<'_>, findings: &mut Vec<Finding>) {
    if file.path.ends_with("/mod.rs") {
        findings.push(Finding::error(
            file.path,
            0,
            "name the file after the module, beside its folder",
        ));
    }
}

/// Lines of the log name their function: by the macros of `core::log`, or by hand in crates below it.
pub(super) fn names_the_function_in_the_log(file: SourceFile<'_>, findings: &mut Vec<Finding>) {
    let is_source =
        file.is_rust() && file.path.starts_with("crates/") && file.path.contains("/src/");
    if !is_source || is_test(file.path) || file.path == "crates/core/src/log.rs" {
        return;
    }
    let lines: Vec<_> = file.text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let is_event = EVENTS.iter().any(|event| line.contains(event));
        let next = lines.get(index + 1).copied().unwrap_or_default();
        if is_event && !line.contains("function = ") && !next.contains("function = ") {
            let message = "write to the log by `gantry_core::log`, which names the function";
            findings.push(Finding::error(file.path, index + 1, message));
        }
    }
}

/// An open task without an issue is never done.
pub(super) fn has_an_issue_for_every_todo(file: SourceFile<'_>, findings: &mut Vec<Finding>) {
    if !CODE_ENDINGS.iter().any(|ending| file.path.ends_with(ending)) {
        return;
    }
    for (line, text) in numbered_lines(file) {
        for mark in TASK_MARKS {
            if has_open_task(text, mark) {
                let message = format!("an open task names its issue: `{mark}(#123): …`");
                findings.push(Finding::error(file.path, line, message));
            }
        }
    }
}

/// The repository is the same wherever it is checked out.
pub(super) fn names_no_machine(file: SourceFile<'_>, findings: &mut Vec<Finding>) {
    for (line, text) in numbered_lines(file) {
        if let Some(folder) = MACHINE_FOLDERS.iter().find(|folder| has_absolute_path(text, folder))
        {
            findings.push(Finding::error(
                file.path,
                line,
                format!("`{folder}` exists on some machine only"),
            ));
        }
        if let Some(host) = REGISTRY_HOSTS.iter().find(|host| text.contains(**host)) {
            findings.push(Finding::error(
                file.path,
                line,
                format!("`{host}` is up to each machine's configuration"),
            ));
        }
    }
}

/// The codes in the table of errors, each with the line where it first stands; tests name codes that do not exist.
pub(super) fn error_codes(table: &str) -> Vec<(usize, String)> {
    let mut codes: Vec<(usize, String)> = Vec::new();
    let lines = table.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    for (index, line) in lines.enumerate() {
        let words = line.split(|character: char| !character.is_ascii_alphanumeric());
        for word in words.filter(|word| is_error_code(word)) {
            if !codes.iter().any(|(_, known)| known == word) {
                codes.push((index + 1, word.to_owned()));
            }
        }
    }
    codes
}

fn is_error_code(word: &str) -> bool {
    word.strip_prefix('E')
        .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether `mark` stands there as a word of its own and without an issue's number after it.
fn has_open_task(line: &str, mark: &str) -> bool {
    let is_part_of_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    line.match_indices(mark).any(|(position, _)| {
        let (before, rest) = line.split_at(position);
        let after = rest.strip_prefix(mark).unwrap_or_default();
        let is_word = !before.ends_with(is_part_of_word) && !after.starts_with(is_part_of_word);
        is_word && !names_an_issue(after)
    })
}

/// Whether `(#123)` comes next.
fn names_an_issue(after: &str) -> bool {
    let number = after.strip_prefix("(#").and_then(|rest| rest.split_once(')'));
    number.is_some_and(|(number, _)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether a path that starts with `folder` is in the line, not just a longer path or an address that contains it.
fn has_absolute_path(line: &str, folder: &str) -> bool {
    let continues_a_path =
        |character: char| character.is_ascii_alphanumeric() || "._-/*}~".contains(character);
    line.match_indices(folder)
        .any(|(position, _)| !line.split_at(position).0.ends_with(continues_a_path))
}

fn numbered_lines(file: SourceFile<'_>) -> impl Iterator<Item = (usize, &str)> {
    file.text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Tests are lists of cases, and a list may be long.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs")
        || ["/tests/", "/benches/"].iter().any(|folder| path.contains(folder))
}

fn is_generated(text: &str) -> bool {
    text.lines().take(5).any(|line| line.contains(concat!("@gene", "rated")))
}
