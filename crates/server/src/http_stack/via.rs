//! How a request came: through which listener, and from whom.

use std::net::{IpAddr, SocketAddr};

use gantry_policy::exposure::is_loopback;

use super::Route;

/// Which routes a listener shows. One that it does not show is nowhere, for whoever comes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// All of them.
    Everything,
    /// What concerns whoever runs the gateway: all but MCP.
    Management,
    /// The figures for Prometheus.
    Metrics,
    /// One built-in service, by its name.
    Service(&'static str),
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Somebody at an address.
    At(SocketAddr),
    /// Somebody for whom a trusted proxy speaks.
    Behind { proxy: SocketAddr, client: IpAddr },
    /// A process of the user whose gateway this is, on a unix socket.
    SameUser,
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Via {
    pub(crate) face: Face,
    /// Whether the connection is encrypted: the client's own, where a trusted proxy speaks for it.
    pub(crate) is_tls: bool,
    pub(crate) peer: Peer,
}

// === impl Face ===

impl Face {
    /// Tells the route of a path: where one service listens, `/mcp` is that service's.
    pub(crate) fn route(self, path: &str) -> Route<'_> {
        match self {
            Self::Service(name) => Route::of_service(name, path),
            Self::Everything | Self::Management | Self::Metrics => Route::of(path),
        }
    }

    /// Returns the service whose listener this is.
    pub(crate) fn service(self) -> Option<&'static str> {
        match self {
            Self::Service(name) => Some(name),
            Self::Everything | Self::Management | Self::Metrics => None,
        }
    }

    pub(crate) fn shows(self, route: Route<'_>) -> bool {
        match self {
            Self::Everything => true,
            // The router behind it knows more paths, which are those of the main listener.
            Self::Service(_) => route != Route::Unknown,
            Self::Management => {
                !route.is_mcp() && !matches!(route, Route::ProtectedResource { .. })
            }
            Self::Metrics => route == Route::Metrics,
        }
    }
}

// === impl Peer ===

impl Peer {
    /// Returns the address of the client, an IPv4 one as such; a unix socket has none.
    pub(crate) fn address(self) -> Option<IpAddr> {
        match self {
            Self::At(address) => Some(address.ip().to_canonical()),
            Self::Behind { client, .. } => Some(client),
            Self::SameUser => None,
        }
    }

    /// Tells whether it is on this machine.
    pub(crate) fn is_near(self) -> bool {
        match self {
            Self::At(address) => is_loopback(address),
            // Whoever is on the proxy's machine need not be on ours.
            Self::Behind { .. } => false,
            Self::SameUser => true,
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(address) => address.fmt(formatter),
            Self::Behind { proxy, client } => write!(formatter, "{client} behind {proxy}"),
            Self::SameUser => formatter.write_str("socket"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Face, Route};

    #[track_caller]
    fn check(face: Face, shown: &[&str], hidden: &[&str]) {
        for path in shown {
            assert!(face.shows(Route::of(path)), "{face:?} {path}");
        }
        for path in hidden {
            assert!(!face.shows(Route::of(path)), "{face:?} {path}");
        }
    }

    #[test]
    fn a_listener_shows_what_it_is_for() {
        let administrative = ["/", "/health", "/ready", "/metrics", "/api/servers"];
        check(Face::Everything, &administrative, &[]);
        let of_clients = ["/mcp", "/mcp/git", "/.well-known/oauth-protected-resource/mcp"];
        check(Face::Everything, &of_clients, &[]);
        check(Face::Management, &administrative, &of_clients);
        let rest = ["/", "/health", "/ready", "/api/servers", "/mcp", "/nothing"];
        check(Face::Metrics, &["/metrics"], &rest);
    }

    #[test]
    fn the_listener_of_a_service_has_its_routes_and_no_others() {
        let face = Face::Service("vector_ranking");
        let view = "vector_ranking";
        for (path, expected) in [
            ("/mcp", Route::Mcp { view }),
            ("/mcp/", Route::Mcp { view }),
            ("/", Route::Info),
            ("/info", Route::Info),
            ("/health", Route::Health),
            ("/ready", Route::Ready),
            ("/metrics", Route::Metrics),
            ("/circuit-breakers", Route::CircuitBreakers),
            ("/circuit-breakers/reset", Route::CircuitBreakers),
        ] {
            assert_eq!(face.route(path), expected, "{path}");
            assert!(face.shows(expected), "{path}");
        }
        for path in ["/mcp/git", "/mcp/vector_ranking", "/sse", "/messages", "/api/servers"] {
            assert!(!face.shows(face.route(path)), "{path}");
        }
        for path in ["/api/admin/tap", "/actuator", "/actuator/prometheus", "/healthz"] {
            assert!(!face.shows(face.route(path)), "{path}");
        }
        assert_eq!(Face::Everything.route("/info"), Route::Unknown);
    }
}
