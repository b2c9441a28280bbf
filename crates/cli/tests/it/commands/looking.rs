//! `gantry check` and `gantry config`.

use insta::assert_snapshot;

use super::Desk;

#[tokio::test]
async fn without_a_file_the_defaults_are_good() {
    assert_snapshot!(Desk::new().run(&["check"]).await, @r"
    exit code 0
    ----- stdout
    There is no `gantry.yaml`; the defaults are good.
    ");
    let desk = Desk::new().variable("EXECUTION_MODE", "hybrid");
    assert_snapshot!(desk.run(&["check"]).await, @r"
    exit code 0
    ----- stdout
    There is no `gantry.yaml`; the defaults are good.
    warning: the variable `EXECUTION_MODE` does nothing yet: saving tokens; unset it if nothing depends on it
    ");
    let desk = Desk::new().variable("METRICS_PORT", "70000");
    assert_snapshot!(desk.run(&["check"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot use the configuration
      caused by: the variable `METRICS_PORT` must be a port such as `3001`, but is not; correct it or unset it; `metrics.listen` in the file wins over it

    hint: this is E0125 — run `gantry explain E0125`
    ");
    let named = Desk::new().run(&["--config", "other.yaml", "check"]).await;
    assert_snapshot!(named, @r"
    exit code 1
    ----- stderr
    error: cannot use the configuration `other.yaml`
      caused by: cannot read `other.yaml`: No such file or directory (os error 2)

    hint: only `gantry.yaml` in the current folder may be absent; a file that is named must exist
    hint: this is E0101 — run `gantry explain E0101`
    ");
}

#[tokio::test]
async fn every_mistake_is_told_with_its_place() {
    let desk = Desk::with("servers:\n  docs:\n    comand: npx\nlog:\n  level: loud\n");
    assert_snapshot!(desk.run(&["check"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot use the configuration `gantry.yaml`
      caused by: unknown key `comand` in `servers.docs` (gantry.yaml:3:5); did you mean `command`?
      caused by: `log.level` must be one of `off`, `error`, `warn`, `info`, `debug`, `trace`, but is `loud` (gantry.yaml:5:10)

    hint: this is E0103 — run `gantry explain E0103`
    hint: this is E0105 — run `gantry explain E0105`
    ");
    assert_snapshot!(desk.run(&["check", "--format", "json"]).await, @r#"
    exit code 1
    ----- stdout
    {
      "file": "gantry.yaml",
      "ok": false,
      "problems": [
        {
          "code": "E0103",
          "path": "servers.docs.comand",
          "line": 3,
          "column": 5,
          "message": "unknown key `comand` in `servers.docs`",
          "hint": "did you mean `command`?"
        },
        {
          "code": "E0105",
          "path": "log.level",
          "line": 5,
          "column": 10,
          "message": "`log.level` must be one of `off`, `error`, `warn`, `info`, `debug`, `trace`, but is `loud`",
          "hint": null
        }
      ],
      "warnings": [],
      "checked": null
    }
    "#);
    assert_snapshot!(desk.run(&["config", "show"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot use the configuration `gantry.yaml`
      caused by: unknown key `comand` in `servers.docs` (gantry.yaml:3:5); did you mean `command`?
      caused by: `log.level` must be one of `off`, `error`, `warn`, `info`, `debug`, `trace`, but is `loud` (gantry.yaml:5:10)

    hint: this is E0103 — run `gantry explain E0103`
    hint: this is E0105 — run `gantry explain E0105`
    ");
}

#[tokio::test]
async fn what_is_hardly_meant_is_told_and_no_failure() {
    let desk = Desk::with(
        "servers:\n  shell:\n    command: sh\n  git:\n    command: no-such-program\n  off:\n    \
         command: no-such-program\n    enabled: false\nviews:\n  coding: [git__*, shel__run]\n",
    );
    assert_snapshot!(desk.run(&["check"]).await, @r"
    exit code 0
    ----- stdout
    `gantry.yaml` is good: 3 servers, 1 view, 0 tokens.
    warning: `servers.git.command` is not found on `PATH`: `no-such-program` (gantry.yaml:5:14); install it, or write its full path; a gateway that a service manager starts may have another `PATH`
    warning: `views.coding[1]` can match no tool of any of `servers`: `shel__run` (gantry.yaml:10:20); did you mean `shell__run`?
    Checked: all keys and values, 2 programs, 2 patterns of views. No server was started or asked.
    ");
    assert_snapshot!(desk.run(&["check", "--format", "json"]).await, @r#"
    exit code 0
    ----- stdout
    {
      "file": "gantry.yaml",
      "ok": true,
      "problems": [],
      "warnings": [
        {
          "code": "E0201",
          "path": "servers.git.command",
          "line": 5,
          "column": 14,
          "message": "`servers.git.command` is not found on `PATH`: `no-such-program`",
          "hint": "install it, or write its full path; a gateway that a service manager starts may have another `PATH`"
        },
        {
          "code": "E0301",
          "path": "views.coding[1]",
          "line": 10,
          "column": 20,
          "message": "`views.coding[1]` can match no tool of any of `servers`: `shel__run`",
          "hint": "did you mean `shell__run`?"
        }
      ],
      "checked": {
        "servers": 3,
        "programs": 2,
        "views": 1,
        "patterns": 2,
        "tokens": 0,
        "api_keys": 0
      }
    }
    "#);
}

#[tokio::test]
async fn a_server_that_is_down_is_listed_with_the_code_of_its_reason() {
    let desk = Desk::with("servers:\n  git:\n    command: /nowhere/no-such-program\n");
    assert_snapshot!(desk.run(&["servers", "list"]).await, @r"
    exit code 0
    ----- stdout
    NAME  TYPE   STATE        REVISION  TOOLS  CODE   REASON
    git   stdio  unreachable  ?         ?      E0201  program `/nowhere/no-such-program` does not exist (seen from `[FOLDER]`)
    ----- stderr
    hint: `gantry explain E0201` says what to do about E0201
    ");
}

#[tokio::test]
async fn options_and_their_variables_are_used() {
    let desk = Desk::with("servers: {}\n").variable("GANTRY_LISTEN", "127.0.0.1:7000");
    let shown = desk.run(&["config", "show"]).await;
    assert!(shown.contains("127.0.0.1:7000"), "{shown}");
    let shown = desk.run(&["config", "show", "--listen", "127.0.0.1:7001"]).await;
    assert!(shown.contains("127.0.0.1:7001"), "{shown}");
    assert_snapshot!(desk.run(&["check", "--listen", "0.0.0.0:1"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot use the configuration `gantry.yaml`
      caused by: `server.listen`, set by `--listen` or GANTRY_LISTEN, is `0.0.0.0:1`, beyond the loopback, but `auth` names nobody; make a key with `gantry keys create` and set `auth.required: true`, or add a token to `auth.tokens`, or listen on `127.0.0.1`

    hint: this is E0109 — run `gantry explain E0109`
    ");
    let desk = Desk::new().variable("GANTRY_CONFIG", "elsewhere.yaml");
    let refused = desk.run(&["check"]).await;
    assert!(refused.contains("elsewhere.yaml"), "{refused}");
}

#[tokio::test]
async fn what_was_understood_is_shown_without_secrets() {
    let desk = Desk::with(
        "servers:\n  docs:\n    url: http://127.0.0.1:9000/mcp?key=hunter2\n    headers:\n      \
         Authorization: Bearer ${DOCS_TOKEN}\n      X-Key: hunter2\n",
    );
    let desk = desk.variable("DOCS_TOKEN", "hunter2");
    let shown = desk.run(&["config", "show"]).await;
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("Bearer ${DOCS_TOKEN}"), "{shown}");
    let json = desk.run(&["config", "show", "--format", "json"]).await;
    assert!(json.contains("\"list_ttl\": \"1m\"") && !json.contains("hunter2"), "{json}");
}

#[tokio::test]
async fn the_schema_and_the_reference_in_the_repository_are_fresh() {
    let desk = Desk::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let kept = |file: &str| std::fs::read_to_string(format!("{root}/{file}")).unwrap_or_default();
    let print = async |arguments: &[&str]| {
        let seen = desk.run(arguments).await;
        let printed = seen.strip_prefix("exit code 0\n----- stdout\n");
        printed.unwrap_or_else(|| panic!("no output: {seen}")).to_owned()
    };
    assert!(
        print(&["config", "schema"]).await == kept("schema/config.json"),
        "`gantry config schema > schema/config.json` makes it fresh"
    );
    assert!(
        print(&["__reference", "openapi"]).await == kept("schema/openapi.json"),
        "`gantry __reference openapi > schema/openapi.json` makes it fresh"
    );
    for page in ["api", "cli", "config", "env", "errors"] {
        assert!(
            print(&["__reference", page]).await == kept(&format!("docs/reference/{page}.md")),
            "`gantry __reference {page} > docs/reference/{page}.md` makes it fresh"
        );
    }
}
