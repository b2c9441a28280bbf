//! What Gantry makes of configuration files: good ones are written down, bad ones refused.
//!
//! The files are `config/examples` and `config/invalid`; each has a snapshot beside this file.

use std::path::{Path, PathBuf};

use gantry_gateway::spec::Connection;
use gantry_server::config::{Config, Env, Source};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config").join(name)
}

/// Every YAML file of a folder, with its name without the ending.
fn files(name: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            (stem, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// As if the file stood in `/etc/gantry`, so that no snapshot depends on this machine.
fn read(name: &str, text: &str) -> Result<Config, String> {
    let path = Path::new("/etc/gantry").join(format!("{name}.yaml"));
    let source = Source { path: Some(path), ..Source::default() };
    Config::parse(text, &source, &env()).map_err(|errors| {
        let codes: Vec<_> = errors.codes().iter().map(|code| code.code()).collect();
        format!("{errors}\n{}", codes.join(" "))
    })
}

fn env() -> Env {
    Env::from_pairs([
        ("KEYSTORE_PASSWORD", "hunter2-keystore"),
        ("DOCS_TOKEN", "hunter2-hunter2-hunter2"),
        ("ALICE_TOKEN", "hunter2-alice-0123456789"),
        ("ROBOT_TOKEN", "hunter2-robot-0123456789"),
        ("ROBOT_TOKEN_OLD", "hunter2-robot-9876543210"),
        ("REPORTS_KEY", "hunter2-reports-0123456789"),
        ("BUILDER_KEY", "hunter2-builder-0123456789"),
    ])
}

#[test]
fn examples_are_understood() {
    for (name, text) in files("examples") {
        let shown = read(&name, &text).unwrap().normalized_yaml();
        assert!(!shown.contains("hunter2"), "{name} shows a secret");
        insta::assert_snapshot!(format!("example.{name}.normalized"), shown);
    }
}

#[test]
fn what_is_written_down_is_understood_the_same() {
    for (name, text) in files("examples") {
        let first = read(&name, &text).unwrap();
        let second = read(&name, &first.normalized_yaml()).unwrap();
        assert_eq!(first.normalized_json(), second.normalized_json(), "{name}");
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (name, text) in files("invalid") {
        let error = read(&name, &text).expect_err(&name);
        assert!(!error.contains("hunter2"), "{name} shows a secret");
        insta::assert_snapshot!(format!("invalid.{name}"), error);
    }
}

#[test]
fn debug_output_shows_no_secret() {
    for (name, text) in files("examples") {
        let config = read(&name, &text).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"), "{name}");
    }
}

#[test]
fn without_a_file_the_defaults_hold() {
    let config = Config::load(None, &Env::default()).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert!(config.gateway.servers.is_empty() && config.gateway.builtin && config.metrics_enabled);
    insta::assert_snapshot!("defaults.normalized", config.normalized_yaml());
}

#[test]
fn an_absent_file_is_an_error_unless_it_may_be_absent() {
    let path = Some(PathBuf::from("/does/not/exist/gantry.yaml"));
    let mut source = Source { path, ..Source::default() };
    let error = Config::read(&source, &Env::default()).unwrap_err();
    assert_eq!(error.codes()[0].code(), "E0101");
    source.may_be_absent = true;
    Config::read(&source, &Env::default()).unwrap();
}

#[test]
fn a_file_of_comments_is_an_empty_one() {
    read("comments", "# nothing yet\n\n# servers:\n").unwrap();
    read("empty", "").unwrap();
}

#[test]
fn the_command_line_wins_and_is_checked_like_the_file() {
    let listen = |text: &str| Source { listen: Some(text.to_owned()), ..Source::default() };
    let config =
        Config::parse("server: {listen: nonsense}", &listen("127.0.0.1:1"), &env()).unwrap();
    assert_eq!(config.server.listen.port(), 1);
    let error = Config::parse("", &listen("0.0.0.0:1"), &env()).unwrap_err();
    insta::assert_snapshot!(error, @"`server.listen`, set by `--listen` or GANTRY_LISTEN, is `0.0.0.0:1`, beyond the loopback, but `auth` names nobody; make a key with `gantry keys create` and set `auth.required: true`, or add a token to `auth.tokens`, or listen on `127.0.0.1`");
    let error = Config::parse("", &listen("somewhere"), &env()).unwrap_err();
    insta::assert_snapshot!(error, @"`--listen` or GANTRY_LISTEN must be an address and a port such as `127.0.0.1:8080`, but is `somewhere`");
}

#[test]
fn headers_that_belong_to_each_message_are_refused() {
    for name in ["Host", "Upgrade", "Expect", "MCP-Session-Id", "Mcp-Param-City", "content-length"]
    {
        let text = format!("servers: {{a: {{url: 'http://a/', headers: {{{name}: x}}}}}}");
        let error = read("headers", &text).unwrap_err();
        assert!(error.contains("E0107") && error.contains(name), "{error}");
    }
}

#[test]
fn relative_paths_begin_at_the_folder_of_the_file() {
    let text = "servers: {a: {command: ./run, cwd: work}, b: {command: run}}";
    let config = read("paths", text).unwrap();
    let of = |name: &str| match &config.upstream(name).unwrap().connection {
        Connection::Stdio { command, cwd, .. } => (command.clone(), cwd.clone().unwrap()),
        Connection::Http { .. } => panic!("no command"),
    };
    assert_eq!(of("a"), ("/etc/gantry/./run".to_owned(), "/etc/gantry/work".into()));
    assert_eq!(of("b"), ("run".to_owned(), "/etc/gantry".into()));
}
