//! The listeners: which there are, what each shows, and how they come to be before anything starts.
//!
//! A socket that the service manager passes on ([`Inherited`]) takes the place of one that would
//! be bound. How connections are accepted and served is in `accept`; where the gateway may listen
//! at all is decided by `config` and, for the addresses that came out, by `live`.

#[cfg(unix)]
mod socket;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use gantry_core::Tasks;

use crate::accept::{self, Doorkeeper, Entrance, Inbox, Listening};
use crate::config::Config;
use crate::http_stack::Face;
use crate::inherited::{Inherited, Name};
use crate::start_error::StartError;
use crate::tls::Tls;

/// Connections of each listener beside the main ones: few ask there, and they shall get through
/// when the main ones are full.
const FEW: usize = 512;

/// The addresses that are listened on, the ports never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) main: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
    pub(crate) management: Option<SocketAddr>,
    pub(crate) metrics: Option<SocketAddr>,
}

/// Every listener, bound and not yet accepting.
#[derive(Debug)]
pub(crate) struct Listeners {
    open: Vec<(Listening, Entrance)>,
    bound: Bound,
    socket: Option<SocketFile>,
}

/// The file of the unix socket, which is taken away when this is dropped.
#[derive(Debug)]
#[cfg_attr(not(unix), expect(dead_code, reason = "there are no such sockets"))]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

// === impl Bound ===

impl Bound {
    /// Returns what the configuration asks for; ports may be 0.
    pub(crate) fn planned(config: &Config) -> Self {
        let (server, main) = (&config.server, config.server.listen);
        // On the main one's address these are no listeners of their own.
        let beside = |address: &SocketAddr| *address != main || address.port() == 0;
        Self {
            main,
            https: server.https.as_ref().map(|https| https.listen),
            management: server.management.filter(beside),
            metrics: config.metrics.listen.filter(beside),
        }
    }

    /// Returns the addresses from which the gateway can be commanded.
    pub(crate) fn commanding(&self) -> impl Iterator<Item = SocketAddr> {
        [Some(self.main), self.https, self.management].into_iter().flatten()
    }

    /// Returns the addresses of the listeners but the main one.
    pub(crate) fn beside_main(&self) -> impl Iterator<Item = SocketAddr> {
        [self.https, self.management, self.metrics].into_iter().flatten()
    }
}

// === impl Listeners ===

impl Listeners {
    /// Takes every port and path, or none: what was bound is let go again when another cannot be.
    pub(crate) async fn bind(
        config: &Config,
        tls: Option<Arc<Tls>>,
        mut inherited: Inherited,
    ) -> Result<Self, StartError> {
        let planned = Bound::planned(config);
        let mut open = Vec::new();
        let mut listen = async |name, planned: Option<SocketAddr>, entrance: Entrance| {
            let (listening, address) = match (inherited.take_tcp(name), planned) {
                (Some(listener), _) => accept::adopt(listener)
                    .map_err(|source| StartError::Inherited { name: name.word(), source })?,
                (None, Some(address)) => accept::bind(address)
                    .await
                    .map_err(|source| StartError::Bind { key: name.key(), address, source })?,
                (None, None) => return Ok(None),
            };
            open.push((listening, entrance));
            Ok(Some(address))
        };
        let plain = |face, limit| Entrance { face, tls: None, limit };
        let main = plain(Face::Everything, None);
        let main = listen(Name::Http, Some(planned.main), main).await?.unwrap_or(planned.main);
        let https = match tls {
            Some(tls) => {
                let entrance = Entrance { face: Face::Everything, tls: Some(tls), limit: None };
                listen(Name::Https, planned.https, entrance).await?
            }
            None => None,
        };
        let management = plain(Face::Management, Some(FEW));
        let management = listen(Name::Management, planned.management, management).await?;
        let metrics =
            listen(Name::Metrics, planned.metrics, plain(Face::Metrics, Some(FEW))).await?;
        let bound = Bound { main, https, management, metrics };
        let socket = bind_socket(config, &mut inherited, &mut open)?;
        inherited.is_used_up().map_err(|name| StartError::InheritedUnused { name: name.word() })?;
        Ok(Self { open, bound, socket })
    }

    pub(crate) fn bound(&self) -> Bound {
        self.bound
    }

    /// Returns the file of the unix socket, if one was made.
    pub(crate) fn take_socket(&mut self) -> Option<SocketFile> {
        self.socket.take()
    }

    /// Accepts on all of them until `tasks` is told to stop.
    pub(crate) fn accept(self, workers: &[Inbox], doorkeeper: &Arc<Doorkeeper>, tasks: &Tasks) {
        for (listening, entrance) in self.open {
            let (workers, doorkeeper) = (workers.to_vec(), Arc::clone(doorkeeper));
            let accepting = accept::accept(listening, entrance, workers, doorkeeper, tasks.clone());
            tasks.spawn("accept", accepting);
        }
    }
}

#[cfg(unix)]
fn bind_socket(
    config: &Config,
    inherited: &mut Inherited,
    open: &mut Vec<(Listening, Entrance)>,
) -> Result<Option<SocketFile>, StartError> {
    let entrance = Entrance { face: Face::Everything, tls: None, limit: Some(FEW) };
    if let Some(listener) = inherited.take_unix() {
        let listening = accept::adopt_unix(listener)
            .map_err(|source| StartError::Inherited { name: Name::Socket.word(), source })?;
        open.push((listening, entrance));
        return Ok(None);
    }
    let Some(path) = &config.server.socket else { return Ok(None) };
    let refused = |source| StartError::Socket { path: path.clone(), source };
    let (listener, file) = socket::bind(path).map_err(refused)?;
    open.push((Listening::Unix(listener), entrance));
    Ok(Some(file))
}

#[cfg(not(unix))]
fn bind_socket(
    config: &Config,
    _inherited: &mut Inherited,
    _open: &mut Vec<(Listening, Entrance)>,
) -> Result<Option<SocketFile>, StartError> {
    let Some(path) = &config.server.socket else { return Ok(None) };
    let source = std::io::ErrorKind::Unsupported.into();
    Err(StartError::Socket { path: path.clone(), source })
}
