//! Which documents and files hold: profiles, `spring.config.import`, and what lies beside.
//!
//! The order, each winning over the ones before: the documents of a file from its first to its
//! last, with those that have no profile or one that holds; after all main files those named after
//! a profile, in the order of the profiles; a `servers.yml` beside the main file, which a cluster
//! may swap at any time.

use std::path::{Path as FilePath, PathBuf};

use super::Application;
use super::properties::Properties;
use crate::config::env::Env;
use crate::config::foreign::draft::Draft;
use crate::config::path::Path;
use crate::config::problem::Problem;
use crate::config::tree::{self, Node};
use crate::config::{folder_of, read_file, variables};

const ACTIVE: &str = "SPRING_PROFILES_ACTIVE";
/// Holds where no profile is named.
const DEFAULT: &str = "default";
const ENDINGS: [&str; 2] = ["yml", "yaml"];
/// The file with servers alone.
const SERVERS: &str = "servers";
/// More files are a loop.
const MOST_FILES: usize = 64;

/// Reads files as they are named.
pub(super) struct Loader<'a> {
    env: &'a Env,
    files: Vec<PathBuf>,
    candidates: Vec<PathBuf>,
    active: Vec<String>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(env: &'a Env) -> Self {
        Self { env, files: Vec::new(), candidates: Vec::new(), active: Vec::new() }
    }

    /// Reads everything that holds.
    pub(super) fn load(
        &mut self,
        main: Vec<Node>,
        files: &[PathBuf],
        draft: &mut Draft<'_>,
    ) -> Result<Properties, Problem> {
        let mut documents: Vec<(Node, PathBuf)> = Vec::new();
        let mut main = Some(main);
        for file in files {
            let read = match main.take() {
                Some(main) => {
                    self.files.push(file.clone());
                    main
                }
                None => self.file(file, draft)?,
            };
            documents.extend(read.into_iter().map(|document| (document, file.clone())));
        }
        self.active = self.active_profiles(&documents, draft);
        let mut properties = Properties::default();
        for (document, file) in &documents {
            self.take(document, file, &mut properties, draft)?;
        }
        for profile in self.active.clone() {
            for file in files {
                self.beside(file, &format!("{}-{profile}", stem(file)), &mut properties, draft)?;
            }
        }
        if let Some(file) = files.first().filter(|file| stem(file) != SERVERS) {
            self.beside(file, SERVERS, &mut properties, draft)?;
        }
        properties.resolve();
        Ok(properties)
    }

    pub(super) fn finish(self) -> Application {
        Application { files: self.files, candidates: self.candidates }
    }

    /// Takes a document, if its profiles hold, and what it imports.
    fn take(
        &mut self,
        document: &Node,
        file: &FilePath,
        properties: &mut Properties,
        draft: &mut Draft<'_>,
    ) -> Result<(), Problem> {
        let mut own = Properties::default();
        own.add(document);
        let condition = own.list("spring.config.activate.onprofile");
        let condition = if condition.is_empty() { own.list("spring.profiles") } else { condition };
        let holds = condition.iter().filter_map(Node::as_text).any(|text| self.holds(text));
        if !condition.is_empty() && !holds {
            return Ok(());
        }
        properties.add(document);
        for import in own.list("spring.config.import") {
            self.import(&import, file, properties, draft)?;
        }
        Ok(())
    }

    fn import(
        &mut self,
        import: &Node,
        from: &FilePath,
        properties: &mut Properties,
        draft: &mut Draft<'_>,
    ) -> Result<(), Problem> {
        let Some(text) = import.as_text() else { return Ok(()) };
        let (text, is_optional) = match text.strip_prefix("optional:") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let path = text.strip_prefix("file:").unwrap_or(text);
        if path == text && text.contains(':') {
            let reason = "is no file; other sources of settings come later";
            draft.note(&format!("spring.config.import {text}"), import.at, reason);
            return Ok(());
        }
        let path = folder_of(Some(from)).join(path);
        if is_optional && !path.exists() {
            self.candidates.push(path);
            return Ok(());
        }
        let at_import = |problem: Problem| match &problem.file {
            Some(_) => problem,
            None => problem.at(import.at),
        };
        for document in self.file(&path, draft).map_err(at_import)? {
            self.take(&document, &path, properties, draft)?;
        }
        Ok(())
    }

    /// Takes the file of this name beside another, if it is there.
    fn beside(
        &mut self,
        file: &FilePath,
        name: &str,
        properties: &mut Properties,
        draft: &mut Draft<'_>,
    ) -> Result<(), Problem> {
        let paths = ENDINGS.map(|ending| file.with_file_name(format!("{name}.{ending}")));
        let Some(path) = paths.iter().find(|path| path.exists()) else {
            self.candidates.extend(paths);
            return Ok(());
        };
        for document in self.file(path, draft)? {
            self.take(&document, path, properties, draft)?;
        }
        Ok(())
    }

    fn file(&mut self, path: &FilePath, draft: &mut Draft<'_>) -> Result<Vec<Node>, Problem> {
        if self.files.len() >= MOST_FILES {
            let message = format!("more than {MOST_FILES} files import each other");
            let code = gantry_core::ErrorCode::ConfigConflict;
            return Err(Problem::new(code, &Path::root().key("spring.config.import"), message));
        }
        let text = read_file(path, false)?.unwrap_or_default();
        let index = self.files.len();
        self.files.push(path.to_owned());
        let in_this = |mut problem: Problem| {
            problem.file = Some(path.to_owned());
            problem
        };
        let mut documents = tree::parse_all(&text, draft.report).map_err(in_this)?;
        for document in &mut documents {
            document.shift_files(index);
        }
        Ok(documents)
    }

    /// The environment's word, else that of the documents without a profile.
    fn active_profiles(&self, documents: &[(Node, PathBuf)], draft: &mut Draft<'_>) -> Vec<String> {
        let mut all = Properties::default();
        for (document, _) in documents {
            let mut own = Properties::default();
            own.add(document);
            if own.list("spring.config.activate.onprofile").is_empty() {
                all.add(document);
            }
        }
        let given = self.env.get(ACTIVE).filter(|text| !text.trim().is_empty());
        let mut named = match given {
            Some(text) => split(text),
            None => self.words(&all.list("spring.profiles.active"), draft),
        };
        named.extend(self.words(&all.list("spring.profiles.include"), draft));
        if named.is_empty() {
            named.push(DEFAULT.to_owned());
        }
        // A profile becomes a part of a file's name.
        named.retain(|name| !name.contains(['/', '\\', '\0']));
        named
    }

    fn words(&self, nodes: &[Node], draft: &mut Draft<'_>) -> Vec<String> {
        let mut words = Vec::new();
        for node in nodes {
            let path = Path::root().key("spring.profiles.active");
            let Some(text) = node.as_text() else { continue };
            match variables::expand(text, &path, self.env, FilePath::new("")) {
                Ok(text) => words.extend(split(&text)),
                Err(problem) => draft.report.push(problem.at(node.at)),
            }
        }
        words
    }

    /// Tells whether an expression such as `production & !eu` holds; `&` binds closer than `|`.
    fn holds(&self, expression: &str) -> bool {
        let is_active = |name: &str| self.active.iter().any(|active| active == name);
        let term = |term: &str| {
            let term = term.trim().trim_matches(['(', ')']).trim();
            term.strip_prefix('!').map_or_else(|| is_active(term), |name| !is_active(name.trim()))
        };
        expression.split(['|', ',']).any(|part| part.split('&').all(term))
    }
}

fn split(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn stem(file: &FilePath) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
