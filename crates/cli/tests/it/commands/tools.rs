//! `gantry tools`: what is shown of tools and their results.

use insta::assert_snapshot;

use super::Desk;

#[tokio::test]
async fn tools_are_described_and_called() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    assert_snapshot!(desk.run(&["tools", "describe", "up__greet"]).await, @r"
    exit code 0
    ----- stdout
    up__greet

    Greets at once, never as a task

    PARAMETER  TYPE    REQUIRED  DESCRIPTION
    name       string  yes
    ");
    assert_snapshot!(desk.run(&["tools", "describe", "up__test_simple_text"]).await, @r"
    exit code 0
    ----- stdout
    up__test_simple_text

    Answers one line of text

    It takes no parameters.
    ");
    assert_snapshot!(desk.run(&["tools", "call", "up__greet", "-p", "name=Ann"]).await, @r"
    exit code 0
    ----- stdout
    Hello, Ann!
    ");
    assert_snapshot!(desk.run(&["tools", "call", "up__test_multiple_content_types"]).await, @r#"
    exit code 0
    ----- stdout
    Multiple content types test:
    [image, image/png]
    {"test":"data","value":123}
    "#);
    let as_yaml = ["tools", "call", "up__test_simple_text", "--format", "yaml"];
    assert_snapshot!(desk.run(&as_yaml).await, @r"
    exit code 0
    ----- stdout
    resultType: complete
    content:
      - type: text
        text: This is a simple text response for testing.
    isError: false
    ");
    let listed = desk.run(&["tools", "list", "up", "--format", "yaml"]).await;
    assert!(listed.contains("\n- name: greet\n  server: up\n"), "{listed}");
}

#[tokio::test]
async fn a_tool_that_fails_and_one_that_is_not_there_are_failures() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    assert_snapshot!(desk.run(&["tools", "call", "up__test_error_handling"]).await, @r"
    exit code 1
    ----- stdout
    This tool intentionally returns an error for testing
    ");
    assert_snapshot!(desk.run(&["tools", "call", "up__nothing"]).await, @r"
    exit code 1
    ----- stderr
    error: there is no tool `up__nothing`

    hint: `gantry tools list` shows all of them
    hint: `gantry tools call gantry__explain_tool -p name=up__nothing` says why
    hint: this is E0302 — run `gantry explain E0302`
    ");
    assert_snapshot!(desk.run(&["tools", "describe", "up__nothing"]).await, @r"
    exit code 1
    ----- stderr
    error: there is no tool `up__nothing`

    hint: `gantry tools list` shows all of them
    hint: `gantry tools call gantry__explain_tool -p name=up__nothing` says why
    hint: this is E0302 — run `gantry explain E0302`
    ");
    assert_snapshot!(desk.run(&["tools", "call", "up__test_input_required_result_elicitation"]).await, @r"
    exit code 1
    ----- stdout
    the client does not offer what `user_name` needs
    ");
    assert_snapshot!(desk.run(&["tools", "list", "nobody"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot list the tools
      caused by: no server or view has the name `nobody`

    hint: this is E0301 — run `gantry explain E0301`
    ");
}
