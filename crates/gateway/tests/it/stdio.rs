//! Both eras on one pipe.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::Principal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines};

use crate::support::gateway::{self, Running, server};
use crate::support::upstream::Upstream;
use crate::support::{greeting, legacy, modern, notification, soon};

struct Pipe {
    input: Option<DuplexStream>,
    output: Lines<BufReader<DuplexStream>>,
    served: tokio::task::JoinHandle<Option<()>>,
}

impl Pipe {
    fn open(running: &Running) -> Self {
        let (input, their_input) = tokio::io::duplex(64 * 1024);
        let (their_output, output) = tokio::io::duplex(64 * 1024);
        let gateway = Arc::clone(&running.gateway);
        let served = running.tasks.spawn("pipe", async move {
            let principal = Arc::new(Principal::local());
            gateway.serve_stream(their_input, their_output, principal, "".into()).await;
        });
        Self { input: Some(input), output: BufReader::new(output).lines(), served }
    }

    async fn send(&mut self, message: &Value) {
        self.line(&message.to_string()).await;
    }

    async fn line(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        soon(input.write_all(format!("{line}\n").as_bytes())).await.unwrap();
    }

    async fn next(&mut self) -> Option<Value> {
        let line = soon(self.output.next_line()).await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    async fn ask(&mut self, message: &Value) -> Value {
        self.send(message).await;
        self.next().await.unwrap()
    }
}

async fn with_upstream() -> (Running, Pipe, Upstream) {
    let running = gateway::start(Vec::new()).await;
    let upstream = Upstream::start(&running.tasks).await;
    running.gateway.apply(gateway::spec(vec![server("up", &upstream.url)])).await;
    let pipe = Pipe::open(&running);
    (running, pipe, upstream)
}

fn call(tool: &str) -> Value {
    json!({ "name": tool, "arguments": {} })
}

#[tokio::test]
async fn both_eras_may_speak_on_one_pipe() {
    let (_running, mut pipe, _upstream) = with_upstream().await;
    let discovered = pipe.ask(&modern(&json!(1), "server/discover", json!({}))).await;
    assert_eq!(discovered["result"]["resultType"], "complete");
    let hello = legacy(&json!(2), "initialize", &greeting("2025-11-25", &json!({})));
    let greeted = pipe.ask(&hello).await;
    assert_eq!(greeted["result"]["protocolVersion"], "2025-11-25");
    pipe.send(&notification("notifications/initialized", &json!({}))).await;
    let old = pipe.ask(&legacy(&json!(3), "tools/call", &call("up__echo"))).await;
    assert!(old["result"].get("resultType").is_none());
    let new = pipe.ask(&modern(&json!(4), "tools/call", call("up__echo"))).await;
    assert_eq!(new["result"]["resultType"], "complete");
    let old = pipe.ask(&legacy(&json!(5), "ping", &json!({}))).await;
    assert_eq!(old, json!({ "jsonrpc": "2.0", "id": 5, "result": {} }));
}

#[tokio::test]
async fn nothing_that_comes_in_ends_the_connection() {
    let running = gateway::start(Vec::new()).await;
    let mut pipe = Pipe::open(&running);
    let long = format!("\"{}\"", "x".repeat(70_000));
    for (line, code) in [
        ("rubbish", -32700),
        ("[]", -32600),
        ("{\"jsonrpc\":\"1.0\"}", -32600),
        (long.as_str(), -32600),
    ] {
        pipe.line(line).await;
        let answer = pipe.next().await.unwrap();
        assert_eq!(answer["error"]["code"], code, "{line:.40}");
        assert_eq!(answer["id"], Value::Null);
    }
    pipe.line("").await;
    for (message, code) in [
        (legacy(&json!("u"), "no/such", &json!({})), -32600),
        (legacy(&json!("u"), "tools/list", &json!({})), -32600),
        (legacy(&json!("u"), "server/discover", &json!({})), -32602),
        (modern(&json!("u"), "ping", json!({})), -32601),
    ] {
        let answer = pipe.ask(&message).await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!("u"), &json!(code)));
    }
    let pong = pipe.ask(&legacy(&json!(1), "ping", &json!({}))).await;
    assert_eq!(pong["result"], json!({}));
}

#[tokio::test]
async fn open_calls_are_answered_after_the_input_ended() {
    let (_running, mut pipe, _upstream) = with_upstream().await;
    pipe.ask(&modern(&json!(0), "tools/list", json!({}))).await;
    let mut params = call("up__report");
    params["_meta"]["progressToken"] = json!("p");
    pipe.send(&modern(&json!(1), "tools/call", params)).await;
    pipe.input = None;
    let mut last = Value::Null;
    while let Some(message) = pipe.next().await {
        last = message;
    }
    assert_eq!(last["id"], 1);
    soon(pipe.served).await.unwrap();
}

#[tokio::test]
async fn a_request_of_either_era_can_be_cancelled() {
    let (_running, mut pipe, upstream) = with_upstream().await;
    pipe.ask(&legacy(&json!(0), "initialize", &greeting("2025-06-18", &json!({})))).await;
    pipe.ask(&legacy(&json!(0), "tools/list", &json!({}))).await;
    for request in [
        legacy(&json!("a"), "tools/call", &call("up__hang")),
        modern(&json!("a"), "tools/call", call("up__hang")),
    ] {
        pipe.send(&request).await;
        let call = upstream.saw("tools/call").await;
        let params = json!({ "requestId": "a" });
        pipe.send(&notification("notifications/cancelled", &params)).await;
        let passed_on = upstream.saw("notifications/cancelled").await;
        assert_eq!(passed_on["params"]["requestId"], call["id"]);
    }
    // Neither is answered.
    assert_eq!(pipe.ask(&legacy(&json!(9), "ping", &json!({}))).await["id"], 9);
}

#[tokio::test]
async fn a_legacy_client_is_asked_on_the_pipe() {
    let (_running, mut pipe, _upstream) = with_upstream().await;
    let hello = greeting("2025-06-18", &json!({ "elicitation": {} }));
    pipe.ask(&legacy(&json!(0), "initialize", &hello)).await;
    pipe.send(&legacy(&json!(1), "tools/call", &call("up__ask"))).await;
    let question = pipe.next().await.unwrap();
    assert_eq!(question["method"], "elicitation/create");
    let result = json!({ "action": "decline" });
    pipe.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": result })).await;
    let answer = pipe.next().await.unwrap();
    assert_eq!(answer["id"], 1);
}

#[tokio::test]
async fn a_listen_stream_is_ended_by_cancelling_it() {
    let (running, mut pipe, upstream) = with_upstream().await;
    pipe.ask(&modern(&json!(0), "tools/list", json!({}))).await;
    let params = json!({ "notifications": { "toolsListChanged": true } });
    let ack = pipe.ask(&modern(&json!(7), "subscriptions/listen", params)).await;
    assert_eq!(ack["method"], "notifications/subscriptions/acknowledged");
    let spec = gateway::spec(vec![server("up", &upstream.url), server("b", &upstream.url)]);
    running.gateway.apply(spec).await;
    let changed = pipe.next().await.unwrap();
    assert_eq!(changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
    pipe.send(&notification("notifications/cancelled", &json!({ "requestId": 7 }))).await;
    pipe.ask(&modern(&json!(8), "server/discover", json!({}))).await;
    running.gateway.apply(gateway::spec(vec![])).await;
    let nothing = tokio::time::timeout(Duration::from_millis(600), pipe.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

#[tokio::test]
async fn a_listen_stream_on_a_pipe_says_twice_that_it_ends() {
    let (running, mut pipe, _upstream) = with_upstream().await;
    let params = json!({ "notifications": {} });
    pipe.ask(&modern(&json!("l"), "subscriptions/listen", params)).await;
    running.gateway.tasks.stop();
    let cancelled = pipe.next().await.unwrap();
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], "l");
    assert_eq!(pipe.next().await.unwrap()["id"], "l");
    assert!(pipe.next().await.is_none());
}

#[tokio::test]
async fn a_batch_is_answered_on_one_line() {
    let (_running, mut pipe, _upstream) = with_upstream().await;
    let batch = json!([
        legacy(&json!(1), "ping", &json!({})),
        legacy(&json!(2), "tools/call", &call("up__echo")),
    ]);
    pipe.line(&batch.to_string()).await;
    assert_eq!(pipe.next().await.unwrap()["error"]["code"], -32600);
    pipe.ask(&legacy(&json!(0), "initialize", &greeting("2025-03-26", &json!({})))).await;
    let answers = pipe.ask(&batch).await;
    assert_eq!(answers.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn calls_end_when_nobody_reads_any_more() {
    let (_running, mut pipe, upstream) = with_upstream().await;
    pipe.ask(&modern(&json!(0), "tools/list", json!({}))).await;
    pipe.send(&modern(&json!(1), "tools/call", call("up__hang"))).await;
    upstream.saw("tools/call").await;
    let Pipe { mut input, output, served } = pipe;
    drop(output);
    // Only a write notices that the reader is gone.
    let bad = input.as_mut().unwrap().write_all(b"rubbish\n");
    soon(bad).await.unwrap();
    soon(served).await.unwrap();
    upstream.saw("notifications/cancelled").await;
}
