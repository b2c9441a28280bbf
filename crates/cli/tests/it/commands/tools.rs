//! `gantry tools`: what is shown of tools and their results.

use insta::assert_snapshot;

use super::Desk;

#[tokio::test]
async fn tools_are_described_and_called() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    assert_snapshot!(desk.run(&["tools", "describe", "up__greet"]).await, @"");
    assert_snapshot!(desk.run(&["tools", "describe", "up__test_simple_text"]).await, @"");
    assert_snapshot!(desk.run(&["tools", "call", "up__greet", "-p", "name=Ann"]).await, @"");
    assert_snapshot!(desk.run(&["tools", "call", "up__test_multiple_content_types"]).await, @"");
    let as_yaml = ["tools", "call", "up__test_simple_text", "--format", "yaml"];
    assert_snapshot!(desk.run(&as_yaml).await, @"");
    let listed = desk.run(&["tools", "list", "up", "--format", "yaml"]).await;
    assert!(listed.contains("\n- name: greet\n  server: up\n"), "{listed}");
}

#[tokio::test]
async fn a_tool_that_fails_and_one_that_is_not_there_are_failures() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    assert_snapshot!(desk.run(&["tools", "call", "up__test_error_handling"]).await, @"");
    assert_snapshot!(desk.run(&["tools", "call", "up__nothing"]).await, @"");
    assert_snapshot!(desk.run(&["tools", "describe", "up__nothing"]).await, @"");
    assert_snapshot!(desk.run(&["tools", "call", "up__test_input_required_result_elicitation"]).await, @"");
    assert_snapshot!(desk.run(&["tools", "list", "nobody"]).await, @"");
}
