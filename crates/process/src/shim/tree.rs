//! Who descends from the shim, as the kernel tells it in `/proc`.

use std::{collections::HashSet, fs};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// Returns the children of the shim itself, orphans it has inherited included.
///
/// None of their ids can be given to another process before the shim has waited for it, so they are safe to signal.
pub(super) fn own_children() -> Vec<Pid> {
    children_of(rustix::process::getpid())
}

/// Sends SIGTERM to every descendant that is not in `asked` and puts it there.
///
/// Only the first time finds the deeper ones; those started since then become children of the shim when their parents
/// end, and are found then.
pub(super) fn terminate_all(asked: &mut HashSet<Pid>) {
    let shim = rustix::process::getpid();
    let mut open: Vec<(Pid, Pid)> = own_children().into_iter().map(|child| (child, shim)).collect();
    let mut seen = HashSet::new();
    while let Some((pid, parent)) = open.pop() {
        if !seen.insert(pid) {
            continue;
        }
        open.extend(children_of(pid).into_iter().map(|child| (child, pid)));
        if asked.insert(pid) {
            terminate(pid, parent);
        }
    }
}

/// Errors are not looked at: the process is gone, or is not ours to signal, which the end will show.
fn terminate(pid: Pid, parent: Pid) {
    if parent == rustix::process::getpid() {
        let _ = kill_process(pid, Signal::TERM);
        // One that was stopped would sleep through the grace period.
        let _ = kill_process(pid, Signal::CONT);
        return;
    }
    // Its parent may have reaped it, and its id may be a stranger's by now. The descriptor pins the process, then the
    // parent shows that it is the one meant.
    let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let now = parent_of(pid);
    if now == Some(parent) || now == Some(rustix::process::getpid()) {
        let _ = pidfd_send_signal(&descriptor, Signal::TERM);
        let _ = pidfd_send_signal(&descriptor, Signal::CONT);
    }
}

/// Children hang on the thread that started them, so all threads are asked.
fn children_of(pid: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
    let mut children = Vec::new();
    for task in tasks.into_iter().flatten().flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(list) => children.extend(list.split_ascii_whitespace().filter_map(parse)),
            Err(_) => return children_by_scan(pid),
        }
    }
    children
}

/// For kernels built without the `children` files.
fn children_by_scan(parent: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| parse(entry.file_name().to_str()?));
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: Pid) -> Option<Pid> {
    parse_parent(&fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?)
}

/// Takes the parent out of a `stat` line: the second field behind the name, which itself may hold blanks and brackets.
fn parse_parent(stat: &str) -> Option<Pid> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_ascii_whitespace().nth(1).and_then(parse)
}

fn parse(number: &str) -> Option<Pid> {
    Pid::from_raw(number.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parse_parent("12 (a ) 7 (b) S 34 12 12 0"), Pid::from_raw(34));
        assert_eq!(parse_parent("1 (init) S 0 1 1 0"), None);
        assert_eq!(parse_parent(""), None);
    }

    #[test]
    fn both_ways_to_find_children_agree() {
        let own = rustix::process::getpid();
        let parent = parent_of(own).unwrap();
        assert!(children_of(parent).contains(&own));
        assert!(children_by_scan(parent).contains(&own));
    }
}
