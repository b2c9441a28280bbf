//! Prompts and resources that the file declares itself, as clients of both eras see them.

use serde_json::{Value, json};

use crate::support::{
    client::{Client, MODERN},
    gantry::Gantry,
    scripted::{Answer, Scripted},
};

const CONFIG: &str = r#"
prompts:
  review:
    title: Review
    description: Reviews code
    template: "Review this {{language}} code: {{code}}"
    arguments:
      - { name: code, description: What to review, required: true }
      - { name: language }
  dialog:
    messages:
      - { text: "I have {{ problem }}." }
      - { role: assistant, text: "Since when?" }
    arguments: [{ name: problem }]
resources:
  info://server:
    name: info
    mime_type: text/plain
    text: hello
"#;

/// A client of each era at one endpoint.
async fn clients(url: &str) -> [Client; 2] {
    [Client::modern(url, json!({})), Client::legacy(url, "2025-11-25", json!({})).await]
}

async fn get(client: &Client, name: &str, arguments: Value) -> Vec<String> {
    let params = json!({ "name": name, "arguments": arguments });
    let reply = client.request("prompts/get", params).await;
    let messages = reply.result()["messages"].as_array().cloned().unwrap_or_default();
    let said = |message: &Value| {
        let text = message["content"]["text"].as_str().expect("a declared prompt is text");
        format!("{}: {text}", message["role"].as_str().unwrap_or_default())
    };
    messages.iter().map(said).collect()
}

#[tokio::test]
async fn prompts_are_listed_and_filled_in_both_eras() {
    let gantry = Gantry::start(CONFIG).await;
    for (path, prefix) in [("/mcp", "declared__"), ("/mcp/declared", "")] {
        for client in clients(&gantry.url(path)).await {
            let listed = client.request("prompts/list", json!({})).await;
            let review = json!({
                "name": format!("{prefix}review"),
                "title": "Review",
                "description": "Reviews code",
                "arguments": [
                    { "name": "code", "description": "What to review", "required": true },
                    { "name": "language", "required": false },
                ],
            });
            assert_eq!(listed.result()["prompts"][0], review);
            assert_eq!(listed.result()["prompts"][1]["name"], format!("{prefix}dialog"));
            let (review, dialog) = (format!("{prefix}review"), format!("{prefix}dialog"));
            let filled = get(&client, &review, json!({ "code": "{{language}}", "language": "C" }));
            assert_eq!(filled.await, ["user: Review this C code: {{language}}"]);
            let without = get(&client, &review, json!({ "code": "x", "other": "y" })).await;
            assert_eq!(without, ["user: Review this  code: x"]);
            let dialog = get(&client, &dialog, json!({ "problem": "pain" })).await;
            assert_eq!(dialog, ["user: I have pain.", "assistant: Since when?"]);
        }
    }
}

#[tokio::test]
async fn a_prompt_without_what_it_needs_is_refused_by_name() {
    let gantry = Gantry::start(CONFIG).await;
    for client in clients(&gantry.url("/mcp")).await {
        let refused = async |params: Value| {
            let reply = client.request("prompts/get", params).await;
            assert_eq!(reply.code(), -32602, "{reply:?}");
            reply.error()["message"].as_str().expect("an error has a message").to_owned()
        };
        let missing = refused(json!({ "name": "declared__review" })).await;
        assert_eq!(missing, "the prompt `review` needs the argument `code`");
        let number = json!({ "name": "declared__review", "arguments": { "code": 1 } });
        let message = refused(number).await;
        assert!(message.contains("`params.arguments.code` must be a string"), "{message}");
        let message = refused(json!({ "name": "declared__nothing" })).await;
        assert_eq!(message, "unknown prompt: `declared__nothing`");
        // Some clients send this for no arguments.
        let empty = json!({ "name": "declared__dialog", "arguments": null });
        assert_eq!(
            client.request("prompts/get", empty).await.result()["messages"][0]["content"]["text"],
            "I have ."
        );
    }
}

#[tokio::test]
async fn resources_are_listed_and_read_in_both_eras() {
    let gantry = Gantry::start(CONFIG).await;
    for (client, unknown) in
        clients(&gantry.url("/mcp/declared")).await.into_iter().zip([-32602, -32002])
    {
        let listed = client.request("resources/list", json!({})).await;
        let info =
            json!({ "uri": "info://server", "name": "info", "mimeType": "text/plain", "size": 5 });
        assert_eq!(listed.result()["resources"], json!([info]));
        let read = client.request("resources/read", json!({ "uri": "info://server" })).await;
        let contents =
            json!([{ "uri": "info://server", "text": "hello", "mimeType": "text/plain" }]);
        assert_eq!(read.result()["contents"], contents);
        let nothing = client.request("resources/read", json!({ "uri": "info://no" })).await;
        assert_eq!(nothing.code(), unknown, "{nothing:?}");
    }
}

/// Beside a server that completes its own arguments, nothing is offered for declared ones.
#[tokio::test]
async fn arguments_of_declared_prompts_have_no_completions() {
    let completed = |_: &_| Answer::Result(json!({ "completion": { "values": ["theirs"] } }));
    let upstream = Scripted::modern()
        .capabilities(json!({ "completions": {} }))
        .on("completion/complete", completed)
        .start()
        .await;
    let config = format!("{CONFIG}servers: {{ up: {} }}\n", upstream.server());
    let gantry = Gantry::start(&config).await;
    for client in clients(&gantry.url("/mcp")).await {
        let reference = json!({ "type": "ref/prompt", "name": "declared__review" });
        let params = json!({ "ref": reference, "argument": { "name": "code", "value": "" } });
        let reply = client.request("completion/complete", params).await;
        assert_eq!(reply.result()["completion"]["values"], json!([]), "{reply:?}");
    }
}

#[tokio::test]
async fn a_changed_file_changes_the_prompts_and_listeners_are_told() {
    let gantry = Gantry::start(CONFIG).await;
    let [modern, legacy] = clients(&gantry.url("/mcp")).await;
    let mut listen = modern.listen(json!({ "promptsListChanged": true })).await;
    let acknowledged = listen.next_message().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    let mut stream = legacy.get().await;
    let changed = CONFIG.replace("Review this", "Read this").replace("Reviews code", "Reads code");
    std::fs::write(gantry.config(), changed).expect("a file can be written in one's own folder");
    for stream in [&mut listen, &mut stream] {
        let told = stream.next_message().await;
        assert_eq!(told["method"], "notifications/prompts/list_changed", "{told}");
    }
    for client in [&modern, &legacy] {
        let filled = get(client, "declared__review", json!({ "code": "x" })).await;
        assert_eq!(filled, ["user: Read this  code: x"]);
    }
}

/// A file of MCP Configurable Framework, used as it is.
#[tokio::test]
async fn prompts_and_resources_of_a_foreign_file_are_offered() {
    let config = json!({
        "name": "my-server", "port": 3002,
        "prompts": [{
            "name": "review", "description": "Reviews", "template": "{{code}} for ${COST}, {{odd}}",
            "arguments": [{ "name": "code", "required": true }],
        }],
        "resources": [{ "uri": "info://a", "name": "a", "content": "{{text}} ${TEXT}" }],
    });
    let gantry = Gantry::start(&config.to_string()).await;
    for client in clients(&gantry.url("/mcp/declared")).await {
        let filled = get(&client, "review", json!({ "code": "x", "odd": "y" })).await;
        assert_eq!(filled, ["user: x for ${COST}, y"]);
        let read = client.request("resources/read", json!({ "uri": "info://a" })).await;
        assert_eq!(read.result()["contents"][0]["text"], "{{text}} ${TEXT}");
    }
    let client = Client::new(&gantry.url("/mcp"), MODERN, json!({}));
    let listed = client.request("prompts/list", json!({})).await;
    assert_eq!(listed.result()["prompts"][0]["arguments"][1]["name"], "odd");
}
