//! Descriptors by number, which the kernel alone can check: the one place that believes in them.

use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

use rustix::io::FdFlags;
use rustix::net::{AddressFamily, SocketType, sockopt};

use super::{Inherited, InheritedError, Name};
use crate::config::Env;

/// Where they begin (`SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;
/// There is one for each listener at most.
const MOST: usize = Name::ALL.len();

const COUNT: &str = "LISTEN_FDS";
const NAMES: &str = "LISTEN_FDNAMES";
const PROCESS: &str = "LISTEN_PID";

/// Takes the sockets that are meant for `process`.
pub(super) fn take(env: &Env, process: u32) -> Result<Inherited, InheritedError> {
    let mut inherited = Inherited::default();
    let Some(written) = env.get(COUNT) else { return Ok(inherited) };
    // They may have been meant for the process that started this one.
    if env.get(PROCESS).and_then(|text| text.parse().ok()) != Some(process) {
        return Ok(inherited);
    }
    let count = written.parse().ok().filter(|count| (1..=MOST).contains(count));
    let count =
        count.ok_or_else(|| InheritedError::Count { written: written.to_owned(), most: MOST })?;
    let names: Vec<&str> =
        env.get(NAMES).map(|names| names.split(':').collect()).unwrap_or_default();
    for (descriptor, place) in (FIRST..).zip(0..count) {
        let written = names.get(place).copied().unwrap_or_default();
        take_one(&mut inherited, descriptor, written, count == 1)?;
    }
    Ok(inherited)
}

fn take_one(
    inherited: &mut Inherited,
    descriptor: RawFd,
    written: &str,
    is_only: bool,
) -> Result<(), InheritedError> {
    let name = Name::of(written);
    let refused = |kind| InheritedError::NotListening { descriptor, kind };
    let socket = own(descriptor).ok_or_else(|| refused("anything"))?;
    let listens = sockopt::socket_type(&socket).is_ok_and(|kind| kind == SocketType::STREAM)
        && sockopt::socket_acceptconn(&socket).unwrap_or(false);
    let family = sockopt::socket_domain(&socket).ok().filter(|_| listens);
    // Children must not hold a port open that the gateway has given up.
    if rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC).is_err() {
        return Err(refused("anything"));
    }
    let is_unix = family == Some(AddressFamily::UNIX);
    // Without `FileDescriptorName=` the name is the unit's.
    let default = if is_unix { Name::Socket } else { Name::Http };
    let name = name
        .or(is_only.then_some(default))
        .ok_or_else(|| InheritedError::UnknownName { descriptor, name: written.to_owned() })?;
    match family {
        Some(AddressFamily::UNIX) if name == Name::Socket => {
            let before = inherited.unix.replace(socket.into());
            before.map_or(Ok(()), |_| Err(InheritedError::Twice { name: name.word() }))
        }
        Some(AddressFamily::INET | AddressFamily::INET6) if name != Name::Socket => {
            let is_taken = inherited.tcp.iter().any(|(other, _)| *other == name);
            inherited.tcp.push((name, socket.into()));
            if is_taken { Err(InheritedError::Twice { name: name.word() }) } else { Ok(()) }
        }
        _ => Err(refused(if name == Name::Socket { "a path" } else { "a port" })),
    }
}

/// Takes a descriptor if it is an open socket.
#[expect(unsafe_code, reason = "a descriptor that is known by its number has no safe form")]
fn own(descriptor: RawFd) -> Option<OwnedFd> {
    let link = std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
    if !link.to_string_lossy().starts_with("socket:") {
        return None;
    }
    // SAFETY: it is open, as the kernel just said, and nobody else owns it: the service manager
    // opened it for this process, and `serve` calls this once, before anything opens files.
    Some(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(pairs: &[(&str, &str)]) -> Option<String> {
        take(&Env::from_pairs(pairs.iter().copied()), 7).err().map(|error| error.to_string())
    }

    #[test]
    fn sockets_for_another_process_are_left_alone() {
        assert_eq!(refusal(&[]), None);
        assert_eq!(refusal(&[("LISTEN_FDS", "1")]), None);
        assert_eq!(refusal(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "8")]), None);
    }

    #[test]
    fn a_count_that_is_none_is_refused() {
        for count in ["0", "6", "-1", "many", ""] {
            let refused = refusal(&[("LISTEN_FDS", count), ("LISTEN_PID", "7")]).unwrap();
            assert!(refused.contains("`LISTEN_FDS`") && refused.contains(count), "{refused}");
        }
    }
}
