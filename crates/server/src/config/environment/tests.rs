//! Tests of [`super`].

use serde_json::Value;

use super::super::{Config, Env, Source, Storage};
use super::table::{Effect, ROWS, State};
use super::*;

/// For each row that fills a key: how its system writes the value, what that is here, and what the
/// file must hold for it. Rows whose key the schema does not have are looked at all the same.
const SAMPLES: &[(&str, &str, &str, &str)] = &[
    ("MCP_SERVER_PORT", "3002", "127.0.0.1:3002", ""),
    ("PORT", "3001", "127.0.0.1:3001", ""),
    ("MCP_SERVER_HOST", "127.0.0.2", "127.0.0.2:8080", ""),
    ("ALLOWED_ORIGINS", "https://a.example, https://b.example", "https://a.example", ""),
    ("MAX_REQUEST_SIZE", "10mb", "10MiB", ""),
    ("REQUEST_TIMEOUT", "45000", "45s", ""),
    ("KEYSTORE_PASSWORD", "hunter2hunter2", "hunter2hunter2", "server: {https: {keystore: a.p12}}"),
    ("MCP_LOG_LEVEL", "DEBUG", "debug", ""),
    ("LOG_LEVEL", "WARNING", "warn", ""),
    ("LOG_FORMAT", "json", "json", ""),
    ("LOG_FILE", "/var/log/mcp/server.log", "/var/log/mcp/server.log", ""),
    ("AUDIT_LOG_FILE", "/var/log/mcp/audit.log", "/var/log/mcp/audit.log", ""),
    ("METRICS_ENABLED", "false", "false", ""),
    ("ENABLE_METRICS", "False", "false", ""),
    ("METRICS_PORT", "9091", "127.0.0.1:9091", ""),
    ("PROMETHEUS_PORT", "9092", "127.0.0.1:9092", ""),
    ("API_KEY_HEADER", "x-client-key", "x-client-key", ""),
    ("HEALTH_CHECK_PATH", "/healthz", "/healthz", ""),
    ("RATE_LIMIT_REQUESTS", "100", "100", ""),
    ("RATE_LIMIT_WINDOW", "60", "1m", "limits: {per_principal: {requests: 1}}"),
    ("CACHE_TTL_SECONDS", "300", "5m", ""),
    (
        "TELEMETRY_ENDPOINT",
        "https://telemetry.example.com",
        "https://telemetry.example.com/v1/traces",
        "",
    ),
    ("STANDARDIZATION_OUTPUT_DIR", "/srv/results", "/srv/results", ""),
    ("DATABASE_URL", "postgres://a:b@db/x", "postgres://a:b@db/x", "storage: {pool: {max: 5}}"),
    ("DB_HOST", "db", "postgres://db:5432/x", "storage: {pool: {max: 5}}"),
    ("DB_USER", "ann", "ann", "storage: {url: 'postgres://db/x'}"),
    ("DB_PASSWORD", "hunter2", "hunter2", "storage: {url: 'postgres://db/x'}"),
    ("JWT_SECRET_KEY", JWT, JWT, "auth: {jwt: {issuer: a}}"),
    ("JWT_SECRET", JWT, JWT, "auth: {jwt: {issuer: a}}"),
    ("JWT_EXPIRATION_HOURS", "24", "24h", "auth: {jwt: {secret: a}}"),
];
const JWT: &str = "m3Qv8ZrT1xYbN5kLw0JpD7sGhC2uEfAo";

fn config(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let env = Env::from_pairs(variables.iter().copied());
    Config::parse(text, &Source::default(), &env).map_err(|errors| errors.to_string())
}

fn value_at<'a>(config: &'a Value, key: &str) -> &'a Value {
    key.split('.').fold(config, |value, step| &value[step])
}

/// The brackets that close what a key with dots opens.
fn closing(key: &str) -> String {
    "}".repeat(key.matches('.').count())
}

/// The value of a key as the file would have it, before it is checked.
fn filled_text(name: &str, text: &str, file: &str) -> (String, String) {
    let env = Env::from_pairs([(name, text), ("DB_NAME", "x")]);
    let mut report = Report::default();
    let mut root = super::super::tree::parse(file, &mut report).unwrap();
    let filled = fill(&mut root, &env, &mut report);
    assert!(report.is_empty(), "{name}");
    let path = filled.first().unwrap_or_else(|| panic!("{name} fills nothing")).path.clone();
    let node = root.as_ref().unwrap().find(&path).unwrap();
    let first = match &node.data {
        Data::Sequence { entries } => &entries[0],
        _ => node,
    };
    let Data::Scalar(scalar) = &first.data else { panic!("{name} fills no text") };
    (path.to_string(), scalar.text.clone())
}

#[test]
fn every_row_that_fills_a_key_does_so() {
    let schema = shape::inlined_schema();
    for row in ROWS {
        let Effect::Fills { key, .. } = row.effect else { continue };
        let sample = SAMPLES.iter().find(|(name, ..)| *name == row.name);
        let (name, text, expected, file) =
            *sample.unwrap_or_else(|| panic!("{} has no sample", row.name));
        if row.state(&schema).0 == State::Later {
            assert_eq!(config("", &[(name, text)]).unwrap().unused[0].variable, name);
            continue;
        }
        let (path, _) = filled_text(name, text, file);
        assert_eq!(path, key, "{name}");
        if !file.is_empty() {
            // What it needs beside it is not there to be read.
            continue;
        }
        let shown = config(file, &[(name, text)]).unwrap().normalized_json();
        let shown = value_at(&shown, key);
        let first = if shown.is_array() { &shown[0] } else { shown };
        assert_eq!(first.to_string().trim_matches('"'), expected, "{name}");
    }
    for (name, ..) in SAMPLES {
        assert!(ROWS.iter().any(|row| row.name == *name), "{name} is no row");
    }
}

#[test]
fn every_row_that_does_nothing_yet_says_so_and_no_other_does() {
    let schema = shape::inlined_schema();
    for row in ROWS {
        let name = row.name.replace('*', "1");
        let config = config("", &[(&name, "1")]);
        let unused = config.map(|config| config.unused).unwrap_or_default();
        let is_later = row.state(&schema).0 == State::Later;
        assert_eq!(unused.iter().any(|unused| unused.variable == name), is_later, "{name}");
        assert!(unused.iter().all(|unused| unused.is_doubtful == row.is_generic), "{name}");
    }
}

#[test]
fn a_value_that_cannot_be_read_is_refused_by_the_name_of_its_variable() {
    let schema = shape::inlined_schema();
    for row in ROWS {
        let Effect::Fills { value, beside, .. } = row.effect else { continue };
        let is_free =
            matches!(value, value::Kind::Text | value::Kind::Host | value::Kind::DatabaseHost);
        if is_free || row.state(&schema).0 == State::Later {
            continue;
        }
        // Without what it needs beside it, it would not be looked at.
        let file = beside.map(|key| format!("{}: 1{}", key.replace('.', ": {"), closing(key)));
        let file = file.unwrap_or_default();
        let error = config(&file, &[(row.name, "hunter2 *,*")]).expect_err(row.name);
        assert!(error.contains(&format!("`{}`", row.name)), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = config("", &[("MCP_SERVER_HOST", "no host")]).unwrap_err();
    assert!(error.contains("MCP_SERVER_HOST") && !error.contains("no host"), "{error}");
    let error = config("", &[("MAX_REQUEST_SIZE", "1gb"), ("REQUEST_TIMEOUT", "1")]).unwrap_err();
    insta::assert_snapshot!(error, @"`server.limits.request_timeout` must be from 1s to 1h, but is what `${REQUEST_TIMEOUT}` stands for");
}

#[test]
fn a_secret_that_may_be_another_programs_opens_nothing() {
    let takes = |file: &str, variables: &[(&str, &str)]| {
        config(file, variables).unwrap().auth.jwt_secret().is_some()
    };
    for name in ["JWT_SECRET", "JWT_SECRET_KEY"] {
        assert!(!takes("", &[(name, JWT)]), "{name}");
        assert!(takes("auth: {jwt: {issuer: a}}", &[(name, JWT)]), "{name}");
        let keys = "auth: {jwt: {jwks_url: 'https://a/', issuer: a, audience: [b]}}";
        assert!(!takes(keys, &[(name, JWT)]), "{name}");
    }
    assert!(takes("", &[("JWT_SECRET_KEY", JWT), ("MCP_LOG_LEVEL", "INFO")]));
    assert!(takes("", &[("JWT_SECRET", JWT), ("MCP_SERVER_PORT", "1")]));
    assert!(!takes("", &[("JWT_SECRET", JWT), ("METRICS_PORT", "1")]));
}

#[test]
fn the_file_wins_over_a_stray_variable() {
    let strays = [("PORT", "nonsense"), ("LOG_LEVEL", "nonsense"), ("API_KEY_1", "nonsense")];
    let file = "server: {listen: '127.0.0.1:1'}\nlog: {level: warn}\nauth: {tokens: []}\n";
    let config = config(file, &strays).unwrap();
    assert_eq!((config.server.listen.port(), config.filled.len()), (1, 0));
}

#[test]
fn a_key_without_a_value_is_one_that_the_file_leaves_out() {
    let config = config("log:\n  level:\nserver:\n", &[("LOG_LEVEL", "debug"), ("PORT", "1")]);
    let config = config.unwrap();
    assert_eq!(config.normalized_json()["log"]["level"], "debug");
    assert_eq!(config.server.listen.port(), 1);
}

#[test]
fn what_is_in_the_way_of_a_key_is_refused_and_not_replaced() {
    let error = config("log: 5", &[("LOG_LEVEL", "debug")]).unwrap_err();
    insta::assert_snapshot!(error, @"`log` must be a mapping, but is `5` (line 1, column 6)");
    let error = config("auth: 5", &[("API_KEY_1", "0123456789abcdef:a:read")]).unwrap_err();
    insta::assert_snapshot!(error, @"`auth` must be a mapping, but is a single value (line 1, column 7)");
}

#[test]
fn the_first_of_two_variables_for_one_key_wins() {
    let both = [("LOG_LEVEL", "error"), ("MCP_LOG_LEVEL", "DEBUG"), ("PORT", "1")];
    let config = config("", &both).unwrap();
    assert_eq!(config.normalized_json()["log"]["level"], "debug");
}

#[test]
fn a_host_and_a_port_make_one_address() {
    let listen = |variables: &[(&str, &str)]| {
        config("auth: {tokens: [{name: a, token: 0123456789abcdef}]}", variables)
            .map(|config| config.server.listen.to_string())
    };
    assert_eq!(listen(&[("MCP_SERVER_HOST", "::")]).unwrap(), "[::]:8080");
    let both = [("MCP_SERVER_HOST", "0.0.0.0"), ("PORT", "3001")];
    assert_eq!(listen(&both).unwrap(), "0.0.0.0:3001");
    let open = config("", &both).unwrap_err();
    assert!(open.contains("beyond the loopback"), "{open}");
}

#[test]
fn a_database_is_taken_where_the_file_has_a_place_for_it() {
    let parts = [
        ("DB_HOST", "::1"),
        ("DB_PORT", "6543"),
        ("DB_NAME", "my db"),
        ("DB_USER", "ann"),
        ("DB_PASSWORD", "p@ss"),
    ];
    let place = |text: &str, variables: &[(&str, &str)]| match config(text, variables) {
        Ok(config) => match config.storage {
            Storage::Postgres(config) => format!("{} {:?}", config.place(), config.password),
            Storage::Sqlite => "SQLite".to_owned(),
        },
        Err(error) => error,
    };
    let pool = "storage: {pool: {max: 5}}";
    assert_eq!(place("", &parts), "SQLite", "it may well be meant for another program");
    assert_eq!(place(pool, &parts), r#"postgres://ann@[::1]:6543/my db Some("p@ss")"#);
    let url = ("DATABASE_URL", "postgresql://bob:secret@db/x");
    assert_eq!(place(pool, &[url]), r#"postgres://bob@db:5432/x Some("secret")"#);
    let error = place(pool, &[("DATABASE_URL", "mysql://bob:hunter2@db/x")]);
    assert!(error.contains("DATABASE_URL") && !error.contains("hunter2"), "{error}");
    let error = place(pool, &[("DB_HOST", "db")]);
    assert!(error.contains("`DB_HOST` must be set together with `DB_NAME`"), "{error}");
}

#[test]
fn numbered_keys_become_keys_of_their_clients_with_their_permissions() {
    let keys = [
        ("API_KEY_2", "fedcba9876543210:client2"),
        ("API_KEY_10", "0123456789abcdef:client10:read, tools:git__log:call"),
        ("API_KEY_SALT", "no key"),
        ("API_KEY_X", "no key"),
    ];
    let found = config("", &keys).unwrap();
    let [second, tenth] = &found.auth.api_keys[..] else { panic!("{:?}", found.auth) };
    assert_eq!((&*second.name, second.key.expose()), ("client2", "fedcba9876543210"));
    assert_eq!(second.grants.scopes, None, "without permissions it is not limited");
    assert_eq!((&*tenth.name, tenth.key.expose()), ("client10", "0123456789abcdef"));
    let scopes = tenth.grants.scopes.as_deref().unwrap();
    assert_eq!(scopes, ["mcp:read".into(), "tools:git__log:call".into()]);
    assert_eq!(found.unused, []);
    for named in ["tokens: [{ name: a, token: 0123456789abcdeg }]", "api_keys: []"] {
        let found = config(&format!("auth: {{ {named} }}"), &keys).unwrap();
        assert_eq!(found.auth.api_keys, [], "the file wins");
    }
}

#[test]
fn what_a_variable_holds_is_not_searched_for_variables() {
    let config = config("", &[("API_KEY_1", "0123456789${HOME}:ann")]).unwrap();
    assert_eq!(config.auth.api_keys[0].key.expose(), "0123456789${HOME}");
}

#[test]
fn a_wrong_key_is_refused_without_being_shown() {
    for wrong in ["hunter2", "hunter2:", ":ann", "hunter2-0123456789:ann:", "hunter2-0123:ann: ,"] {
        let error = config("", &[("API_KEY_1", wrong)]).unwrap_err();
        assert_eq!(
            error,
            "the variable `API_KEY_1` must be a key, a client's name and permissions with colons \
             between, as in `KEY:CLIENT:read,write`, but is not; correct it or unset it; \
             `auth.api_keys` and `auth.tokens` in the file win over it",
            "{wrong}"
        );
    }
    let error = config("", &[("API_KEY_7", "hunter2:ann:read")]).unwrap_err();
    insta::assert_snapshot!(error, @"`auth.api_keys[0].key` must have at least 16 characters, set by the variable `API_KEY_7`; `openssl rand -base64 32` makes a good one");
}

#[test]
fn the_header_of_keys_can_be_another() {
    let config = config("", &[("API_KEY_HEADER", "X-Client-Key")]).unwrap();
    assert_eq!(config.auth.api_key_header.as_str(), "x-client-key");
}

#[test]
fn common_names_are_believed_beside_one_that_is_not_common() {
    let doubtful = |variables: &[(&str, &str)]| {
        let unused = config("", variables).unwrap().unused;
        unused.iter().find(|unused| unused.variable == "REDIS_URL").unwrap().is_doubtful
    };
    let alone = ("REDIS_URL", "redis://localhost/0");
    assert!(doubtful(&[alone]));
    assert!(doubtful(&[alone, ("MCP_LOG_LEVEL", "info")]), "another system's name says nothing");
    assert!(!doubtful(&[alone, ("API_KEY_SALT", "salt")]));
}

#[test]
fn a_switch_that_is_off_leaves_the_endpoint_of_traces_out() {
    let endpoint = ("TELEMETRY_ENDPOINT", "https://telemetry.example.com");
    let env = Env::from_pairs([endpoint, ("ENABLE_TELEMETRY", "false")]);
    assert!(is_switched_off("TELEMETRY_ENDPOINT", &env));
    assert!(!is_switched_off("PORT", &env));
    assert!(!is_switched_off("TELEMETRY_ENDPOINT", &Env::from_pairs([endpoint])));
}

#[test]
fn files_are_named_by_the_variables_of_their_systems() {
    let files = |pairs: &[(&str, &str)]| config_files(&Env::from_pairs(pairs.iter().copied()));
    assert_eq!(files(&[]), None);
    let spring = ("SPRING_CONFIG_LOCATION", "optional:file:/app/config/, classpath:/x.yml,b.yml");
    let (found, variable) = files(&[spring]).unwrap();
    assert_eq!(
        (found, variable),
        (
            vec!["/app/config/application.yml".to_owned(), "b.yml".to_owned()],
            "SPRING_CONFIG_LOCATION"
        )
    );
    let (found, variable) = files(&[spring, ("CONFIG_PATH", "/etc/mcp/config.json")]).unwrap();
    assert_eq!((found, variable), (vec!["/etc/mcp/config.json".to_owned()], "CONFIG_PATH"));
}
