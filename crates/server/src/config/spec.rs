//! What the gateway is told about one upstream server: plain, checked data.
//!
//! Nothing here reads a file; [`upstream`](super::upstream) makes these from what is written.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderMap;
use url::Url;

/// One upstream server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamSpec {
    /// The name, unique among servers and views.
    pub name: String,
    /// How it is reached.
    pub connection: Connection,
    /// The longest silence during a call.
    pub timeout: Duration,
    /// Whether it is used at all.
    pub enabled: bool,
    /// What it is for.
    pub description: Option<String>,
    /// Who shares one session with it.
    pub session: SessionMode,
    /// Which era is spoken with it.
    pub era: EraMode,
    /// The longest wait for the first answer.
    pub probe_timeout: Duration,
    /// Which of its tools are offered.
    pub tools: ToolFilter,
    /// Whether its annotations count when repeating or keeping answers.
    pub trust_annotations: bool,
    /// The largest single message taken from it, in bytes.
    pub max_message: usize,
}

/// How an upstream server is reached.
#[derive(Clone, PartialEq, Eq)]
pub enum Connection {
    /// A child process that speaks on its standard input and output.
    Stdio {
        /// The program: a name to look up in `PATH`, or an absolute path.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables besides those that every child gets.
        env: Vec<(String, Secret)>,
        /// The folder in which it runs.
        cwd: Option<PathBuf>,
    },
    /// A server that speaks Streamable HTTP.
    Http {
        /// `http` or `https`, without user and fragment.
        url: Url,
        /// Headers sent with every request; their values are marked sensitive.
        headers: HeaderMap,
    },
}

/// Who shares one session with an upstream server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionMode {
    /// As wide as what the server and the client can do allows.
    #[default]
    Auto,
    /// Nobody: a session for each call.
    Call,
    /// The requests of one client session.
    Client,
    /// The sessions of one principal.
    Principal,
    /// Everybody.
    Shared,
}

/// Which era is spoken with an upstream server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EraMode {
    /// Whatever the server speaks; the client's own where there is a choice.
    #[default]
    Match,
    /// From revision 2026-07-28.
    Modern,
    /// Up to revision 2025-11-25.
    Legacy,
}

/// Which of a server's tools are offered, by the server's own names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFilter {
    /// A tool must fit one of these.
    pub allow: Vec<Pattern>,
    /// And none of these.
    pub deny: Vec<Pattern>,
}

impl Default for ToolFilter {
    fn default() -> Self {
        Self { allow: vec![Pattern::new("*")], deny: Vec::new() }
    }
}

/// A name in which `*` stands for any characters. The gateway matches it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// Takes a pattern; every text is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// Returns the pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
}

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// Returns the text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl fmt::Debug for Connection {
    /// Leaves out arguments and the query of the address: people put tokens there.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio { command, args, env, cwd } => formatter
                .debug_struct("Stdio")
                .field("command", command)
                .field("n_args", &args.len())
                .field("env", env)
                .field("cwd", cwd)
                .finish(),
            Self::Http { url, headers } => formatter
                .debug_struct("Http")
                .field("origin", &url.origin().ascii_serialization())
                .field("path", &url.path())
                .field("headers", headers)
                .finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let stdio = Connection::Stdio {
            command: "tool".to_owned(),
            args: vec!["--key=hunter2".to_owned()],
            env: vec![("KEY".to_owned(), Secret::new("hunter2"))],
            cwd: None,
        };
        let url = Url::parse("https://example.com/mcp?key=hunter2").unwrap();
        let mut headers = HeaderMap::new();
        let mut value = http::HeaderValue::from_static("hunter2");
        value.set_sensitive(true);
        headers.insert("authorization", value);
        for connection in [stdio, Connection::Http { url, headers }] {
            assert!(!format!("{connection:?}").contains("hunter2"));
        }
    }
}
