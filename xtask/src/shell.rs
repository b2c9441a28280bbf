//! Runs other programs: the only place that starts a process.
//!
//! There is no shell in it: arguments are passed as they are.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::workspace::Workspace;

/// A command that runs in the root of the checkout and finds our own tools before the developer's.
pub(crate) fn command(workspace: &Workspace, program: impl AsRef<OsStr>) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "developer commands run programs; the rule is for the product"
    )]
    let mut command = Command::new(program);
    let own = workspace.tools().join("bin");
    let inherited = env::var_os("PATH").unwrap_or_default();
    // A `PATH` that cannot be joined has a separator in a folder's name; then only the developer's tools are found.
    let path = env::join_paths(std::iter::once(own).chain(env::split_paths(&inherited)))
        .unwrap_or(inherited);
    command.current_dir(workspace.root()).env("PATH", path);
    command
}

/// Cargo, of the toolchain that the checkout names.
pub(crate) fn cargo(workspace: &Workspace) -> Command {
    command(workspace, env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Shows the command and runs it on our own terminal; a failure of it is ours.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = show(command);
    println!("$ {shown}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("failed to start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed with {status}");
    }
    Ok(())
}

/// Runs the command silently and returns what it wrote to standard output; its errors go to ours.
pub(crate) fn capture(command: &mut Command) -> anyhow::Result<String> {
    let shown = show(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` failed with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` wrote what is not UTF-8"))
}

/// Whether the command can be started and succeeds; nothing of it is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Finds a program in our tools or on the `PATH`.
pub(crate) fn find_program(workspace: &Workspace, name: &str) -> Option<PathBuf> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    // Debian keeps servers such as nginx in folders that an ordinary user's `PATH` lacks.
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::iter::once(workspace.tools().join("bin"))
        .chain(env::split_paths(&inherited))
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// The command as one would type it, without folders before the program's name.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(name).chain(arguments).collect::<Vec<_>>().join(" ")
}
