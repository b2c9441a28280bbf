//! What Gantry makes of other systems' files: read directly and imported it is the same, and what
//! cannot be taken over is told.
//!
//! The files are in `config/foreign`; each has a snapshot beside this file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gantry_server::config::{self, Config, Env, Format, Source};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Where the examples would stand in the life of a user.
const PLACES: [(&str, &str); 6] = [
    ("claude-desktop.json", "claude_desktop_config.json"),
    ("cursor.json", "project/.cursor/mcp.json"),
    ("vscode.json", "project/.vscode/mcp.json"),
    ("windsurf.json", "mcp_config.json"),
    ("zed.json", "settings.json"),
    ("configurable-framework.json", "config.json"),
];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/foreign")
}

fn env() -> Env {
    Env::from_pairs([
        ("HOME", "/home/me"),
        ("BRAVE_API_KEY", "hunter2-brave"),
        ("DOCS_TOKEN", "hunter2-docs"),
        ("INPUT_PERPLEXITY_KEY", "hunter2-perplexity"),
        ("REMOTE_TOKEN", "hunter2-remote"),
        ("MONGODB_PROD_URI", "mongodb://hunter2@db/prod"),
        ("POSTGRES_PASSWORD", "hunter2-postgres"),
        ("JWT_SECRET", "hunter2-m3Qv8ZrT1xYbN5kLw0JpD7sGhC2uEfAo"),
    ])
}

fn read(path: &Path, env: &Env) -> Result<Config, String> {
    let source = Source { path: Some(path.to_owned()), ..Source::default() };
    Config::read(&source, env).map_err(|errors| errors.to_string())
}

/// A folder with files of these names.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Imports a file, checks that the result means the same, and writes everything down.
fn story(path: &Path, root: &Path, env: &Env) -> String {
    let direct = read(path, env).unwrap();
    let imported = config::import(path, None, env).unwrap();
    assert_same(path, &direct, &imported.text, env);
    let mut story = format!("{}\n\n{}\n", imported.format.name(), imported.text);
    for note in &imported.notes {
        let name = note.file.as_deref().unwrap_or(path).file_name().unwrap();
        let line = note.location.map_or(0, |location| location.line);
        writeln!(story, "{}:{line} {}: {}", name.to_string_lossy(), note.path, note.reason)
            .unwrap();
    }
    writeln!(story, "\nsecrets: {}", imported.secrets.join(" ")).unwrap();
    assert!(imported.problems.is_none(), "{:?}", imported.problems);
    assert_eq!(direct.notes, imported.notes);
    let shown = direct.normalized_yaml();
    assert!(!shown.contains("hunter2"), "a secret is shown:\n{shown}");
    story.replace(&*root.to_string_lossy(), "[FOLDER]")
}

/// The imported text beside the foreign file means what the foreign file means.
#[track_caller]
fn assert_same(path: &Path, direct: &Config, text: &str, env: &Env) {
    let beside = path.with_file_name("gantry.yaml");
    let source = Source { path: Some(beside), ..Source::default() };
    let ours =
        Config::parse(text, &source, env).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(ours.format, Format::Gantry);
    assert_eq!(direct.normalized_json(), ours.normalized_json(), "{text}");
    // Secrets are left out of what is shown.
    let connections = |config: &Config| {
        config.gateway.servers.iter().map(|server| server.connection.clone()).collect::<Vec<_>>()
    };
    assert_eq!(connections(direct), connections(&ours), "{text}");
    assert_eq!((&direct.auth, &direct.storage), (&ours.auth, &ours.storage));
}

#[test]
fn every_example_is_understood_and_imported_as_the_same() {
    for (example, place) in PLACES {
        let text = std::fs::read_to_string(examples().join(example)).unwrap();
        let folder = folder(&[(place, &text), ("remote.key", "hunter2-key")]);
        let story = story(&folder.path().join(place), folder.path(), &env());
        insta::assert_snapshot!(format!("example.{example}"), story);
    }
}

#[test]
fn an_application_is_read_with_its_profiles() {
    let path = examples().join("global-mcp-client/application.yml");
    let root = path.parent().unwrap();
    insta::assert_snapshot!("example.global-mcp-client.production", story(&path, root, &env()));
    let development = [
        ("SPRING_PROFILES_ACTIVE", "development"),
        ("MONGODB_PROD_URI", "x"),
        ("POSTGRES_PASSWORD", "hunter2-postgres"),
    ];
    let development = Env::from_pairs(development);
    insta::assert_snapshot!(
        "example.global-mcp-client.development",
        story(&path, root, &development)
    );
}

#[test]
fn a_file_for_another_folder_means_the_same_there() {
    for (example, place) in PLACES {
        let text = std::fs::read_to_string(examples().join(example)).unwrap();
        let (from, to) = (folder(&[(place, &text), ("remote.key", "hunter2-key")]), folder(&[]));
        let (from, to) = (from.path().join(place), to.path().join("gantry.yaml"));
        let direct = read(&from, &env()).unwrap();
        let imported = config::import(&from, Some(&to), &env()).unwrap();
        let source = Source { path: Some(to), ..Source::default() };
        let moved = Config::parse(&imported.text, &source, &env()).unwrap();
        assert_eq!(direct.gateway.servers, moved.gateway.servers, "{example}");
        assert_eq!((direct.server, direct.auth), (moved.server, moved.auth), "{example}");
        assert_eq!(direct.audit, moved.audit, "{example}");
    }
}

#[test]
fn mistakes_are_told_in_the_words_of_the_foreign_file() {
    let refused = |name: &str, text: &str| {
        let folder = folder(&[(name, text)]);
        let error = read(&folder.path().join(name), &env()).unwrap_err();
        error.replace(&*folder.path().to_string_lossy(), "[FOLDER]")
    };
    insta::assert_snapshot!(refused(
        "a.json",
        "{\n  \"mcpServers\": {\n    \"a\": { \"command\" \"x\" }\n  }\n}"
    ));
    insta::assert_snapshot!(refused(
        "a.json",
        "{\"mcpServers\": {\"a\": {\"command\": [\"x\"]}, \"b\": 5, \"c\": {\"url\": \"nowhere\"}}}"
    ));
    insta::assert_snapshot!(refused(
        "a.json",
        "{\"mcpServers\": {\"a\": {\"command\": \"x\", \"args\": \"y\", \"env\": [], \"disabled\": 1, \"timeout\": \"soon\"}}}"
    ));
    insta::assert_snapshot!(refused(
        "a.json",
        "{\"mcpServers\": []  }".replace("[]", "5").as_str()
    ));
    insta::assert_snapshot!(refused("a.json", "{\"widgets\": []}"));
    insta::assert_snapshot!(refused(
        "a.yml",
        "mcp:\n  servers:\n    a:\n      command: x\n      timeout: soon\nlogging.level.root: LOUD\n"
    ));
    insta::assert_snapshot!(refused("a.yml", "mcp:\n  servers:\n    a: {url: \"${NOT_SET}\"}\n"));
    insta::assert_snapshot!(refused("a.yml", "spring.config.import: file:missing.yml\n"));
    insta::assert_snapshot!(refused(
        "config.json",
        "{\"port\": \"http\", \"security\": {\"authentication\": {\"apiKeys\": [{\"name\": \"a\", \"key\": \"short\"}]}}}"
    ));
    insta::assert_snapshot!(refused("b.yml", "mcp:\n  servers: {a: {command: x}\n"));
}

#[test]
fn the_audit_log_of_another_system_is_taken_over() {
    let text = r#"{"security": {"audit": {
        "enabled": true, "logFile": "./logs/audit.log", "logToConsole": true, "maxFileSize": 10485760,
        "maxFiles": 5, "includeSensitiveData": true, "events": ["tool.*", "authentication.failure"]
    }}}"#;
    let folder = folder(&[("config.json", text)]);
    let config = read(&folder.path().join("config.json"), &env()).unwrap();
    let audit = &config.audit;
    assert!(audit.enabled && audit.stdout);
    assert_eq!(audit.file, Some(folder.path().join("logs/audit.log")));
    assert_eq!((audit.rotation.max_size, audit.rotation.max_files), (10 << 20, 5));
    assert_eq!(audit.events, ["tool.*", "authentication.failure"]);
    assert_eq!(audit.arguments, config::AuditArguments::Full);
    assert_eq!(config.notes.len(), 1, "secrets of the gateway are left out: {:?}", config.notes);
}

#[test]
fn a_key_that_many_files_have_does_not_decide_whose_a_file_is() {
    let format = |text: &str| Config::parse(text, &Source::default(), &env()).unwrap().format;
    let secured = r#"{"security": {"enabled": true}, "logging": {"level": "debug"}}"#;
    assert_eq!(format(secured), Format::Configurable);
    assert_eq!(format(r#"{"tools": [], "server": {"port": 1}}"#), Format::Configurable);
    for text in [
        "logging.level.root: DEBUG",
        "management.server.port: 1",
        "server: {port: 1}",
        "{\"security\": {}, \"spring.application.name\": \"a\"}",
    ] {
        assert_eq!(format(text), Format::Spring, "{text}");
    }
}

#[test]
fn texts_that_look_like_numbers_stay_texts() {
    let text = r#"{"mcpServers": {"traffic": {"command": "x", "args": ["1"],
        "env": {"A": "5", "B": "true", "C": 7}}}}"#;
    let folder = folder(&[("a.json", text)]);
    let path = folder.path().join("a.json");
    let direct = read(&path, &env()).unwrap();
    assert_same(&path, &direct, &config::import(&path, None, &env()).unwrap().text, &env());
}

#[test]
fn a_mistake_in_another_file_names_that_file() {
    let folder = folder(&[
        ("application.yml", "spring.profiles.active: a\n"),
        ("application-a.yml", "mcp.servers.x:\n  url: nowhere\n"),
    ]);
    let error = read(&folder.path().join("application.yml"), &env()).unwrap_err();
    assert!(error.contains("application-a.yml:2:8"), "{error}");
}

#[test]
fn our_own_file_is_never_taken_for_another_systems() {
    for text in [
        "",
        "# nothing\n",
        "servers: {a: {command: x}}",
        "{\"servers\": {\"a\": {\"command\": \"x\"}}}",
        "{\"servers\": {\"a\": {\"url\": \"http://a/\", \"timeout\": \"5s\"}}, \"log\": {\"level\": \"debug\"}}",
        "server: {listen: '127.0.0.1:1'}\n",
        "{servers: {a: {command: x, args: [\"-y\"]}}}",
    ] {
        let config = Config::parse(text, &Source::default(), &env()).unwrap();
        assert_eq!(config.format, Format::Gantry, "{text}");
    }
    let error = Config::parse("servers: {}\nmcpServers: {}\nlog: {}\n", &Source::default(), &env());
    assert!(error.unwrap_err().to_string().contains("unknown key `mcpServers`"));
}

#[test]
fn our_own_file_is_not_imported() {
    let folder = folder(&[("gantry.yaml", "servers: {}\n"), ("other.yaml", "widgets: 5\n")]);
    let refused = |name: &str| {
        config::import(&folder.path().join(name), None, &env()).unwrap_err().to_string()
    };
    assert!(refused("gantry.yaml").contains("a configuration of Gantry already"));
    assert!(refused("other.yaml").contains("of a known format"));
    assert!(refused("absent.json").contains("cannot read"));
}

#[test]
fn servers_come_from_other_files_as_well() {
    let folder = folder(&[
        ("gantry.yaml", "servers_from: [conf.d, '${MORE}']\nservers: {own: {command: x}}\n"),
        ("conf.d/a.yml", "mcp.servers.spring: {command: s, args: 'a,b'}\n"),
        ("conf.d/b.json", "{\"mcpServers\": {\"Client\": {\"command\": \"c\"}}}"),
        ("conf.d/c.yaml", "servers: {ours: {url: 'http://o/'}}\nlog: {level: debug}\n"),
        ("conf.d/notes.txt", "servers: {never: {command: x}}\n"),
        ("conf.d/.hidden.yml", "servers: {never: {command: x}}\n"),
        ("more.yml", "servers: {more: {command: m}}\n"),
    ]);
    let path = folder.path().join("gantry.yaml");
    let with = |more: &'static str| Env::from_pairs([("MORE", more)]);
    let config = read(&path, &with("more.yml")).unwrap();
    let names: Vec<_> = config.gateway.servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["own", "spring", "client", "ours", "more"]);
    let notes: Vec<_> = config.notes.iter().map(|note| note.path.as_str()).collect();
    assert_eq!(notes, ["mcpServers.Client", "log"]);
    let error = read(&path, &with("missing.yml")).unwrap_err();
    assert!(error.contains("missing.yml") && error.contains("gantry.yaml:1:24"), "{error}");
    std::fs::write(folder.path().join("more.yml"), "servers: {own: {command: m}}").unwrap();
    let error = read(&path, &with("more.yml")).unwrap_err();
    assert!(error.contains("`own` is in two files") && error.contains("more.yml:1:11"), "{error}");
}

#[test]
fn lists_replace_lists_and_later_files_win() {
    let folder = folder(&[
        ("application.yml", "mcp.servers.a: {command: x, args: [1, 2, 3], timeout: 1000}\n"),
        ("application-p.yaml", "mcp:\n  servers:\n    a:\n      args: [4]\n      timeout: PT2S\n"),
        ("extra.yml", "mcp.servers.b.url: http://b/\nspring.cloud.vault.host: vault\n"),
    ]);
    let env = Env::from_pairs([("SPRING_PROFILES_ACTIVE", "q,p")]);
    let files = ["application.yml", "extra.yml"].map(|name| folder.path().join(name));
    let source =
        Source { path: Some(files[0].clone()), also: vec![files[1].clone()], ..Source::default() };
    let config = Config::read(&source, &env).unwrap();
    let shown = config.normalized_json();
    assert_eq!(shown["servers"]["a"]["args"], json!(["4"]));
    assert_eq!(shown["servers"]["a"]["timeout"], "2s");
    assert_eq!(shown["servers"]["b"]["url"], "http://b/");
    let note = &config.notes[0];
    assert_eq!(
        (note.path.as_str(), note.file.as_deref()),
        ("spring.cloud.vault.host", Some(files[1].as_path()))
    );
    assert!(config.watched.contains(&folder.path().join("application-q.yml")));
    assert!(config.watched.contains(&folder.path().join("servers.yml")));
}

/// Texts with everything that could be mistaken for something else.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[ -~]{0,12}",
        Just("true".to_owned()),
        Just("12".to_owned()),
        Just("${HOME}/x".to_owned()),
        Just("${env:HOME}".to_owned()),
        Just("${ABSENT:-a b}".to_owned()),
        Just("- #x: 'y'".to_owned()),
    ]
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9_-]{0,8}"
}

fn client_server() -> impl Strategy<Value = Value> {
    let env = prop::collection::btree_map("[A-Z][A-Z_]{0,6}", text(), 0..3);
    let stdio = (word(), prop::collection::vec(text(), 0..3), env, any::<bool>(), 1..100_000_u32);
    let stdio = stdio.prop_map(|(command, args, env, disabled, timeout)| {
        json!({ "command": command, "args": args, "env": env, "disabled": disabled, "timeout": timeout })
    });
    let headers = prop::collection::btree_map("[A-Z][a-z]{2,6}-[a-z]{1,4}", "[a-z ]{1,8}x", 0..2);
    let http = (word(), headers).prop_map(
        |(path, headers)| json!({ "url": format!("http://a.example/{path}"), "headers": headers }),
    );
    prop_oneof![stdio, http]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_clients_file_means_the_same_read_and_imported(
        servers in prop::collection::btree_map("\\PC{1,10}|[A-Za-z_-]{1,6}", client_server(), 0..4)
    ) {
        let text = json!({ "mcpServers": servers }).to_string();
        let folder = folder(&[("mcp.json", &text)]);
        let path = folder.path().join("mcp.json");
        let env = Env::from_pairs([("HOME", "/home/me")]);
        let source = Source { path: Some(path.clone()), ..Source::default() };
        let direct = Config::read(&source, &env);
        let imported = config::import(&path, None, &env).unwrap();
        prop_assert_eq!(imported.n_servers, servers.len());
        if let Ok(direct) = direct {
            assert_same(&path, &direct, &imported.text, &env);
        } else {
            // What the file says wrongly, such as NUL in a variable, the new one says wrongly too.
            let beside = Some(path.with_file_name("gantry.yaml"));
            let source = Source { path: beside, ..Source::default() };
            let ours = Config::parse(&imported.text, &source, &env);
            prop_assert!(ours.is_err(), "{}", imported.text);
        }
    }

    #[test]
    fn an_application_means_the_same_read_and_imported(
        servers in prop::collection::btree_map(
            "[A-Za-z][A-Za-z0-9-]{0,6}",
            (word(), prop::collection::vec("[a-z0-9./-]{1,8}", 0..3), 1..90_000_u32),
            0..4,
        ),
        timeout in prop::option::of(1..90_000_u32),
        port in prop::option::of(1..u16::MAX),
    ) {
        let mut text = String::new();
        if let Some(timeout) = timeout {
            writeln!(text, "mcp.client.default-timeout: {timeout}").unwrap();
        }
        if let Some(port) = port {
            writeln!(text, "server: {{port: {port}}}").unwrap();
        }
        text.push_str("mcp:\n  servers:\n");
        for (name, (command, args, timeout)) in &servers {
            let args = serde_json::to_string(args).unwrap();
            writeln!(text, "    \"{name}\":\n      command: \"{command}\"\n      args: {args}").unwrap();
            if timeout % 2 == 0 {
                writeln!(text, "      timeout: {timeout}").unwrap();
            }
        }
        let folder = folder(&[("application.yml", &text)]);
        let path = folder.path().join("application.yml");
        let env = Env::default();
        let direct = read(&path, &env).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let imported = config::import(&path, None, &env).unwrap();
        prop_assert_eq!(direct.gateway.servers.len(), servers.len());
        assert_same(&path, &direct, &imported.text, &env);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}|[\\[\\]{}\":,a-z\n/*#-]{0,60}") {
        for prefix in ["", "{\"mcpServers\": ", "mcp:\n  servers: ", "{\"tools\": ", "spring."] {
            let _ = Config::parse(&format!("{prefix}{text}"), &Source::default(), &Env::default());
        }
    }
}
