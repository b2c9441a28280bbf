//! The calls to the kernel that have no safe form: signals and close-on-exec for all. The only unsafe code of the crate.

#![expect(
    unsafe_code,
    reason = "signal masks, signalfd and close_range have no safe binding in rustix"
)]

use std::{
    io,
    mem::MaybeUninit,
    os::{
        fd::{FromRawFd as _, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::Command,
    ptr,
};

use rustix::process::Signal;

/// The signals that the shim hears of by its descriptor.
const HEARD: [libc::c_int; 5] =
    [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT];

/// The highest signal of Linux.
const LAST_SIGNAL: libc::c_int = 64;

/// Makes this process a shim: subreaper, in a session of its own, deaf to signals but for the returned descriptor.
pub(super) fn prepare() -> io::Result<OwnedFd> {
    // A name without `gantry`: who does `pkill -KILL gantry` still gets his children ended.
    rustix::thread::set_name(c"child-shim")?;
    // No terminal: its signals are for the gateway, and a program that asks for a password there fails at once.
    // An error means that this is a group leader already, started by hand from a shell.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    reset_signals();
    close_on_exec();
    hear_signals()
}

/// Undoes what the gateway inherited: one that was started with `nohup` must not make its children deaf, and with
/// SIGCHLD ignored the kernel would keep the exit status from us.
fn reset_signals() {
    for signal in 1..=LAST_SIGNAL {
        // SIGPIPE is reset by the standard library for the child; here it must stay ignored.
        if signal != libc::SIGPIPE {
            // SAFETY: the default action runs none of our code; where it cannot be set, the call does nothing.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
}

fn hear_signals() -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the whole set, before anything reads it, and every signal added is a valid one;
    // the mask concerns this thread, the only one.
    let descriptor = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in HEARD {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        let result = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut());
        if result != 0 {
            return Err(io::Error::from_raw_os_error(result));
        }
        libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Sets close-on-exec on everything but the standard streams: a gateway may itself have inherited descriptors (from a
/// shell, from systemd) which a child must not see.
fn close_on_exec() {
    // SAFETY: only sets a flag on descriptors; takes no pointers.
    let result =
        unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if result == 0 {
        return;
    }
    // Before Linux 5.11, or behind a filter of system calls.
    for entry in std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        if let Some(descriptor @ 3..) =
            entry.file_name().to_str().and_then(|name| name.parse().ok())
        {
            // SAFETY: only sets a flag; if the descriptor is gone meanwhile, the call fails.
            unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}

/// Gives the child an empty signal mask, and lets the kernel kill it should the shim be killed, since nobody else would
/// end it.
pub(super) fn prepare_child(command: &mut Command) {
    let mut none = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the whole set.
    let none: libc::sigset_t = unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        none.assume_init()
    };
    let prepare = move || {
        // SAFETY: the set is valid, and the old mask is not asked for.
        let result =
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) };
        if result != 0 {
            return Err(io::Error::from_raw_os_error(result));
        }
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        Ok(())
    };
    // SAFETY: between fork and exec this makes two system calls, without allocation or locks.
    unsafe { command.pre_exec(prepare) };
}
