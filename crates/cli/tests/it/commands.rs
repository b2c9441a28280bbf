//! Commands that need no gateway, run as a user runs them: exit code, standard output and standard
//! error in one snapshot.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use tempfile::TempDir;

use crate::support::process;

mod editing;
mod explaining;
mod importing;
mod looking;

/// How long a command may take that asks nobody.
const COMMAND: Duration = Duration::from_mins(1);

/// A folder to run commands in, which is their home too.
struct Desk {
    folder: TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("gantry-").tempdir();
        let folder = folder.expect("a temporary folder can be made");
        Self { folder, variables: Vec::new() }
    }

    /// A desk with a configuration file.
    fn with(config: &str) -> Self {
        let desk = Self::new();
        std::fs::write(desk.file(), config).expect("a file can be written in one's own folder");
        desk
    }

    fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("gantry.yaml")
    }

    fn config(&self) -> String {
        std::fs::read_to_string(self.file()).expect("the file is there")
    }

    /// Runs `gantry` in the folder and returns all that can be seen of it.
    async fn run(&self, arguments: &[&str]) -> String {
        let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
        command.current_dir(self.folder.path()).env("HOME", self.folder.path());
        command.envs(self.variables.iter().copied()).args(arguments);
        let finished = process::run(command, COMMAND).await.expect("a command ends");
        let mut seen = String::new();
        let code = finished.status.code().map_or("none".to_owned(), |code| code.to_string());
        writeln!(seen, "exit code {code}").expect("a string can be written to");
        for (name, text) in [("stdout", &finished.stdout), ("stderr", &finished.stderr)] {
            if !text.is_empty() {
                let lines: Vec<_> = text.lines().map(str::trim_end).collect();
                writeln!(seen, "----- {name}\n{}", lines.join("\n"))
                    .expect("a string can be written to");
            }
        }
        seen.replace(&*self.folder.path().to_string_lossy(), "[FOLDER]")
    }
}
