//! What was seen of an upstream's ways, and how widely its lanes may be shared after that.
//!
//! Learning only narrows, and only with `session: auto`: nothing that is seen here makes two clients
//! meet that did not before. To widen takes another configuration, or another process. Calls that
//! are under way stay where they are, and so do legacy sessions, whose state is in the lane that
//! they used so far ([`Lanes`](super::lanes::Lanes)).

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use gantry_protocol::Object;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::offers::Greeting;
use crate::spec::{Connection, SessionMode, UpstreamSpec};

/// What was seen of the upstream's ways.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// It asked a client for something.
    pub(super) asked: AtomicBool,
    /// It asked a client for its roots.
    pub(super) asked_roots: AtomicBool,
    /// Two principals were offered different things.
    lists_differ: AtomicBool,
    /// It was last spoken to by HTTP+SSE.
    pub(super) by_sse: AtomicBool,
    /// It keeps state between the calls of one session: a [`State`], or 0.
    state: AtomicU8,
    /// Since when an upstream that was modern answers as a legacy one.
    pub(super) legacy_since: Mutex<Option<Instant>>,
}

/// By what a state between calls was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum State {
    Kind = 1,
    Changed = 2,
}

/// Why calls share a lane less widely than they could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrowing {
    /// A lane for each client: it is of a kind that keeps state.
    Kind,
    /// A lane for each client: its lists changed after calls.
    Changed,
    /// A lane for each principal: it asks its clients back.
    Asks,
    /// A lane for each principal: its lists are not the same for all.
    ListsDiffer,
}

/// Servers that are known to keep state between the calls of one session: what their packages are
/// called, and what they call themselves. Names without a scope are those of programs and images.
///
/// A server that is not here is found out by its lists, or wants `session: client`.
const STATEFUL: &[(&str, &str)] = &[
    // A browser: pages, cookies, a profile.
    ("@playwright/mcp", "Playwright"),
    ("@executeautomation/playwright-mcp-server", "playwright-mcp"),
    ("@modelcontextprotocol/server-puppeteer", "example-servers/puppeteer"),
    ("chrome-devtools-mcp", "chrome_devtools"),
    // A shell or terminal: a folder, variables, running programs.
    ("@wonderwhy-er/desktop-commander", "desktop-commander"),
    ("iterm-mcp", "iterm-mcp"),
    // A line of thought.
    ("@modelcontextprotocol/server-sequential-thinking", "sequential-thinking-server"),
    ("mcp/sequentialthinking", "sequential-thinking-server"),
    // A database that a tool connects to.
    ("mongodb-mcp-server", "MongoDB MCP Server"),
];

// === impl Learned ===

impl Learned {
    /// Looks at what would be started.
    pub(super) fn of(spec: &UpstreamSpec) -> Self {
        let learned = Self::default();
        if let Connection::Stdio { command, args, .. } = &spec.connection
            && [command].into_iter().chain(args).any(|word| is_stateful_package(word))
        {
            learned.state.store(State::Kind as u8, Ordering::Relaxed);
        }
        learned
    }

    /// Looks at how the upstream calls itself; tells whether that was new.
    pub(super) fn recognise(&self, greeting: &Greeting) -> bool {
        let name = greeting.server_info.as_deref().and_then(|info| {
            let object = Object::read(info, 0..info.len()).ok()?;
            Some(object.string(info, "name")?.into_owned())
        });
        let known = name.is_some_and(|name| STATEFUL.iter().any(|(_, known)| *known == name));
        known && self.set_state(State::Kind)
    }

    /// Notes that it asked for something; tells whether that was new.
    pub(super) fn note_question(&self, roots: bool) -> bool {
        let first = !self.asked.swap(true, Ordering::Relaxed);
        roots && !self.asked_roots.swap(true, Ordering::Relaxed) || first
    }

    /// Notes that calls change its lists; tells whether that was new.
    pub(super) fn note_state(&self) -> bool {
        self.set_state(State::Changed)
    }

    /// Notes that its lists are not the same for all; tells whether that was new.
    pub(super) fn note_difference(&self) -> bool {
        !self.lists_differ.swap(true, Ordering::Relaxed)
    }

    fn set_state(&self, state: State) -> bool {
        let set = |before| (before == 0).then_some(state as u8);
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, set).is_ok()
    }

    /// Tells whether what it offers to one session may be another thing than what it offers to the
    /// next, because of their calls.
    pub(super) fn keeps_state(&self) -> bool {
        self.state.load(Ordering::Relaxed) != 0
    }

    /// Tells whether its lists are not the same for all principals.
    pub(super) fn lists_differ(&self) -> bool {
        self.lists_differ.load(Ordering::Relaxed)
    }

    /// Returns the narrowest sharing that was learned, if that is narrower than nothing learned.
    pub(super) fn narrowing(&self, spec: &UpstreamSpec) -> Option<Narrowing> {
        if spec.session != SessionMode::Auto {
            return None;
        }
        let over_http = matches!(spec.connection, Connection::Http { .. });
        match self.state.load(Ordering::Relaxed) {
            1 => Some(Narrowing::Kind),
            2 => Some(Narrowing::Changed),
            // A child that asks is alone with its client anyway.
            _ if over_http && self.asked.load(Ordering::Relaxed) => Some(Narrowing::Asks),
            _ => self.lists_differ().then_some(Narrowing::ListsDiffer),
        }
    }
}

// === impl Narrowing ===

impl Narrowing {
    /// Tells whether each client has a lane of its own, and not only each principal.
    pub(super) fn is_by_client(self) -> bool {
        matches!(self, Self::Kind | Self::Changed)
    }

    /// Returns the scope and the reason, for people.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Kind => "client: servers of this kind keep state between calls",
            Self::Changed => "client: its lists changed twice right after a call",
            Self::Asks => "principal: it asks its clients back",
            Self::ListsDiffer => "principal: it offers different things to different principals",
        }
    }
}

/// Tells whether a word of a command names such a package, whatever its version.
fn is_stateful_package(word: &str) -> bool {
    // `@scope/name@1.2`, `name@latest`, `name==1.2`, `image:tag`
    let (scope, rest) = word.strip_prefix('@').map_or(("", word), |rest| ("@", rest));
    let name = [scope, rest.split(['@', '=', ':']).next().unwrap_or_default()].concat();
    let program = name.rsplit(['/', '\\']).next().unwrap_or_default();
    STATEFUL
        .iter()
        .any(|(package, _)| *package == name || !package.contains('/') && *package == program)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use gantry_protocol::Revision;

    use super::*;

    fn child(command: &str, args: &[&str]) -> UpstreamSpec {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let connection =
            Connection::Stdio { command: command.to_owned(), args, env: [].into(), cwd: None };
        UpstreamSpec::new("up", connection)
    }

    fn http() -> UpstreamSpec {
        let connection =
            Connection::Http { url: "http://127.0.0.1/mcp".to_owned(), headers: [].into() };
        UpstreamSpec::new("up", connection)
    }

    #[test]
    fn kinds_that_keep_state_are_told_by_their_package() {
        for (command, args, expected) in [
            ("npx", &["-y", "@playwright/mcp@latest", "--headless"][..], true),
            ("npx", &["-y", "@playwright/mcp"], true),
            ("/usr/local/bin/chrome-devtools-mcp", &[], true),
            ("docker", &["run", "-i", "--rm", "mcp/sequentialthinking:1.0"], true),
            ("npx", &["mongodb-mcp-server@1.2.3"], true),
            ("npx", &["-y", "@modelcontextprotocol/server-everything"], false),
            ("npx", &["@other/playwright"], false),
            ("cat", &["/tmp/@playwright/mcp.txt", "=", "@", ""], false),
        ] {
            let spec = child(command, args);
            let narrowing = Learned::of(&spec).narrowing(&spec);
            assert_eq!(narrowing == Some(Narrowing::Kind), expected, "{command} {args:?}");
        }
    }

    #[test]
    fn kinds_that_keep_state_are_told_by_their_own_name() {
        let greeting = |info: &'static str| Greeting {
            revision: Revision::LATEST_LEGACY,
            capabilities: Bytes::from_static(b"{}"),
            server_info: Some(Bytes::from_static(info.as_bytes())),
            instructions: None,
        };
        let learned = Learned::default();
        assert!(!learned.recognise(&greeting(r#"{"name":"echo","version":"1"}"#)));
        assert!(learned.recognise(&greeting(r#"{"version":"1","name":"Playwright"}"#)));
        assert!(!learned.recognise(&greeting(r#"{"name":"Playwright"}"#)), "it is known");
        assert!(learned.keeps_state());
    }

    #[test]
    fn what_is_learned_narrows_and_never_widens() {
        let (spec, learned) = (http(), Learned::default());
        assert_eq!(learned.narrowing(&spec), None);
        assert!(learned.note_difference());
        assert_eq!(learned.narrowing(&spec), Some(Narrowing::ListsDiffer));
        assert!(learned.note_question(false) && !learned.note_question(false));
        assert!(learned.note_question(true) && !learned.note_question(true));
        assert_eq!(learned.narrowing(&spec), Some(Narrowing::Asks));
        assert!(learned.note_state() && !learned.note_state());
        assert_eq!(learned.narrowing(&spec), Some(Narrowing::Changed));
        learned.note_question(true);
        assert_eq!(learned.narrowing(&spec), Some(Narrowing::Changed));
        let configured = UpstreamSpec { session: SessionMode::Shared, ..spec };
        assert_eq!(learned.narrowing(&configured), None, "the configuration wins");
        let asking = Learned::default();
        asking.note_question(true);
        assert_eq!(asking.narrowing(&child("a", &[])), None);
    }
}
