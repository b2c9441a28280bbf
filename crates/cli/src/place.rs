//! Which configuration file and which data folder a command is about.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use gantry_server::config::environment::config_files;
use gantry_server::config::{Config, ConfigErrors, Env, Source};

use crate::cli::Global;
use crate::failure::Failure;
use crate::line::Line;

/// The file that is used when none is named.
const DEFAULT_FILE: &str = "gantry.yaml";
/// The folder that is used when none is named, beside the file.
const DEFAULT_FOLDER: &str = "gantry-data";

/// The files that a command is about.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Where the configuration comes from.
    pub(crate) source: Source,
    /// The data folder, absolute.
    pub(crate) data_folder: PathBuf,
    /// How often `-v` was given.
    pub(crate) verbosity: u8,
    /// The line to the gateway that a shell keeps for its commands.
    pub(crate) line: Option<Rc<Line>>,
}

impl Place {
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let source = source(global);
        let file = source.path.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        let data_folder = match &global.data_dir {
            Some(folder) => folder.clone(),
            None => Self::default_data_folder(file),
        };
        let data_folder = std::path::absolute(&data_folder).map_err(|error| {
            Failure::new("cannot tell where the data folder is").because(&error)
        })?;
        Ok(Self { source, data_folder, verbosity: global.verbose, line: None })
    }

    /// Returns the data folder that belongs to a configuration file if nothing else is said.
    pub(crate) fn default_data_folder(file: &Path) -> PathBuf {
        file.parent().unwrap_or_else(|| Path::new("")).join(DEFAULT_FOLDER)
    }

    /// Returns the configuration file, which may not exist yet.
    pub(crate) fn file(&self) -> &Path {
        // Invariant: `new` always names one.
        self.source.path.as_deref().unwrap_or_else(|| Path::new(DEFAULT_FILE))
    }

    /// Reads and checks the configuration.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Config::read(&self.source, &Env::of_process()).map_err(|errors| self.refusal(&errors))
    }

    /// Says why the configuration cannot be used.
    pub(crate) fn refusal(&self, errors: &ConfigErrors) -> Failure {
        let failure = Failure::config(errors);
        if let Some(variable) = self.source.named_by {
            return failure.with_hint(format!(
                "the variable `{variable}` names the file; `--config` names another"
            ));
        }
        if self.source.may_be_absent || self.file().exists() {
            return failure;
        }
        failure.with_hint(
            "only `gantry.yaml` in the current folder may be absent; a file that is named must exist",
        )
    }
}

/// Finds the file: the one that is named, the usual one if it is there, the one that a variable of
/// another system names, and else the usual one, which may be made later.
fn source(global: &Global) -> Source {
    let listen = global.listen.clone();
    if let Some(path) = global.config.clone() {
        return Source { path: Some(path), listen, ..Source::default() };
    }
    let usual = PathBuf::from(DEFAULT_FILE);
    if !usual.exists()
        && let Some((files, variable)) = config_files(&Env::of_process())
    {
        let mut files = files.into_iter().map(PathBuf::from);
        let (path, named_by) = (files.next(), Some(variable));
        return Source { path, also: files.collect(), named_by, listen, ..Source::default() };
    }
    Source { path: Some(usual), may_be_absent: true, listen, ..Source::default() }
}
