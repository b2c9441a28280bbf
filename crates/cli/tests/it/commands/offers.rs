//! `gantry resources` and `gantry prompts`, and the formats for programs.

use insta::assert_snapshot;

use super::Desk;

#[tokio::test]
async fn resources_are_listed_and_read() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    assert_snapshot!(desk.run(&["resources", "list"]).await, @r"
    exit code 0
    ----- stdout
    URI                      NAME              TYPE        DESCRIPTION
    test://static-text       static-text       text/plain  A line of text
    test://static-binary     static-binary     image/png   A small image
    test://watched-resource  watched-resource  text/plain  Changes when `touch_resource` says so
    ");
    assert_snapshot!(desk.run(&["resources", "templates", "up"]).await, @r"
    exit code 0
    ----- stdout
    TEMPLATE                   NAME      TYPE              DESCRIPTION
    test://template/{id}/data  template  application/json  Data on any id
    ");
    // First of all reads: afterwards less of its time is left.
    let as_yaml = ["resources", "read", "test://static-text", "--server", "up", "--format", "yaml"];
    let told = desk.run(&as_yaml).await;
    let left =
        told.lines().find_map(|line| line.strip_prefix("ttlMs: ")).expect("it says how long");
    assert!((30_000..=60_000).contains(&left.parse().expect("a number")), "{told}");
    assert_snapshot!(told.replace(left, "[LEFT]"), @r"
    exit code 0
    ----- stdout
    resultType: complete
    ttlMs: [LEFT]
    cacheScope: public
    contents:
      - uri: test://static-text
        mimeType: text/plain
        text: The text of a resource that never changes.
    ");
    assert_snapshot!(desk.run(&["resources", "read", "test://static-text"]).await, @r"
    exit code 0
    ----- stdout
    The text of a resource that never changes.
    ");
    assert_snapshot!(desk.run(&["resources", "read", "test://static-binary"]).await, @r"
    exit code 0
    ----- stdout
    [69 bytes, image/png]
    ");
    assert_snapshot!(desk.run(&["resources", "read", "test://nothing"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot read `test://nothing`
      caused by: resource not found

    hint: `gantry resources list` and `gantry resources templates` show what there is
    ");
    assert_snapshot!(desk.run(&["resources", "list", "nobody"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot list the resources
      caused by: no server or view has the name `nobody`

    hint: this is E0301 — run `gantry explain E0301`
    ");
}

#[tokio::test]
async fn prompts_are_listed_and_got() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    assert_snapshot!(desk.run(&["prompts", "list"]).await, @r"
    exit code 0
    ----- stdout
    NAME                                    ARGUMENTS    DESCRIPTION
    up__test_simple_prompt                               A fixed line
    up__test_prompt_with_arguments          arg1 arg2    Repeats two arguments
    up__test_prompt_with_embedded_resource  resourceUri  Embeds the resource it is given
    up__test_prompt_with_image                           Shows an image
    up__test_input_required_result_prompt                Asks for the context it is to be used in
    ");
    let name = "up__test_prompt_with_arguments";
    assert_snapshot!(desk.run(&["prompts", "get", name, "-p", "arg1=1", "-p", "arg2=b"]).await, @r"
    exit code 0
    ----- stdout
    user:
    Prompt with arguments: arg1='1', arg2='b'
    ");
    assert_snapshot!(desk.run(&["prompts", "get", "up__test_simple_prompt", "--format", "json"]).await, @r#"
    exit code 0
    ----- stdout
    {
      "resultType": "complete",
      "messages": [
        {
          "role": "user",
          "content": {
            "type": "text",
            "text": "This is a simple prompt for testing."
          }
        }
      ]
    }
    "#);
    assert_snapshot!(desk.run(&["prompts", "get", "up__nothing"]).await, @r"
    exit code 1
    ----- stderr
    error: there is no prompt `up__nothing`

    hint: `gantry prompts list` shows all of them
    ");
    assert_snapshot!(desk.run(&["prompts", "get", name, "-p", "a=1", "-p", "a=2"]).await, @r"
    exit code 2
    ----- stderr
    error: the parameter `a` is given twice
    ");
}

#[tokio::test]
async fn without_a_gateway_a_command_makes_its_own() {
    let desk = Desk::with_upstream();
    let listed = desk.run(&["prompts", "list", "up", "--format", "yaml"]).await;
    assert!(
        listed.starts_with("exit code 0\n----- stdout\n- name: test_simple_prompt\n"),
        "{listed}"
    );
    let read = desk.run(&["resources", "read", "test://static-text"]).await;
    assert!(read.starts_with("exit code 0\n"), "{read}");
    assert!(!desk.folder.path().join("gantry-data").exists(), "nothing is kept");
}

#[tokio::test]
async fn what_there_is_none_of_is_told() {
    let desk = Desk::with("builtin: false\nservices: { on_mcp: [] }\n");
    for (command, told) in [
        (["resources", "list"], "There are no resources"),
        (["resources", "templates"], "There are no templates"),
        (["prompts", "list"], "There are no prompts"),
    ] {
        let seen = desk.run(&command).await;
        assert!(seen.starts_with("exit code 0\n") && seen.contains(told), "{seen}");
    }
}

#[tokio::test]
async fn data_is_shown_in_every_format() {
    let desk = Desk::new();
    let yaml = desk.run(&["explain", "E0104", "--format", "yaml"]).await;
    assert!(yaml.contains("code: E0104\nabout: start\n"), "{yaml}");
    let json = desk.run(&["explain", "--format", "json"]).await;
    assert!(json.contains("\"code\": \"E0104\""), "{json}");
    assert_snapshot!(desk.run(&["servers", "list", "--format", "yaml"]).await, @r"
    exit code 0
    ----- stdout
    []
    ");
    assert_snapshot!(desk.run(&["check", "--format", "yaml"]).await, @r"
    exit code 0
    ----- stdout
    file: gantry.yaml
    ok: true
    problems: []
    warnings: []
    checked:
      servers: 0
      programs: 0
      views: 0
      patterns: 0
      tokens: 0
      api_keys: 0
    ");
}
