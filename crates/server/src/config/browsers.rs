//! `server.cors` and `server.security_headers`, checked.

use std::time::Duration;

use gantry_core::ErrorCode;
use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::access::Auth;
use super::check::Checker;
use super::listener::{Server, origins};
use super::path::Path;
use super::problem::Problem;
use super::{raw, units};

/// Stands for every origin.
const ANY: &str = "*";
const DAY: Duration = Duration::from_hours(24);
/// Most headers of `server.security_headers.set`.
const MOST_HEADERS: usize = 32;
/// Headers that frame an answer or say something of it that the gateway knows better.
const OURS: [&str; 20] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "location",
    "proxy-authenticate",
    "proxy-connection",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "www-authenticate",
    "x-accel-buffering",
    "x-correlation-id",
    "x-request-id",
];
/// What the names of further such headers begin with.
const OUR_FAMILIES: [&str; 3] = ["access-control-", "mcp-", "x-ratelimit-"];

/// What pages of other origins may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// Whether all of them may.
    pub is_any: bool,
    /// Which may otherwise, in the form that browsers send.
    pub origins: Vec<String>,
    /// With which methods.
    pub methods: Vec<Method>,
    /// With which headers; empty: with whichever they ask for.
    pub headers: Vec<HeaderName>,
    /// What else of answers they may read.
    pub expose: Vec<HeaderName>,
    /// How long the answer to a preflight may be kept.
    pub max_age: Duration,
    /// Whether browsers add credentials of their own.
    pub credentials: bool,
}

/// Headers that tell browsers to be strict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityHeaders {
    /// Whether answers have those that Gantry thinks right.
    pub enabled: bool,
    /// What the operator thinks right; `None` takes one away.
    pub set: Vec<(HeaderName, Option<HeaderValue>)>,
}

// === impl SecurityHeaders ===

impl SecurityHeaders {
    /// Returns what is said of `Strict-Transport-Security`, which belongs to TLS alone.
    pub(crate) fn hsts(&self) -> Option<&Option<HeaderValue>> {
        let found = self.set.iter().find(|(name, _)| name == STRICT_TRANSPORT_SECURITY);
        found.map(|(_, value)| value)
    }
}

/// Checks `server.cors`.
pub(crate) fn cors(raw: &raw::Cors, checker: &mut Checker<'_>) -> Cors {
    let path = Path::root().key("server").key("cors");
    let at = path.key("origins");
    let is_any = raw.origins.iter().any(|origin| origin == ANY);
    if is_any && raw.origins.len() > 1 {
        let message = format!("`{at}` has `*` and origins beside it");
        checker.conflict(&at, message, Some("leave `*` alone there, or take it away"));
    }
    if is_any && raw.credentials {
        let message = format!("`{}` cannot be true for every origin", path.key("credentials"));
        let hint = "name the origins: browsers refuse credentials for `*`, and any page could act \
                    for its visitor otherwise";
        checker.conflict(&path.key("credentials"), message, Some(hint));
    }
    let named = if is_any { &[][..] } else { &raw.origins };
    Cors {
        is_any,
        origins: origins(named, &at, checker),
        methods: methods(&raw.methods, &path.key("methods"), checker),
        headers: names(&raw.headers, &path.key("headers"), checker),
        expose: names(&raw.expose, &path.key("expose"), checker),
        max_age: checker.duration(&path.key("max_age"), &raw.max_age, (Duration::ZERO, DAY)),
        credentials: raw.credentials,
    }
}

/// Refuses to open the gateway to every page while nobody has to say who they are: a page needs no
/// more than a visitor to reach the loopback.
pub(crate) fn check_open(server: &Server, auth: &Auth, checker: &mut Checker<'_>) {
    if server.cors.is_any && !auth.is_required() {
        let path = Path::root().key("server").key("cors").key("origins");
        let message = format!("`{path}` is `*`, but `auth` names nobody: any page could call");
        let hint = "name the origins, or make a key with `gantry keys create` and set \
                    `auth.required: true`";
        let code = ErrorCode::ListenWithoutAuthentication;
        checker.push(Problem::new(code, &path, message).with_hint(Some(hint)));
    }
}

/// Checks `server.security_headers`.
pub(crate) fn security_headers(
    raw: &raw::SecurityHeaders,
    checker: &mut Checker<'_>,
) -> SecurityHeaders {
    let path = Path::root().key("server").key("security_headers").key("set");
    if raw.set.len() > MOST_HEADERS {
        checker.conflict(&path, format!("`{path}` has more than {MOST_HEADERS} headers"), None);
    }
    let mut set = Vec::new();
    for (written, value) in &raw.set {
        let at = path.key(written);
        let Some(name) = name(written, &at, checker) else { continue };
        let is_ours = OURS.contains(&name.as_str())
            || OUR_FAMILIES.iter().any(|family| name.as_str().starts_with(family));
        if is_ours {
            let message = format!("`{at}` is a header that the gateway writes itself");
            checker.conflict(&at, message, Some("take it away"));
        } else if let Ok(value) = HeaderValue::from_str(value.trim()) {
            set.push((name, (!value.is_empty()).then_some(value)));
        } else {
            checker.invalid(&at, value, "the value of a header, on one line");
        }
    }
    SecurityHeaders { enabled: raw.enabled, set }
}

/// Shows both, as members of `server`.
pub(crate) fn show(server: &Server) -> [(&'static str, Value); 2] {
    let texts =
        |names: &[HeaderName]| json!(names.iter().map(HeaderName::as_str).collect::<Vec<_>>());
    let cors = &server.cors;
    let methods: Vec<_> = cors.methods.iter().map(Method::as_str).collect();
    let origins = if cors.is_any { json!([ANY]) } else { json!(cors.origins) };
    let set = server.security_headers.set.iter().map(|(name, value)| {
        let text = value.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        // What looks like a variable was understood already.
        (name.as_str().to_owned(), json!(text.replace("${", "$${")))
    });
    [
        (
            "cors",
            json!({
                "origins": origins,
                "methods": methods,
                "headers": texts(&cors.headers),
                "expose": texts(&cors.expose),
                "max_age": units::format_duration(cors.max_age),
                "credentials": cors.credentials,
            }),
        ),
        (
            "security_headers",
            json!({
                "enabled": server.security_headers.enabled,
                "set": Value::Object(set.collect()),
            }),
        ),
    ]
}

fn methods(written: &[String], path: &Path, checker: &mut Checker<'_>) -> Vec<Method> {
    let mut methods = Vec::new();
    for (index, text) in written.iter().enumerate() {
        // Methods are told apart by case, and a page sends these in capitals.
        match Method::from_bytes(text.as_bytes()) {
            Ok(method) if *text == text.to_ascii_uppercase() => methods.push(method),
            _ => checker.invalid(&path.index(index), text, "a method such as `POST`"),
        }
    }
    methods
}

fn names(written: &[String], path: &Path, checker: &mut Checker<'_>) -> Vec<HeaderName> {
    let names = written.iter().enumerate();
    names.filter_map(|(index, text)| name(text, &path.index(index), checker)).collect()
}

fn name(text: &str, path: &Path, checker: &mut Checker<'_>) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(text.as_bytes()).ok().filter(|_| text != ANY);
    if name.is_none() {
        checker.invalid(path, text, "the name of a header such as `X-Frame-Options`");
    }
    name
}
