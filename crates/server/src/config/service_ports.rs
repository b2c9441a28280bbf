//! What the built-in services reach outside of the gateway, checked.

use std::io::Read as _;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_services::data_standardization::Vocabulary;
use http::HeaderValue;
use serde_json::{Value, json};

use super::check::Checker;
use super::path::Path;
use super::problem::Problem;
use super::secret::Secret;
use super::units::{format_duration, format_size};
use super::{raw, upstream};

/// The most vocabularies.
const MAX_VOCABULARIES: usize = 16;
/// The most bytes of one.
const MAX_VOCABULARY: u64 = 8 << 20;
const MIB: usize = 1 << 20;

/// What services reach outside.
#[derive(Debug, Clone, Default)]
pub struct ServicePorts {
    /// The model that makes vectors of texts.
    pub embeddings: Option<Embeddings>,
    /// Where results are written.
    pub output: Option<Output>,
    /// The files of vocabularies, absolute.
    pub vocabulary_files: Vec<PathBuf>,
    /// What was read from them.
    pub vocabularies: Arc<[Vocabulary]>,
}

/// A model that makes vectors of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embeddings {
    /// The whole address.
    pub url: String,
    /// Its name.
    pub model: String,
    /// The bearer token.
    pub api_key: Option<Secret>,
    /// Whether the address may be one that is not public.
    pub private: bool,
    /// The longest that the vectors of one call may take.
    pub timeout: Duration,
}

/// Where results are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// The most bytes that its files may have together.
    pub limit: u64,
}

/// Checks what is written.
pub(crate) fn check(raw: &raw::Services, checker: &mut Checker<'_>) -> ServicePorts {
    let path = Path::root().key("services");
    let embeddings =
        raw.embeddings.as_ref().and_then(|raw| embeddings(raw, &path.key("embeddings"), checker));
    let most = 1024 * 1024 * MIB;
    let limit = checker.size(&path.key("output_limit"), &raw.output_limit, (MIB, most));
    let output = raw.output.as_ref().filter(|folder| !folder.is_empty()).map(|folder| Output {
        folder: checker.absolute(folder),
        limit: u64::try_from(limit).unwrap_or(u64::MAX),
    });
    let (vocabulary_files, vocabularies) =
        vocabularies(&raw.vocabulary, &path.key("vocabulary"), checker);
    ServicePorts { embeddings, output, vocabulary_files, vocabularies: vocabularies.into() }
}

fn embeddings(raw: &raw::Embeddings, path: &Path, checker: &mut Checker<'_>) -> Option<Embeddings> {
    const SECOND: Duration = Duration::from_secs(1);
    let timeout = checker.duration(&path.key("timeout"), &raw.timeout, (SECOND / 10, 600 * SECOND));
    let (Some(url), Some(model)) = (&raw.url, &raw.model) else {
        let message = format!("`{path}` must have both `url` and `model`");
        checker.conflict(path, message, None);
        return None;
    };
    let mut url = upstream::address(url, &path.key("url"), checker)?;
    if !url.path().trim_end_matches('/').ends_with("/embeddings") {
        let whole = format!("{}/embeddings", url.path().trim_end_matches('/'));
        url.set_path(&whole);
    }
    let key = raw.api_key.as_deref().filter(|key| !key.is_empty());
    if key.is_some_and(|key| HeaderValue::from_str(key).is_err()) {
        // What it is must not be shown.
        let message = format!("`{path}.api_key` has a character that no header can have");
        checker.conflict(&path.key("api_key"), message, None);
    }
    Some(Embeddings {
        url: url.into(),
        model: model.clone(),
        api_key: key.map(Secret::new),
        private: raw.private,
        timeout,
    })
}

fn vocabularies(
    files: &[String],
    path: &Path,
    checker: &mut Checker<'_>,
) -> (Vec<PathBuf>, Vec<Vocabulary>) {
    if files.len() > MAX_VOCABULARIES {
        let message =
            format!("`{path}` names {} files, and may name {MAX_VOCABULARIES}", files.len());
        checker.conflict(path, message, None);
        return (Vec::new(), Vec::new());
    }
    let mut read = Vec::with_capacity(files.len());
    let paths: Vec<PathBuf> = files.iter().map(|file| checker.absolute(file)).collect();
    for (at, file) in paths.iter().enumerate() {
        match vocabulary(file) {
            Ok(vocabulary) => read.push(vocabulary),
            Err(problem) => {
                let message =
                    format!("the vocabulary `{}` cannot be used: {problem}", file.display());
                let problem = Problem::new(ErrorCode::ConfigInvalidValue, &path.index(at), message);
                checker.push(problem);
            }
        }
    }
    (paths, read)
}

/// Reads a vocabulary: a list of terms if the name ends in `.json`, else a table.
fn vocabulary(file: &FilePath) -> Result<Vocabulary, String> {
    let opened = std::fs::File::open(file).map_err(|error| error.to_string())?;
    let metadata = opened.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut text = String::new();
    let read = opened.take(MAX_VOCABULARY + 1).read_to_string(&mut text);
    let length = read.map_err(|error| error.to_string())?;
    if u64::try_from(length).unwrap_or(u64::MAX) > MAX_VOCABULARY {
        return Err(format!("it is larger than {MAX_VOCABULARY} bytes"));
    }
    let is_json = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let parsed = if is_json { Vocabulary::parse_json(&text) } else { Vocabulary::parse(&text) };
    parsed.map_err(|error| error.to_string())
}

/// Writes down what was understood into `services`; nothing where nothing was said.
pub(super) fn show(
    ports: &ServicePorts,
    value: &mut Value,
    redacted: &str,
    hidden_query: fn(&str) -> String,
) {
    if let Some(embeddings) = &ports.embeddings {
        let mut shown = json!({
            "url": hidden_query(&embeddings.url),
            "model": embeddings.model,
            "private": embeddings.private,
            "timeout": format_duration(embeddings.timeout),
        });
        if embeddings.api_key.is_some() {
            shown["api_key"] = json!(redacted);
        }
        value["services"]["embeddings"] = shown;
    }
    if let Some(output) = &ports.output {
        let limit = usize::try_from(output.limit).unwrap_or(usize::MAX);
        value["services"]["output"] = json!(output.folder);
        value["services"]["output_limit"] = json!(format_size(limit));
    }
    if !ports.vocabulary_files.is_empty() {
        value["services"]["vocabulary"] = json!(ports.vocabulary_files);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Env, Source};
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let env = Env::from_pairs([("KEY", "hunter2")]);
        let text = format!("services: {text}");
        Config::parse(&text, &Source::default(), &env).map_err(|error| error.to_string())
    }

    #[test]
    fn an_endpoint_has_its_path_and_hides_its_key() {
        let text = "{embeddings: {url: 'http://localhost:11434/v1/', model: m, api_key: '${KEY}'}}";
        let config = read(text).unwrap();
        let found = config.service_ports.embeddings.as_ref().unwrap();
        assert_eq!(found.url, "http://localhost:11434/v1/embeddings");
        assert_eq!(found.api_key.as_ref().map(Secret::expose), Some("hunter2"));
        let shown = config.normalized_yaml();
        assert!(
            !shown.contains("hunter2") && !format!("{config:?}").contains("hunter2"),
            "{shown}"
        );
        assert!(shown.contains("${KEY}"), "{shown}");
        assert!(config.secrets().contains(&"hunter2".to_owned()));
        let whole = read("{embeddings: {url: 'https://h/x/embeddings', model: m}}").unwrap();
        assert_eq!(whole.service_ports.embeddings.unwrap().url, "https://h/x/embeddings");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, reason) in [
            ("{embeddings: {url: 'https://h'}}", "must have both"),
            ("{embeddings: {url: 'ftp://h', model: m}}", "must be an address"),
            ("{embeddings: {url: 'https://h', model: m, timeout: 1h}}", "from 100ms to 10m"),
            ("{embeddings: {url: 'https://h', model: m, api_key: \"a\\nb\"}}", "no header"),
            ("{output: x, output_limit: 1KiB}", "from 1MiB"),
            ("{vocabulary: [nowhere.tsv]}", "cannot be used"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn vocabularies_are_tables_or_lists_and_mistakes_have_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let table = write("a.tsv", "account\tExpenses\tIT\tCloud\tTools\tDatadog\n");
        let list = write(
            "b.json",
            r#"[{"kind": "account", "names": ["x"], "levels": ["a", "b", "c", "d"]}]"#,
        );
        let config = read(&json!({ "vocabulary": [table, list] }).to_string()).unwrap();
        assert_eq!(config.service_ports.vocabularies.len(), 2);
        assert!(config.watched.contains(&table), "a change is seen");
        let wrong = write("c.tsv", "account\ta\tb\tc\td\te\nthing\ta\tb\tc\td\te\n");
        let error = read(&json!({ "vocabulary": [wrong] }).to_string()).unwrap_err();
        assert!(error.contains("line 2: `thing` is no kind"), "{error}");
    }
}
