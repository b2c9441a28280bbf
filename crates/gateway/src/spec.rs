//! What the gateway must know of its configuration: plain data, validated by whoever made it.
//!
//! Nothing here reads a file or checks a word. What may be a secret (arguments, variables, headers,
//! the query of an address) is left out of `Debug`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::Provider;
use gantry_policy::access::Access;
use gantry_policy::hooks::Hooks;
pub use gantry_policy::pattern::matches;
use gantry_protocol::{Object, ObjectEdit};
use url::Url;

use crate::governance::traffic::spec::{ServerSpec, TrafficSpec};
use crate::{builtin, names};

/// Everything that a reload can change in the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewaySpec {
    /// In configuration order, which is the order of lists.
    pub servers: Vec<UpstreamSpec>,
    /// Filtered sets, by name.
    pub views: Vec<ViewSpec>,
    /// Longest public name.
    pub max_name: usize,
    /// How long a first list or `initialize` waits for upstreams that were never heard.
    pub first_offer_wait: Duration,
    /// Freshness given to modern clients for lists of upstreams that announce changes.
    pub list_ttl: Duration,
    /// Items on one page of a list.
    pub list_page: usize,
    /// Providers within the process that the configuration makes, after the servers.
    pub own: Vec<OwnProvider>,
    /// Whether the `gantry` server is offered on `/mcp`.
    pub builtin: bool,
    /// Largest message taken from a client, bytes.
    pub max_body: usize,
    /// How long a client may take to send a message.
    pub body_timeout: Duration,
    /// Silence on an event stream after which a comment is sent.
    pub keep_alive: Duration,
    /// What legacy clients are given beyond their answers.
    pub legacy: LegacySpec,
    /// Who may do what.
    pub access: Arc<Access>,
    /// What looks at calls and results.
    pub hooks: Arc<Hooks>,
    /// How much may pass, and how servers are asked.
    pub traffic: Arc<TrafficSpec>,
}

/// What legacy clients are given beyond their answers: sessions, and streams that can be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacySpec {
    /// How long a session lives that nothing is heard of.
    pub session_idle: Duration,
    /// What is kept for `Last-Event-ID`.
    pub replay: ReplayLimits,
    /// What clients are told to wait before they open a stream again.
    pub retry: Duration,
    /// Whether the transport of 2024-11-05 is served.
    pub sse: bool,
}

/// How much is kept of the streams of legacy clients, so that a cut one can be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayLimits {
    /// Events of one session; 0 keeps none.
    pub events: usize,
    /// Bytes of one session.
    pub bytes: usize,
    /// Bytes of all sessions together.
    pub total: usize,
    /// How long an event is kept.
    pub time: Duration,
}

impl Default for LegacySpec {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_hours(24),
            replay: ReplayLimits {
                events: 1000,
                bytes: 1024 * 1024,
                total: 64 * 1024 * 1024,
                time: Duration::from_mins(5),
            },
            retry: Duration::from_secs(1),
            sse: true,
        }
    }
}

/// A provider within the process, under the name of a server.
#[derive(Debug, Clone)]
pub struct OwnProvider {
    /// The prefix of what it offers; no server has it.
    pub name: &'static str,
    /// Carries requests out.
    pub provider: Arc<dyn Provider>,
    /// Whether it is part of `/mcp`.
    pub listed: bool,
}

impl PartialEq for OwnProvider {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.listed) == (other.name, other.listed)
            && Arc::ptr_eq(&self.provider, &other.provider)
    }
}

impl Eq for OwnProvider {}

/// A filtered set of public names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewSpec {
    /// Its path below `/mcp/`.
    pub name: String,
    /// Patterns on public names; `*` stands for any run of characters.
    pub patterns: Vec<String>,
}

/// One upstream server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamSpec {
    /// `[a-z0-9_-]{1,32}` without `__`.
    pub name: String,
    /// How it is reached.
    pub connection: Connection,
    /// Longest wait for an answer; progress starts it anew.
    pub timeout: Duration,
    /// Whether it is started at all.
    pub enabled: bool,
    /// For people.
    pub description: Option<String>,
    /// How widely a session with it is shared.
    pub session: SessionMode,
    /// Which era to use of one that speaks both.
    pub era: EraMode,
    /// Which transport to use with one that has an address.
    pub transport: TransportMode,
    /// Longest wait for the answer to the probe.
    pub probe_timeout: Duration,
    /// Which of its tools are offered.
    pub tools: ToolFilter,
    /// Whether its annotations are believed when deciding on a repetition.
    pub trust_annotations: bool,
    /// Whether arguments are held against the schema of their tool before it is asked.
    pub validate_arguments: bool,
    /// Largest message taken from it, bytes.
    pub max_message: usize,
    /// How it is asked; a change of this alone does not start it anew.
    pub traffic: Arc<ServerSpec>,
}

/// How an upstream is reached.
#[derive(Clone, PartialEq, Eq)]
pub enum Connection {
    /// A child process that speaks on its standard streams.
    Stdio {
        /// Looked up on `PATH`.
        command: String,
        /// Arguments.
        args: Vec<String>,
        /// Added to the few variables that a child gets. Values may be secret.
        env: BTreeMap<String, String>,
        /// Working directory.
        cwd: Option<PathBuf>,
    },
    /// Streamable HTTP, or HTTP+SSE.
    Http {
        /// The MCP endpoint.
        url: String,
        /// Sent with every request. Values may be secret.
        headers: BTreeMap<String, String>,
    },
}

/// How widely a session with a legacy upstream is shared; see `docs/eras.md`, lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionMode {
    /// As the transport and what the caller declared demand.
    #[default]
    Auto,
    /// One for each call.
    Call,
    /// One for each legacy session; for modern clients one for each principal.
    Client,
    /// One for each principal.
    Principal,
    /// One for all.
    Shared,
}

/// Which era to use of an upstream that speaks both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EraMode {
    /// The era of the client, so that nothing is translated that need not be.
    #[default]
    Match,
    /// Always modern.
    Modern,
    /// Always legacy.
    Legacy,
}

/// Which transport to use with an upstream that has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransportMode {
    /// Streamable HTTP, and HTTP+SSE where that is refused.
    #[default]
    Auto,
    /// Streamable HTTP alone.
    Streamable,
    /// HTTP+SSE, the transport of revision 2024-11-05, alone.
    Sse,
}

impl Connection {
    /// Returns the program that is started, if one is.
    pub fn command(&self) -> Option<&str> {
        match self {
            Self::Stdio { command, .. } => Some(command),
            Self::Http { .. } => None,
        }
    }
}

/// Which tools of an upstream are offered: patterns on its own names; by default all are. And what is
/// said of them instead of what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFilter {
    /// A tool must fit one of these.
    pub allow: Vec<String>,
    /// And none of these.
    pub deny: Vec<String>,
    /// Other words for tools, by their own names.
    pub overrides: BTreeMap<String, ToolWords>,
}

/// What clients are told of a tool instead of what its server says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolWords {
    /// The name for people; the server's own if it is absent.
    pub title: Option<String>,
    /// What the tool does; the server's own if it is absent.
    pub description: Option<String>,
}

impl ToolFilter {
    /// Tells whether a tool is offered.
    pub fn admits(&self, tool: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, tool));
        any(&self.allow) && !any(&self.deny)
    }

    /// Returns the definition of a tool with the words that are said of it; the same bytes if there
    /// are none, or it is no object.
    pub fn told(&self, tool: &str, raw: &Bytes) -> Bytes {
        match self.overrides.get(tool) {
            Some(words) => words.told(raw),
            None => raw.clone(),
        }
    }
}

impl ToolWords {
    fn told(&self, raw: &Bytes) -> Bytes {
        let Some(mut edit) = ObjectEdit::read(raw) else { return raw.clone() };
        if let Some(title) = &self.title {
            edit.set_string("title", title);
            // Where a tool was given a title before there was `title`, the old one must not win.
            let members = Object::read(raw, 0..raw.len()).ok();
            let annotations = members.as_ref().and_then(|members| members.raw(raw, "annotations"));
            if let Some(mut annotations) = annotations.and_then(ObjectEdit::read) {
                annotations.set_string("title", title);
                edit.nest("annotations", annotations);
            }
        }
        if let Some(description) = &self.description {
            edit.set_string("description", description);
        }
        edit.finish()
    }
}

impl Default for ToolFilter {
    fn default() -> Self {
        Self { allow: vec!["*".to_owned()], deny: Vec::new(), overrides: BTreeMap::new() }
    }
}

impl UpstreamSpec {
    /// Returns a spec with the defaults of the configuration.
    pub fn new(name: &str, connection: Connection) -> Self {
        Self {
            name: name.to_owned(),
            connection,
            timeout: Duration::from_mins(1),
            enabled: true,
            description: None,
            session: SessionMode::Auto,
            era: EraMode::Match,
            transport: TransportMode::Auto,
            probe_timeout: Duration::from_secs(10),
            tools: ToolFilter::default(),
            trust_annotations: false,
            validate_arguments: false,
            max_message: 16 * 1024 * 1024,
            traffic: Arc::default(),
        }
    }

    /// Tells whether a running server is the one that is wanted, so that it need not be started
    /// anew. How it is asked, and what is said of its tools, is no part of it.
    pub fn is_same_server(&self, wanted: &Self) -> bool {
        let mut as_asked = Self { traffic: Arc::clone(&wanted.traffic), ..self.clone() };
        as_asked.tools.overrides.clone_from(&wanted.tools.overrides);
        as_asked == *wanted
    }
}

impl GatewaySpec {
    /// Tells whether a pattern of a view could match a public name of any server, whatever the
    /// servers turn out to offer.
    pub fn could_match(&self, pattern: &str) -> bool {
        let own = self.own.iter().map(|own| own.name).chain(self.builtin.then_some(builtin::NAME));
        let mut servers = self.servers.iter().map(|server| server.name.as_str()).chain(own);
        let fixed = pattern.split('*').next().unwrap_or_default();
        servers.any(|server| {
            let prefix = names::prefix(server, self.max_name);
            fixed.starts_with(&prefix) || (fixed.len() < pattern.len() && prefix.starts_with(fixed))
        })
    }
}

impl fmt::Debug for Connection {
    /// Leaves out arguments, the query of the address, and the values of variables and headers.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio { command, args, env, cwd } => formatter
                .debug_struct("Stdio")
                .field("command", command)
                .field("n_args", &args.len())
                .field("env", &env.keys().collect::<Vec<_>>())
                .field("cwd", cwd)
                .finish(),
            Self::Http { url, headers } => formatter
                .debug_struct("Http")
                .field("url", &without_secrets(url))
                .field("headers", &headers.keys().collect::<Vec<_>>())
                .finish(),
        }
    }
}

/// Returns an address without user, password, query and fragment; nothing of a text that is none.
fn without_secrets(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Some(format!("{}{}", url.origin().ascii_serialization(), url.path()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;

    use super::{Connection, GatewaySpec, LegacySpec, ToolFilter, ToolWords, UpstreamSpec};

    #[test]
    fn deny_wins_over_allow() {
        let filter = ToolFilter {
            allow: vec!["read_*".into()],
            deny: vec!["*_secret".into()],
            ..ToolFilter::default()
        };
        assert!(filter.admits("read_file"));
        assert!(!filter.admits("read_secret"));
        assert!(!filter.admits("write_file"));
    }

    #[test]
    fn a_tool_is_told_in_other_words_and_nothing_else_of_it_changes() {
        let words = ToolWords { title: Some("T \"1\"".into()), description: Some("D".into()) };
        let overrides = [("log".to_owned(), words)].into();
        let filter = ToolFilter { overrides, ..ToolFilter::default() };
        let raw = |text: &'static str| Bytes::from_static(text.as_bytes());
        let told = |raw: &Bytes| String::from_utf8(filter.told("log", raw).to_vec()).unwrap();
        let plain = raw(r#"{"name":"log","inputSchema":{"type":"object"}}"#);
        let expected =
            r#"{"name":"log","inputSchema":{"type":"object"},"title":"T \"1\"","description":"D"}"#;
        assert_eq!(told(&plain), expected);
        assert_eq!(filter.told("other", &plain), plain);
        let full = r#"{"name":"log","title":"old","description":"old","annotations":{"title":"old","readOnlyHint":true}}"#;
        let expected = r#"{"name":"log","title":"T \"1\"","description":"D","annotations":{"title":"T \"1\"","readOnlyHint":true}}"#;
        assert_eq!(told(&raw(full)), expected);
    }

    #[test]
    fn an_empty_allow_list_admits_nothing() {
        assert!(ToolFilter::default().admits("anything"));
        let filter = ToolFilter { allow: Vec::new(), ..ToolFilter::default() };
        assert!(!filter.admits("anything"));
    }

    #[test]
    fn a_pattern_could_match_where_a_server_has_its_prefix() {
        let connection = Connection::Http { url: String::new(), headers: [].into() };
        let spec = |builtin: bool| GatewaySpec {
            servers: vec![UpstreamSpec::new("git", connection.clone())],
            views: Vec::new(),
            max_name: 64,
            first_offer_wait: Duration::ZERO,
            list_ttl: Duration::ZERO,
            list_page: 1,
            own: Vec::new(),
            builtin,
            max_body: 1,
            body_timeout: Duration::ZERO,
            keep_alive: Duration::ZERO,
            legacy: LegacySpec::default(),
            access: Arc::default(),
            hooks: Arc::default(),
            traffic: Arc::default(),
        };
        for (pattern, expected) in [
            ("git__*", true),
            ("git__log", true),
            ("g*", true),
            ("*_read", true),
            ("git_*", true),
            ("git", false),
            ("gti__*", false),
            ("docs__search", false),
            ("git-*", false),
        ] {
            assert_eq!(spec(true).could_match(pattern), expected, "{pattern}");
        }
        assert!(spec(true).could_match("gantry__*") && !spec(false).could_match("gantry__*"));
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let secrets = || [("KEY".to_owned(), "hunter2".to_owned())].into();
        let stdio = Connection::Stdio {
            command: "tool".to_owned(),
            args: vec!["--key=hunter2".to_owned()],
            env: secrets(),
            cwd: None,
        };
        let http = |url: &str| Connection::Http { url: url.to_owned(), headers: secrets() };
        for connection in [
            stdio,
            http("https://example.com/mcp?key=hunter2#hunter2"),
            http("https://hunter2:hunter2@example.com/mcp"),
            http("hunter2"),
        ] {
            assert!(!format!("{connection:?}").contains("hunter2"), "{connection:?}");
        }
        let shown = format!("{:?}", http("https://example.com:8443/mcp?a=b"));
        assert!(shown.contains("https://example.com:8443/mcp"), "{shown}");
    }
}
