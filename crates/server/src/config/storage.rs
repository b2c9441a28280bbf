//! `storage`: the database, checked.
//!
//! An address is never shown as it is written: there may be a password in it.

use std::time::Duration;

use gantry_storage::PostgresConfig;
use gantry_storage::postgres::{Pool, TlsMode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::Url;

use super::check::Checker;
use super::path::Path;
use super::raw;
use super::units::format_duration;

const PORT: u16 = 5432;
const FORM: &str = "an address such as `postgres://USER:PASSWORD@HOST:5432/DATABASE`";
const MODES: [(&str, TlsMode); 5] = [
    ("disable", TlsMode::Disable),
    ("prefer", TlsMode::Prefer),
    ("require", TlsMode::Require),
    ("verify-ca", TlsMode::VerifyCa),
    ("verify-full", TlsMode::VerifyFull),
];

/// Where what outlives the process is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In the data folder.
    Sqlite,
    /// On a server.
    Postgres(Box<PostgresConfig>),
}

/// Checks `storage`.
pub(crate) fn check(raw: &raw::Storage, checker: &mut Checker<'_>) -> Storage {
    let path = Path::root().key("storage");
    let pool = pool(&raw.pool, &path.key("pool"), checker);
    let Some(written) = &raw.url else {
        for (key, value) in [("username", &raw.username), ("password", &raw.password)] {
            if value.is_some() {
                let message = format!("`{path}.{key}` is of no use without `{path}.url`");
                checker.conflict(&path.key(key), message, None);
            }
        }
        return Storage::Sqlite;
    };
    match read(raw, written, pool, checker) {
        Ok(config) => Storage::Postgres(Box::new(config)),
        Err(expected) => {
            checker.invalid(&path.key("url"), written, &expected);
            Storage::Sqlite
        }
    }
}

fn pool(raw: &raw::StoragePool, path: &Path, checker: &mut Checker<'_>) -> Pool {
    const SECOND: Duration = Duration::from_secs(1);
    const DAY: Duration = Duration::from_hours(24);
    if raw.min > raw.max {
        let message = format!("`{path}.min` is more than `{path}.max`");
        checker.conflict(&path.key("min"), message, None);
    }
    Pool {
        max: raw.max,
        min: raw.min,
        acquire_timeout: checker.duration(
            &path.key("acquire_timeout"),
            &raw.acquire_timeout,
            (SECOND / 10, 300 * SECOND),
        ),
        idle_timeout: checker.duration(&path.key("idle_timeout"), &raw.idle_timeout, (SECOND, DAY)),
        max_lifetime: checker.duration(&path.key("max_lifetime"), &raw.max_lifetime, (SECOND, DAY)),
    }
}

/// Reads the address; fails with what it must be.
fn read(
    raw: &raw::Storage,
    written: &str,
    pool: Pool,
    checker: &Checker<'_>,
) -> Result<PostgresConfig, String> {
    // So it is written for Java.
    let written = written.strip_prefix("jdbc:").unwrap_or(written);
    let url = Url::parse(written).map_err(|_| FORM.to_owned())?;
    if !matches!(url.scheme(), "postgres" | "postgresql") || url.fragment().is_some() {
        return Err(FORM.to_owned());
    }
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(std::borrow::Cow::into_owned).map_err(|_| FORM.to_owned())
    };
    let host = decoded(url.host_str().unwrap_or_default())?;
    let user = decoded(url.username())?;
    let password = url.password().map(decoded).transpose()?;
    let mut config = PostgresConfig {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: url.port().unwrap_or(PORT),
        user: raw.username.clone().unwrap_or(user),
        password: raw.password.clone().or(password),
        database: decoded(url.path().trim_start_matches('/'))?,
        tls: TlsMode::Prefer,
        root_certificate: None,
        identity: None,
        pool,
    };
    parameters(&url, &mut config, checker)?;
    let PostgresConfig { host, user, database, password, .. } = &config;
    let texts = [host, user, database, password.as_ref().unwrap_or(user)];
    if host.is_empty() || database.is_empty() || database.contains('/') {
        return Err(FORM.to_owned());
    }
    if user.is_empty() {
        return Err(format!("{FORM}, with a user unless `storage.username` names one"));
    }
    if texts.iter().any(|text| text.contains('\0')) {
        return Err(format!("{FORM}, without the character zero"));
    }
    Ok(config)
}

/// Takes over what stands behind the `?` (PostgreSQL, section "Parameter Key Words").
fn parameters(url: &Url, config: &mut PostgresConfig, checker: &Checker<'_>) -> Result<(), String> {
    let (mut certificate, mut key) = (None, None);
    for (name, value) in url.query_pairs() {
        match &*name {
            "sslmode" => {
                let mode = MODES.iter().find(|(word, _)| *word == value);
                let words = MODES.map(|(word, _)| format!("`{word}`")).join(", ");
                let expected = || format!("an address whose `sslmode` is one of {words}");
                config.tls = mode.ok_or_else(expected)?.1;
            }
            "sslrootcert" => config.root_certificate = Some(checker.absolute(&value)),
            "sslcert" => certificate = Some(checker.absolute(&value)),
            "sslkey" => key = Some(checker.absolute(&value)),
            "host" => config.host = value.into_owned(),
            _ => {
                return Err("an address with no other parameters than `sslmode`, `sslrootcert`, \
                            `sslcert`, `sslkey` and `host`"
                    .to_owned());
            }
        }
    }
    config.identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err("an address with `sslcert` and `sslkey`, or neither".to_owned()),
    };
    Ok(())
}

/// Writes down what was understood; nothing of SQLite, which has no settings.
pub(super) fn shown(storage: &Storage, redacted: &str) -> Option<Value> {
    let Storage::Postgres(config) = storage else { return None };
    let pool = &config.pool;
    let mut shown = json!({
        "url": address(config),
        "pool": {
            "max": pool.max,
            "min": pool.min,
            "acquire_timeout": format_duration(pool.acquire_timeout),
            "idle_timeout": format_duration(pool.idle_timeout),
            "max_lifetime": format_duration(pool.max_lifetime),
        },
    });
    if config.password.is_some() {
        shown["password"] = json!(redacted);
    }
    Some(shown)
}

/// The address without the password. What looks like a variable must not be read as one.
fn address(config: &PostgresConfig) -> String {
    let Ok(mut url) = Url::parse("postgres://host") else { return String::new() };
    // Invariant: none of these can fail for an address with a host.
    let is_socket = config.host.starts_with('/');
    let host = if is_socket { "localhost" } else { &config.host };
    let bracketed = format!("[{host}]");
    let _ = url.set_host(Some(if host.contains(':') { &bracketed } else { host }));
    let _ = url.set_port(Some(config.port));
    let _ = url.set_username(&config.user);
    url.set_path(&config.database);
    let mode = MODES.iter().find(|(_, mode)| *mode == config.tls).map(|(word, _)| *word);
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("sslmode", mode.unwrap_or_default());
        let identity = config.identity.as_ref();
        for (name, file) in [
            ("sslrootcert", config.root_certificate.as_ref()),
            ("sslcert", identity.map(|(certificate, _)| certificate)),
            ("sslkey", identity.map(|(_, key)| key)),
        ] {
            if let Some(file) = file {
                query.append_pair(name, &file.to_string_lossy());
            }
        }
        if is_socket {
            query.append_pair("host", &config.host);
        }
    }
    String::from(url).replace("${", "$${")
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Env, Source};
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let env = Env::from_pairs([("URL", "postgres://ann:hunter2@db/x"), ("PW", "hunter2 ä")]);
        Config::parse(text, &Source::default(), &env).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn postgres(text: &str) -> PostgresConfig {
        match read(text).expect("it can be used").storage {
            Storage::Postgres(config) => *config,
            Storage::Sqlite => panic!("{text} names no server"),
        }
    }

    #[test]
    fn an_address_is_taken_apart() {
        let config = postgres("storage: {url: 'postgres://a%40b:p%2Fw%20d@db.example:6543/main'}");
        assert_eq!(config.place(), "postgres://a@b@db.example:6543/main");
        assert_eq!(config.password.as_deref(), Some("p/w d"));
        assert_eq!((config.tls, config.pool.max), (TlsMode::Prefer, 20));
        let text = "storage: {url: 'jdbc:postgresql://[::1]/x?sslmode=verify-full&sslrootcert=/ca', \
                    username: ann, password: '${PW}', pool: {max: 3, min: 0, idle_timeout: 9s}}";
        let config = postgres(text);
        assert_eq!((config.host.as_str(), config.port), ("::1", 5432));
        assert_eq!((config.user.as_str(), config.password.as_deref()), ("ann", Some("hunter2 ä")));
        assert_eq!(config.tls, TlsMode::VerifyFull);
        assert_eq!(config.root_certificate.as_deref(), Some(std::path::Path::new("/ca")));
        assert_eq!((config.pool.max, config.pool.idle_timeout.as_secs()), (3, 9));
        let socket = postgres("storage: {url: 'postgres:///x?host=/run/pg', username: ann}");
        assert_eq!((socket.host.as_str(), socket.password), ("/run/pg", None));
        assert_eq!(read("storage: {pool: {max: 3}}").unwrap().storage, Storage::Sqlite);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_no_password_is_shown() {
        for (text, reason) in [
            ("url: 'mysql://ann:hunter2@db/x'", "an address such as"),
            ("url: 'postgres://ann:hunter2@db'", "an address such as"),
            ("url: 'postgres://:hunter2@db/x'", "with a user unless"),
            ("url: 'postgres://ann:hunter2@db/x?sslmode=allow'", "`sslmode` is one of `disable`"),
            ("url: 'postgres://ann:hunter2@db/x?ssl=true'", "no other parameters"),
            ("url: 'postgres://ann:hunter2@db/x?sslkey=k'", "`sslcert` and `sslkey`, or neither"),
            ("url: 'postgres://ann:hunter2@db/x%00'", "the character zero"),
            ("url: hunter2", "an address such as"),
            ("password: hunter2", "of no use without `storage.url`"),
            ("pool: {min: 3, max: 2}", "more than `storage.pool.max`"),
            ("pool: {acquire_timeout: 1h}", "from 100ms to 5m"),
        ] {
            let error = read(&format!("storage: {{{text}}}")).expect_err(text);
            assert!(error.contains(reason) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again_and_has_no_password() {
        for text in [
            "storage: {url: '${URL}'}",
            "storage: {url: 'postgres://ann:hunter2@[::1]/x?sslmode=require&sslcert=/c&sslkey=/k'}",
            "storage: {url: 'postgres:///x?host=/run/pg', username: ann, password: '${PW}'}",
        ] {
            let config = read(text).unwrap();
            let shown = config.normalized_yaml();
            assert!(!shown.contains("hunter2") && !format!("{config:?}").contains("hunter2"));
            let again = read(&shown).unwrap();
            let (Storage::Postgres(mut first), Storage::Postgres(mut second)) =
                (config.storage, again.storage)
            else {
                panic!("{shown}");
            };
            (first.password, second.password) = (None, None);
            assert_eq!(first, second, "{shown}");
        }
        let shown = read("storage: {url: '${URL}'}").unwrap().normalized_json();
        assert_eq!(shown["storage"]["url"], "${URL}");
    }
}
