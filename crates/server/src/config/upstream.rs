//! `servers.NAME`: one upstream server, checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_gateway::spec::{
    Connection, EraMode, SessionMode, ToolFilter, ToolWords, TransportMode, UpstreamSpec,
};
use http::{HeaderName, HeaderValue};
use indexmap::IndexMap;
use url::Url;

use super::check::Checker;
use super::path::Path;
use super::problem::Problem;
use super::raw;
use super::raw::UpstreamKind;
use super::traffic;

const SHORTEST: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_hours(24);

/// Bytes of a title; it stands on a button.
const LONGEST_TITLE: usize = 200;
/// Bytes of a description; every client puts it into every context.
const LONGEST_DESCRIPTION: usize = 16 << 10;

/// Headers that the transport sets itself; a second value would contradict it.
const OWN_HEADERS: [&str; 14] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "te",
    "transfer-encoding",
    "upgrade",
];
/// What a pattern must be.
pub(crate) const A_PATTERN: &str = "a name, or a pattern such as `git__*`";
/// What the headers begin with that repeat the arguments of a call.
const PARAMETER_HEADERS: &str = "mcp-param-";

/// Checks one entry of `servers`.
pub(crate) fn check(
    name: &str,
    raw: &raw::Upstream,
    checker: &mut Checker<'_>,
) -> Option<UpstreamSpec> {
    let path = Path::root().key("servers").key(name);
    let connection = connection(raw, &path, checker);
    let timeout = checker.duration(&path.key("timeout"), &raw.timeout, (SHORTEST, DAY));
    let probe_timeout =
        checker.duration(&path.key("probe_timeout"), &raw.probe_timeout, (SHORTEST, DAY));
    let max_message = checker.size(&path.key("max_message"), &raw.max_message, (1 << 10, 1 << 30));
    let tools = tools(&raw.tools, &path.key("tools"), checker);
    let traffic = traffic::check_server(&raw.traffic, &path.key("traffic"), checker);
    Some(UpstreamSpec {
        name: name.to_owned(),
        connection: connection?,
        timeout,
        enabled: raw.enabled,
        description: raw.description.clone(),
        session: session(raw.session),
        era: era(raw.era),
        transport: transport(raw.transport),
        probe_timeout,
        tools,
        trust_annotations: raw.trust_annotations,
        validate_arguments: raw.validate_arguments,
        max_message,
        traffic: Arc::new(traffic),
    })
}

/// Checks a list of patterns of tool names.
pub(crate) fn patterns(
    written: &[raw::PatternText],
    path: &Path,
    checker: &mut Checker<'_>,
) -> Vec<String> {
    for (index, pattern) in written.iter().enumerate() {
        if !is_pattern(&pattern.0) {
            checker.invalid(&path.index(index), &pattern.0, A_PATTERN);
        }
    }
    written.iter().map(|pattern| pattern.0.clone()).collect()
}

/// Tells whether a text can be a pattern of names.
pub(crate) fn is_pattern(text: &str) -> bool {
    let is_usable = |character: char| !character.is_whitespace() && !character.is_control();
    !text.is_empty() && text.chars().all(is_usable)
}

fn connection(raw: &raw::Upstream, path: &Path, checker: &mut Checker<'_>) -> Option<Connection> {
    match (&raw.command, &raw.url) {
        (Some(_), Some(_)) => {
            let message = format!("`{path}` has both `command` and `url`");
            let hint = "`command` starts a server, `url` reaches one: keep one of them";
            checker.conflict(path, message, Some(hint));
            None
        }
        (None, None) => {
            let message = format!("`{path}` has neither `command` nor `url`");
            let hint = "`command` starts a server, `url` reaches one";
            checker.conflict(path, message, Some(hint));
            None
        }
        (Some(command), None) => stdio(raw, command, path, checker),
        (None, Some(url)) => http(raw, url, path, checker),
    }
}

fn stdio(
    raw: &raw::Upstream,
    command: &str,
    path: &Path,
    checker: &mut Checker<'_>,
) -> Option<Connection> {
    if raw.kind == Some(UpstreamKind::Http) {
        wrong_kind(path, "http", "url", "command", checker);
    }
    refuse_stray(path, "headers", !raw.headers.is_empty(), "url", checker);
    refuse_stray(path, "transport", raw.transport != raw::TransportMode::Auto, "url", checker);
    let at = path.key("command");
    if command.is_empty() || command.contains('\0') {
        checker.invalid(&at, command, "the name or path of a program");
        return None;
    }
    if command.contains(' ') && raw.args.is_empty() && !command.contains('/') {
        let message = format!("`{at}` is one program, but looks like a whole command line");
        checker.push(
            Problem::new(ErrorCode::ConfigInvalidValue, &at, message)
                .with_hint(Some("put what follows the program into `args`, as a list")),
        );
        return None;
    }
    for (index, argument) in raw.args.iter().enumerate() {
        if argument.contains('\0') {
            checker.invalid(&path.key("args").index(index), "", "text without NUL characters");
        }
    }
    let is_relative_path = command.contains('/') && !command.starts_with('/');
    let program = if is_relative_path {
        checker.absolute(command).to_string_lossy().into_owned()
    } else {
        command.to_owned()
    };
    let cwd =
        raw.cwd.as_deref().map_or_else(|| checker.folder().to_owned(), |cwd| checker.absolute(cwd));
    Some(Connection::Stdio {
        command: program,
        args: raw.args.clone(),
        env: environment(&raw.env, &path.key("env"), checker),
        cwd: Some(cwd),
    })
}

fn http(
    raw: &raw::Upstream,
    url: &str,
    path: &Path,
    checker: &mut Checker<'_>,
) -> Option<Connection> {
    if raw.kind == Some(UpstreamKind::Stdio) {
        wrong_kind(path, "stdio", "command", "url", checker);
    }
    refuse_stray(path, "args", !raw.args.is_empty(), "command", checker);
    refuse_stray(path, "env", !raw.env.is_empty(), "command", checker);
    refuse_stray(path, "cwd", raw.cwd.is_some(), "command", checker);
    if raw.transport == raw::TransportMode::Sse && raw.era == raw::EraMode::Modern {
        let at = path.key("transport");
        let message = format!("`{at}` is of the legacy era, but `{path}` has `era: modern`");
        checker.conflict(&at, message, Some("leave one of them out"));
    }
    let headers = headers(&raw.headers, &path.key("headers"), checker);
    let parsed = address(url, &path.key("url"), checker)?;
    Some(Connection::Http { url: parsed.into(), headers })
}

/// Reads the address of something that is called over HTTP.
pub(crate) fn address(url: &str, at: &Path, checker: &mut Checker<'_>) -> Option<Url> {
    let parsed = Url::parse(url).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.fragment().is_none()
    });
    let Some(parsed) = parsed else {
        // The value is not shown: people put tokens into addresses.
        let message = format!("`{at}` must be an address such as `https://example.com/mcp`");
        checker.push(
            Problem::new(ErrorCode::ConfigInvalidValue, at, message).with_hint(
                (!url.contains("://")).then_some("it begins with `http://` or `https://`"),
            ),
        );
        return None;
    };
    if !parsed.username().is_empty() || parsed.password().is_some() {
        let message = format!("`{at}` holds a user name or a password");
        checker.push(
            Problem::new(ErrorCode::ConfigInvalidValue, at, message)
                .with_hint(Some("send them by `headers`, as `Authorization`")),
        );
        return None;
    }
    Some(parsed)
}

fn wrong_kind(path: &Path, kind: &str, needed: &str, given: &str, checker: &mut Checker<'_>) {
    let message =
        format!("`{path}` is of `type: {kind}`, which needs `{needed}`, but has `{given}`");
    checker.conflict(&path.key("type"), message, Some("leave `type` out, or correct it"));
}

fn refuse_stray(
    path: &Path,
    key: &str,
    is_present: bool,
    partner: &str,
    checker: &mut Checker<'_>,
) {
    if is_present {
        let at = path.key(key);
        let message = format!("`{at}` goes with `{partner}` only, which `{path}` does not have");
        checker.conflict(&at, message, None);
    }
}

fn environment(
    written: &IndexMap<String, String>,
    path: &Path,
    checker: &mut Checker<'_>,
) -> BTreeMap<String, String> {
    for (name, value) in written {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let message = format!("`{path}` sets a variable that no program can be given");
            checker.push(
                Problem::new(ErrorCode::ConfigInvalidValue, &path.key(name), message)
                    .with_hint(Some("a name has no `=`, and neither name nor value has NUL")),
            );
        }
    }
    written.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Checks headers that are sent along with every request.
pub(crate) fn headers(
    written: &IndexMap<String, String>,
    path: &Path,
    checker: &mut Checker<'_>,
) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for (name, value) in written {
        let at = path.key(name);
        let (Ok(header), Ok(_)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        else {
            let message = format!("`{at}` is no header that can be sent");
            let hint = "a name has letters, digits and `-`; a value is one line of visible ASCII";
            checker.push(
                Problem::new(ErrorCode::ConfigInvalidValue, &at, message).with_hint(Some(hint)),
            );
            continue;
        };
        let name = header.as_str();
        if OWN_HEADERS.contains(&name) || name.starts_with(PARAMETER_HEADERS) {
            let message = format!("`{at}` is a header that the gateway sets itself");
            checker.conflict(&at, message, Some("leave it out"));
            continue;
        }
        if headers.insert(name.to_owned(), value.clone()).is_some() {
            let message = format!("`{at}` is given twice, but for upper and lower case");
            checker.push(Problem::new(ErrorCode::ConfigDuplicateKey, &at, message));
        }
    }
    headers
}

fn tools(raw: &raw::Tools, path: &Path, checker: &mut Checker<'_>) -> ToolFilter {
    ToolFilter {
        allow: patterns(&raw.allow, &path.key("allow"), checker),
        deny: patterns(&raw.deny, &path.key("deny"), checker),
        overrides: overrides(&raw.overrides, &path.key("overrides"), checker),
    }
}

fn overrides(
    written: &IndexMap<String, raw::ToolWords>,
    path: &Path,
    checker: &mut Checker<'_>,
) -> BTreeMap<String, ToolWords> {
    let mut taken = BTreeMap::new();
    for (name, words) in written {
        let at = path.key(name);
        if !is_pattern(name) || name.contains('*') {
            checker.invalid(&at, name, "the server's own name of a tool");
        }
        if words.title.is_none() && words.description.is_none() {
            checker.conflict(
                &at,
                format!("`{at}` says nothing"),
                Some("give it a `title` or a `description`"),
            );
        }
        let bounded = [
            ("title", &words.title, LONGEST_TITLE),
            ("description", &words.description, LONGEST_DESCRIPTION),
        ];
        for (key, text, longest) in bounded {
            let found = text.as_deref().map_or(0, str::len);
            if found > longest {
                let at = at.key(key);
                let message = format!("`{at}` has {found} bytes, and may have {longest}");
                checker.push(Problem::new(ErrorCode::ConfigInvalidValue, &at, message));
            }
        }
        let words =
            ToolWords { title: words.title.clone(), description: words.description.clone() };
        taken.insert(name.clone(), words);
    }
    taken
}

fn session(raw: raw::SessionMode) -> SessionMode {
    match raw {
        raw::SessionMode::Auto => SessionMode::Auto,
        raw::SessionMode::Call => SessionMode::Call,
        raw::SessionMode::Client => SessionMode::Client,
        raw::SessionMode::Principal => SessionMode::Principal,
        raw::SessionMode::Shared => SessionMode::Shared,
    }
}

fn transport(raw: raw::TransportMode) -> TransportMode {
    match raw {
        raw::TransportMode::Auto => TransportMode::Auto,
        raw::TransportMode::Streamable => TransportMode::Streamable,
        raw::TransportMode::Sse => TransportMode::Sse,
    }
}

fn era(raw: raw::EraMode) -> EraMode {
    match raw {
        raw::EraMode::Match => EraMode::Match,
        raw::EraMode::Modern => EraMode::Modern,
        raw::EraMode::Legacy => EraMode::Legacy,
    }
}
