//! `gantry explain`, help, completions, and how misuse is told.

use std::process::Stdio;

use insta::assert_snapshot;

use super::Desk;
use crate::support::process;

#[tokio::test]
async fn a_code_is_explained_and_all_are_listed() {
    let desk = Desk::new();
    let page = desk.run(&["explain", "e0104"]).await;
    assert!(page.contains("# E0104: the address to listen on cannot be taken"), "{page}");
    let list = desk.run(&["explain"]).await;
    assert!(list.contains("\nE0104  start          the address to listen on"), "{list}");
    assert_snapshot!(desk.run(&["explain", "E9999"]).await, @r"
    exit code 1
    ----- stderr
    error: there is no error `E9999`

    hint: `gantry explain` lists all codes
    hint: this is E0602 — run `gantry explain E0602`
    ");
}

#[tokio::test]
async fn misuse_ends_with_two() {
    let desk = Desk::new();
    assert_snapshot!(desk.run(&["serv"]).await, @r"
    exit code 2
    ----- stderr
    error: unrecognized subcommand 'serv'

      tip: some similar subcommands exist: 'services', 'servers', 'serve'

    Usage: gantry [OPTIONS] [COMMAND]

    For more information, try '--help'.
    ");
    assert_snapshot!(desk.run(&["tools", "call", "x", "-p", "novalue"]).await, @r"
    exit code 2
    ----- stderr
    error: invalid value 'novalue' for '--param <NAME=VALUE>': write it as NAME=VALUE

    For more information, try '--help'.
    ");
    assert_snapshot!(desk.run(&["tools", "call", "x", "-p", "a=1", "-p", "a=2"]).await, @r"
    exit code 2
    ----- stderr
    error: the parameter `a` is given twice
    ");
    assert_snapshot!(desk.run(&["tools", "call", "x", "--arguments", "[]"]).await, @r"
    exit code 2
    ----- stderr
    error: invalid value '[]' for '--arguments <JSON>': not a JSON object: invalid type: sequence, expected a map at line 1 column 0

    For more information, try '--help'.
    ");
}

#[tokio::test]
async fn a_reader_who_goes_away_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
    let child = command.args(["completions", "bash"]).stdout(writer).stderr(Stdio::piped()).spawn();
    let ended = child.expect("the binary starts").wait_with_output().await.expect("and ends");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}

#[tokio::test]
async fn every_shell_gets_completions() {
    let desk = Desk::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = desk.run(&["completions", shell]).await;
        assert!(script.starts_with("exit code 0\n") && script.contains("gantry"), "{shell}");
    }
}

#[tokio::test]
async fn the_help_of_every_command() {
    let desk = Desk::new();
    let reference = desk.run(&["__reference", "cli"]).await;
    let headings = reference.lines().filter_map(|line| line.strip_prefix("## `gantry"));
    let commands: Vec<Vec<&str>> = headings
        .map(|heading| heading.trim_end_matches('`').split_whitespace().collect())
        .collect();
    assert!(commands.len() > 30, "{commands:?}");
    let mut all = Vec::new();
    for command in &commands {
        let arguments: Vec<_> = command.iter().copied().chain(["--help"]).collect();
        all.push(format!("$ gantry {}\n{}", arguments.join(" "), desk.run(&arguments).await));
    }
    assert_snapshot!("help", all.join("\n"));
}
