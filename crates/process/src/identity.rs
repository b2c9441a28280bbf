//! What a command would start right now: which files, and which state of them.
//!
//! A server that is updated in place keeps its command line. Whoever remembers something of a server
//! remembers it for this identity, and forgets it with the next one.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::{CommandSpec, environment};

/// Files up to this size are read whole: scripts and small programs, of which the content tells most
/// surely whether they changed. Of larger ones (an interpreter has 100 MB) size and time of change must
/// do, since reading them would cost each start more than the start itself.
const READ_WHOLE: u64 = 1024 * 1024;

/// Returns bytes that differ when another program, or another state of it, would be started: the file
/// that the program's name leads to and the first argument that is a file, which is the script where
/// the program is an interpreter.
///
/// What those load in turn (packages, libraries) is not looked at. Blocks on the file system.
pub(crate) fn of_command(own: &[(OsString, OsString)], spec: &CommandSpec) -> Vec<u8> {
    let base = spec.cwd.clone().unwrap_or_else(|| PathBuf::from("."));
    let environment = environment::of_child(own, &spec.env);
    let search = environment.iter().find(|(name, _)| name == "PATH").map(|(_, path)| &**path);
    let script = spec.args.iter().map(|arg| base.join(arg)).find(|path| path.is_file());
    let files = [find(&base, &spec.program, search), script];
    let mut identity = Vec::new();
    for path in files.into_iter().flatten() {
        // A file that cannot be looked at now is one state among others.
        let _ = describe(&path, &mut identity);
    }
    identity
}

/// Finds the program as the shim does.
fn find(base: &Path, program: &OsStr, search: Option<&OsStr>) -> Option<PathBuf> {
    if Path::new(program).components().count() > 1 {
        return Some(base.join(program));
    }
    let search = search.unwrap_or_else(|| OsStr::new(environment::DEFAULT_PATH));
    std::env::split_paths(search)
        .map(|folder| base.join(folder).join(program))
        .find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

fn describe(path: &Path, identity: &mut Vec<u8>) -> io::Result<()> {
    let path = path.canonicalize()?;
    // Looked at before it is opened: a pipe would be waited for.
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let file = File::open(&path)?;
    let mut part = |bytes: &[u8]| {
        identity.extend_from_slice(&bytes.len().to_le_bytes());
        identity.extend_from_slice(bytes);
    };
    part(path.as_os_str().as_encoded_bytes());
    if metadata.len() > READ_WHOLE {
        let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        part(&metadata.len().to_le_bytes());
        part(&changed.as_nanos().to_le_bytes());
    } else {
        let mut content = Vec::new();
        file.take(READ_WHOLE).read_to_end(&mut content)?;
        part(&content);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn identity(spec: &CommandSpec, path: &Path) -> Vec<u8> {
        of_command(&[("PATH".into(), path.into())], spec)
    }

    #[cfg(unix)]
    fn make_program(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_program_a_link_and_a_script_that_change_are_others() {
        let folder = tempfile::tempdir().unwrap();
        let (bin, work) = (folder.path().join("bin"), folder.path().join("work"));
        fs::create_dir(&bin).unwrap();
        fs::create_dir(&work).unwrap();
        make_program(&bin.join("tool-1"), "one");
        make_program(&bin.join("tool-2"), "two");
        std::os::unix::fs::symlink(bin.join("tool-1"), bin.join("tool")).unwrap();
        fs::write(work.join("server.js"), "a").unwrap();
        let args = ["--flag", "no-file", "server.js"].map(OsString::from).to_vec();
        let spec = CommandSpec {
            program: "tool".into(),
            args,
            cwd: Some(work.clone()),
            ..CommandSpec::default()
        };
        let mut seen = vec![identity(&spec, &bin)];
        assert_eq!(identity(&spec, &bin), seen[0], "nothing changed");
        fs::write(work.join("server.js"), "b").unwrap();
        seen.push(identity(&spec, &bin));
        make_program(&bin.join("tool-1"), "ONE");
        seen.push(identity(&spec, &bin));
        fs::remove_file(bin.join("tool")).unwrap();
        std::os::unix::fs::symlink(bin.join("tool-2"), bin.join("tool")).unwrap();
        seen.push(identity(&spec, &bin));
        make_program(&work.join("tool"), "two");
        let relative = CommandSpec { program: "./tool".into(), ..spec };
        seen.push(identity(&relative, &bin));
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[cfg(unix)]
    #[test]
    fn a_large_program_is_told_by_its_size_and_the_time_of_its_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        make_program(&path, &"x".repeat(2 * 1024 * 1024));
        let spec = CommandSpec { program: path.clone().into(), ..CommandSpec::default() };
        let before = identity(&spec, folder.path());
        assert!(before.len() < 4096, "it is not read");
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
        assert_ne!(identity(&spec, folder.path()), before);
    }

    #[test]
    fn a_program_that_is_not_there_has_an_identity_too() {
        let spec = CommandSpec { program: "no-such-program".into(), ..CommandSpec::default() };
        assert_eq!(identity(&spec, Path::new("/nonexistent")), []);
    }
}
