//! Looking at a file, a URL, a figure: what is there, and whether it is what was there before.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Weak;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gantry_core::Compute;
use gantry_net::{AddressGuard, Client, Limits};
use gantry_services::resource_streaming::ChangeType;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LAST_MODIFIED, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use url::{Host, Url};

use crate::config::SourceKind;
use crate::metrics::{self, Format};
use crate::shared::Shared;

/// The most bytes of a source.
const MAX_CONTENT: usize = 1 << 20;
/// The most samples of a figure.
const MAX_SAMPLES: usize = 1_000;
/// How long a URL may take to answer.
const LIMIT: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("gantry/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";

/// By what sources are reached.
#[derive(Debug)]
pub(super) struct World {
    pub(super) http: Client,
    pub(super) figures: Option<Weak<Shared>>,
    pub(super) compute: Compute,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing is there.
    Absent,
    /// Something is.
    Present {
        /// Tells contents apart.
        digest: u64,
        /// What its place says of when it was written: the time of a file, the tag of an answer.
        stamp: String,
    },
}

/// What a source says.
#[derive(Debug, Clone)]
pub(super) struct Content {
    bytes: Bytes,
    media_type: Option<String>,
}

impl Seen {
    fn of(content: &[u8], stamp: String) -> Self {
        Self::Present { digest: digest(content), stamp }
    }

    /// Returns how what was seen became what is seen now.
    pub(super) fn change(&self, now: &Self) -> Option<ChangeType> {
        match (self, now) {
            (Self::Absent, Self::Absent) => None,
            (Self::Absent, Self::Present { .. }) => Some(ChangeType::Created),
            (Self::Present { .. }, Self::Absent) => Some(ChangeType::Deleted),
            (Self::Present { digest: before, stamp: written }, Self::Present { digest, stamp }) => {
                if before == digest {
                    (written != stamp).then_some(ChangeType::Updated)
                } else {
                    Some(ChangeType::ContentChanged)
                }
            }
        }
    }
}

impl Content {
    /// Returns it as a part of the contents of a resource (MCP, `ResourceContents`).
    pub(super) fn part(&self, uri: &str) -> Value {
        let Ok(text) = std::str::from_utf8(&self.bytes) else {
            let media_type = self.media_type.as_deref().unwrap_or("application/octet-stream");
            return json!({ "uri": uri, "mimeType": media_type, "blob": STANDARD.encode(&self.bytes) });
        };
        let guess = || {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            if is_json { JSON } else { "text/plain" }
        };
        let media_type = self.media_type.as_deref().unwrap_or_else(guess);
        json!({ "uri": uri, "mimeType": media_type, "text": text })
    }
}

/// Looks at a source; `before` spares reading what has not changed.
pub(super) async fn look(
    kind: &SourceKind,
    world: &World,
    before: Option<&Seen>,
) -> Result<Seen, String> {
    match kind {
        SourceKind::File(path) => {
            let (path, before) = (path.clone(), before.cloned());
            let look = move || look_at_file(&path, before.as_ref());
            world.compute.run_waiting(look).await.map_err(|error| error.to_string())?
        }
        SourceKind::Url { url, private } => {
            ask(url, *private, world, before).await.map(|asked| match asked {
                Asked::Same(seen) | Asked::Gone(seen) => seen,
                Asked::Content(content, stamp) => Seen::of(&content.bytes, stamp),
            })
        }
        SourceKind::Metric(name) => {
            let found = figure(name, world).await?;
            Ok(found.map_or(Seen::Absent, |content| Seen::of(&content.bytes, String::new())))
        }
    }
}

/// Reads a source; `None` if it is not there.
pub(super) async fn read(kind: &SourceKind, world: &World) -> Result<Option<Content>, String> {
    match kind {
        SourceKind::File(path) => {
            let path = path.clone();
            let read = move || read_file(&path);
            world.compute.run_waiting(read).await.map_err(|error| error.to_string())?
        }
        SourceKind::Url { url, private } => Ok(match ask(url, *private, world, None).await? {
            Asked::Content(content, _) => Some(content),
            Asked::Same(_) | Asked::Gone(_) => None,
        }),
        SourceKind::Metric(name) => figure(name, world).await,
    }
}

fn look_at_file(path: &Path, before: Option<&Seen>) -> Result<Seen, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seen::Absent),
        Err(error) => return Err(error.to_string()),
    };
    let stamp = format!("{} {:?}", metadata.len(), metadata.modified().ok());
    if let Some(Seen::Present { stamp: known, .. }) = before
        && *known == stamp
    {
        return Ok(before.cloned().unwrap_or(Seen::Absent));
    }
    Ok(read_file(path)?.map_or(Seen::Absent, |content| Seen::of(&content.bytes, stamp)))
}

fn read_file(path: &Path) -> Result<Option<Content>, String> {
    match fs::metadata(path) {
        // A pipe or a device would keep its reader waiting.
        Ok(metadata) if !metadata.is_file() => return Err("it is no file".to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    }
    let mut bytes = Vec::new();
    let read = fs::File::open(path)
        .and_then(|file| file.take(MAX_CONTENT as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length > MAX_CONTENT => Err(format!("it is larger than {MAX_CONTENT} bytes")),
        Ok(_) => Ok(Some(Content { bytes: bytes.into(), media_type: None })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// What a URL answered.
enum Asked {
    /// That nothing has changed.
    Same(Seen),
    /// That nothing is there.
    Gone(Seen),
    /// Something, with what says which it is.
    Content(Content, String),
}

/// Asks a URL; one that still has what was seen before need not send it again (RFC 9110, section
/// 13.1.2).
async fn ask(
    url: &str,
    private: bool,
    world: &World,
    before: Option<&Seen>,
) -> Result<Asked, String> {
    let target = world.http.guarded_target(url, guard_of(url, private));
    let target = target.map_err(|error| error.to_string())?;
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(Seen::Present { stamp, .. }) = before
        && stamp.ends_with('"')
        && let Ok(tag) = HeaderValue::from_str(stamp)
    {
        headers.insert(IF_NONE_MATCH, tag);
    }
    let limits = Limits { head: Some(LIMIT), body_idle: Some(LIMIT) };
    let asking = async {
        let sent = target.send(Method::GET, headers, Bytes::new(), limits).await;
        let answer = sent.map_err(|error| gantry_core::chain(&error))?;
        let status = answer.status();
        match (status, before) {
            (StatusCode::NOT_MODIFIED, Some(before)) => return Ok(Asked::Same(before.clone())),
            (StatusCode::NOT_FOUND | StatusCode::GONE, _) => return Ok(Asked::Gone(Seen::Absent)),
            (status, _) if !status.is_success() => return Err(format!("it answers {status}")),
            _ => {}
        }
        let text = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let stamp = text(ETAG).or_else(|| text(LAST_MODIFIED)).unwrap_or_default().to_owned();
        let media_type = text(CONTENT_TYPE).map(str::to_owned);
        let body = answer.into_body().collect(MAX_CONTENT).await;
        let bytes = body.map_err(|error| gantry_core::chain(&error))?;
        Ok(Asked::Content(Content { bytes, media_type }, stamp))
    };
    match tokio::time::timeout(LIMIT, asking).await {
        Ok(asked) => asked,
        Err(_) => Err(format!("it did not answer within {} s", LIMIT.as_secs())),
    }
}

/// Returns which addresses a URL may lead to. An address in the place of the name is what the
/// operator wrote; a name may one day stand for another address, which must then be a public one.
pub(in crate::services) fn guard_of(url: &str, private: bool) -> AddressGuard {
    let host = Url::parse(url).ok();
    let is_written = match host.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.parse::<IpAddr>().is_ok(),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    if private || is_written { AddressGuard::Any } else { AddressGuard::PublicOnly }
}

/// Reads a figure of the process as JSON; `None` if it has no sample yet.
async fn figure(name: &str, world: &World) -> Result<Option<Content>, String> {
    let Some(shared) = world.figures.as_ref().and_then(Weak::upgrade) else {
        return Err("this gateway keeps no figures; one that serves does".to_owned());
    };
    let encode = move || metrics::encode(&shared.registry, Format::Plain);
    let text = world.compute.run(encode).await.map_err(|error| error.to_string())?;
    let text = text.map_err(|error| error.to_string())?;
    let samples: Vec<Value> =
        text.lines().filter_map(|line| sample(name, line)).take(MAX_SAMPLES).collect();
    if samples.is_empty() {
        return Ok(None);
    }
    let value = json!({ "metric": name, "samples": samples });
    let bytes = Bytes::from(value.to_string());
    Ok(Some(Content { bytes, media_type: Some(JSON.to_owned()) }))
}

/// Reads a line of the text format, if it is a sample of that figure.
fn sample(name: &str, line: &str) -> Option<Value> {
    let rest = line.strip_prefix(name)?;
    if !rest.starts_with(['{', ' ']) {
        return None;
    }
    let (labels, value) = rest.rsplit_once(' ')?;
    let value: f64 = value.parse().ok()?;
    Some(json!({ "labels": labels, "value": value }))
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_of_four() {
        let present = |content: &[u8], stamp: &str| Seen::of(content, stamp.to_owned());
        let (absent, first) = (Seen::Absent, present(b"a", "1"));
        for (before, now, expected) in [
            (&absent, absent.clone(), None),
            (&absent, first.clone(), Some(ChangeType::Created)),
            (&first, first.clone(), None),
            (&first, present(b"a", "2"), Some(ChangeType::Updated)),
            (&first, present(b"b", "2"), Some(ChangeType::ContentChanged)),
            (&first, absent.clone(), Some(ChangeType::Deleted)),
        ] {
            assert_eq!(before.change(&now), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_name_leads_to_public_addresses_unless_it_may_not() {
        for (url, private, expected) in [
            ("http://example.com/x", false, AddressGuard::PublicOnly),
            ("http://example.com/x", true, AddressGuard::Any),
            ("http://localhost:8080/x", false, AddressGuard::Any),
            ("http://10.0.0.1/x", false, AddressGuard::Any),
            ("http://[::1]/x", false, AddressGuard::Any),
        ] {
            assert_eq!(guard_of(url, private), expected, "{url} {private}");
        }
    }

    #[test]
    fn samples_of_a_figure_are_found_by_its_whole_name() {
        let found = |line| sample("calls", line);
        assert_eq!(found("calls{a=\"b c\"} 3").unwrap()["labels"], "{a=\"b c\"}");
        assert_eq!(found("calls 3").unwrap()["value"], 3.0);
        assert_eq!(found("calls_total 3"), None);
        assert_eq!(found("# HELP calls 3"), None);
    }

    #[test]
    fn a_file_that_was_not_written_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert_eq!(look_at_file(&path, None), Ok(Seen::Absent));
        fs::write(&path, "a").unwrap();
        let first = look_at_file(&path, None).unwrap();
        assert_eq!(look_at_file(&path, Some(&first)), Ok(first.clone()));
        fs::write(&path, "bb").unwrap();
        let second = look_at_file(&path, Some(&first)).unwrap();
        assert_eq!(first.change(&second), Some(ChangeType::ContentChanged));
        assert!(read_file(folder.path()).is_err());
        fs::write(&path, vec![0; MAX_CONTENT + 1]).unwrap();
        assert!(look_at_file(&path, Some(&second)).unwrap_err().contains("larger"));
    }
}
