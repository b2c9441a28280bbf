//! What a panic in a running gateway leaves behind: where it was, and nothing of what it says.
//!
//! The gateway runs in a process of its own, whose standard error is as it is for anybody: this test,
//! started once more. Nothing in the gateway panics when it is asked to, so the threads beside it do;
//! what is told of panics is the same for all threads of a process.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gantry_core::Tasks;
use gantry_server::config::{Env, Source};
use gantry_server::{Ending, Options, serve};

use crate::support::LIMIT;

const SECRET: &str = "sEcReTmArK-0123456789";
/// Names the folder in which this test, started once more, is the gateway.
const VARIABLE: &str = "GANTRY_TEST_PANICS_IN";
const NAME: &str = "panics::a_panic_shows_where_it_was_and_no_secret";

#[test]
fn a_panic_shows_where_it_was_and_no_secret() {
    if let Some(folder) = std::env::var_os(VARIABLE) {
        return run_and_panic(Path::new(&folder));
    }
    for format in ["text", "json"] {
        look_for_secrets(format);
    }
}

fn look_for_secrets(format: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "log: {{ level: trace, format: {format}, file: logs/all.log, error_file: logs/errors.log }}\n\
         auth: {{ tokens: [{{ name: ada, token: {SECRET} }}] }}\n"
    );
    std::fs::write(folder.path().join("gantry.yaml"), config).unwrap();
    let mut outputs = of_process(start(folder.path()));
    files(folder.path(), &mut outputs);
    for (what, text) in &outputs {
        assert!(!text.contains(SECRET), "a secret is in {what}: {text}");
    }
    let text = |name: &str| {
        let found = outputs.iter().find(|(what, _)| what.ends_with(name));
        found.map(|(_, text)| text.as_str()).unwrap_or_default()
    };
    let errors = text("errors.log");
    let told = errors.lines().filter(|line| line.contains("Something panicked")).count();
    assert_eq!(told, 4, "{errors}");
    for expected in ["panics.rs", "the-panicking-thread", "a constant message", "left out"] {
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
    assert!(errors.contains("A task panicked"), "{errors}");
    let before = "Something panicked at ";
    assert!(text("standard error").contains(before), "{}", text("standard error"));
}

#[expect(clippy::disallowed_methods, reason = "it is this test itself that is started")]
fn start(folder: &Path) -> Child {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", NAME, "--nocapture"]).env(VARIABLE, folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    command.spawn().unwrap()
}

/// Returns what a process says until it ends, which it must do well.
fn of_process(mut process: Child) -> Vec<(String, String)> {
    let (mut out, mut err) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
    let reading = thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).map(|_| text)
    });
    let mut errors = String::new();
    err.read_to_string(&mut errors).unwrap();
    let printed = reading.join().unwrap().unwrap();
    assert!(process.wait().unwrap().success(), "{printed}\n{errors}");
    vec![("standard output".to_owned(), printed), ("standard error".to_owned(), errors)]
}

/// Adds everything in a folder but the configuration.
fn files(folder: &Path, outputs: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, outputs);
        } else if path.is_file() && path.file_name().is_some_and(|name| name != "gantry.yaml") {
            let bytes = std::fs::read(&path).unwrap();
            outputs
                .push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

/// Runs a gateway as `gantry serve` does, and panics beside it in every way there is.
fn run_and_panic(folder: &Path) {
    gantry_server::log::tell_of_panics();
    panic_with(|| panic!("before there is a log: {}", secret()));
    let (options, data) = options(folder);
    let gateway = thread::spawn(move || serve(options));
    let (ready, deadline) = (data.join("gantry.sock"), Instant::now() + LIMIT);
    while !ready.exists() {
        assert!(Instant::now() < deadline && !gateway.is_finished(), "the gateway does not start");
        thread::sleep(Duration::from_millis(5));
    }
    panic_with(|| panic!("a constant message"));
    panic_with(|| panic!("it is {}", secret()));
    panic_with(|| std::panic::panic_any(secret()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let task = async { Tasks::new().spawn("panicking", async { refused().unwrap() }).await };
    assert_eq!(runtime.block_on(task).unwrap(), None);
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)
        .unwrap();
    assert_eq!(gateway.join().unwrap().unwrap(), Ending::Graceful);
}

fn options(folder: &Path) -> (Options, PathBuf) {
    let data = folder.join("data");
    let source = Source {
        path: Some(folder.join("gantry.yaml")),
        listen: Some("127.0.0.1:0".to_owned()),
        ..Source::default()
    };
    (Options { source, data: data.clone(), env: Env::default(), log_level: None }, data)
}

/// A secret as it comes to a panic: made while the program runs.
fn secret() -> String {
    SECRET.to_owned()
}

/// What `unwrap` quotes.
fn refused() -> Result<(), String> {
    Err(secret())
}

fn panic_with(what: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name("the-panicking-thread".to_owned()).spawn(what);
    thread.unwrap().join().unwrap_err();
}
