//! The pages of the documentation: every Markdown file of the repository.

use std::path::{Component, Path, PathBuf};

use super::markdown::Page;

/// Folders without pages of ours: built, installed, or data.
const PASSED_OVER: [&str; 6] = ["target", "node_modules", "corpus", "artifacts", "out", "fixtures"];

/// The root of the repository.
pub(super) fn root() -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("the crate lies two folders below the root")
}

/// Reads every page, with its path from the root.
pub(super) fn all() -> Vec<Page> {
    let mut files = Vec::new();
    collect(root(), "md", &mut files);
    // Far more than this: a search that finds nothing proves nothing.
    assert!(files.len() > 20, "only {} pages were found", files.len());
    files.into_iter().map(|(path, text)| Page { path, text }).collect()
}

/// Reads the files below a folder whose names end so, with their paths from the root.
pub(super) fn collect(folder: &Path, ending: &str, files: &mut Vec<(PathBuf, String)>) {
    let entries = std::fs::read_dir(folder).expect("a folder of the repository can be read");
    let mut entries: Vec<_> =
        entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') || PASSED_OVER.contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(&path, ending, files);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            let text = std::fs::read_to_string(&path).expect("a page is text");
            let path = path.strip_prefix(root()).expect("everything is below the root");
            files.push((path.to_owned(), text));
        }
    }
}

/// Resolves `..` and `.` by the words of a path alone.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}
