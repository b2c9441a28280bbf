//! Which kind of route a path is: who may use it, and under which name it is counted.

use crate::identity::resource::WELL_KNOWN;

/// The names of all routes, for the counters.
pub(crate) const ROUTES: [&str; 15] = [
    "mcp",
    "health",
    "ready",
    "metrics",
    "index",
    "api",
    "actuator_health",
    "actuator",
    "loggers",
    "unknown",
    "sse",
    "messages",
    "circuit_breakers",
    "protected_resource",
    "info",
];

/// The same routes by their paths, for counters that name those.
pub(crate) const PATHS: [&str; ROUTES.len()] = [
    "/mcp",
    "/health",
    "/ready",
    "/metrics",
    "/",
    "/api",
    "/actuator/health",
    "/actuator",
    "/actuator/loggers",
    "UNKNOWN",
    "/sse",
    "/messages",
    "/circuit-breakers",
    "/.well-known/oauth-protected-resource",
    "/info",
];

/// A kind of route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// An MCP endpoint; the view is empty for everything.
    Mcp { view: &'a str },
    /// The stream of the transport of 2024-11-05; the view is empty for everything.
    Sse { view: &'a str },
    /// Where a client of that transport posts to.
    Messages,
    /// Whether the process is alive.
    Health,
    /// Whether it can serve, and the states of upstreams.
    Ready,
    /// Counters.
    Metrics,
    /// What is where.
    Index,
    /// The servers, for programs that do not speak MCP.
    Api,
    /// For the administrator.
    Admin,
    /// Health in the form of Spring Boot, and what else is open to everybody below `/actuator`.
    ActuatorHealth,
    /// Figures and settings in that form.
    Actuator,
    /// The levels of the log: to be read like figures, to be changed by the administrator.
    Loggers,
    /// The circuit breakers: to be read like figures, to be reset by the administrator.
    CircuitBreakers,
    /// What clients are told of where tokens come from; what follows names the resource.
    ProtectedResource { resource: &'a str },
    /// What a service is, on its own listener.
    Info,
    /// Nothing of ours.
    Unknown,
}

impl<'a> Route<'a> {
    /// Tells the route of a path.
    pub(crate) fn of(path: &'a str) -> Self {
        if let Some(rest) = path.strip_prefix("/mcp") {
            return Self::below(rest).map_or(Self::Unknown, |view| Self::Mcp { view });
        }
        if let Some(rest) = path.strip_prefix("/sse") {
            return Self::below(rest).map_or(Self::Unknown, |view| Self::Sse { view });
        }
        if let Some(resource) = path.strip_prefix(WELL_KNOWN) {
            let is_below = resource.is_empty() || resource.starts_with('/');
            return if is_below { Self::ProtectedResource { resource } } else { Self::Unknown };
        }
        match path {
            "/messages" => Self::Messages,
            "/health" => Self::Health,
            "/ready" => Self::Ready,
            "/metrics" | "/actuator/prometheus" => Self::Metrics,
            "/" => Self::Index,
            "/circuit-breakers" | "/circuit-breakers/reset" => Self::CircuitBreakers,
            "/actuator/threaddump" => Self::Admin,
            "/actuator/loggers" => Self::Loggers,
            _ if path.starts_with("/actuator/loggers/") => Self::Loggers,
            _ if path.starts_with("/api/admin/") => Self::Admin,
            _ if path.starts_with("/api/") => Self::Api,
            "/actuator" | "/actuator/" | "/actuator/info" | "/actuator/health" => {
                Self::ActuatorHealth
            }
            _ if path.starts_with("/actuator/health/") => Self::ActuatorHealth,
            _ if path.starts_with("/actuator/") => Self::Actuator,
            _ => Self::Unknown,
        }
    }

    /// Tells the route of a path on the listener of one service.
    pub(crate) fn of_service(service: &'a str, path: &'a str) -> Self {
        match Self::of(path) {
            Self::Mcp { view: "" } => Self::Mcp { view: service },
            Self::Index => Self::Info,
            Self::Metrics if path != "/metrics" => Self::Unknown,
            route @ (Self::Health | Self::Ready | Self::Metrics | Self::CircuitBreakers) => route,
            // What tokens are for is this endpoint, and there is no other here.
            Self::ProtectedResource { resource: "" | "/mcp" } => {
                Self::ProtectedResource { resource: "" }
            }
            _ if path == "/info" => Self::Info,
            _ => Self::Unknown,
        }
    }

    /// Reads the view below an endpoint; `None` when what follows is none.
    fn below(rest: &'a str) -> Option<&'a str> {
        let Some(view) = rest.strip_prefix('/') else { return rest.is_empty().then_some("") };
        let view = view.strip_suffix('/').unwrap_or(view);
        (!view.contains('/')).then_some(view)
    }

    /// Returns its place in [`ROUTES`].
    pub(crate) fn place(self) -> usize {
        match self {
            Self::Mcp { .. } => 0,
            Self::Health => 1,
            Self::Ready => 2,
            Self::Metrics => 3,
            Self::Index => 4,
            Self::Api | Self::Admin => 5,
            Self::ActuatorHealth => 6,
            Self::Actuator => 7,
            Self::Loggers => 8,
            Self::Unknown => 9,
            Self::Sse { .. } => 10,
            Self::Messages => 11,
            Self::CircuitBreakers => 12,
            Self::ProtectedResource { .. } => 13,
            Self::Info => 14,
        }
    }

    /// Returns the name under which it is counted and logged.
    pub(crate) fn name(self) -> &'static str {
        ROUTES[self.place()]
    }

    /// Tells whether MCP is spoken there, by whatever transport.
    pub(crate) fn is_mcp(self) -> bool {
        matches!(self, Self::Mcp { .. } | Self::Sse { .. } | Self::Messages)
    }

    /// Tells whether requests here count against the limits of rates.
    pub(crate) fn is_counted(self) -> bool {
        self.is_mcp() || matches!(self, Self::Api)
    }

    /// Tells whether it is asked by those who only want to know whether the gateway is well.
    pub(crate) fn is_probe(self) -> bool {
        matches!(self, Self::Health | Self::Ready | Self::ActuatorHealth)
    }

    /// Tells whether what is refused here is told in the form of the HTTP API.
    pub(crate) fn is_api(self) -> bool {
        matches!(self, Self::Api | Self::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::Route;

    #[track_caller]
    fn check(path: &str, expected: Route<'_>) {
        assert_eq!(Route::of(path), expected, "{path}");
    }

    #[test]
    fn paths_are_told_apart_exactly() {
        check("/mcp", Route::Mcp { view: "" });
        check("/mcp/", Route::Mcp { view: "" });
        check("/mcp/git", Route::Mcp { view: "git" });
        check("/mcp/git/", Route::Mcp { view: "git" });
        check("/mcp/git/log", Route::Unknown);
        check("/mcp//", Route::Mcp { view: "" });
        check("/mcpx", Route::Unknown);
        check("/sse", Route::Sse { view: "" });
        check("/sse/git", Route::Sse { view: "git" });
        check("/sse/git/log", Route::Unknown);
        check("/sses", Route::Unknown);
        check("/messages", Route::Messages);
        check("/messages/1", Route::Unknown);
        check("/MCP", Route::Unknown);
        check("/", Route::Index);
        check("", Route::Unknown);
        check("/health", Route::Health);
        check("/healthz", Route::Unknown);
        check("/api/servers", Route::Api);
        check("/api/admin/tap", Route::Admin);
        check("/actuator", Route::ActuatorHealth);
        check("/actuator/info", Route::ActuatorHealth);
        check("/actuator/health", Route::ActuatorHealth);
        check("/actuator/health/mcp-servers/git", Route::ActuatorHealth);
        check("/actuator/healthy", Route::Actuator);
        check("/actuator/configprops", Route::Actuator);
        check("/actuator/prometheus", Route::Metrics);
        check("/circuit-breakers", Route::CircuitBreakers);
        check("/circuit-breakers/reset", Route::CircuitBreakers);
        check("/circuit-breakers/git", Route::Unknown);
        check("/actuators", Route::Unknown);
        check("/apis", Route::Unknown);
        check("/actuator/loggers", Route::Loggers);
        check("/actuator/loggers/ROOT", Route::Loggers);
        check("/actuator/loggersx", Route::Actuator);
        check("/actuator/threaddump", Route::Admin);
        let of = |resource| Route::ProtectedResource { resource };
        check("/.well-known/oauth-protected-resource", of(""));
        check("/.well-known/oauth-protected-resource/mcp/git", of("/mcp/git"));
        check("/.well-known/oauth-protected-resources", Route::Unknown);
        check("/.well-known/oauth-authorization-server", Route::Unknown);
    }
}
