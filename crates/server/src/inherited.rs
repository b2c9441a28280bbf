//! Sockets that a service manager has opened and passes on, as systemd does for a `.socket` unit
//! (`sd_listen_fds(3)`): a port below 1024 then needs no rights, and a restart refuses nobody.
//!
//! The environment says how many there are and what they are called; they begin at descriptor 3.
//! Which listener takes which is decided in `listeners`.

#[cfg(target_os = "linux")]
mod linux;

use std::net::TcpListener;

use crate::config::Env;

/// Which listener a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Http,
    Https,
    Management,
    Metrics,
    Socket,
}

/// Sockets that are open already, none of them taken twice.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    tcp: Vec<(Name, TcpListener)>,
    #[cfg(unix)]
    unix: Option<std::os::unix::net::UnixListener>,
}

/// Why a socket that was passed on cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InheritedError {
    /// The count is none.
    #[error("`LISTEN_FDS` must be a number from 1 to {most}, but is `{written}`")]
    Count {
        /// What the variable says.
        written: String,
        /// How many there may be.
        most: usize,
    },
    /// No listener has this name.
    #[error(
        "`LISTEN_FDNAMES` calls descriptor {descriptor} `{name}`, which is none of `http`, \
         `https`, `management`, `metrics` and `socket`"
    )]
    UnknownName {
        /// Which descriptor.
        descriptor: i32,
        /// What it is called.
        name: String,
    },
    /// Two have one name.
    #[error("`LISTEN_FDNAMES` has `{name}` twice")]
    Twice {
        /// The name.
        name: &'static str,
    },
    /// The descriptor is closed, or no socket that listens.
    #[error("descriptor {descriptor} is no stream socket that listens on {kind}")]
    NotListening {
        /// Which descriptor.
        descriptor: i32,
        /// What it should be.
        kind: &'static str,
    },
}

// === impl Name ===

impl Name {
    #[cfg(target_os = "linux")]
    const ALL: [Self; 5] = [Self::Http, Self::Https, Self::Management, Self::Metrics, Self::Socket];

    /// Returns what the service manager calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Management => "management",
            Self::Metrics => "metrics",
            Self::Socket => "socket",
        }
    }

    /// Returns the key of the configuration with its address.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Http => "server.listen",
            Self::Https => "server.https.listen",
            Self::Management => "server.management.listen",
            Self::Metrics => "metrics.listen",
            Self::Socket => "server.socket",
        }
    }

    #[cfg(target_os = "linux")]
    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }
}

// === impl Inherited ===

impl Inherited {
    /// Takes what this process was started with.
    ///
    /// Must be called before anything else opens a file: the descriptors are known by number alone.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_process(env: &Env) -> Result<Self, InheritedError> {
        linux::take(env, std::process::id())
    }

    /// No service manager passes on sockets here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of_process(_: &Env) -> Result<Self, InheritedError> {
        Ok(Self::default())
    }

    /// Takes the socket for a listener, if there is one.
    pub(crate) fn take_tcp(&mut self, name: Name) -> Option<TcpListener> {
        let place = self.tcp.iter().position(|(other, _)| *other == name)?;
        Some(self.tcp.swap_remove(place).1)
    }

    /// Takes the unix socket, if there is one.
    #[cfg(unix)]
    pub(crate) fn take_unix(&mut self) -> Option<std::os::unix::net::UnixListener> {
        self.unix.take()
    }

    /// Refuses a socket that no listener took.
    pub(crate) fn is_used_up(&self) -> Result<(), Name> {
        self.tcp.first().map_or(Ok(()), |(name, _)| Err(*name))
    }
}
