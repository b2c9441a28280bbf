//! Waits for the child, then ends what is left: SIGTERM, the grace period, SIGKILL until nothing is left.
//!
//! SIGKILL goes to the shim's own children only. Theirs become the shim's when they die, whatever session or group
//! they fled to, and get it in the next round; so no id of a stranger is ever signalled, and nothing is missed.

use std::{
    collections::HashSet,
    os::fd::{BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, read},
    process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait},
};

use super::{order::report, tree};
use crate::wire::Report;

/// How often to look for orphans while ending things: the kernel does not tell when one is inherited.
const ROUND: Duration = Duration::from_millis(50);

/// How long SIGKILL is tried. What is left then sleeps in the kernel or belongs to another user.
const GIVE_UP: Duration = Duration::from_secs(10);

/// A running child and all that descends from it.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    control: BorrowedFd<'a>,
    control_open: bool,
    signals: OwnedFd,
    child: Pid,
    grace: Duration,
    phase: Phase,
    /// Who has got SIGTERM. Ids leave it when they are reaped, since they may come again.
    asked: HashSet<Pid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// SIGTERM was sent.
    Asking {
        until: Instant,
    },
    /// SIGKILL is being sent.
    Killing {
        until: Instant,
    },
}

// === impl Watch ===

impl<'a> Watch<'a> {
    pub(super) fn new(
        control: BorrowedFd<'a>,
        signals: OwnedFd,
        child: Pid,
        grace: Duration,
    ) -> Self {
        Self {
            control,
            control_open: true,
            signals,
            child,
            grace,
            phase: Phase::Running,
            asked: HashSet::new(),
        }
    }

    /// Returns when nothing is left, or nothing that could be ended.
    pub(super) fn run(mut self) {
        while self.reap() {
            if self.is_hopeless() {
                break;
            }
            self.signal();
            self.sleep();
        }
        let n_left = i32::try_from(tree::own_children().len()).unwrap_or(i32::MAX);
        report(self.control, &Report::Done { n_left });
    }

    /// Reaps all that have ended; says whether any child is left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.note(pid, status),
                Err(Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn note(&mut self, pid: Pid, status: WaitStatus) {
        self.asked.remove(&pid);
        if pid != self.child {
            return;
        }
        if let Some(code) = status.exit_status() {
            report(self.control, &Report::Exited { code });
        } else if let Some(signal) = status.terminating_signal() {
            report(self.control, &Report::Signalled { signal });
        }
        self.begin_to_end();
    }

    fn begin_to_end(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Asking { until: Instant::now() + self.grace };
        }
    }

    fn is_hopeless(&self) -> bool {
        matches!(self.phase, Phase::Killing { until } if Instant::now() >= until)
    }

    fn signal(&mut self) {
        match self.phase {
            Phase::Running => {}
            Phase::Asking { until } if Instant::now() < until => {
                tree::terminate_all(&mut self.asked);
            }
            Phase::Asking { .. } => {
                self.phase = Phase::Killing { until: Instant::now() + GIVE_UP };
                kill_children();
            }
            Phase::Killing { .. } => kill_children(),
        }
    }

    /// Sleeps until something happens or the next round is due, and takes note of it.
    fn sleep(&mut self) {
        let round = match self.phase {
            Phase::Running => None,
            Phase::Asking { until } => {
                Some(ROUND.min(until.saturating_duration_since(Instant::now())))
            }
            Phase::Killing { .. } => Some(ROUND),
        };
        let round = round.map(|round| Timespec { tv_sec: 0, tv_nsec: round.subsec_nanos().into() });
        let mut ready = [
            PollFd::new(&self.signals, PollFlags::IN),
            // A socket that has hung up is always ready, so once it has, it is left out.
            PollFd::from_borrowed_fd(self.control, PollFlags::IN),
        ];
        let (ready, _) = ready.split_at_mut(if self.control_open { 2 } else { 1 });
        if poll(ready, round.as_ref()).is_err() {
            return;
        }
        let hung_up = ready.get(1).is_some_and(|control| !control.revents().is_empty());
        if self.was_told_to_end() {
            self.begin_to_end();
        }
        // The gateway never writes after the order: whatever there is to read is the end of the stream.
        if hung_up {
            self.control_open = false;
            self.begin_to_end();
        }
    }

    /// Takes the signals that came; says whether one of them was other than the end of a child.
    fn was_told_to_end(&self) -> bool {
        let mut told = false;
        let mut record = [0_u8; size_of::<libc::signalfd_siginfo>()];
        while let Ok(1..) = read(&self.signals, &mut record) {
            // The record begins with the signal's number.
            let number = record.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
            told |= number != Some(libc::SIGCHLD.unsigned_abs());
        }
        told
    }
}

/// Errors are not looked at: a child that may not be killed is counted at the end.
fn kill_children() {
    for child in tree::own_children() {
        let _ = kill_process(child, Signal::KILL);
    }
}
