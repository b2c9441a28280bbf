//! Commands, run as a user runs them: exit code, standard output and standard error in one snapshot.
//! Nothing of the developer's machine reaches them, and what differs from run to run is replaced.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use tempfile::TempDir;

use crate::support::process::{self, Process};
use crate::support::{node, upstream};

mod certificates;
mod connecting;
mod doctor;
mod editing;
mod explaining;
mod importing;
mod keys;
mod looking;
mod man;
mod offers;
mod servers;
mod services;
mod serving;
mod shell;
mod tapping;
mod tools;

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

    /// A desk with one server, the upstream on the official SDK.
    fn with_upstream() -> Self {
        Self::with(&format!(
            "servers:\n  up:\n    command: {}\n    args: [--stdio, --era, dual]\n",
            upstream::program().display()
        ))
    }

    /// A command of this desk, not yet run.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> tokio::process::Command {
        let mut command = process::command(program);
        command.current_dir(self.folder.path()).env("HOME", self.folder.path());
        command.envs(self.variables.iter().copied());
        command
    }

    /// Starts a gateway on the desk, and waits until its server is ready if it has one.
    async fn serve(&self) -> Process {
        let mut command = self.command(env!("CARGO_BIN_EXE_gantry"));
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let mut gateway = Process::start("gantry serve", command);
        let has_server = self.file().exists() && self.config().contains("command:");
        let awaited = if has_server { "state=ready" } else { "is up" };
        let found = gateway.find_line(COMMAND, |_, line| line.contains(awaited).then_some(()));
        found.await.unwrap_or_else(|reason| panic!("{reason}"));
        gateway
    }

    /// Runs `gantry` at a terminal: waits for each text, then types what belongs to it.
    async fn at_a_terminal(&self, arguments: &[&str], steps: &[(&str, &str)]) -> String {
        let mut command = self.command(node::python());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/terminal.py");
        command.arg(script).arg(serde_json::json!(steps).to_string());
        command.arg(env!("CARGO_BIN_EXE_gantry")).args(arguments);
        self.seen(command).await
    }

    /// Runs `gantry` in the folder and returns all that can be seen of it.
    async fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.command(env!("CARGO_BIN_EXE_gantry"));
        command.args(arguments);
        self.seen(command).await
    }

    /// Runs a command to its end and returns all that can be seen of it.
    async fn seen(&self, command: tokio::process::Command) -> String {
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
            .replace(env!("CARGO_BIN_EXE_gantry"), "[GANTRY]")
    }
}
