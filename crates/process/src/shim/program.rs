//! Finds the program and starts it, or says at which step that failed.

use std::{
    ffi::OsStr,
    io,
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::{fs::Access, io::Errno, process::Pid};

use super::{kernel, order::Pipes};
use crate::{
    open_files,
    wire::{Order, Step},
};

/// Why a program was not started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) step: Step,
    pub(super) errno: i32,
    /// The file that was found, if one was.
    pub(super) path: Vec<u8>,
}

/// Starts the program of `order` on `pipes`, in a process group of its own.
pub(super) fn start(order: &Order, pipes: Pipes) -> Result<Pid, Failure> {
    if let Some(folder) = &order.cwd {
        std::env::set_current_dir(folder).map_err(|error| Failure::new(Step::Folder, &error))?;
    }
    let path = find(&order.program, order.search_path())?;
    if let Some(soft) = order.open_files {
        open_files::put_back(soft).map_err(|error| Failure::new(Step::Setup, &error))?;
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where children are started"
    )]
    let mut command = Command::new(&path);
    command
        .arg0(&order.program)
        .args(&order.args)
        .env_clear()
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .process_group(0)
        .stdin(Stdio::from(pipes.stdin))
        .stdout(Stdio::from(pipes.stdout))
        .stderr(Stdio::from(pipes.stderr));
    kernel::prepare_child(&mut command);
    let child = command.spawn().map_err(|error| {
        let denied = error.kind() == io::ErrorKind::PermissionDenied;
        let step = if denied { Step::Permission } else { Step::Execute };
        Failure { path: path.into_os_string().into_encoded_bytes(), ..Failure::new(step, &error) }
    })?;
    // The command, dropped here, holds our copies of the pipes. The child is waited for as any other descendant.
    Ok(Pid::from_child(&child))
}

/// Returns the path of `program`: itself if it holds a slash, else the first executable file of that name in `search`.
fn find(program: &OsStr, search: &OsStr) -> Result<PathBuf, Failure> {
    if program.as_bytes().contains(&b'/') {
        let path = PathBuf::from(program);
        return check(&path).map(|()| path);
    }
    let mut found = None;
    for folder in std::env::split_paths(search) {
        // An empty entry means the folder the child runs in, as it does for a shell.
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        let path = folder.join(program);
        match check(&path) {
            Ok(()) => return Ok(path),
            // As exec does: a file that may not be executed is remembered, but one further on wins.
            Err(failure) if failure.step == Step::Permission => found = found.or(Some(failure)),
            Err(_) => {}
        }
    }
    Err(found.unwrap_or_else(|| Failure::new(Step::Find, &Errno::NOENT.into())))
}

fn check(path: &Path) -> Result<(), Failure> {
    let denied = |errno: Errno| Failure {
        path: path.as_os_str().as_bytes().to_vec(),
        ..Failure::new(Step::Permission, &errno.into())
    };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(denied(Errno::ISDIR)),
        Ok(_) => rustix::fs::access(path, Access::EXEC_OK).map_err(denied),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(denied(Errno::ACCESS)),
        Err(error) => Err(Failure::new(Step::Find, &error)),
    }
}

// === impl Failure ===

impl Failure {
    pub(super) fn new(step: Step, error: &io::Error) -> Self {
        Self { step, errno: error.raw_os_error().unwrap_or(0), path: Vec::new() }
    }
}
