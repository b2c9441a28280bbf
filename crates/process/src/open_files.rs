//! How many files may be open at once: as many as the system lets the gateway have, while children
//! keep the limit that it was started with.
//!
//! The usual soft limit is 1024, because programs with `select` break above it; the gateway needs one
//! for each connection. A child may be such a program, or one that closes every number up to its limit.

#[cfg(target_os = "linux")]
use std::sync::OnceLock;

/// The soft limit that the process was started with, once it was raised. A static, since the limit is
/// one for the whole process.
#[cfg(target_os = "linux")]
static INHERITED: OnceLock<u64> = OnceLock::new();

/// Raises the soft limit of open files to the hard one, for this process and not for its children.
/// Returns the limit that holds now, if it was raised.
#[cfg(target_os = "linux")]
pub fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let (soft, hard) = (limit.current?, limit.maximum?);
    if soft >= hard {
        return None;
    }
    // Before it is raised: no child may be started in between without knowing it.
    INHERITED.set(soft).ok()?;
    setrlimit(Resource::Nofile, Rlimit { current: Some(hard), maximum: Some(hard) }).ok()?;
    Some(hard)
}

/// Does nothing on this platform.
#[cfg(not(target_os = "linux"))]
pub fn raise_open_files() -> Option<u64> {
    None
}

/// Returns the soft limit for children; `None` if it is the one of this process.
#[cfg(target_os = "linux")]
pub(crate) fn of_children() -> Option<u64> {
    INHERITED.get().copied()
}

/// Puts the soft limit of the calling process, the shim, back.
#[cfg(target_os = "linux")]
pub(crate) fn put_back(soft: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(soft), maximum })?)
}
