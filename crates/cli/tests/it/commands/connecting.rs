//! `gantry connect`: the files of clients, and what a client then finds.

use std::path::PathBuf;

use insta::assert_snapshot;

use super::Desk;
use crate::support::node;

/// Each client, the member of its file that holds the servers, and whether it can call an address.
const CLIENTS: [(&str, &str, bool); 10] = [
    ("claude", "mcpServers", false),
    ("claude-code", "mcpServers", true),
    ("cline", "mcpServers", true),
    ("cursor", "mcpServers", true),
    ("gemini", "mcpServers", true),
    ("lm-studio", "mcpServers", true),
    ("opencode", "mcp", true),
    ("vscode", "servers", true),
    ("windsurf", "mcpServers", true),
    ("zed", "context_servers", true),
];

impl Desk {
    /// The file of a client, as `gantry connect` says.
    async fn file_of(&self, client: &str) -> PathBuf {
        let listed = self.run(&["connect", "--format", "json"]).await;
        let json = listed.strip_prefix("exit code 0\n----- stdout\n").expect("a list");
        let rows: Vec<serde_json::Value> = serde_json::from_str(json).expect("JSON");
        let row = rows.iter().find(|row| row["name"] == client).expect("the client is known");
        let file = row["file"].as_str().expect("a file").replace("[FOLDER]", "");
        self.folder.path().join(file.trim_start_matches('/'))
    }

    /// Does with a client's file what the client would: starts or calls what it names.
    pub(super) async fn use_as_a_client(&self, client: &str, key: &str) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/desktop.cjs");
        let mut command = node::script(script);
        // Clients with windows start their servers wherever they like.
        command.current_dir("/").env("HOME", self.folder.path());
        command.arg(self.file_of(client).await).args([key, "gantry"]);
        self.seen(command).await
    }
}

#[tokio::test]
async fn what_is_written_is_what_the_client_starts() {
    let desk = Desk::with_upstream();
    for (client, key, _) in CLIENTS {
        let connected = desk.run(&["connect", client, "--yes"]).await;
        assert!(connected.starts_with("exit code 0\n"), "{client}: {connected}");
        let seen = desk.use_as_a_client(client, key).await;
        let expected =
            "exit code 0\n----- stdout\n{\"server\":\"gantry\",\"tools\":[\"up__test_simple_text\"";
        assert!(seen.starts_with(expected), "{client}: {seen}");
        let again = desk.run(&["connect", client, "--yes"]).await;
        assert!(again.contains(" is connected already: `"), "{client}: {again}");
    }
    let listed = desk.run(&["connect"]).await;
    assert_eq!(listed.matches("  connected  ").count(), CLIENTS.len(), "{listed}");
}

#[tokio::test]
async fn what_is_written_is_the_address_that_the_client_calls() {
    let mut desk = Desk::with_upstream();
    let gateway = desk.serve().await;
    let address = gateway
        .log()
        .lines()
        .find_map(|line| Some(line.split_once("http://")?.1.split_once("/mcp")?.0.to_owned()));
    let address = address.expect("the gateway says where it is");
    desk.variables.push(("GANTRY_LISTEN", address.leak()));
    for (client, key, _) in CLIENTS.into_iter().filter(|(_, _, calls)| *calls) {
        let header = ["--header", "X-Team=red"];
        let connected =
            desk.run(&[&["connect", client, "--http", "-y"][..], &header].concat()).await;
        assert!(connected.starts_with("exit code 0\n"), "{client}: {connected}");
        let seen = desk.use_as_a_client(client, key).await;
        assert!(seen.contains("\"up__test_simple_text\""), "{client}: {seen}");
    }
    let refused = desk.run(&["connect", "claude", "--http", "--dry-run"]).await;
    assert!(refused.contains("Claude Desktop cannot call an address"), "{refused}");
}

#[tokio::test]
async fn a_change_is_shown_and_everything_else_stays() {
    let desk = Desk::with("servers: {}\n");
    let file = desk.file_of("zed").await;
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder can be made");
    let text = "// Mine.\n{\n  \"theme\": \"dark\", // at night\n  \"context_servers\": {\n    \"other\": { \"command\": \"x\" },\n  },\n}\n";
    std::fs::write(&file, text).expect("a file can be written");
    assert_snapshot!(desk.run(&["connect", "zed", "--dry-run"]).await, @r#"
    exit code 0
    ----- stdout
    --- [FOLDER]/.config/zed/settings.json
    +++ [FOLDER]/.config/zed/settings.json
    @@ -3,5 +3,9 @@
       "theme": "dark", // at night
       "context_servers": {
         "other": { "command": "x" },
    +    "gantry": {
    +      "command": "[GANTRY]",
    +      "args": ["--config", "[FOLDER]/gantry.yaml", "stdio"],
    +    },
       },
     }
    "#);
    let kept = || std::fs::read_to_string(&file).expect("the file is there");
    assert_eq!(kept(), text, "nothing is written");
    assert_snapshot!(desk.run(&["connect", "zed"]).await, @r#"
    exit code 1
    ----- stdout
    --- [FOLDER]/.config/zed/settings.json
    +++ [FOLDER]/.config/zed/settings.json
    @@ -3,5 +3,9 @@
       "theme": "dark", // at night
       "context_servers": {
         "other": { "command": "x" },
    +    "gantry": {
    +      "command": "[GANTRY]",
    +      "args": ["--config", "[FOLDER]/gantry.yaml", "stdio"],
    +    },
       },
     }
    ----- stderr
    error: nothing was written: there is no terminal to ask at

    hint: `--yes` writes without asking
    hint: this is E0606 — run `gantry explain E0606`
    "#);
    assert_eq!(kept(), text, "nothing is written without an answer");
    desk.run(&["connect", "zed", "--yes"]).await;
    assert!(kept().contains("// at night") && kept().contains("\"stdio\""), "{}", kept());
    let before = file.with_file_name("settings.json.before-gantry");
    assert_eq!(std::fs::read_to_string(before).expect("the file before is kept"), text);
    assert_snapshot!(desk.run(&["connect", "zed", "--remove", "-y"]).await, @r#"
    exit code 0
    ----- stdout
    --- [FOLDER]/.config/zed/settings.json
    +++ [FOLDER]/.config/zed/settings.json
    @@ -3,9 +3,5 @@
       "theme": "dark", // at night
       "context_servers": {
         "other": { "command": "x" },
    -    "gantry": {
    -      "command": "[GANTRY]",
    -      "args": ["--config", "[FOLDER]/gantry.yaml", "stdio"],
    -    },
       },
     }
    Zed is disconnected; start it anew to let it see that.
    "#);
    assert_eq!(kept(), text);
    assert_snapshot!(desk.run(&["connect", "zed", "--remove", "-y"]).await, @r"
    exit code 0
    ----- stdout
    Zed has no such entry: `[FOLDER]/.config/zed/settings.json`.
    ");
}

#[tokio::test]
async fn whoever_sits_at_the_terminal_is_asked() {
    let desk = Desk::with("servers: {}\n");
    let file = desk.file_of("cursor").await;
    let refused = desk.at_a_terminal(&["connect", "cursor"], &[("[y/N] ", "n\n")]).await;
    assert!(
        refused.contains("exit code 1") && refused.contains("nothing was written"),
        "{refused}"
    );
    assert!(!file.exists());
    let written = desk.at_a_terminal(&["connect", "cursor"], &[("[y/N] ", "y\n")]).await;
    assert!(
        written.contains("exit code 0") && written.contains("Cursor is connected"),
        "{written}"
    );
    assert!(file.exists());
}

#[tokio::test]
async fn what_cannot_be_connected_is_told() {
    let desk = Desk::new();
    assert_snapshot!(desk.run(&["connect", "notepad"]).await, @r"
    exit code 1
    ----- stderr
    error: there is no client `notepad` that Gantry knows

    hint: `gantry connect` lists those that it knows
    hint: this is E0604 — run `gantry explain E0604`
    ");
    assert_snapshot!(desk.run(&["connect", "cursor", "-y"]).await, @r"
    exit code 1
    ----- stderr
    error: there is no `[FOLDER]/gantry.yaml` yet

    hint: `gantry add NAME -- COMMAND` makes it, with a first server
    hint: this is E0101 — run `gantry explain E0101`
    ");
    let desk = Desk::with("servers: {}\n");
    let file = desk.file_of("cursor").await;
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder can be made");
    std::fs::write(&file, "{\n  \"mcpServers\": {\n").expect("a file can be written");
    assert_snapshot!(desk.run(&["connect", "cursor", "-y"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot change `[FOLDER]/.cursor/mcp.json`
      caused by: it is not valid JSON: Unterminated object on line 2 column 17

    hint: correct it, or move it away, and a new one is made
    hint: this is E0605 — run `gantry explain E0605`
    ");
    std::fs::write(&file, "{\"mcpServers\": []}").expect("a file can be written");
    assert_snapshot!(desk.run(&["connect", "cursor", "-y"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot change `[FOLDER]/.cursor/mcp.json`
      caused by: `mcpServers` in it is no object

    hint: correct it, or move it away, and a new one is made
    hint: this is E0605 — run `gantry explain E0605`
    ");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "{\"mcpServers\": []}");
}

#[tokio::test]
async fn where_plain_listeners_send_everybody_on_a_client_begins_with_tls() {
    let config = |more: &str| {
        format!(
            "server:\n  https: {{ listen: '127.0.0.1:8443', certificate: c.pem, key: k.pem, redirect: true }}\n{more}"
        )
    };
    let desk = Desk::with(&config(""));
    let shown = desk.run(&["connect", "cursor", "--http", "--dry-run"]).await;
    assert!(shown.contains("https://127.0.0.1:8443/mcp"), "{shown}");
    // Certificates are made for names.
    let desk = Desk::with(&config("  allowed_hosts: [gantry.example.com]\n"));
    let shown = desk.run(&["connect", "cursor", "--http", "--dry-run"]).await;
    assert!(shown.contains("https://gantry.example.com:8443/mcp"), "{shown}");
}
