//! `log` and `tracing`, checked.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use super::check::Checker;
use super::path::Path;
use super::raw::{self, LogFormat, LogLevel, RatioText};
use super::secret::Secret;
use super::upstream;

/// The log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The least important messages that are written.
    pub level: LogLevel,
    /// The same for parts, by the beginning of their name.
    pub levels: BTreeMap<String, LogLevel>,
    /// How a line looks.
    pub format: LogFormat,
    /// Has every line as well; absolute.
    pub file: Option<PathBuf>,
    /// Has the errors alone; absolute.
    pub error_file: Option<PathBuf>,
    /// When a file is begun anew.
    pub rotation: Rotation,
    /// What lines call the gateway.
    pub service: String,
}

/// When a file of the log is begun anew, and how long old ones are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The most bytes of one file.
    pub max_size: usize,
    /// The most old files.
    pub max_files: u16,
    /// How old the youngest line of an old file may become.
    pub max_age: Option<Duration>,
    /// The most bytes of a file and its old ones.
    pub total_size: Option<usize>,
}

/// Where spans are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Otlp {
    /// The whole address, with its path.
    pub url: String,
    /// Sent along; names in lower case.
    pub headers: BTreeMap<String, Secret>,
    /// The part of the requests that is recorded, from 0 to 1.
    pub sample_ratio: f64,
    /// How the gateway is called.
    pub service_name: String,
}

impl Default for Log {
    /// Lines for people at the level `info`, in no file.
    fn default() -> Self {
        let raw = raw::Log::default();
        Self {
            level: raw.level,
            levels: BTreeMap::new(),
            format: raw.format,
            file: None,
            error_file: None,
            rotation: Rotation {
                max_size: LARGEST_FILE,
                max_files: raw.rotation.max_files,
                max_age: None,
                total_size: None,
            },
            service: raw::Otlp::default().service_name,
        }
    }
}

/// The most parts with a level of their own: each line that may be written is held against them.
pub(crate) const MOST_LEVELS: usize = 64;
const LONGEST_NAME: usize = 128;
const SMALLEST_FILE: usize = 1 << 10;
const LARGEST_FILE: usize = 1 << 40;
const TRACES: &str = "v1/traces";

/// Checks `log`; `service` is the name in `tracing.otlp`.
pub(crate) fn check(raw: &raw::Log, service: &str, checker: &mut Checker<'_>) -> Log {
    let path = Path::root().key("log");
    let levels = path.key("levels");
    if raw.levels.len() > MOST_LEVELS {
        let message = format!("`{levels}` has more than {MOST_LEVELS} entries");
        checker.conflict(&levels, message, None);
    }
    for name in raw.levels.keys().filter(|name| !is_target(name)) {
        let expected = "named by a part of the program, such as `gantry_gateway`";
        checker.invalid(&levels.key(name), name, expected);
    }
    let file = file(raw.file.as_deref(), &path.key("file"), checker);
    let error_file = file_beside(raw, file.as_deref(), &path, checker);
    Log {
        level: raw.level,
        // Both ways of writing a name are one part.
        levels: raw.levels.iter().map(|(name, at)| (name.replace('.', "::"), *at)).collect(),
        format: raw.format,
        file,
        error_file,
        rotation: rotation(&raw.rotation, &path.key("rotation"), checker),
        service: service.to_owned(),
    }
}

/// Tells whether a text may name a part of the program.
pub(crate) fn is_target(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte);
    !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(is_plain)
}

pub(super) fn file(
    written: Option<&str>,
    path: &Path,
    checker: &mut Checker<'_>,
) -> Option<PathBuf> {
    let written = written?;
    let absolute = checker.absolute(written);
    if written.is_empty() || written.contains('\0') || absolute.file_name().is_none() {
        checker.invalid(path, written, "the path of a file");
        return None;
    }
    Some(absolute)
}

fn file_beside(
    raw: &raw::Log,
    file_of_all: Option<&FilePath>,
    path: &Path,
    checker: &mut Checker<'_>,
) -> Option<PathBuf> {
    let at = path.key("error_file");
    let found = file(raw.error_file.as_deref(), &at, checker);
    if found.is_some() && found.as_deref() == file_of_all {
        let message = format!("`{at}` is the same file as `{}`", path.key("file"));
        checker.conflict(&at, message, Some("errors are in `log.file` anyway; leave one out"));
    }
    found
}

pub(super) fn rotation(raw: &raw::Rotation, path: &Path, checker: &mut Checker<'_>) -> Rotation {
    let sizes = (SMALLEST_FILE, LARGEST_FILE);
    let ages = (Duration::from_mins(1), Duration::from_hours(24 * 3650));
    let max_size = checker.size(&path.key("max_size"), &raw.max_size, sizes);
    let at = path.key("total_size");
    let total_size = raw.total_size.as_ref().map(|text| checker.size(&at, text, sizes));
    if total_size.is_some_and(|total| total < max_size) {
        let message = format!("`{at}` is less than one file may have by `{path}.max_size`");
        checker.conflict(&at, message, None);
    }
    let age = |text| checker.duration(&path.key("max_age"), text, ages);
    Rotation {
        max_size,
        max_files: raw.max_files,
        max_age: raw.max_age.as_ref().map(age),
        total_size,
    }
}

/// Checks `tracing.otlp`; `None` if nothing is sent.
pub(crate) fn check_otlp(raw: &raw::Otlp, checker: &mut Checker<'_>) -> Option<Otlp> {
    let path = Path::root().key("tracing").key("otlp");
    let headers = upstream::headers(&raw.headers, &path.key("headers"), checker);
    let sample_ratio = ratio(&raw.sample_ratio, &path.key("sample_ratio"), checker);
    let name = &raw.service_name;
    if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        checker.invalid(&path.key("service_name"), name, "1 to 128 visible characters");
    }
    let url = endpoint(raw.endpoint.as_deref()?, &path.key("endpoint"), checker)?;
    let secret = |(name, value): (String, String)| (name, Secret::new(value));
    Some(Otlp {
        url,
        headers: headers.into_iter().map(secret).collect(),
        sample_ratio,
        service_name: name.clone(),
    })
}

/// Checks a number from 0 to 1.
pub(crate) fn ratio(text: &RatioText, path: &Path, checker: &mut Checker<'_>) -> f64 {
    let is_plain = text.0.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.0.parse::<f64>() {
        Ok(ratio) if is_plain && (0.0..=1.0).contains(&ratio) => ratio,
        _ => {
            checker.invalid(path, &text.0, "a number from 0 to 1, such as `0.1`");
            0.0
        }
    }
}

/// Makes the address of the traces from the collector's (OTLP specification, section
/// "Endpoint URLs for OTLP/HTTP").
fn endpoint(written: &str, path: &Path, checker: &mut Checker<'_>) -> Option<String> {
    let mut url = upstream::address(written, path, checker)?;
    let base = url.path().trim_end_matches('/').to_owned();
    if !base.ends_with(TRACES) {
        url.set_path(&format!("{base}/{TRACES}"));
    }
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Env, LogLevel, Source};

    fn read(text: &str) -> Result<Config, String> {
        Config::parse(text, &Source::default(), &Env::default()).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn is_refused(text: &str, reason: &str) {
        let error = read(text).expect_err(text);
        assert!(error.contains(reason), "{text}: {error}");
    }

    #[test]
    fn a_collector_is_named_with_or_without_the_path_of_traces() {
        for (written, expected) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://a.example/otlp/", "https://a.example/otlp/v1/traces"),
            ("https://a.example/v1/traces", "https://a.example/v1/traces"),
        ] {
            let config = read(&format!("tracing: {{otlp: {{endpoint: '{written}'}}}}")).unwrap();
            assert_eq!(config.otlp.unwrap().url, expected);
        }
        assert_eq!(read("tracing: {otlp: {sample_ratio: 0.5}}").unwrap().otlp, None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        is_refused("tracing: {otlp: {endpoint: 'ftp://a/'}}", "tracing.otlp.endpoint");
        is_refused("tracing: {otlp: {endpoint: 'http://u:hunter2@a/'}}", "a password");
        for ratio in ["1.5", "-0.1", "nan", "1e-1", "half"] {
            let text = format!("tracing: {{otlp: {{sample_ratio: {ratio}}}}}");
            is_refused(&text, "a number from 0 to 1");
        }
        is_refused("tracing: {otlp: {headers: {host: a}}}", "the gateway sets itself");
        is_refused("log: {levels: {'a b': debug}}", "log.levels");
        is_refused("log: {levels: {a: loud}}", "must be one of `off`, `error`");
        is_refused("log: {file: /}", "`log.file` must be the path of a file");
        is_refused("log: {file: a.log, error_file: ./a.log}", "the same file");
        is_refused("log: {rotation: {total_size: 1MiB}}", "less than one file");
        is_refused("log: {rotation: {max_size: 1B}}", "from 1KiB");
    }

    #[test]
    fn levels_may_name_parts_and_switch_them_off() {
        let text = "log:\n  levels:\n    gantry_gateway.requests: debug\n    hyper: off\n";
        let levels = read(text).unwrap().log.levels;
        let levels: Vec<_> = levels.into_iter().collect();
        let expected = [("gantry_gateway::requests", LogLevel::Debug), ("hyper", LogLevel::Off)];
        assert_eq!(levels, expected.map(|(name, level)| (name.to_owned(), level)));
    }
}
