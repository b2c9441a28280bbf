//! `gantry import`, and other systems' files and variables used as they are.

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use super::Desk;

const CLIENT: &str = r#"{
  "mcpServers": {
    "Files": { "command": "npx", "args": ["-y", "files"], "env": { "API_KEY": "hunter2" } },
    "docs": { "url": "https://docs.example.com/mcp", "alwaysAllow": ["search"] }
  }
}
"#;

fn desk(name: &str, text: &str) -> Desk {
    let desk = Desk::new();
    std::fs::write(desk.folder.path().join(name), text).unwrap();
    desk
}

#[tokio::test]
async fn a_clients_file_becomes_one_of_ours() {
    let desk = desk("claude_desktop_config.json", CLIENT);
    let import = ["import", "claude_desktop_config.json", "-o", "gantry.yaml"];
    assert_snapshot!(desk.run(&import).await);
    assert_snapshot!(desk.config());
    let mode = std::fs::metadata(desk.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it may hold secrets");
    assert_snapshot!(desk.run(&["config", "show"]).await);
    assert_snapshot!(desk.run(&import).await);
    assert!(desk.config().contains("hunter2"), "a refused import changes nothing");
}

#[tokio::test]
async fn without_a_target_the_file_goes_to_standard_output() {
    let desk = desk("mcp.json", r#"{"mcpServers": {"a": {"command": "x"}}}"#);
    assert_snapshot!(desk.run(&["import", "mcp.json"]).await);
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_with_the_reason() {
    let desk = desk("mcp.json", "{\n  \"mcpServers\": {,}\n}");
    assert_snapshot!(desk.run(&["import", "mcp.json"]).await);
    std::fs::write(desk.folder.path().join("package.json"), r#"{"dependencies": {}}"#).unwrap();
    assert_snapshot!(desk.run(&["import", "package.json"]).await);
    let short = r#"{"port": 3001, "security": {"authentication": {"apiKeys": [{"name": "a", "key": "short"}]}}}"#;
    std::fs::write(desk.folder.path().join("config.json"), short).unwrap();
    assert_snapshot!(desk.run(&["import", "config.json"]).await);
}

#[tokio::test]
async fn a_check_of_a_foreign_file_tells_what_is_left_out() {
    let desk = desk("claude_desktop_config.json", CLIENT).variable("PATH", "/nowhere");
    assert_snapshot!(desk.run(&["--config", "claude_desktop_config.json", "check"]).await);
    assert_snapshot!(desk.run(&["--config", "claude_desktop_config.json", "remove", "docs"]).await);
}

#[tokio::test]
async fn variables_of_other_systems_name_the_file_where_there_is_none() {
    let desk = desk("config.json", r#"{"name": "mine", "port": 3001, "tools": []}"#)
        .variable("CONFIG_PATH", "config.json")
        .variable("LOG_LEVEL", "debug")
        .variable("RATE_LIMIT_REQUESTS", "100");
    assert_snapshot!(desk.run(&["check"]).await);
    let shown = desk.run(&["config", "show"]).await;
    assert!(shown.contains("127.0.0.1:3001") && shown.contains("level: debug"), "{shown}");
    std::fs::write(desk.file(), "log: {level: warn}\n").unwrap();
    let shown = desk.run(&["config", "show"]).await;
    assert!(shown.contains("127.0.0.1:8080") && shown.contains("level: warn"), "{shown}");
}

#[tokio::test]
async fn a_variable_that_names_no_good_file_is_named_itself() {
    let desk = desk("config.json", "{").variable("CONFIG_PATH", "config.json");
    assert_snapshot!(desk.run(&["check"]).await);
    let desk = Desk::new().variable("SPRING_CONFIG_LOCATION", "file:./absent/");
    assert_snapshot!(desk.run(&["check"]).await);
}
