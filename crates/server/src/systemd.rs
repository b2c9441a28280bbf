//! What the gateway tells the service manager that started it, by the protocol of `sd_notify(3)`:
//! a few words in a datagram, to the socket that the environment names.
//!
//! Nobody waits for an answer: a manager that does not listen changes nothing.

use std::io;
use std::time::Duration;

use gantry_core::Tasks;

use crate::accept::Inbox;
use crate::config::Env;

const SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG: &str = "WATCHDOG_USEC";
const WATCHDOG_PROCESS: &str = "WATCHDOG_PID";

/// The way to the service manager, if one wants to know.
#[derive(Debug, Default)]
pub(crate) struct Manager {
    #[cfg(target_os = "linux")]
    socket: Option<std::sync::Arc<std::os::unix::net::UnixDatagram>>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// Finds the manager that the environment names.
    pub(crate) fn of(env: &Env) -> Self {
        let connected = env.get(SOCKET).filter(|address| !address.is_empty()).map(connect);
        let socket = match connected {
            None => return Self::default(),
            Some(Ok(socket)) => socket,
            Some(Err(error)) => {
                gantry_core::log::warn!(%error, "The service manager of `NOTIFY_SOCKET` cannot be told.");
                return Self::default();
            }
        };
        Self::on(socket, watchdog(env, std::process::id()))
    }

    /// The gateway serves; `status` is shown to people.
    pub(crate) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// The configuration is being read; [`Self::ready`] tells when that is over.
    pub(crate) fn reloading(&self) {
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Reloading", monotonic_micros()));
    }

    /// The gateway is ending.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Waiting for running calls");
    }

    /// Says that the gateway is alive, twice as often as the manager asks for, as long as every
    /// worker does: a thread that serves nobody any more ends the process, and it is started anew.
    pub(crate) fn keep_alive(&self, workers: Vec<Inbox>, tasks: &Tasks) {
        let Some(limit) = self.watchdog else { return };
        let manager = self.another();
        tasks.spawn_until_stop("watchdog", async move {
            let mut ticks = tokio::time::interval(limit / 2);
            loop {
                ticks.tick().await;
                let answered = async {
                    for worker in &workers {
                        worker.answers().await;
                    }
                };
                if tokio::time::timeout(limit / 2, answered).await.is_ok() {
                    manager.tell("WATCHDOG=1");
                } else {
                    gantry_core::log::error!("A thread that serves connections does not answer.");
                }
            }
        });
    }
}

#[cfg(target_os = "linux")]
type Socket = std::os::unix::net::UnixDatagram;

#[cfg(target_os = "linux")]
impl Manager {
    fn on(socket: Socket, watchdog: Option<Duration>) -> Self {
        Self { socket: Some(std::sync::Arc::new(socket)), watchdog }
    }

    fn another(&self) -> Self {
        Self { socket: self.socket.clone(), watchdog: self.watchdog }
    }

    fn tell(&self, words: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(words.as_bytes()) {
            gantry_core::log::debug!(%error, "The service manager does not listen.");
        }
    }
}

/// A name that begins with `@` is in the abstract namespace (`unix(7)`).
#[cfg(target_os = "linux")]
fn connect(address: &str) -> io::Result<Socket> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;

    let target = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = Socket::unbound()?;
    // A manager that does not read must not hold anything up.
    socket.set_nonblocking(true)?;
    socket.connect_addr(&target)?;
    Ok(socket)
}

#[cfg(not(target_os = "linux"))]
type Socket = std::convert::Infallible;

#[cfg(not(target_os = "linux"))]
impl Manager {
    fn on(socket: Socket, _: Option<Duration>) -> Self {
        match socket {}
    }

    fn another(&self) -> Self {
        Self { watchdog: self.watchdog }
    }

    fn tell(&self, _: &str) {}
}

#[cfg(not(target_os = "linux"))]
fn connect(_: &str) -> io::Result<Socket> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns how long the manager waits for a sign of life of `process`.
fn watchdog(env: &Env, process: u32) -> Option<Duration> {
    let is_ours = env.get(WATCHDOG_PROCESS).is_none_or(|text| text.parse() == Ok(process));
    let micros: u64 = env.get(WATCHDOG).filter(|_| is_ours)?.parse().ok()?;
    (micros > 0).then(|| Duration::from_micros(micros))
}

/// The manager compares this with its own clock, to know that a reload began after it asked.
#[cfg(unix)]
fn monotonic_micros() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

#[cfg(not(unix))]
fn monotonic_micros() -> i64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn waits(pairs: &[(&str, &str)], expected: Option<Duration>) {
        assert_eq!(watchdog(&Env::from_pairs(pairs.iter().copied()), 7), expected, "{pairs:?}");
    }

    #[test]
    fn the_watchdog_is_for_the_process_that_is_named() {
        let limit = Some(Duration::from_secs(2));
        waits(&[("WATCHDOG_USEC", "2000000")], limit);
        waits(&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "7")], limit);
        waits(&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "8")], None);
        waits(&[("WATCHDOG_USEC", "0")], None);
        waits(&[("WATCHDOG_USEC", "soon")], None);
        waits(&[("WATCHDOG_PID", "7")], None);
    }
}
