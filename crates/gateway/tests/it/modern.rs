//! Modern clients over HTTP.

use serde_json::json;

use crate::support::client::Client;
use crate::support::gateway::{self, server};
use crate::support::upstream::Upstream;
use crate::support::{legacy, modern, notification, soon};

async fn alone() -> Client {
    Client::new(&gateway::start(Vec::new()).await)
}

#[tokio::test]
async fn discover_says_what_the_gateway_is() {
    let client = alone().await;
    let mut answer = client.modern(&modern(&json!("a"), "server/discover", json!({}))).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers.get("mcp-session-id").is_none());
    let message = answer.json().await;
    assert_eq!(message["id"], "a");
    let result = &message["result"];
    let versions = json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]);
    assert_eq!(result["supportedVersions"], versions);
    assert_eq!(result["resultType"], "complete");
    assert!(result["ttlMs"].is_u64());
    assert!(result["capabilities"]["tools"].is_object());
    let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
    assert_eq!(info["name"], "gantry");
}

#[tokio::test]
async fn a_list_comes_in_pages_with_cursors_of_ours() {
    let client = alone().await;
    let mut names = Vec::new();
    let mut params = json!({});
    loop {
        let mut answer = client.modern(&modern(&json!(1), "tools/list", params.clone())).await;
        let result = answer.json().await["result"].clone();
        assert_eq!(result["resultType"], "complete");
        let tools = result["tools"].as_array().unwrap();
        names.extend(tools.iter().map(|tool| tool["name"].clone()));
        match result.get("nextCursor") {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => break,
        }
    }
    assert!(names.contains(&json!("gantry__list_servers")), "{names:?}");
    assert!(names.len() > 2);
    for cursor in ["", "x", params["cursor"].as_str().unwrap_or("y").get(1..).unwrap()] {
        let list = modern(&json!(1), "tools/list", json!({ "cursor": cursor }));
        let mut answer = client.modern(&list).await;
        assert_eq!(answer.json().await["error"]["code"], -32602, "{cursor}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_and_principal() {
    let client = alone().await;
    let mut answer = client.modern(&modern(&json!(1), "tools/list", json!({}))).await;
    let cursor = answer.json().await["result"]["nextCursor"].clone();
    assert!(cursor.is_string());
    let next = |method| modern(&json!(1), method, json!({ "cursor": cursor }));
    let other = client.clone().with("x-test-principal", "bob");
    let view = client.clone().at("/mcp/gantry");
    for (client, method, good) in [
        (&client, "tools/list", true),
        (&client, "prompts/list", false),
        (&other, "tools/list", false),
        (&view, "tools/list", false),
    ] {
        let answer = client.modern(&next(method)).await.json().await;
        assert_eq!(answer.get("result").is_some(), good, "{method} {answer}");
    }
}

#[tokio::test]
async fn methods_of_the_other_era_are_not_found() {
    let client = alone().await;
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/x"] {
        let mut answer = client.modern(&modern(&json!(7), method, json!({}))).await;
        assert_eq!(answer.status, 404, "{method}");
        assert!(answer.headers.get("mcp-session-id").is_none());
        let message = answer.json().await;
        assert_eq!((&message["id"], &message["error"]["code"]), (&json!(7), &json!(-32601)));
    }
}

#[tokio::test]
async fn what_contradicts_itself_is_refused() {
    let client = alone().await;
    let list = modern(&json!(1), "tools/list", json!({}));
    let bare = legacy(&json!(1), "tools/list", &json!({}));
    let known = client.clone().with("mcp-protocol-version", "2026-07-28");
    for (client, message, code) in [
        (client.clone(), &list, -32020),
        (known.clone(), &list, -32020),
        (known.clone().with("mcp-method", "tools/call"), &list, -32020),
        (known, &bare, -32602),
        (client.clone(), &bare, -32600),
    ] {
        let mut answer = client.send(message).await;
        assert_eq!(answer.status, 400);
        let answer = answer.json().await;
        assert_eq!(answer["error"]["code"], code, "{answer}");
        assert_eq!(answer["id"], 1);
    }
}

#[tokio::test]
async fn bad_bodies_get_the_error_that_names_them() {
    let client = alone().await;
    let long = format!("\"{}\"", "x".repeat(70_000));
    for (body, status, code) in [
        ("{", 400, -32700),
        ("{\"jsonrpc\":\"2.0\"}", 400, -32600),
        ("[]", 400, -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, 400, -32600),
        (long.as_str(), 413, -32600),
    ] {
        let mut answer = client.request("POST", body.to_owned()).await;
        assert_eq!(answer.status, status, "{body:.80}");
        assert_eq!(answer.json().await["error"]["code"], code, "{body:.80}");
    }
    let form = client.clone().with("content-type", "application/x-www-form-urlencoded");
    assert_eq!(form.request("POST", "{}").await.status, 415);
    let picky = client.clone().with("accept", "text/html");
    assert_eq!(picky.modern(&modern(&json!(1), "tools/list", json!({}))).await.status, 406);
    assert_eq!(client.clone().at("/mcp/nobody").request("POST", "{}").await.status, 404);
    let put = client.request("PUT", "{}").await;
    assert_eq!((put.status, put.headers["allow"].as_bytes()), (405, &b"GET, POST, DELETE"[..]));
}

#[tokio::test]
async fn what_is_refused_names_the_page_that_explains_it() {
    let running = gateway::start(vec![server("down", "http://127.0.0.1:9/mcp")]).await;
    let client = Client::new(&running);
    let list = modern(&json!(1), "tools/list", json!({}));
    let mut later = list.clone();
    later["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let unknown = modern(&json!(1), "tools/call", json!({ "name": "x" }));
    let foreign = client.clone().with("mcp-session-id", "foreign");
    let own = client.clone().at("/mcp/down");
    let beyond = modern(&json!(1), "vendor/method", json!({}));
    for (mut answer, code) in [
        (client.request("POST", "{").await, "E0305"),
        (client.send(&list).await, "E0307"),
        (client.modern(&later).await, "E0308"),
        (client.modern(&unknown).await, "E0302"),
        (foreign.send(&legacy(&json!(1), "ping", &json!({}))).await, "E0306"),
        (client.clone().at("/mcp/nobody").modern(&list).await, "E0301"),
        (own.modern(&beyond).await, "E0202"),
    ] {
        let answer = answer.json().await;
        assert_eq!(answer["error"]["data"]["code"], code, "{answer}");
    }
}

#[tokio::test]
async fn get_and_delete_without_a_session_say_what_is_allowed() {
    let client = alone().await;
    for method in ["GET", "DELETE"] {
        let answer = client.request(method, "").await;
        assert_eq!((answer.status, answer.headers["allow"].as_bytes()), (405, &b"POST"[..]));
        let foreign = client.clone().with("mcp-session-id", "foreign");
        assert_eq!(foreign.request(method, "").await.status, 404);
    }
}

#[tokio::test]
async fn a_notification_is_accepted_and_ignored() {
    let client = alone().await.with("mcp-protocol-version", "2026-07-28");
    let answer = client.send(&notification("notifications/cancelled", &json!({}))).await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn a_call_that_says_nothing_is_answered_as_json() {
    let running = gateway::start(Vec::new()).await;
    let upstream = Upstream::start(&running.tasks).await;
    running.gateway.apply(gateway::spec(vec![server("up", &upstream.url)])).await;
    let client = Client::new(&running);
    let listed = client.modern(&modern(&json!(1), "tools/list", json!({}))).await.json().await;
    assert_eq!(listed["result"]["tools"][0]["name"], "up__echo");
    let params = json!({ "name": "up__echo", "arguments": { "a": 1 } });
    let mut answer = client.modern(&modern(&json!("x"), "tools/call", params)).await;
    assert!(!answer.is_stream());
    let message = answer.json().await;
    assert_eq!(message["id"], "x");
    assert_eq!(message["result"]["content"][0]["text"], r#"{"a":1}"#);
    assert_eq!(message["result"]["resultType"], "complete");
}

async fn with_upstream() -> (Client, Upstream) {
    let running = gateway::start(Vec::new()).await;
    let upstream = Upstream::start(&running.tasks).await;
    running.gateway.apply(gateway::spec(vec![server("up", &upstream.url)])).await;
    let client = Client::new(&running);
    client.modern(&modern(&json!(0), "tools/list", json!({}))).await.json().await;
    (client, upstream)
}

#[tokio::test]
async fn progress_and_wanted_logs_come_before_the_result() {
    let (client, _upstream) = with_upstream().await;
    let mut params = json!({ "name": "up__report" });
    params["_meta"]["progressToken"] = json!(5);
    params["_meta"]["io.modelcontextprotocol/logLevel"] = json!("error");
    let mut answer = client.modern(&modern(&json!(1), "tools/call", params)).await;
    assert!(answer.is_stream());
    let all = answer.rest().await;
    let progress: Vec<_> =
        all.iter().filter(|message| message["method"] == "notifications/progress").collect();
    assert_eq!(progress.len(), 2);
    assert!(progress.iter().all(|message| message["params"]["progressToken"] == 5));
    let logs: Vec<_> =
        all.iter().filter(|message| message["method"] == "notifications/message").collect();
    assert_eq!(logs.len(), 1, "{all:?}");
    assert_eq!(all.last().unwrap()["result"]["content"][0]["text"], "reported");
    assert!(answer.ids.is_empty(), "modern streams cannot be resumed");
}

#[tokio::test]
async fn without_token_and_level_nothing_but_the_result_comes() {
    let (client, _upstream) = with_upstream().await;
    let params = json!({ "name": "up__report" });
    let mut answer = client.modern(&modern(&json!(1), "tools/call", params)).await;
    assert!(!answer.is_stream());
    assert_eq!(answer.json().await["result"]["content"][0]["text"], "reported");
}

#[tokio::test]
async fn a_client_without_streams_gets_json_whatever_is_said() {
    let (client, _upstream) = with_upstream().await;
    let mut params = json!({ "name": "up__report" });
    params["_meta"]["progressToken"] = json!("t");
    let client = client.with("accept", "application/json");
    let mut answer = client.modern(&modern(&json!(1), "tools/call", params)).await;
    assert_eq!(answer.json().await["result"]["content"][0]["text"], "reported");
}

#[tokio::test]
async fn closing_the_stream_cancels_the_call() {
    let (client, upstream) = with_upstream().await;
    let params = json!({ "name": "up__hang" });
    let sent = modern(&json!(1), "tools/call", params);
    let call = tokio::time::timeout(std::time::Duration::from_millis(300), client.modern(&sent));
    assert!(call.await.is_err());
    let call = upstream.saw("tools/call").await;
    let cancelled = upstream.saw("notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], call["id"]);
}

#[tokio::test]
async fn a_long_call_becomes_a_stream_that_can_be_kept_alive() {
    let (client, _upstream) = with_upstream().await;
    let params = json!({ "name": "up__slow" });
    let mut answer = client.modern(&modern(&json!(1), "tools/call", params)).await;
    assert!(answer.is_stream());
    assert_eq!(answer.headers["x-accel-buffering"], "no");
    assert_eq!(answer.rest().await[0]["result"]["content"][0]["text"], "slow");
}

#[tokio::test]
async fn a_modern_client_is_not_asked_in_the_middle_of_a_call() {
    let (client, upstream) = with_upstream().await;
    let mut params = json!({ "name": "up__ask" });
    params["_meta"]["progressToken"] = json!(1);
    let mut message = modern(&json!(1), "tools/call", params);
    let capabilities = json!({ "elicitation": {} });
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    let mut answer = client.modern(&message).await;
    let answer =
        if answer.is_stream() { answer.rest().await.remove(0) } else { answer.json().await };
    assert_eq!(answer["id"], 1, "{answer}");
    drop(upstream);
}

#[tokio::test]
async fn a_large_body_is_read_beside_the_thread_that_carries_requests() {
    let running = gateway::start(Vec::new()).await;
    let client = Client::new(&running);
    // Every thread that reads is kept from it, so that what is read all the same was read here.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut blocked = Vec::new();
    let mut gates = Vec::new();
    for _ in 0..cores {
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let reading = running.gateway.reading.clone();
        let block = async move { reading.run(move || gate.recv().is_err()).await };
        blocked.push(running.tasks.spawn("block", block));
        gates.push(open);
    }
    let text = "x".repeat(64 * 1024 - 400);
    let large = modern(&json!("large"), "server/discover", json!({ "_meta": { "text": text } }));
    assert!(large.to_string().len() < 64 * 1024);
    let mut large = large.to_string();
    // As large as the test's gateway takes.
    large.push_str(&" ".repeat(64 * 1024 - large.len()));
    let headed = client
        .clone()
        .with("mcp-protocol-version", "2026-07-28")
        .with("mcp-method", "server/discover");
    let reading = running.tasks.spawn("large", async move {
        let mut answer = headed.request("POST", large).await;
        (answer.status, answer.json().await["id"].clone())
    });
    for _ in 0..20 {
        let mut answer = client.modern(&modern(&json!(1), "server/discover", json!({}))).await;
        assert_eq!(answer.json().await["id"], 1);
    }
    assert!(!reading.is_finished(), "a large body was read on the thread of the requests");
    drop(gates);
    assert_eq!(soon(reading).await.unwrap(), Some((200, json!("large"))));
    for block in blocked {
        assert_eq!(soon(block).await.unwrap(), Some(Ok(true)));
    }
}
