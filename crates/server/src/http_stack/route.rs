//! Which kind of route a path is: who may use it, and under which name it is counted.

/// The names of all routes, for the counters.
pub(crate) const ROUTES: [&str; 9] =
    ["mcp", "health", "ready", "metrics", "index", "api", "actuator_health", "actuator", "unknown"];

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
    "UNKNOWN",
];

/// A kind of route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// An MCP endpoint; the view is empty for everything.
    Mcp { view: &'a str },
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
    /// Nothing of ours.
    Unknown,
}

impl<'a> Route<'a> {
    /// Tells the route of a path.
    pub(crate) fn of(path: &'a str) -> Self {
        if let Some(rest) = path.strip_prefix("/mcp") {
            return Self::mcp(rest);
        }
        match path {
            "/health" => Self::Health,
            "/ready" => Self::Ready,
            "/metrics" | "/actuator/prometheus" => Self::Metrics,
            "/" => Self::Index,
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

    fn mcp(rest: &'a str) -> Self {
        match rest.strip_prefix('/') {
            None if rest.is_empty() => Self::Mcp { view: "" },
            None => Self::Unknown,
            Some(view) => match view.strip_suffix('/').unwrap_or(view) {
                view if view.contains('/') => Self::Unknown,
                view => Self::Mcp { view },
            },
        }
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
            Self::Unknown => 8,
        }
    }

    /// Returns the name under which it is counted and logged.
    pub(crate) fn name(self) -> &'static str {
        ROUTES[self.place()]
    }

    pub(crate) fn is_mcp(self) -> bool {
        matches!(self, Self::Mcp { .. })
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
        check("/actuators", Route::Unknown);
        check("/apis", Route::Unknown);
    }
}
