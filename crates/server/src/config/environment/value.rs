//! Reads the values of variables as the systems write them that they come from: milliseconds
//! without a unit, `10mb`, levels of other loggers.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::env::Env;
use super::super::tree::{Data, Node, Scalar};
use super::given;

/// Where a port is opened when nothing names a host: a port alone opens nothing to the network.
pub(crate) const LOOPBACK: &str = "127.0.0.1";
/// The same, for a reader.
pub(crate) const LOOPBACK_ALONE: &str =
    "a port alone is opened on the loopback; `--listen` or GANTRY_LISTEN opens it further";
const HOST: &str = "MCP_SERVER_HOST";
const DEFAULT_PORT: u16 = 8080;
const DATABASE: &str = "DB_NAME";
const DATABASE_PORT: &str = "DB_PORT";

/// How a variable is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of milliseconds.
    Milliseconds,
    /// A whole number of seconds.
    Seconds,
    /// A whole number of hours.
    Hours,
    /// A whole number.
    Number,
    /// A whole number of bytes, or of units of 1024 as in `10mb`.
    Size,
    /// A level of some logger.
    Level,
    /// `json`, or a word for lines.
    Format,
    /// A truth value.
    Flag,
    /// A port; where no variable names a host it is opened on the loopback.
    Port,
    /// A host, for the usual port.
    Host,
    /// A path in the file system or in an address.
    Text,
    /// Origins of web pages with commas between.
    Origins,
    /// The host of a database, which other variables name together with the port.
    DatabaseHost,
}

/// Returns the value as the configuration has it.
///
/// # Errors
///
/// What it must be.
pub(super) fn read(kind: Kind, text: &str, env: &Env) -> Result<Data, String> {
    let expected = |what: &str| Err(what.to_owned());
    match kind {
        Kind::Milliseconds => match text.parse::<u64>() {
            Ok(number) => Ok(Data::text(format!("{number}ms"))),
            Err(_) => expected("a whole number of milliseconds such as `30000`"),
        },
        Kind::Seconds => match text.parse::<u64>() {
            Ok(number) => Ok(Data::text(format!("{number}s"))),
            Err(_) => expected("a whole number of seconds such as `60`"),
        },
        Kind::Hours => match text.parse::<u32>() {
            Ok(number) => Ok(Data::text(format!("{number}h"))),
            Err(_) => expected("a whole number of hours such as `24`"),
        },
        Kind::Number => match text.parse::<u32>() {
            Ok(number) => Ok(Data::text(number.to_string())),
            Err(_) => expected("a whole number such as `100`"),
        },
        Kind::Size => match size(text) {
            Some(bytes) => Ok(Data::text(format!("{bytes}B"))),
            None => expected("a size such as `10mb`"),
        },
        Kind::Level => match level(text) {
            Some(level) => Ok(Data::text(level)),
            None => expected("a level such as `info` or `WARNING`"),
        },
        Kind::Format => match text.to_ascii_lowercase().as_str() {
            "json" => Ok(Data::text("json")),
            "text" | "plain" | "console" | "simple" => Ok(Data::text("text")),
            _ => expected("`json` or `text`"),
        },
        Kind::Flag => match flag(text) {
            Some(value) => Ok(Data::text(value.to_string())),
            None => expected("`true` or `false`"),
        },
        Kind::Port => match text.parse::<u16>() {
            Ok(port) => Ok(Data::text(address(given(env, HOST).unwrap_or(LOOPBACK), port))),
            Err(_) => expected("a port such as `3001`"),
        },
        Kind::Host => Ok(Data::text(address(text, DEFAULT_PORT))),
        Kind::Text => Ok(Data::text(text)),
        Kind::Origins => origins(text),
        Kind::DatabaseHost => database(text, env),
    }
}

/// Marks a value as one that a variable stands for, so that no message shows it.
pub(super) fn from_variable(mut data: Data, name: &str) -> Node {
    let mark = |scalar: &mut Scalar| scalar.written = Some(format!("${{{name}}}"));
    match &mut data {
        Data::Scalar(scalar) => mark(scalar),
        Data::Sequence { entries } => {
            for entry in entries {
                if let Data::Scalar(scalar) = &mut entry.data {
                    mark(scalar);
                }
            }
        }
        Data::Mapping { .. } => {}
    }
    Node::nowhere(data)
}

/// Reads a truth value.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Reads a level of the loggers of Java, JavaScript and Python.
pub(crate) fn level(text: &str) -> Option<&'static str> {
    Some(match text.to_ascii_lowercase().as_str() {
        "trace" | "silly" | "all" | "finest" => "trace",
        "debug" | "verbose" | "http" | "fine" => "debug",
        "info" | "notice" => "info",
        "warn" | "warning" => "warn",
        "error" | "severe" | "critical" | "fatal" | "off" => "error",
        _ => return None,
    })
}

/// Reads a size as Express and Spring do: units count in 1024, whatever their case.
pub(crate) fn size(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let shift = match unit.trim() {
        "" | "b" => 0,
        "k" | "kb" => 10,
        "m" | "mb" => 20,
        "g" | "gb" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// Joins a host and a port; an address of version 6 gets its brackets.
pub(crate) fn address(host: &str, port: u16) -> String {
    format!("{}:{port}", self::host(host))
}

/// Puts the address of a database together.
fn database(host: &str, env: &Env) -> Result<Data, String> {
    let Some(name) = given(env, DATABASE) else {
        return Err(format!("set together with `{DATABASE}`"));
    };
    let port = given(env, DATABASE_PORT).unwrap_or("5432");
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    Ok(Data::text(format!("postgres://{}:{port}/{name}", self::host(host))))
}

fn origins(text: &str) -> Result<Data, String> {
    let written: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if written.contains(&"*") {
        return Err(
            "a list of origins such as `https://app.example.com` (`*` would let every web \
                    page command the gateway)"
                .to_owned(),
        );
    }
    let entries = written.into_iter().map(|origin| Node::nowhere(Data::text(origin))).collect();
    Ok(Data::Sequence { entries })
}

/// Returns a host as it stands before a port.
pub(crate) fn host(host: &str) -> String {
    let is_bare = host.contains(':') && !host.starts_with('[') && !host.contains("${");
    if is_bare { format!("[{host}]") } else { host.to_owned() }
}
