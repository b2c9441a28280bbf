//! Why a child could not be started, precisely enough to say what to do about it.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Why [`Launcher::start`](crate::Launcher::start) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The command cannot be given to any system.
    #[error("the command is unusable: {what}")]
    Unusable {
        /// What is wrong with it.
        what: String,
    },
    /// No folder of `PATH` holds the program.
    #[error("program `{}` was not found on the child's PATH, `{}`", .program.display(), .searched.display())]
    NotOnPath {
        /// The program as configured.
        program: OsString,
        /// The `PATH` that was searched.
        searched: OsString,
    },
    /// The program was given by its path, and there is nothing.
    #[error("program `{}` does not exist{}", .program.display(), seen_from(.folder.as_deref()))]
    NoSuchProgram {
        /// The program as configured.
        program: OsString,
        /// The folder a relative path starts from.
        folder: Option<PathBuf>,
    },
    /// It exists, but may not be executed: its mode, a folder, or a file system mounted `noexec`.
    #[error("program `{}` is not executable", .path.display())]
    NotExecutable {
        /// The file that was found.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is a script, and the program named in its first line is missing; or a binary without its loader.
    #[error("program `{}` exists, but the interpreter it asks for does not", .path.display())]
    NoInterpreter {
        /// The file that was found.
        path: PathBuf,
    },
    /// The folder to run in cannot be entered.
    #[error("cannot enter the folder `{}` to run the command in", .folder.display())]
    Folder {
        /// The folder as configured.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refused to execute it for another reason: out of processes, arguments too long, not a program.
    #[error("failed to execute `{}`", .path.display())]
    Execute {
        /// The file that was found.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The gateway is out of file descriptors or memory.
    #[error("failed to make {what} for a child process")]
    Resources {
        /// What could not be made.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The shim, which is this very program, could not be started or broke down.
    #[error("the shim `{}` failed before the command was started", .shim.display())]
    Shim {
        /// The shim's executable.
        shim: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The shim did not report in time.
    #[error("the command was not started within {} ms", .limit.as_millis())]
    Timeout {
        /// The limit, [`Limits::start_timeout`](crate::Limits::start_timeout).
        limit: Duration,
    },
    /// Child processes need Linux.
    #[error(
        "starting commands is not supported on this platform: it needs Linux and its subreapers"
    )]
    Unsupported,
}

impl StartError {
    /// Returns what the user may try, where there is something to say beyond the error itself.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotOnPath { program, .. } if holds_blank(program) => Some(
                "the command holds a blank: put the program into `command` and each argument into `args`".to_owned(),
            ),
            Self::NotOnPath { program, .. } => Some(format!(
                "install it, give its full path (`command -v {}` in your shell shows it), or set PATH in `env`",
                program.display()
            )),
            Self::NoSuchProgram { program, .. } if !Path::new(program).is_absolute() => {
                Some("a relative path starts from `cwd`, or from the gateway's own folder".to_owned())
            }
            Self::NotExecutable { path, .. } => Some(format!("`chmod +x {}` makes it so", path.display())),
            Self::NoInterpreter { path } => {
                Some(format!("`head -n 1 {}` shows which interpreter it asks for", path.display()))
            }
            _ => None,
        }
    }
}

fn holds_blank(program: &OsString) -> bool {
    program.as_encoded_bytes().contains(&b' ')
}

fn seen_from(folder: Option<&Path>) -> String {
    folder.map_or_else(String::new, |folder| format!(" (seen from `{}`)", folder.display()))
}
