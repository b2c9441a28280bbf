//! `services.streaming`, checked.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::check::Checker;
use super::path::Path;
use super::units::format_duration;
use super::{names, raw, upstream};

/// The most sources.
const MAX_SOURCES: usize = 1_000;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// What can be subscribed to beside the service's own resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streaming {
    /// How often a session hears that its subscriptions live.
    pub heartbeat: Duration,
    /// In the order of the file; names are unique.
    pub sources: Vec<SourceSpec>,
}

/// Something that is looked at while somebody is subscribed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// The time between two looks.
    pub interval: Duration,
}

/// What a source is.
#[derive(Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A file.
    File(PathBuf),
    /// What a GET answers.
    Url {
        /// The address; its query may hold a secret.
        url: String,
        /// Whether it may lead to an address that is not public.
        private: bool,
    },
    /// A figure of `/metrics`.
    Metric(String),
}

impl Default for Streaming {
    fn default() -> Self {
        Self { heartbeat: 30 * SECOND, sources: Vec::new() }
    }
}

impl SourceKind {
    /// Returns its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Url { .. } => "url",
            Self::Metric(_) => "metric",
        }
    }
}

impl std::fmt::Debug for SourceKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Checks `services.streaming`.
pub(crate) fn check(raw: &raw::Streaming, checker: &mut Checker<'_>) -> Streaming {
    let path = Path::root().key("services").key("streaming");
    let heartbeat = checker.duration(&path.key("heartbeat"), &raw.heartbeat, (SECOND, 24 * HOUR));
    let path = path.key("sources");
    if raw.sources.len() > MAX_SOURCES {
        let message =
            format!("`{path}` has {} sources, and may have {MAX_SOURCES}", raw.sources.len());
        checker.conflict(&path, message, None);
    }
    let sources = raw.sources.iter().filter_map(|(name, raw)| {
        let path = path.key(name);
        if let Some(problem) = names::check_public(name, &path) {
            checker.push(problem);
        }
        let kind = kind(raw, &path, checker)?;
        let (usual, least) = match kind {
            SourceKind::File(_) | SourceKind::Metric(_) => (2 * SECOND, SECOND / 10),
            SourceKind::Url { .. } => (30 * SECOND, SECOND),
        };
        let interval = match &raw.interval {
            Some(written) => checker.duration(&path.key("interval"), written, (least, 24 * HOUR)),
            None => usual,
        };
        Some(SourceSpec { name: name.clone(), kind, interval })
    });
    Streaming { heartbeat, sources: sources.collect() }
}

fn kind(raw: &raw::StreamSource, path: &Path, checker: &mut Checker<'_>) -> Option<SourceKind> {
    if raw.private && raw.url.is_none() {
        let message = format!("`{path}.private` is of no use without `{path}.url`");
        checker.conflict(&path.key("private"), message, None);
    }
    match (&raw.file, &raw.url, &raw.metric) {
        (Some(file), None, None) => Some(SourceKind::File(checker.absolute(file))),
        (None, Some(url), None) => {
            let url = upstream::address(url, &path.key("url"), checker)?;
            Some(SourceKind::Url { url: url.into(), private: raw.private })
        }
        (None, None, Some(metric)) => {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_:".contains(&byte);
            if metric.is_empty() || !metric.bytes().all(is_name) {
                checker.invalid(&path.key("metric"), metric, "the name of a figure of `/metrics`");
            }
            Some(SourceKind::Metric(metric.clone()))
        }
        _ => {
            let message = format!("`{path}` must have one of `file`, `url` and `metric`");
            checker.conflict(path, message, None);
            None
        }
    }
}

/// Writes down what was understood; nothing where nothing was said.
pub(super) fn shown(streaming: &Streaming, hidden_query: fn(&str) -> String) -> Option<Value> {
    if *streaming == Streaming::default() {
        return None;
    }
    let sources: Map<String, Value> = streaming
        .sources
        .iter()
        .map(|source| {
            let mut shown = match &source.kind {
                SourceKind::File(path) => json!({ "file": path }),
                SourceKind::Url { url, private } => {
                    json!({ "url": hidden_query(url), "private": private })
                }
                SourceKind::Metric(metric) => json!({ "metric": metric }),
            };
            shown["interval"] = json!(format_duration(source.interval));
            (source.name.clone(), shown)
        })
        .collect();
    Some(json!({ "heartbeat": format_duration(streaming.heartbeat), "sources": sources }))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Env, Source};
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let env = Env::from_pairs([("KEY", "hunter2")]);
        let text = format!("services: {{streaming: {text}}}");
        Config::parse(&text, &Source::default(), &env).map_err(|error| error.to_string())
    }

    #[test]
    fn sources_are_files_urls_and_figures() {
        let config = read(
            "{heartbeat: 5s, sources: {a: {file: x.csv, interval: 100ms}, \
             b: {url: 'https://h/x?key=${KEY}', private: true}, c: {metric: gantry_calls_total}}}",
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let streaming = &config.streaming;
        assert_eq!(streaming.heartbeat, 5 * SECOND);
        let kinds: Vec<_> = streaming.sources.iter().map(|one| one.kind.name()).collect();
        assert_eq!(kinds, ["file", "url", "metric"]);
        let seconds: Vec<_> = streaming.sources.iter().map(|one| one.interval).collect();
        assert_eq!(seconds, [SECOND / 10, 30 * SECOND, 2 * SECOND]);
        let shown = config.normalized_yaml();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("gantry_calls_total"), "{shown}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, reason) in [
            ("{sources: {a: {}}}", "must have one of `file`, `url` and `metric`"),
            ("{sources: {a: {file: x, url: 'http://h/'}}}", "must have one of"),
            ("{sources: {a: {file: x, private: true}}}", "is of no use without"),
            ("{sources: {a: {url: 'ftp://h/'}}}", "http"),
            ("{sources: {a: {url: 'http://h/', interval: 100ms}}}", "from 1s to 1d"),
            ("{sources: {a: {metric: 'a b'}}}", "the name of a figure"),
            ("{sources: {A b: {file: x}}}", "has the character"),
            ("{heartbeat: 10ms}", "from 1s to 1d"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
