//! `servers.NAME`: one upstream server, as it is written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, PatternText, ServerTraffic, SizeText};

/// An upstream server: `command` starts one, `url` reaches one.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Upstream {
    /// How the server is reached. Told by `command` or `url` when it is absent. Since 0.1.
    #[serde(rename = "type")]
    pub kind: Option<UpstreamKind>,
    /// The program to start, looked up in `PATH`; a relative path with a `/` starts at the file's
    /// folder. Either this or `url` is required. Since 0.1.
    pub command: Option<String>,
    /// The arguments of `command`. Since 0.1.
    pub args: Vec<String>,
    /// Variables for the program, besides `PATH`, `HOME` and the few others that every child gets.
    /// Since 0.1.
    pub env: IndexMap<String, String>,
    /// The folder in which the program runs; the file's own folder when it is absent. Since 0.1.
    pub cwd: Option<String>,
    /// The address of a server that speaks Streamable HTTP or HTTP+SSE. Either this or `command` is
    /// required. Since 0.1.
    pub url: Option<String>,
    /// Headers sent with every request to `url`. Since 0.1.
    pub headers: IndexMap<String, String>,
    /// The transport that is spoken at `url`. Since 0.1.
    pub transport: TransportMode,
    /// The longest that the server may be silent during a call; progress begins it anew. Since 0.1.
    pub timeout: DurationText,
    /// Use the server at all. Since 0.1.
    pub enabled: bool,
    /// What the server is for, shown in lists. Since 0.1.
    pub description: Option<String>,
    /// Who shares one session with the server. Since 0.1.
    pub session: SessionMode,
    /// Which era of the protocol is spoken with the server. Since 0.1.
    pub era: EraMode,
    /// The longest wait for the first answer; a first start through `npx` or `uvx` may need more.
    /// Since 0.1.
    pub probe_timeout: DurationText,
    /// Which of the server's tools are offered. Since 0.1.
    pub tools: Tools,
    /// Believe what the server says about its tools (read-only, idempotent) when deciding whether a
    /// call may be repeated or its answer kept. Since 0.1.
    pub trust_annotations: bool,
    /// Hold the arguments of a call against the schema of its tool, and answer what does not fit
    /// with an error of the tool instead of asking the server. Since 0.1.
    pub validate_arguments: bool,
    /// The largest single message that is taken from the server. Since 0.1.
    pub max_message: SizeText,
    /// How the server is asked: its circuit breaker, repetitions, room, kept answers. A change of
    /// this alone does not start the server anew. Since 0.1.
    pub traffic: ServerTraffic,
}

/// How an upstream server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamKind {
    /// A child process that speaks on its standard input and output.
    Stdio,
    /// A server that has an address.
    Http,
}

/// Who shares one session with an upstream server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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

/// The transport that is spoken with an upstream server that has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransportMode {
    /// Streamable HTTP; where that is refused, HTTP+SSE.
    #[default]
    Auto,
    /// Streamable HTTP.
    Streamable,
    /// HTTP+SSE, the transport of revision 2024-11-05.
    Sse,
}

/// Which era of the protocol is spoken with an upstream server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EraMode {
    /// Whatever the server speaks, found out by asking; the client's own where there is a choice.
    #[default]
    Match,
    /// The stateless one that begins with revision 2026-07-28.
    Modern,
    /// The one with sessions, up to revision 2025-11-25.
    Legacy,
}

/// Which of a server's tools are offered; names are the server's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tools {
    /// The tools that are offered, by pattern; an empty list offers none. Since 0.1.
    pub allow: Vec<PatternText>,
    /// The tools that are not, even if `allow` names them. Since 0.1.
    pub deny: Vec<PatternText>,
    /// What clients are told of tools instead of what the server says, by the server's own names. A
    /// change of this alone does not start the server anew. Since 0.1.
    pub overrides: IndexMap<String, ToolWords>,
}

/// What clients are told of a tool; what is absent is told as the server says it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ToolWords {
    /// The name for people, at most 200 bytes. Since 0.1.
    pub title: Option<String>,
    /// What the tool does, at most 16 KiB. Since 0.1.
    pub description: Option<String>,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            kind: None,
            command: None,
            args: Vec::new(),
            env: IndexMap::new(),
            cwd: None,
            url: None,
            headers: IndexMap::new(),
            transport: TransportMode::Auto,
            timeout: DurationText::from("60s"),
            enabled: true,
            description: None,
            session: SessionMode::Auto,
            era: EraMode::Match,
            probe_timeout: DurationText::from("10s"),
            tools: Tools::default(),
            trust_annotations: false,
            validate_arguments: false,
            max_message: SizeText::from("16MiB"),
            traffic: ServerTraffic::default(),
        }
    }
}

impl Default for Tools {
    fn default() -> Self {
        Self { allow: vec![PatternText::from("*")], deny: Vec::new(), overrides: IndexMap::new() }
    }
}

impl std::fmt::Debug for Upstream {
    /// Leaves out what may hold secrets: arguments, variables, headers, the address.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Upstream")
            .field("kind", &self.kind)
            .field("command", &self.command)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}
