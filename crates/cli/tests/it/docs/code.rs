//! The code as far as pages and code name one another: files, and the words in them.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use super::pages;

/// Folders of crates, whose names begin the paths of items.
const CRATES: &str = "crates";

/// The files of the repository that are code.
pub(super) struct Code {
    /// By path from the root.
    files: HashMap<String, String>,
    /// The words of each crate's code.
    words: HashMap<String, HashSet<String>>,
}

/// A place where the code points at a page.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) page: String,
    pub(super) section: Option<String>,
}

impl Code {
    pub(super) fn read() -> Self {
        let mut files = Vec::new();
        pages::collect(pages::root(), "rs", &mut files);
        let files: HashMap<String, String> =
            files.into_iter().map(|(path, text)| (path.display().to_string(), text)).collect();
        let mut words: HashMap<String, HashSet<String>> = HashMap::new();
        for (path, text) in &files {
            let mut parts = path.split('/');
            let (Some(CRATES), Some(name), Some("src")) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let words = words.entry(name.to_owned()).or_default();
            words.extend(split(text).map(str::to_owned));
            words.extend(parts.map(|part| part.trim_end_matches(".rs").to_owned()));
        }
        Self { files, words }
    }

    /// Tells whether what stands in backticks is there, if it is the name of a file of code or of
    /// an item (`gateway::upstream::lanes`); everything else is.
    pub(super) fn has(&self, name: &str) -> bool {
        if is_named(name, "rs") && !name.contains(' ') {
            let tail = format!("/{name}");
            return self.files.keys().any(|path| path == name || path.ends_with(&tail));
        }
        let mut parts = name.split("::").map(|part| part.trim_end_matches("()"));
        let is_item = parts.clone().count() > 1
            && parts.clone().all(|part| !part.is_empty() && split(part).eq([part]));
        match parts.next().and_then(|name| self.words.get(name)) {
            Some(words) if is_item => parts.all(|part| words.contains(part)),
            _ => true,
        }
    }

    /// Where comments of the product point at a page (or its section, after a comma).
    pub(super) fn references(&self) -> impl Iterator<Item = (&str, Reference)> {
        let product = self.files.iter().filter(|(path, _)| path.contains("/src/"));
        product.flat_map(|(path, text)| {
            let lines = text.lines().filter(|line| line.trim_start().starts_with("//"));
            lines.flat_map(references).map(move |reference| (path.as_str(), reference))
        })
    }
}

fn references(line: &str) -> impl Iterator<Item = Reference> {
    line.split("`docs/").skip(1).filter_map(|rest| {
        let (page, after) = rest.split_once('`')?;
        // A name with a part left open (`docs/errors/<code>.md`) is no page.
        let is_page = is_named(page, "md") && !page.contains(['<', '{']);
        let section = after.strip_prefix(", ").map(|after| {
            let quoted = after.strip_prefix('"').and_then(|after| after.split_once('"'));
            quoted.map_or_else(|| after.split([')', '.', ';', ',']).next(), |(text, _)| Some(text))
        });
        let section = section.flatten().map(str::to_owned);
        is_page.then(|| Reference { page: format!("docs/{page}"), section })
    })
}

fn is_named(path: &str, ending: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == ending)
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}
