//! Which kind of route a path is: who may use it, and under which name it is counted.

/// The names of all routes, for the counters.
pub(crate) const ROUTES: [&str; 10] = [
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
    /// For the administrator.
    Admin,
    /// Health in the form of Spring Boot, and what else is open to everybody below `/actuator`.
    ActuatorHealth,
    /// Figures and settings in that form.
    Actuator,
    /// The levels of the log: to be read like figures, to be changed by the administrator.
    Loggers,
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
            "/actuator/threaddump" => Self::Admin,
            "/actuator/loggers" => Self::Loggers,
            _ if path.starts_with("/actuator/loggers/") => Self::Loggers,
            _ if path.starts_with("/api/") => Self::Admin,
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
            Self::Admin => 5,
            Self::ActuatorHealth => 6,
            Self::Actuator => 7,
            Self::Loggers => 8,
            Self::Unknown => 9,
        }
    }

    /// Returns the name under which it is counted and logged.
    pub(crate) fn name(self) -> &'static str {
        ROUTES[self.place()]
    }

    pub(crate) fn is_mcp(self) -> bool {
        matches!(self, Self::Mcp { .. })
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
        check("/api/servers", Route::Admin);
        check("/actuator", Route::ActuatorHealth);
        check("/actuator/info", Route::ActuatorHealth);
        check("/actuator/health", Route::ActuatorHealth);
        check("/actuator/health/mcp-servers/git", Route::ActuatorHealth);
        check("/actuator/healthy", Route::Actuator);
        check("/actuator/configprops", Route::Actuator);
        check("/actuator/prometheus", Route::Metrics);
        check("/actuators", Route::Unknown);
        check("/apis", Route::Unknown);
        check("/actuator/loggers", Route::Loggers);
        check("/actuator/loggers/ROOT", Route::Loggers);
        check("/actuator/loggersx", Route::Unknown);
        check("/actuator/threaddump", Route::Admin);
    }
}
