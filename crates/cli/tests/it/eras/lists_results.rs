//! Lists, results and errors that cross from one era to the other: cases 36 to 49.

mod errors;
mod headers;

use std::path::Path;

use serde_json::{Value, json};

use super::{config, in_front_of, ready, wait_for_state};
use crate::support::{
    client::{Client, Reply},
    gantry::Gantry,
    node, process,
    scripted::{Answer, Script, Scripted},
    wait::{LIMIT, eventually},
};

/// The four lists: the method, and the member of the result that holds the items.
const LISTS: [(&str, &str); 4] = [
    ("tools/list", "tools"),
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resourceTemplates"),
];

/// One of each.
fn stocked(script: Script) -> Script {
    script
        .tool("t", json!({}), |_| Answer::text("t"))
        .prompt("p", json!({}), |_| Answer::Result(json!({ "messages": [] })))
        .resource("test://r", json!({}), |_| Answer::Result(json!({ "contents": [] })))
        .template(json!({ "uriTemplate": "test://{x}", "name": "x" }))
}

/// M->L: lists of an upstream that announces no changes, and of one that does.
#[tokio::test]
async fn case_36_a_legacy_list_gets_the_modern_members() {
    let silent = json!({ "tools": {}, "prompts": {}, "resources": {} });
    let upstreams = [
        (stocked(Scripted::legacy("2025-11-25")).capabilities(silent), 0),
        (stocked(Scripted::legacy("2025-11-25")), 60_000),
    ];
    for (script, expected) in upstreams {
        let upstream = script.start().await;
        let gantry = in_front_of(upstream.server()).await;
        for endpoint in ["/mcp", "/mcp/up"] {
            let client = Client::modern(&gantry.url(endpoint), json!({}));
            for (method, key) in LISTS {
                let reply = client.request(method, json!({})).await;
                let result = reply.result();
                assert!(!result[key].as_array().expect("a list").is_empty(), "{reply:?}");
                assert_eq!(result["resultType"], "complete", "{reply:?}");
                assert_eq!(result["ttlMs"], expected, "{endpoint}: {reply:?}");
                assert_eq!(result["cacheScope"], "private", "{reply:?}");
            }
        }
    }
}

/// L->M: tools written in ways that no serialiser writes them.
#[tokio::test]
async fn case_37_a_modern_list_loses_what_legacy_servers_do_not_say_and_nothing_else() {
    let tools = [
        r#"{"name": "one" ,"inputSchema":{ "type":"object","x-vendor":1.0e2 }, "later":[null]}"#,
        r#"{"inputSchema":{"type":"object"},"description":"\u00e9\/","name":"two","icons":[]}"#,
    ];
    let listed = tools.join(" , ");
    let script = Scripted::modern().tool("one", json!({}), |_| Answer::text("1"));
    let upstream = script.on("tools/list", move |_| {
        let hints = r#""resultType":"complete","ttlMs":1000,"cacheScope":"public""#;
        let info = r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"u","version":"1"}}"#;
        Answer::RawResult(format!(r#"{{"tools":[{listed}],{hints},{info}}}"#))
    });
    let upstream = upstream.start().await;
    let gantry = in_front_of(upstream.server()).await;
    let own = Client::legacy(&gantry.url("/mcp/up"), "2025-11-25", json!({})).await;
    let reply = own.request("tools/list", json!({})).await;
    let text = String::from_utf8_lossy(&reply.raw);
    for tool in tools {
        assert!(text.contains(tool), "{tool} is not in {text}");
    }
    assert_eq!(reply.result().as_object().expect("an object").len(), 1, "{reply:?}");
    // Where names are public, only they differ.
    let all = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let reply = all.request("tools/list", json!({})).await;
    let text = String::from_utf8_lossy(&reply.raw);
    for tool in tools {
        let renamed = tool.replace(r#""one""#, r#""up__one""#).replace(r#""two""#, r#""up__two""#);
        assert!(text.contains(&renamed), "{renamed} is not in {text}");
    }
    for absent in ["resultType", "ttlMs", "cacheScope", "serverInfo"] {
        assert!(!text.contains(absent), "{absent} is in {text}");
    }
}

/// A script with so many tools that they stand on two pages.
fn with_many_tools(script: Script, prefix: &str) -> Script {
    let tool = |number| json!({ "name": format!("{prefix}{number}"), "inputSchema": {} });
    let tools: Vec<_> = (0..1200).map(tool).collect();
    script
        .tool("t", json!({}), |_| Answer::text("t"))
        .on("tools/list", move |_| Answer::Result(json!({ "tools": tools })))
}

/// All pages of the list of tools.
async fn pages(client: &Client) -> Vec<Reply> {
    let mut pages = vec![client.request("tools/list", json!({})).await];
    while let Some(cursor) = pages.last().and_then(cursor_of) {
        assert!(pages.len() < 10, "the list does not end");
        pages.push(client.request("tools/list", json!({ "cursor": cursor })).await);
    }
    pages
}

fn cursor_of(page: &Reply) -> Option<String> {
    page.result()["nextCursor"].as_str().map(str::to_owned)
}

fn names(pages: &[Reply]) -> Vec<String> {
    let tools = pages.iter().flat_map(|page| page.result()["tools"].as_array().expect("a list"));
    tools.map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

/// M->M: an upstream whose lists are everybody's for a minute, one whose lists are one's own for
/// five seconds.
#[tokio::test]
async fn case_38_a_merged_list_is_as_fresh_and_as_private_as_its_parts() {
    let public = with_many_tools(Scripted::modern().hints(60_000, "public"), "a").start().await;
    let private = stocked(Scripted::modern().hints(5_000, "private")).start().await;
    let servers = config(&[("public", public.server()), ("private", private.server())]);
    let gantry = Gantry::start(&servers).await;
    wait_for_state(&gantry, "public", "ready").await;
    wait_for_state(&gantry, "private", "ready").await;
    let merged = pages(&Client::modern(&gantry.url("/mcp"), json!({}))).await;
    assert!(merged.len() > 1, "{merged:?}");
    for page in &merged {
        assert_eq!(page.result()["cacheScope"], "private", "{page:?}");
        let ttl = page.result()["ttlMs"].as_u64().expect("a number");
        assert!(ttl <= 5_000, "{ttl}");
    }
    // One alone is what it says of itself.
    for page in pages(&Client::modern(&gantry.url("/mcp/public"), json!({}))).await {
        assert_eq!(page.result()["cacheScope"], "public", "{:?}", page.result()["ttlMs"]);
        let ttl = page.result()["ttlMs"].as_u64().expect("a number");
        assert!((5_001..=60_000).contains(&ttl), "{ttl}");
    }
}

/// *->*: a cursor of before a change, cursors of nobody; many lists, and a reload.
#[tokio::test]
async fn case_39_cursors_belong_to_one_list_and_the_order_stays() {
    let upstream = with_many_tools(Scripted::legacy("2025-11-25"), "a").start().await;
    let other = stocked(Scripted::modern()).start().await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    ready(&gantry).await;
    let url = gantry.url("/mcp");
    let clients = [
        Client::modern(&url, json!({})),
        Client::legacy(&url, "2025-11-25", json!({})).await,
        Client::legacy(&url, "2024-11-05", json!({})).await,
    ];
    let listed = pages(&clients[0]).await;
    let cursor = cursor_of(&listed[0]).expect("a second page");
    for client in &clients {
        let page = client.request("tools/list", json!({ "cursor": cursor })).await;
        assert!(page.result()["tools"].is_array(), "a cursor is good in every era: {page:?}");
        for bad in ["", "x", "eyJvZmZzZXQiOjB9"] {
            let page = client.request("tools/list", json!({ "cursor": bad })).await;
            assert_eq!(page.code(), -32602, "{bad}: {page:?}");
        }
        let page = client.request("prompts/list", json!({ "cursor": cursor })).await;
        assert_eq!(page.code(), -32602, "{page:?}");
    }

    let order = names(&listed);
    for round in 0..100 {
        assert_eq!(names(&pages(&clients[round % clients.len()]).await), order);
    }
    // A reload that brings a server leaves what was there before it.
    let servers = config(&[("up", upstream.server()), ("other", other.server())]);
    std::fs::write(gantry.config(), servers).expect("the configuration can be written");
    wait_for_state(&gantry, "other", "ready").await;
    let built_in = |name: &&String| !name.starts_with("gantry__") && *name != "other__t";
    for client in &clients {
        let now = names(&pages(client).await);
        assert!(now.contains(&"other__t".to_owned()), "{now:?}");
        assert!(now.iter().filter(built_in).eq(order.iter().filter(built_in)), "{now:?}");
    }

    // What was listed is another list now.
    upstream.change(|script| with_many_tools(script, "b"));
    upstream.push("notifications/tools/list_changed", json!({})).await;
    eventually("the changed list", async || {
        let listed = names(&[clients[0].request("tools/list", json!({})).await]);
        listed.contains(&"up__b0".to_owned()).then_some(())
    })
    .await;
    for client in &clients {
        let page = client.request("tools/list", json!({ "cursor": cursor })).await;
        assert_eq!(page.code(), -32602, "{page:?}");
    }
}

/// L->M: a tool whose output is an array, with and without a block of text that says the same.
#[tokio::test]
async fn case_40_array_outputs_are_said_in_text() {
    let output = json!({ "type": "array", "items": { "type": "integer" } });
    let bare = json!({ "content": [], "structuredContent": [1, 2] });
    let said = json!({ "type": "text", "text": "[1,2]" });
    let both = json!({ "content": [said], "structuredContent": [1, 2] });
    let upstream = Scripted::modern()
        .tool("bare", json!({ "outputSchema": output }), move |_| Answer::Result(bare.clone()))
        .tool("both", json!({ "outputSchema": output }), move |_| Answer::Result(both.clone()))
        .tool("object", json!({ "outputSchema": { "type": "object" } }), |_| {
            Answer::Result(json!({ "content": [], "structuredContent": { "a": 1 } }))
        })
        .start()
        .await;
    let gantry = in_front_of(upstream.server()).await;
    for revision in ["2025-11-25", "2025-06-18"] {
        let client = Client::legacy(&gantry.url("/mcp/up"), revision, json!({})).await;
        let listed = client.request("tools/list", json!({})).await;
        let tools = listed.result()["tools"].as_array().expect("a list");
        assert_eq!(tools.len(), 3, "{listed:?}");
        for tool in tools {
            let expected = if tool["name"] == "object" { json!("object") } else { Value::Null };
            assert_eq!(tool["outputSchema"]["type"], expected, "{tool}");
        }
    }
    for revision in ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] {
        let client = Client::legacy(&gantry.url("/mcp/up"), revision, json!({})).await;
        for tool in ["bare", "both"] {
            let reply = client.call(tool, json!({})).await;
            assert_eq!(reply.result()["structuredContent"], Value::Null, "{reply:?}");
            assert_eq!(reply.result()["content"].as_array().map(Vec::len), Some(1), "{reply:?}");
            let text: Value = serde_json::from_str(reply.text()).expect("the text is JSON");
            assert_eq!(text, json!([1, 2]), "{reply:?}");
        }
        let reply = client.call("object", json!({})).await;
        assert_eq!(reply.result()["structuredContent"], json!({ "a": 1 }), "{reply:?}");
    }
    // A strict client refuses a whole list for one tool that breaks its schema.
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/typescript_v1.cjs");
    let mut command = node::script(client);
    let calls = json!([{ "name": "bare", "arguments": {} }]);
    let plan = json!({ "era": "legacy", "answers": false, "calls": calls });
    command.arg(gantry.url("/mcp/up")).arg(plan.to_string());
    let finished = process::run(command, LIMIT * 2).await.expect("the client runs");
    let line = finished.stdout.lines().last().unwrap_or_default();
    let seen: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{finished}"));
    assert_eq!(seen["tools"], json!(["bare", "both", "object"]), "{finished}");
    assert_eq!(seen["results"][0]["content"][0]["text"], "[1,2]", "{finished}");
}

/// L->*: audio and resource links for clients of revisions that do not know them.
#[tokio::test]
async fn case_41_content_that_a_revision_does_not_know_is_said_in_another_way() {
    let audio = json!({ "type": "audio", "data": "AAEC", "mimeType": "audio/wav" });
    let link =
        json!({ "type": "resource_link", "uri": "test://r", "name": "r", "mimeType": "a/b" });
    for script in [Scripted::legacy("2025-11-25"), Scripted::modern()] {
        let content = json!([audio, link, { "type": "text", "text": "x" }]);
        let message = |content: &Value| json!({ "role": "user", "content": content });
        let messages = json!([message(&audio), message(&link)]);
        let upstream = script
            .tool("t", json!({}), move |_| Answer::Result(json!({ "content": content })))
            .prompt("p", json!({}), move |_| Answer::Result(json!({ "messages": messages })))
            .start()
            .await;
        let gantry = in_front_of(upstream.server()).await;
        for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let client = Client::legacy(&gantry.url("/mcp/up"), revision, json!({})).await;
            let called = client.call("t", json!({})).await;
            let content = &called.result()["content"];
            let prompt = client.request("prompts/get", json!({ "name": "p" })).await;
            let messages = &prompt.result()["messages"];
            for block in [&content[0], &messages[0]["content"]] {
                if revision == "2024-11-05" {
                    assert_eq!(block["type"], "resource", "{block}");
                    assert_eq!(block["resource"]["blob"], "AAEC", "{block}");
                    assert_eq!(block["resource"]["mimeType"], "audio/wav", "{block}");
                    assert!(block["resource"]["uri"].is_string(), "{block}");
                } else {
                    assert_eq!(*block, audio, "{revision}");
                }
            }
            for block in [&content[1], &messages[1]["content"]] {
                if revision < "2025-06-18" {
                    assert_eq!(block["type"], "text", "{block}");
                    let text = block["text"].as_str().expect("text");
                    let all = ["test://r", "r", "a/b"];
                    assert!(all.iter().all(|part| text.contains(part)), "{block}");
                } else {
                    assert_eq!(*block, link, "{revision}");
                }
            }
            assert_eq!(content[2], json!({ "type": "text", "text": "x" }));
            assert_eq!(content.as_array().map(Vec::len), Some(3));
        }
    }
}
