//! How errors look, and which exit code they have.
//!
//! ```text
//! error: cannot start the gateway
//!   caused by: failed to bind `127.0.0.1:8080`, set by `server.listen`
//!
//! hint: this is E0104 — run `gantry explain E0104`
//! ```

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use gantry_core::ErrorCode;
use gantry_server::config::ConfigErrors;

/// What was asked for did not work.
const FAILED: u8 = 1;
/// What was asked for makes no sense.
pub(crate) const USAGE: u8 = 2;
/// It was interrupted; the number is what shells say of a program that SIGINT ended.
const INTERRUPTED: u8 = 130;
/// Gantry has a bug; the number is `EX_SOFTWARE` of BSD.
const BUG: u8 = 70;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The sentence, then its causes, outermost first.
    lines: Vec<String>,
    hints: Vec<String>,
    codes: Vec<ErrorCode>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failed,
    Usage,
    Bug,
    /// Whoever asked took it back.
    Interrupted,
    /// Everything that there was to say is on standard output.
    Said,
    /// As [`Self::Usage`], but all is said.
    Told,
    /// Nobody reads what we write: nothing is wrong.
    ReaderGone,
}

impl Failure {
    /// A sentence in lower case, without a full stop.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            lines: vec![message.into()],
            hints: Vec::new(),
            codes: Vec::new(),
            kind: Kind::Failed,
        }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, ..Self::new(message) }
    }

    /// Gantry does not do what it should.
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self { kind: Kind::Bug, ..Self::new(message) }.with_code(ErrorCode::Internal)
    }

    /// Whoever asked took it back.
    pub(crate) fn interrupted() -> Self {
        Self { kind: Kind::Interrupted, ..Self::new("interrupted") }
    }

    /// The command line makes no sense, and that was said already.
    pub(crate) fn told() -> Self {
        Self { kind: Kind::Told, ..Self::new("") }
    }

    /// Tells whether whoever asked took it back.
    pub(crate) fn is_interruption(&self) -> bool {
        self.kind == Kind::Interrupted
    }

    /// The answer was printed, and is a bad one.
    pub(crate) fn said() -> Self {
        Self { kind: Kind::Said, ..Self::new("") }
    }

    /// What could not be written to standard output.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { kind: Kind::ReaderGone, ..Self::new("") };
        }
        Self::new("cannot write to standard output").because(error)
    }

    /// A configuration that cannot be used, with every reason.
    pub(crate) fn config(errors: &ConfigErrors) -> Self {
        // A file that is not there has no say, unless that is the mistake: it is something on the
        // command line or in the environment.
        let has_say =
            |file: &&Path| file.exists() || errors.codes().contains(&ErrorCode::ConfigUnreadable);
        let message = match errors.file().filter(has_say) {
            Some(file) => format!("cannot use the configuration `{}`", file.display()),
            None => "cannot use the configuration".to_owned(),
        };
        let mut failure = Self::new(message);
        failure.lines.extend(errors.lines());
        errors.codes().into_iter().fold(failure, Self::with_code)
    }

    /// Adds an error and its own causes.
    #[must_use]
    pub(crate) fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            // The reasons of a configuration are several lines.
            self.lines.extend(error.to_string().lines().map(str::to_owned));
            cause = error.source();
        }
        self
    }

    /// Adds what the reader can do.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds where the cause is explained.
    #[must_use]
    pub(crate) fn with_code(mut self, code: ErrorCode) -> Self {
        if code == ErrorCode::Internal {
            self.kind = Kind::Bug;
        }
        self.codes.push(code);
        self
    }

    /// Writes the failure to standard error and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // Nobody is left to tell if standard error is closed too.
        let _ = io::stderr().write_all(self.render().as_bytes());
        ExitCode::from(match self.kind {
            Kind::ReaderGone => 0,
            Kind::Failed | Kind::Said => FAILED,
            Kind::Usage | Kind::Told => USAGE,
            Kind::Bug => BUG,
            Kind::Interrupted => INTERRUPTED,
        })
    }

    fn render(&self) -> String {
        let mut text = String::new();
        if matches!(self.kind, Kind::Said | Kind::ReaderGone) {
            return text;
        }
        // What was told already is not told again.
        let lines = if self.kind == Kind::Told { &[] } else { self.lines.as_slice() };
        // Writing to a string cannot fail.
        for (index, line) in lines.iter().enumerate() {
            let _ = match index {
                0 => writeln!(text, "error: {line}"),
                _ => writeln!(text, "  caused by: {line}"),
            };
        }
        let explained = self.codes.iter().map(|code| {
            let code = code.code();
            format!("this is {code} — run `gantry explain {code}`")
        });
        let hints: Vec<_> = self.hints.iter().cloned().chain(explained).collect();
        if !hints.is_empty() {
            text.push('\n');
        }
        for hint in hints {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_and_hints_have_lines_of_their_own() {
        let cause = io::Error::new(io::ErrorKind::AddrInUse, "address already in use");
        let failure = Failure::new("cannot start the gateway")
            .because(&cause)
            .with_hint("another process holds the port")
            .with_code(ErrorCode::BindFailed);
        assert_eq!(
            failure.render(),
            "error: cannot start the gateway\n  caused by: address already in use\n\n\
             hint: another process holds the port\n\
             hint: this is E0104 — run `gantry explain E0104`\n"
        );
    }

    #[test]
    fn a_reader_who_went_away_is_no_failure() {
        let failure = Failure::output(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.kind, failure.render()), (Kind::ReaderGone, String::new()));
    }
}
