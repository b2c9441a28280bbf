//! `gantry shell`, from a pipe and at a terminal.

use std::process::Stdio;

use insta::assert_snapshot;
use tokio::io::AsyncWriteExt as _;

use super::Desk;
use crate::support::process::Process;

impl Desk {
    /// Runs a script by the shell.
    async fn script(&self, lines: &str) -> String {
        let mut command = self.command(env!("CARGO_BIN_EXE_gantry"));
        command.arg("shell").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(lines.as_bytes()).await.expect("it reads");
        drop(input);
        let output = child.wait_with_output().await.expect("it ends");
        format!(
            "exit code {:?}\n----- stdout\n{}----- stderr\n{}",
            output.status.code(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }
}

#[tokio::test]
async fn a_script_is_run_until_a_line_fails() {
    let desk = Desk::with_upstream();
    let good = "# A comment.\n\ntools call up__greet -p 'name=Ann Lee'\nresources read test://static-text\nexit\nnonsense\n";
    assert_snapshot!(desk.script(good).await, @r"
    exit code Some(0)
    ----- stdout
    Hello, Ann Lee!
    The text of a resource that never changes.
    ----- stderr
    ");
    assert_snapshot!(desk.script("explain E0000\nservers list\n").await, @r"
    exit code Some(1)
    ----- stdout
    ----- stderr
    error: there is no error `E0000`

    hint: `gantry explain` lists all codes
    hint: line 1 ended the script
    hint: this is E0602 — run `gantry explain E0602`
    ");
    assert_snapshot!(desk.script("tools list --farmat json\n").await, @r"
    exit code Some(2)
    ----- stdout
    ----- stderr
    error: unexpected argument '--farmat' found

      tip: a similar argument exists: '--format'

    Usage: gantry tools list --format <FORMAT> [SERVER]

    For more information, try '--help'.

    hint: line 1 ended the script
    ");
    assert_snapshot!(desk.script("tools call 'x\n").await, @r"
    exit code Some(2)
    ----- stdout
    ----- stderr
    error: a quote or a backslash is left open

    hint: line 1 ended the script
    ");
    assert_snapshot!(desk.script("servers list --config other.yaml\n").await, @r"
    exit code Some(2)
    ----- stdout
    ----- stderr
    error: `--config` is for the start of the shell

    hint: line 1 ended the script
    ");
    assert_snapshot!(desk.script("serve\n").await, @r"
    exit code Some(2)
    ----- stdout
    ----- stderr
    error: this command has no place in the shell

    hint: line 1 ended the script
    ");
}

#[tokio::test]
async fn a_line_is_completed_and_remembered() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    let seen = desk
        .at_a_terminal(
            &["shell"],
            &[
                ("gantry> ", "too\tca\tup__gre\t-p na\tAnn\r"),
                ("\ngantry> ", "tools call up__greet -p password=hunter2\r"),
                ("\ngantry> ", "servers hea\tu\t\r"),
                ("\ngantry> ", "nonsense\r"),
                ("\ngantry> ", "\u{4}"),
            ],
        )
        .await;
    assert!(seen.starts_with("exit code 0\n"), "{seen}");
    assert!(seen.contains("tools call up__greet -p name=Ann"), "{seen}");
    assert!(seen.contains("state            ready"), "{seen}");
    assert!(seen.contains("unrecognized subcommand 'nonsense'"), "{seen}");
    let history = desk.folder.path().join("gantry-data/shell_history");
    let kept = std::fs::read_to_string(&history).expect("the history is kept");
    assert!(kept.contains("tools call up__greet -p name=Ann\n"), "{kept}");
    assert!(!kept.contains("hunter2"), "{kept}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&history).expect("it is there").permissions(),
    );
    assert_eq!(mode & 0o077, 0, "others cannot read it: {mode:o}");
}

#[tokio::test]
async fn a_call_is_taken_back_and_the_shell_goes_on() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    let mut watching = desk.command(env!("CARGO_BIN_EXE_gantry"));
    watching.args(["tap", "--format", "json", "--tool", "*slow*"]);
    let mut tap = Process::start("gantry tap", watching);
    let begun = tap.find_line(super::COMMAND, |_, line| line.starts_with("Watching").then_some(()));
    begun.await.unwrap_or_else(|reason| panic!("{reason}"));
    let runs = desk.folder.path().join("runs");
    let typing = async {
        let awaited = format!("file:{}", runs.display());
        desk.at_a_terminal(
            &["shell"],
            &[
                ("gantry> ", "tools call up__slow_compute -p seconds=600\r"),
                (&awaited, "\u{3}"),
                ("\ngantry> ", "explain E0104\r"),
                ("## Cause", ""),
                ("\ngantry> ", "\u{4}"),
            ],
        )
        .await
    };
    let interrupting = async {
        let begun = tap.find_line(super::COMMAND, |_, line| {
            line.contains("\"side\":\"upstream\",\"direction\":\"out\"").then_some(())
        });
        begun.await.unwrap_or_else(|reason| panic!("{reason}"));
        std::fs::write(&runs, "").expect("a file can be written in one's own folder");
    };
    let (seen, ()) = tokio::join!(typing, interrupting);
    assert!(seen.starts_with("exit code 0\n"), "{seen}");
    assert!(seen.contains("error: interrupted"), "{seen}");
    let cancelled = tap.find_line(super::COMMAND, |_, line| {
        line.contains("\"outcome\":\"cancelled\"").then_some(())
    });
    cancelled.await.unwrap_or_else(|reason| panic!("the call went on: {reason}"));
}
