//! A call has exactly one entry, by whichever door it comes and however it ends.

use serde_json::{Value, json};

use super::{config, entries, is_event, is_whole, script, until};
use crate::support::{
    client::{Client, pipe::PipeClient},
    gantry::Gantry,
    scripted::{Answer, Scripted},
    wait::eventually,
};

/// Calls the tool `good` with the number of the door as its argument, by each of them.
async fn call_by_each_door(gantry: &Gantry) -> Vec<&'static str> {
    let arguments = |number: usize| json!({ "n": number });
    let modern = Client::modern(&gantry.url("/mcp"), json!({}));
    assert_eq!(modern.call("up__good", arguments(0)).await.text(), "fine");
    let legacy = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    assert_eq!(legacy.call("up__good", arguments(1)).await.text(), "fine");
    let one = Client::modern(&gantry.url("/mcp/up"), json!({}));
    assert_eq!(one.call("good", arguments(2)).await.text(), "fine");
    let rest = Client::modern(&gantry.url("/api/tools/up__good"), json!({}));
    let answer = rest.post(arguments(3).to_string(), &[("content-type", "application/json")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut pipe = PipeClient::attach(gantry);
    let params = |number: usize| json!({ "name": "up__good", "arguments": arguments(number) });
    let answer = pipe.modern("tools/call", params(4)).await;
    assert!(answer["result"].is_object(), "{answer}");
    pipe.handshake("2025-06-18", json!({})).await;
    let answer = pipe.legacy("tools/call", params(5)).await;
    assert!(answer["result"].is_object(), "{answer}");
    pipe.close().await;
    call_by_the_old_transport(gantry, params(6)).await;
    let called = gantry.run(&["tools", "call", "up__good", "-p", "n=7"]).await;
    assert!(called.status.success(), "{called}");
    vec!["modern", "legacy", "view", "REST", "modern pipe", "legacy pipe", "HTTP+SSE", "command"]
}

async fn call_by_the_old_transport(gantry: &Gantry, params: Value) {
    let client = Client::new(&gantry.url("/sse"), "2024-11-05", json!({}));
    let mut stream = client.bare("GET", &[("accept", "text/event-stream")]).await;
    let first = stream.next_event().await.expect("the stream begins with an event");
    let posting = Client::new(&gantry.url(&first.data), "2024-11-05", json!({}));
    let greeting = json!({
        "protocolVersion": "2024-11-05", "capabilities": {},
        "clientInfo": { "name": "old", "version": "1" },
    });
    for (id, method, params) in [(0, "initialize", greeting), (1, "tools/call", params)] {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        assert_eq!(posting.post(request.to_string(), &[]).await.status, 202);
        let answer = stream.next_message().await;
        assert!(answer["result"].is_object(), "{answer}");
    }
}

#[tokio::test]
async fn each_call_on_each_door_has_exactly_one_entry() {
    let upstream = script().start().await;
    let gantry = Gantry::start(&config(upstream.server(), json!({})).to_string()).await;
    let doors = call_by_each_door(&gantry).await;
    let is_call = |entry: &Value| is_event(entry, "tool.executed");
    let calls = until(&gantry, doors.len(), is_call).await;
    for (number, door) in doors.iter().enumerate() {
        let of_it: Vec<_> =
            calls.iter().filter(|entry| entry["arguments"]["n"] == number).collect();
        let [entry] = of_it.as_slice() else { panic!("{door}: {of_it:?}") };
        assert_eq!(entry["server"], "up", "{door}");
        assert_eq!(entry["outcome"], "ok", "{door}");
        assert!(entry["duration_us"].is_u64() && entry["request_id"].is_string(), "{door}");
        let is_here = matches!(*door, "modern pipe" | "legacy pipe" | "command");
        assert_eq!(entry["principal"], if is_here { "local" } else { "anonymous" }, "{door}");
        assert_eq!(entry["address"].is_null(), is_here, "{door}: {entry}");
    }
    let sessions = until(&gantry, 3, |entry| is_event(entry, "session.created")).await;
    assert!(sessions.iter().all(|entry| entry["session"].is_string()), "{sessions:?}");
    is_whole(&gantry).await;
    let (status, _) = gantry.stop().await;
    assert!(status.success());
}

#[tokio::test]
async fn an_entry_says_how_a_call_ended() {
    let upstream = script().start().await;
    let config = config(upstream.server(), json!({ "sync": "each" })).to_string();
    let gantry = Gantry::start(&config).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    client.call("up__bad", json!({})).await;
    client.call("up__none", json!({ "n": 1 })).await;
    client.request("prompts/get", json!({ "name": "up__ask" })).await;
    client.request("resources/read", json!({ "uri": "test://a" })).await;
    client.request("resources/read", json!({ "uri": "test://none" })).await;
    // Answered, so it is there.
    let said: Vec<_> = entries(&gantry)
        .iter()
        .filter(|entry| entry["method"].is_string())
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            let names = ["tool_name", "prompt_name", "resource"];
            let name = names.iter().find_map(|name| entry[*name].as_str()).unwrap_or_default();
            [text("event_type"), text("outcome"), text("code"), name.to_owned()]
        })
        .collect();
    let expected = [
        ["tool.failed", "tool_error", "", "up__bad"],
        ["tool.failed", "refused", "E0302", "up__none"],
        ["prompt.executed", "ok", "", "up__ask"],
        ["resource.read", "ok", "", "test://a"],
        ["resource.failed", "error", "", "test://none"],
    ];
    assert_eq!(said, expected.map(|entry| entry.map(str::to_owned)));
}

#[tokio::test]
async fn a_call_that_its_client_takes_back_has_an_entry_too() {
    let upstream = script().start().await;
    let gantry = Gantry::start(&config(upstream.server(), json!({})).to_string()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let message = client.message("tools/call", json!({ "name": "up__hang" }));
    let sending = client.send(&message, &[]);
    let upstream_hears = upstream.wait_for("tools/call", 1);
    tokio::select! {
        _ = sending => panic!("it hangs"),
        _ = upstream_hears => {}
    }
    let entries = until(&gantry, 1, |entry| entry["tool_name"] == "up__hang").await;
    assert_eq!(entries[0]["outcome"], "cancelled", "{entries:?}");
    assert!(is_event(&entries[0], "tool.failed"));
}

/// Asks twice before it has a result; the state names the round.
fn asking(seen: &crate::support::scripted::Seen) -> Answer {
    let ask = |state: &str| {
        let schema = json!({ "type": "object", "properties": {} });
        let params = json!({ "mode": "form", "message": "sure?", "requestedSchema": schema });
        Answer::Result(json!({
            "resultType": "input_required",
            "inputRequests": { "a": { "method": "elicitation/create", "params": params } },
            "requestState": state,
        }))
    };
    match seen.params()["requestState"].as_str() {
        None => ask("first"),
        Some("first") => ask("second"),
        Some(_) => Answer::text("done"),
    }
}

#[tokio::test]
async fn the_rounds_of_one_exchange_are_one_call() {
    let upstream = Scripted::modern().tool("ask", json!({}), asking).start().await;
    let gantry = Gantry::start(&config(upstream.server(), json!({})).to_string()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({ "elicitation": {} }));
    let call = |state: Option<&str>| {
        let mut params = json!({ "name": "up__ask", "arguments": { "n": 1 } });
        if let Some(state) = state {
            params["requestState"] = state.into();
            params["inputResponses"] = json!({ "a": { "action": "accept", "content": {} } });
        }
        params
    };
    let first = client.request("tools/call", call(None)).await;
    assert_eq!(first.result()["requestState"], "first");
    let second = client.request("tools/call", call(Some("first"))).await;
    assert_eq!(second.result()["requestState"], "second");
    let third = client.request("tools/call", call(Some("second"))).await;
    assert_eq!(third.text(), "done");
    let entries = until(&gantry, 1, |entry| entry["tool_name"] == "up__ask").await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!((&entries[0]["rounds"], &entries[0]["outcome"]), (&json!(3), &json!("ok")));
    assert_eq!(entries[0]["arguments"], json!({ "n": 1 }));
    assert_eq!(entries[0]["request_id"], first.header("x-request-id").unwrap_or_default());
    // One that nobody goes on with is recorded at the end.
    client.request("tools/call", call(None)).await;
    let file = super::trail(&gantry);
    let folder = file.parent().expect("a file is in a folder").to_owned();
    let kept = tempfile::tempdir().expect("a temporary folder can be made");
    let copy = kept.path().join("trail.log");
    let gantry = gantry
        .restart_after(async |_| {
            std::fs::copy(folder.join("trail.log"), &copy).expect("a file can be copied");
        })
        .await;
    let left: Vec<_> =
        super::read(&copy).into_iter().filter(|entry| entry["tool_name"] == "up__ask").collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left[1]["outcome"], "input_required");
    eventually("a new beginning", async || (entries_of_starts(&gantry) == 2).then_some(())).await;
    is_whole(&gantry).await;
}

fn entries_of_starts(gantry: &Gantry) -> usize {
    entries(gantry).iter().filter(|entry| is_event(entry, "gateway.started")).count()
}
