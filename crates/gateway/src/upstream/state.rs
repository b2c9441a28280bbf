//! What is true of an upstream right now, for people and for probes.

use std::fmt;

use gantry_core::ErrorCode;

/// The state of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Switched off by `enabled: false`.
    Disabled,
    /// Being started, connected to, or asked for its era; for the first time or again.
    Starting,
    /// It answers.
    Ready,
    /// It could not be started or reached, or was lost; it is tried again.
    Unreachable {
        /// Which kind of cause.
        code: ErrorCode,
        /// The cause.
        why: String,
    },
    /// It ended again and again soon after its start; it is tried again, but rarely.
    CrashLoop {
        /// How it ended the last time.
        why: String,
    },
    /// It speaks only revisions that Gantry does not.
    VersionMismatch {
        /// What it speaks.
        supported: String,
    },
    /// What answers there is no MCP server.
    NotMcp {
        /// What it did instead.
        why: String,
    },
    /// It wants credentials that it was not given.
    Unauthorized {
        /// What it said.
        why: String,
    },
    /// It answers from elsewhere.
    Redirected {
        /// The address to configure instead.
        to: String,
    },
    /// It was removed from the configuration, or the gateway is ending.
    Stopped,
}

impl State {
    /// Returns the short name of the state, as APIs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unreachable { .. } => "unreachable",
            Self::CrashLoop { .. } => "crash_loop",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::NotMcp { .. } => "not_mcp",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Redirected { .. } => "redirected",
            Self::Stopped => "stopped",
        }
    }

    /// Returns the code under which the cause is explained, where there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Unreachable { code, .. } => Some(*code),
            Self::CrashLoop { .. } => Some(ErrorCode::UpstreamCrashLoop),
            Self::VersionMismatch { .. } => Some(ErrorCode::UpstreamVersionMismatch),
            Self::NotMcp { .. } | Self::Redirected { .. } => Some(ErrorCode::UpstreamNotMcp),
            Self::Unauthorized { .. } => Some(ErrorCode::UpstreamUnauthorized),
            Self::Disabled | Self::Starting | Self::Ready | Self::Stopped => None,
        }
    }

    /// Returns the cause, where there is one.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Unreachable { why, .. } | Self::CrashLoop { why } => Some(why),
            Self::NotMcp { why } | Self::Unauthorized { why } => Some(why),
            Self::VersionMismatch { supported } => Some(supported),
            Self::Redirected { to } => Some(to),
            Self::Disabled | Self::Starting | Self::Ready | Self::Stopped => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            Some(detail) => write!(formatter, "{} ({detail})", self.name()),
            None => formatter.write_str(self.name()),
        }
    }
}
