//! The order of imports: the standard library, then crates, then this crate, a blank line between.
//!
//! rustfmt sorts within a group but knows no groups on the stable toolchain. Only the imports at the head of a file are
//! looked at; re-exports (`pub use`) are a file's table of contents and stand where the author puts them.

use super::{Finding, SourceFile};

/// Where an import comes from, in the order of the groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Standard,
    Crates,
    Own,
}

/// Checks the groups of the imports at the head of the file.
pub(super) fn are_in_three_groups(file: SourceFile<'_>, findings: &mut Vec<Finding>) {
    if !file.is_rust() {
        return;
    }
    let mut previous: Option<Origin> = None;
    let mut follows_a_blank = false;
    let mut is_inside_import = false;
    let modules = declared_modules(file.text);
    for (index, line) in file.text.lines().enumerate() {
        if is_inside_import {
            is_inside_import = !line.contains(';');
        } else if line.is_empty() {
            follows_a_blank = true;
        } else if let Some(path) = line.strip_prefix("use ") {
            let origin = match (origin(path, &modules), previous) {
                (Some(origin), _) => origin,
                (None, Some(Origin::Own)) => Origin::Own,
                (None, Some(Origin::Crates)) if follows_a_blank => Origin::Own,
                (None, _) => Origin::Crates,
            };
            if let Some(message) =
                previous.and_then(|previous| complaint(previous, origin, follows_a_blank))
            {
                findings.push(Finding::error(file.path, index + 1, message));
            }
            previous = Some(origin);
            follows_a_blank = false;
            is_inside_import = !line.contains(';');
        } else if previous.is_some() && !line.starts_with("#[") {
            // The first thing after the imports ends the head of the file.
            return;
        }
    }
}

/// What is wrong with an import from `origin` after one from `previous`.
fn complaint(previous: Origin, origin: Origin, follows_a_blank: bool) -> Option<&'static str> {
    if origin < previous {
        return Some(
            "imports come in three groups: the standard library, other crates, `crate` and `super`",
        );
    }
    match (origin == previous, follows_a_blank) {
        (true, true) => Some("imports of one group stand together: remove the blank line"),
        (false, false) => Some("a blank line separates the groups of imports"),
        _ => None,
    }
}

/// Where an import comes from; `None` for a module of the same file, which may stand among the crates, because rustfmt
/// sorts it in there, or with our own.
fn origin(path: &str, modules: &[&str]) -> Option<Origin> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    match path.split(|character: char| !is_name(character)).find(|part| !part.is_empty()) {
        Some("std" | "core" | "alloc") => Some(Origin::Standard),
        Some("crate" | "super" | "self") => Some(Origin::Own),
        Some(module) if modules.contains(&module) => None,
        _ => Some(Origin::Crates),
    }
}

/// The modules that the file declares: in the root of a crate, importing from them needs no keyword.
fn declared_modules(text: &str) -> Vec<&str> {
    let declarations = text.lines().filter_map(|line| line.strip_suffix(';'));
    declarations
        .filter_map(|line| line.split_once("mod "))
        .filter(|(before, _)| before.is_empty() || before.starts_with("pub"))
        .map(|(_, name)| name)
        .collect()
}
