//! Circuit breakers: when they open, what is told of them, and how they close.

use serde_json::{Value, json};

use super::{admin, ask, call_by_api, code, figure, gateway, modern};
use crate::support::{
    client::Client,
    scripted::{Answer, Script, Scripted},
    wait::eventually,
};

fn failing(script: Script) -> Script {
    script.tool("t", json!({}), |_| Answer::Reset)
}

fn breaker(open: &str) -> Value {
    let breaker = json!({ "failures": 2, "open": open, "successes": 1 });
    json!({ "traffic": { "breaker": breaker } })
}

#[tokio::test]
async fn a_server_that_fails_is_left_alone_and_everybody_can_see_it() {
    let upstream = failing(Scripted::dual()).start().await;
    let gantry = gateway(&upstream, breaker("1h"), json!({})).await;
    let client = modern(&gantry);
    for _ in 0..2 {
        assert_ne!(code(client.call("up__t", json!({})).await.error()), "E0431");
    }
    let calls = upstream.seen_of("tools/call").len();
    let reply = client.call("up__t", json!({})).await;
    assert_eq!(reply.refusal(), (503, -32603), "{reply:?}");
    assert_eq!(code(reply.error()), "E0431");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((3500..=3600 + 720).contains(&wait), "{wait}");
    let legacy = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let reply = legacy.call("up__t", json!({})).await;
    assert_eq!((reply.status, code(reply.error())), (200, "E0431"));
    let (reply, body) = call_by_api(&gantry, "up__t").await;
    assert_eq!((reply.status, code(&body["error"])), (503, "E0431"));
    assert!(reply.header("retry-after").is_some());
    assert_eq!(upstream.seen_of("tools/call").len(), calls, "nothing is sent while it is open");

    let (reply, all) = ask(&gantry, "GET", "/circuit-breakers", &[]).await;
    assert_eq!(reply.status, 200);
    let counts = ["total_breakers", "open_breakers", "half_open_breakers", "closed_breakers"];
    assert_eq!(counts.map(|key| all[key].clone()), [1, 1, 0, 0].map(Value::from), "{all}");
    assert_eq!(all["health_score"], 0.0);
    let one = &all["breakers"]["up"];
    assert_eq!((&one["name"], &one["state"]), (&json!("up"), &json!("open")));
    let stats = &one["stats"];
    assert_eq!(stats["total_calls"], 2, "{stats}");
    assert_eq!(stats["failed_calls"], 2);
    assert_eq!(stats["rejected_calls"], 3);
    assert_eq!(stats["consecutive_failures"], 2);
    assert_eq!(stats["uptime_percentage"], 0.0);
    assert!(stats["last_failure_time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(one["config"]["failure_threshold"], 2);
    assert_eq!(one["config"]["timeout"], 3600.0);

    let open = figure(&gantry, r#"gantry_breaker_state{server="up",breaker="up"}"#).await;
    assert_eq!(open, Some(2));
    assert_eq!(figure(&gantry, r#"gantry_breaker_opened_total{server="up"}"#).await, Some(1));
    assert_eq!(figure(&gantry, r#"gantry_breaker_refused_total{server="up"}"#).await, Some(3));
    let listed = gantry.run(&["servers", "list"]).await;
    assert!(listed.stdout.contains("breaker open"), "{listed}");
}

#[tokio::test]
async fn the_administrator_alone_resets_breakers() {
    let upstream = failing(Scripted::modern()).start().await;
    let gantry = gateway(&upstream, breaker("1h"), json!({})).await;
    let client = modern(&gantry);
    for _ in 0..3 {
        client.call("up__t", json!({})).await.error();
    }
    upstream.change(|script| script.tool("t", json!({}), |_| Answer::text("again")));
    let reset = "/circuit-breakers/reset";
    assert_eq!(ask(&gantry, "POST", reset, &[]).await.0.status, 401);
    assert_eq!(code(client.call("up__t", json!({})).await.error()), "E0431");
    let token = admin(&gantry);
    let token = [("authorization", &*token)];
    let (reply, body) = ask(&gantry, "POST", &format!("{reset}?name=down"), &token).await;
    assert_eq!((reply.status, &body["error"]["code"]), (404, &json!("E0433")), "{body}");
    let (reply, body) = ask(&gantry, "POST", reset, &token).await;
    assert_eq!((reply.status, &body["reset"]), (200, &json!(["up"])), "{body}");
    assert_eq!(body["breakers"]["up"]["state"], "closed");
    assert_eq!(body["breakers"]["up"]["stats"]["total_calls"], 0);
    assert_eq!(client.call("up__t", json!({})).await.text(), "again");
    assert_eq!(ask(&gantry, "DELETE", reset, &token).await.0.status, 405);
}

#[tokio::test]
async fn a_server_that_answers_again_closes_its_breaker() {
    let upstream = failing(Scripted::modern()).start().await;
    let gantry = gateway(&upstream, breaker("200ms"), json!({})).await;
    let client = modern(&gantry);
    for _ in 0..2 {
        client.call("up__t", json!({})).await.error();
    }
    upstream.change(|script| script.tool("t", json!({}), |_| Answer::text("again")));
    let reply = eventually("an answer", async || {
        let reply = client.call("up__t", json!({})).await;
        reply.message["result"].is_object().then_some(reply)
    })
    .await;
    assert_eq!(reply.text(), "again");
    let (_, all) = ask(&gantry, "GET", "/circuit-breakers", &[]).await;
    assert_eq!(all["breakers"]["up"]["state"], "closed", "{all}");
}

#[tokio::test]
async fn a_silent_server_opens_it_and_a_tool_that_fails_does_not() {
    let upstream = Scripted::modern()
        .tool("silent", json!({}), |_| Answer::Hang)
        .tool("bad", json!({}), |_| Answer::Result(json!({ "content": [], "isError": true })))
        .tool("refuses", json!({}), |_| Answer::error(-32602, "no"))
        .start()
        .await;
    let mut server = breaker("1h");
    server["timeout"] = "300ms".into();
    let gantry = gateway(&upstream, server, json!({})).await;
    let client = modern(&gantry);
    for _ in 0..5 {
        assert!(client.call("up__bad", json!({})).await.is_error());
        assert_eq!(client.call("up__refuses", json!({})).await.code(), -32602);
    }
    for _ in 0..2 {
        assert_eq!(code(client.call("up__silent", json!({})).await.error()), "E0210");
    }
    assert_eq!(code(client.call("up__silent", json!({})).await.error()), "E0431");
    assert_eq!(code(client.call("up__bad", json!({})).await.error()), "E0431");
}

#[tokio::test]
async fn a_tool_may_have_a_breaker_of_its_own() {
    let upstream =
        failing(Scripted::modern()).tool("good", json!({}), |_| Answer::text("good")).start().await;
    let tool = json!({ "breaker": { "failures": 2, "open": "1h" } });
    let server = json!({ "traffic": { "tools": { "t": tool } } });
    let gantry = gateway(&upstream, server, json!({})).await;
    let client = modern(&gantry);
    for _ in 0..2 {
        client.call("up__t", json!({})).await.error();
    }
    assert_eq!(code(client.call("up__t", json!({})).await.error()), "E0431");
    assert_eq!(client.call("up__good", json!({})).await.text(), "good");
    let (_, all) = ask(&gantry, "GET", "/circuit-breakers", &[]).await;
    assert_eq!(all["breakers"]["up/t"]["state"], "open", "{all}");
    assert_eq!(all["total_breakers"], 1);
}

#[tokio::test]
async fn without_a_breaker_there_is_none() {
    let upstream = failing(Scripted::modern()).start().await;
    let gantry = gateway(&upstream, json!({}), json!({})).await;
    let (_, all) = ask(&gantry, "GET", "/circuit-breakers", &[]).await;
    assert_eq!((&all["total_breakers"], &all["health_score"]), (&json!(0), &json!(100.0)), "{all}");
}
