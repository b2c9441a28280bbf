//! `gantry add` and `gantry remove`.

use insta::assert_snapshot;

use super::Desk;

#[tokio::test]
async fn a_server_is_added_to_a_file_that_does_not_exist_yet() {
    let desk = Desk::new().variable("PATH", "/nowhere");
    assert_snapshot!(desk.run(&["add", "everything", "--", "npx", "-y", "@modelcontextprotocol/server-everything"]).await, @r"
    exit code 0
    ----- stdout
    Added `everything` to `gantry.yaml`.
    ----- stderr
    hint: `servers.everything.command` is not found on `PATH`: `npx` (gantry.yaml:3:14); install it, or write its full path; a gateway that a service manager starts may have another `PATH`
    ");
    assert_snapshot!(desk.config(), @r#"
    servers:
      everything:
        command: npx
        args: ["-y", "@modelcontextprotocol/server-everything"]
    "#);
    assert_snapshot!(desk.run(&["add", "shell", "--", "/bin/sh"]).await, @r"
    exit code 0
    ----- stdout
    Added `shell` to `gantry.yaml`.
    ");
    desk.run(&["remove", "shell"]).await;
    assert_snapshot!(desk.run(&["check"]).await, @r"
    exit code 0
    ----- stdout
    `gantry.yaml` is good: 1 server, 0 views, 0 tokens.
    warning: `servers.everything.command` is not found on `PATH`: `npx` (gantry.yaml:3:14); install it, or write its full path; a gateway that a service manager starts may have another `PATH`
    Checked: all keys and values, 1 program, 0 patterns of views. No server was started or asked.
    ");
}

#[tokio::test]
async fn what_is_in_the_file_stays() {
    let desk = Desk::with(
        "# mine\nservers:\n    a: # first\n        command: a\n\nlog: {level: warn} # quiet\n",
    );
    desk.run(&["add", "docs", "http://127.0.0.1:9000/mcp", "--header", "X-Team=red"]).await;
    desk.run(&["add", "git", "--env", "PAGER=cat", "--", "uvx", "mcp-server-git"]).await;
    assert_snapshot!(desk.config(), @r"
    # mine
    servers:
        a: # first
            command: a
        docs:
            url: http://127.0.0.1:9000/mcp
            headers:
                X-Team: red
        git:
            command: uvx
            args: [mcp-server-git]
            env:
                PAGER: cat

    log: {level: warn} # quiet
    ");
    desk.run(&["remove", "docs"]).await;
    assert_snapshot!(desk.run(&["remove", "a"]).await, @r"
    exit code 0
    ----- stdout
    Removed `a` from `gantry.yaml`.
    ");
    assert_snapshot!(desk.config(), @r"
    # mine
    servers:
        git:
            command: uvx
            args: [mcp-server-git]
            env:
                PAGER: cat

    log: {level: warn} # quiet
    ");
}

#[tokio::test]
async fn a_token_on_the_command_line_is_pointed_out() {
    let desk = Desk::new();
    let literal = ["add", "docs", "http://localhost/mcp", "--header", "Authorization=Bearer x"];
    assert_snapshot!(desk.run(&literal).await, @r"
    exit code 0
    ----- stdout
    Added `docs` to `gantry.yaml`.
    ----- stderr
    hint: the file now holds the value of `Authorization`; `${VAR}` keeps it in the environment
    ");
    let variable = ["add", "more", "http://localhost/mcp", "--header", "Authorization=Bearer ${X}"];
    assert_snapshot!(desk.run(&variable).await, @r"
    exit code 0
    ----- stdout
    Added `more` to `gantry.yaml`.
    ");
}

#[tokio::test]
async fn what_cannot_be_added_is_refused_and_the_file_stays() {
    let text = "servers:\n  docs: {url: http://127.0.0.1:9000/mcp}\n";
    let desk = Desk::with(text);
    assert_snapshot!(desk.run(&["add", "docs", "http://localhost/mcp"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot add `docs`
      caused by: cannot change `gantry.yaml`
      caused by: `servers.docs` is already there, in line 2

    hint: `gantry remove docs` makes room for another
    hint: this is E0113 — run `gantry explain E0113`
    ");
    assert_snapshot!(desk.run(&["add", "Docs", "http://localhost/mcp"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot add `Docs`
      caused by: cannot change `gantry.yaml`
      caused by: the name `Docs` has the character `D`, but may have `a-z`, `0-9`, `_` and `-` only

    hint: this is E0105 — run `gantry explain E0105`
    ");
    assert_snapshot!(desk.run(&["add", "more", "localhost:9000"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot add `more`
      caused by: cannot change `gantry.yaml`
      caused by: the entry would have mistakes
      caused by: `servers.more.url` must be an address such as `https://example.com/mcp` (gantry.yaml:4:10); it begins with `http://` or `https://`

    hint: this is E0105 — run `gantry explain E0105`
    ");
    assert_snapshot!(desk.run(&["remove", "dosc"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot remove `dosc`
      caused by: cannot change `gantry.yaml`
      caused by: there is no `servers.dosc`

    hint: did you mean `docs`?
    hint: this is E0301 — run `gantry explain E0301`
    ");
    assert_eq!(desk.config(), text);
}

#[tokio::test]
async fn what_cannot_be_edited_is_refused() {
    let text = "servers: {docs: {url: \"http://127.0.0.1:9000/mcp\"}}\n";
    let desk = Desk::with(text);
    assert_snapshot!(desk.run(&["add", "git", "--", "git"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot add `git`
      caused by: cannot change `gantry.yaml`
      caused by: the file cannot be edited safely: `servers` is written in braces; write each entry on lines of its own

    hint: this is E0112 — run `gantry explain E0112`
    ");
    assert_eq!(desk.config(), text);
}

#[tokio::test]
async fn an_add_without_a_target_makes_no_sense() {
    let desk = Desk::new();
    assert_snapshot!(desk.run(&["add", "docs"]).await, @r"
    exit code 2
    ----- stderr
    error: the following required arguments were not provided:
      <URL|COMMAND>

    Usage: gantry add [OPTIONS] <NAME> <URL>
           gantry add [OPTIONS] <NAME> -- <COMMAND>...

    For more information, try '--help'.
    ");
    assert_snapshot!(desk.run(&["add", "docs", "http://localhost/", "--", "npx"]).await, @r"
    exit code 2
    ----- stderr
    error: the argument '[URL]' cannot be used with '[COMMAND]...'

    Usage: gantry add [OPTIONS] <NAME> <URL>
           gantry add [OPTIONS] <NAME> -- <COMMAND>...

    For more information, try '--help'.
    ");
    assert_snapshot!(desk.run(&["add", "docs", "--header", "A=b", "--", "npx"]).await, @r"
    exit code 2
    ----- stderr
    error: the argument '--header <NAME=VALUE>' cannot be used with '[COMMAND]...'

    Usage: gantry add [OPTIONS] <NAME> <URL>
           gantry add [OPTIONS] <NAME> -- <COMMAND>...

    For more information, try '--help'.
    ");
    assert!(!desk.file().exists());
}
