//! Where the passphrase of a backup comes from: a file, standard input, a variable, the terminal.
//! Never the command line, which everybody on the machine can read.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use gantry_core::ErrorCode;
use gantry_server::BACKUP_PASSPHRASE;
use gantry_server::backup::Passphrase;
use gantry_server::config::Env;

use crate::failure::Failure;
use crate::output;

/// Longer ones are something else.
const LONGEST: u64 = 4096;

/// What it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A new backup: asked twice, for nobody can read what is typed.
    Making,
    /// One that is there.
    Opening,
}

/// Reads the passphrase.
pub(super) fn read(file: Option<&Path>, purpose: Use) -> Result<Passphrase, Failure> {
    let text = match file {
        Some(path) if path == Path::new("-") => limited(io::stdin().lock(), "standard input")?,
        Some(path) => {
            let shown = format!("`{}`", path.display());
            let file = std::fs::File::open(path).map_err(|error| unreadable(&shown, &error))?;
            limited(file, &shown)?
        }
        None => match Env::of_process().get(BACKUP_PASSPHRASE).filter(|text| !text.is_empty()) {
            Some(text) => text.to_owned(),
            None => ask(purpose)?,
        },
    };
    // The end of a line is not meant.
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Failure::new("the passphrase is empty").with_code(ErrorCode::BackupPassphrase));
    }
    Ok(Passphrase::new(text))
}

fn limited(from: impl io::Read, name: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = from.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|error| unreadable(name, &error))?;
    if text.len() as u64 > LONGEST {
        let message = format!("{name} is no passphrase: it is longer than {LONGEST} bytes");
        return Err(Failure::new(message).with_code(ErrorCode::BackupPassphrase));
    }
    Ok(text)
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    let message = format!("cannot read the passphrase from {name}");
    Failure::new(message).because(error).with_code(ErrorCode::BackupPassphrase)
}

fn ask(purpose: Use) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new("a backup is encrypted, and there is no passphrase")
            .with_hint(super::backup::sources())
            .with_code(ErrorCode::BackupPassphrase));
    }
    let first = prompt("Passphrase: ")?;
    if purpose == Use::Making && prompt("Again: ")? != first {
        let failure = Failure::new("the two passphrases are not the same");
        return Err(failure.with_code(ErrorCode::BackupPassphrase));
    }
    Ok(first)
}

/// Reads a line from the terminal without showing it.
fn prompt(text: &str) -> Result<String, Failure> {
    output::aside(text);
    let hidden = Hidden::begin();
    let mut line = String::new();
    let read = io::stdin().lock().take(LONGEST).read_line(&mut line);
    drop(hidden);
    output::aside("\n");
    read.map_err(|error| unreadable("the terminal", &error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that shows nothing of what is typed, until this is dropped.
#[cfg(unix)]
struct Hidden(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Hidden {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = io::stdin();
        // A terminal that cannot be told to hide shows what is typed; that is said by itself.
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        match tcsetattr(&stdin, OptionalActions::Now, &quiet) {
            Ok(()) => Self(Some(before)),
            Err(_) => Self(None),
        }
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(before) = &self.0 {
            // Nobody is left to tell.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Elsewhere what is typed is shown.
#[cfg(not(unix))]
struct Hidden;

#[cfg(not(unix))]
impl Hidden {
    fn begin() -> Self {
        Self
    }
}
