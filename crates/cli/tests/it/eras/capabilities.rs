//! What clients declare and what upstreams are told of it: cases 28 to 35.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};

use super::{in_front_of, ready};
use crate::support::{
    client::{Client, pipe::PipeClient},
    gantry::Gantry,
    node,
    scripted::{Answer, Script, Scripted, Seen, stdio::StdioScript},
    wait::eventually,
};

/// A tool that tells the session it is called in, in words.
fn who(script: Script) -> Script {
    script.tool("who", json!({}), |seen| Answer::text(seen.session().unwrap_or("nobody")))
}

/// The session in which a call of [`who`] by a modern client with these capabilities runs.
async fn session_of(gantry: &Gantry, capabilities: &Value) -> String {
    let client = Client::modern(&gantry.url("/mcp"), capabilities.clone());
    client.call("up__who", json!({})).await.text().to_owned()
}

/// The capabilities that were declared in the session, by the order in which sessions are made.
fn declared_in(upstream: &Scripted, session: &str) -> Value {
    let sessions: Vec<_> = upstream.sessions();
    let at = sessions.iter().position(|known| known == session);
    let at = at.unwrap_or_else(|| panic!("no session `{session}` in {sessions:?}"));
    upstream.seen_of("initialize")[at].params()["capabilities"].clone()
}

/// M->L: callers that declare elicitation, and nothing; the upstream asks on the streams of both.
#[tokio::test]
async fn case_28_callers_of_different_capabilities_have_lanes_of_their_own() {
    let script = who(Scripted::legacy("2025-11-25")).tool("ask", json!({}), |_| {
        Answer::talk(async |talk| {
            let params = json!({ "message": "?", "requestedSchema": { "type": "object" } });
            let answer = talk.ask("elicitation/create", params).await;
            Answer::text(answer["error"]["code"].to_string())
        })
    });
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    let asked = session_of(&gantry, &json!({ "elicitation": {} })).await;
    let unasked = session_of(&gantry, &json!({})).await;
    assert_ne!(asked, unasked);
    assert!(declared_in(&upstream, &asked)["elicitation"]["form"].is_object());
    assert_eq!(declared_in(&upstream, &unasked), json!({}));
    // The second of each is in the lane of the first.
    assert_eq!(session_of(&gantry, &json!({ "elicitation": {} })).await, asked);
    assert_eq!(session_of(&gantry, &json!({})).await, unasked);

    // Even an upstream that asks what it was not offered reaches nobody.
    let modern = Client::modern(&gantry.url("/mcp"), json!({}));
    let legacy = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    for client in [modern, legacy] {
        let reply = client.call("up__ask", json!({})).await;
        assert_eq!(reply.messages, [] as [Value; 0], "{reply:?}");
        assert_eq!(reply.text(), "-32602", "{reply:?}");
    }
}

/// M->L: a callback outside of any call, while two callers' calls are open in lanes of their own.
#[tokio::test]
async fn case_28_a_question_in_one_lane_is_not_heard_in_another() {
    let script = who(Scripted::legacy("2025-11-25")).tool("wait", json!({}), |_| {
        Answer::talk(async |talk| {
            talk.progress(0.5).await;
            Answer::Hang
        })
    });
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    session_of(&gantry, &json!({ "elicitation": {} })).await;
    let silent = Client::modern(&gantry.url("/mcp"), json!({}));
    let params = json!({ "name": "up__wait", "_meta": { "progressToken": "t" } });
    let mut open = silent.start("tools/call", params).await;
    assert_eq!(open.next_message().await["method"], "notifications/progress");
    upstream.wait_for_streams(2).await;
    let params = json!({ "message": "?", "requestedSchema": { "type": "object" } });
    let answer = upstream.ask_outside("elicitation/create", params).await;
    assert!(answer["error"].is_object(), "{answer}");
    let heard = open.messages_within(std::time::Duration::from_millis(200)).await;
    assert_eq!(heard, [] as [Value; 0]);
}

/// M->L stdio: callers that declare elicitation, and nothing; a program asks whoever calls.
#[tokio::test]
async fn case_28_callers_of_different_capabilities_have_programs_of_their_own() {
    let ask = json!({ "method": "elicitation/create", "params": { "message": "?" } });
    let text = |text: &str| json!({ "content": [{ "type": "text", "text": text }] });
    let script = StdioScript::new("2025-11-25")
        .tool("who", json!({}), json!([{ "result": text("$start") }]))
        .tool("ask", json!({}), json!([{ "ask": ask }, { "result": "$answer" }]));
    let gantry = in_front_of(script.server()).await;
    let asked = session_of(&gantry, &json!({ "elicitation": {} })).await;
    let unasked = session_of(&gantry, &json!({})).await;
    assert_ne!(asked, unasked);
    for line in script.seen_of("initialize") {
        let declared = &line.message["params"]["capabilities"]["elicitation"];
        assert_eq!(declared.is_object(), line.start.to_string() == asked, "{line:?}");
    }
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let reply = client.call("up__ask", json!({})).await;
    assert_eq!(reply.messages, [] as [Value; 0], "{reply:?}");
    assert!(reply.text().contains("-32602"), "{reply:?}");
}

/// M->L: the reference server registers tools by what its client declares.
#[tokio::test]
async fn case_29_the_reference_server_offers_what_it_offers_directly() {
    let script = node::package("@modelcontextprotocol/server-everything", "dist/index.js");
    let server = json!({ "command": node::node(), "args": [script], "probe_timeout": "30s" });
    let gantry = in_front_of(server).await;
    ready(&gantry).await;
    let all = json!({ "roots": {}, "sampling": {}, "elicitation": { "form": {}, "url": {} } });
    let mut lists = Vec::new();
    for capabilities in [json!({}), all] {
        let mut direct = PipeClient::of(node::script(&script));
        direct.handshake("2025-11-25", capabilities.clone()).await;
        let listed = direct.legacy("tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().expect("a list of tools");
        let expected: Vec<_> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
        assert!(expected.len() > 5, "{expected:?}");
        let client = Client::modern(&gantry.url("/mcp/up"), capabilities.clone());
        eventually(&format!("the tools of {capabilities}"), async || {
            (client.tool_names().await == expected).then_some(())
        })
        .await;
        // On the endpoint of everything they are the same under their public names.
        let client = Client::modern(&gantry.url("/mcp"), capabilities);
        let listed = client.tool_names().await;
        let public: Vec<_> = listed.iter().filter_map(|name| name.strip_prefix("up__")).collect();
        assert_eq!(public, expected);
        lists.push(expected.into_iter().map(str::to_owned).collect::<BTreeSet<_>>());
    }
    assert!(lists[0].is_subset(&lists[1]) && lists[0] != lists[1], "{lists:?}");
}

/// M->L: eight profiles have lanes, a ninth caller comes.
#[tokio::test]
async fn case_30_a_ninth_profile_shares_the_lane_of_a_subset() {
    let upstream = who(Scripted::legacy("2025-11-25")).start().await;
    let gantry = in_front_of(upstream.server()).await;
    let form = || json!({ "form": {} });
    let eight = [
        json!({ "roots": {} }),
        json!({ "sampling": {} }),
        json!({ "elicitation": form() }),
        json!({ "roots": {}, "sampling": {} }),
        json!({ "roots": {}, "elicitation": { "url": {} } }),
        json!({ "sampling": { "tools": {} } }),
        json!({ "elicitation": { "url": {} } }),
        json!({ "sampling": { "context": {} } }),
    ];
    let mut sessions = BTreeSet::new();
    for capabilities in &eight {
        sessions.insert(session_of(&gantry, capabilities).await);
    }
    assert_eq!(sessions.len(), eight.len());
    let handshakes = upstream.seen_of("initialize").len();

    let ninth = json!({ "roots": {}, "sampling": {}, "elicitation": form() });
    let session = session_of(&gantry, &ninth).await;
    assert!(sessions.contains(&session), "{session} is not one of {sessions:?}");
    let declared = declared_in(&upstream, &session);
    assert_eq!(declared, json!({ "roots": {}, "sampling": {} }), "the best subset, never more");
    assert_eq!(upstream.seen_of("initialize").len(), handshakes);
    // Their lists come from there as well.
    let client = Client::modern(&gantry.url("/mcp/up"), ninth);
    assert_eq!(client.tool_names().await, ["who"]);
    assert_eq!(upstream.seen_of("initialize").len(), handshakes);
}

/// M->L: eight lanes, of which none may serve the ninth caller.
#[tokio::test]
async fn case_30_a_ninth_profile_without_a_subset_is_asked_for_nothing() {
    let upstream = who(Scripted::legacy("2025-11-25")).start().await;
    let gantry = in_front_of(upstream.server()).await;
    let extension = |number: usize| json!({ format!("com.example/{number}"): {} });
    for number in 0..8 {
        let capabilities = json!({ "sampling": {}, "extensions": extension(number) });
        session_of(&gantry, &capabilities).await;
    }
    let session = session_of(&gantry, &json!({ "roots": {} })).await;
    assert_eq!(declared_in(&upstream, &session), json!({}));
}

/// M->L: an upstream of 2025-06-18, which knows elicitation by form alone.
#[tokio::test]
async fn case_31_what_a_revision_has_no_word_for_is_not_declared() {
    let upstream = who(Scripted::legacy("2025-06-18")).start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let by_url = session_of(&gantry, &json!({ "elicitation": { "url": {} } })).await;
    assert_eq!(declared_in(&upstream, &by_url), json!({}));
    assert_eq!(by_url, session_of(&gantry, &json!({})).await);
    let by_form = session_of(&gantry, &json!({ "elicitation": {} })).await;
    assert!(declared_in(&upstream, &by_form)["elicitation"].is_object());
    let older = who(Scripted::legacy("2025-03-26")).start().await;
    let gantry = in_front_of(older.server()).await;
    ready(&gantry).await;
    let session = session_of(&gantry, &json!({ "elicitation": {}, "sampling": {} })).await;
    assert_eq!(declared_in(&older, &session), json!({ "sampling": {} }));
}

/// A modern upstream with something behind each method that clients call.
async fn with_everything() -> Scripted {
    Scripted::modern()
        .tool("t", json!({}), |_| Answer::text("t"))
        .prompt("p", json!({}), |_| Answer::Result(json!({ "messages": [] })))
        .resource("test://r", json!({}), |_| Answer::Result(json!({ "contents": [] })))
        .start()
        .await
}

/// Sends one of each of the requests that go to an upstream; returns what the upstream saw.
async fn one_of_each(upstream: &Scripted, client: &Client) -> Vec<Arc<Seen>> {
    let reference = json!({ "type": "ref/prompt", "name": "up__p" });
    let argument = json!({ "name": "a", "value": "b" });
    let requests = [
        ("tools/call", json!({ "name": "up__t" })),
        ("prompts/get", json!({ "name": "up__p" })),
        ("resources/read", json!({ "uri": "test://r" })),
        ("completion/complete", json!({ "ref": reference, "argument": argument })),
    ];
    let mut seen = Vec::new();
    for (method, params) in requests {
        client.request(method, params).await.result();
        seen.extend(upstream.wait_for(method, 1).await);
    }
    assert_eq!(seen.len(), 4);
    seen
}

/// L->M: a session that declared roots with `listChanged`, sampling, and tasks.
#[tokio::test]
async fn case_32_a_session_s_capabilities_are_in_every_request() {
    let upstream = with_everything().await;
    let gantry = in_front_of(upstream.server()).await;
    let capabilities = json!({
        "roots": { "listChanged": true },
        "sampling": {},
        "tasks": { "list": {}, "requests": { "sampling": { "createMessage": {} } } },
    });
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", capabilities).await;
    for seen in one_of_each(&upstream, &client).await {
        assert_eq!(*seen.capabilities(), json!({ "roots": {}, "sampling": {} }), "{seen:?}");
        let info = &seen.meta()["io.modelcontextprotocol/clientInfo"];
        assert_eq!(info["name"], "raw-client", "{seen:?}");
    }
}

/// An upstream that refuses a call for want of a capability.
async fn demanding(method: &'static str) -> Scripted {
    Scripted::modern()
        .tool("t", json!({}), |_| Answer::text("never"))
        .prompt("p", json!({}), |_| Answer::text("never"))
        .on(method, |_| Answer::error_with(-32021, "sampling, please", demanded()))
        .start()
        .await
}

fn demanded() -> Value {
    json!({ "requiredCapabilities": { "sampling": {} }, "vendor": [1, { "a": null }] })
}

/// L->M: the upstream answers -32021.
#[tokio::test]
async fn case_33_a_missing_capability_is_a_tool_s_failure_for_a_legacy_client() {
    let upstream = demanding("tools/call").await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let reply = client.call("up__t", json!({})).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.is_error() && reply.text().contains("sampling"), "{reply:?}");
    assert_eq!(reply.result()["resultType"], Value::Null, "{reply:?}");
    // What has no `isError` fails by an error of the legacy era, with the details.
    let upstream = demanding("prompts/get").await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let reply = client.request("prompts/get", json!({ "name": "up__p" })).await;
    assert_eq!(reply.refusal(), (200, -32603), "{reply:?}");
    assert_eq!(reply.error()["data"], demanded(), "{reply:?}");
}

/// M->M: the upstream answers -32021.
#[tokio::test]
async fn case_34_a_missing_capability_is_a_modern_client_s_own_to_hear_of() {
    let upstream = demanding("tools/call").await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let reply = client.call("up__t", json!({})).await;
    assert_eq!(reply.refusal(), (400, -32021), "{reply:?}");
    assert_eq!(reply.error()["data"], demanded(), "{reply:?}");
    assert_eq!(reply.error()["message"], "sampling, please", "{reply:?}");
}

/// L->M: a session that declared the extensions for user interfaces and for tasks.
#[tokio::test]
async fn case_35_extensions_arrive_and_tasks_do_not() {
    let upstream = with_everything().await;
    let gantry = in_front_of(upstream.server()).await;
    let interfaces = json!({ "mimeTypes": ["text/html;profile=mcp-app"] });
    let capabilities = json!({ "extensions": {
        "io.modelcontextprotocol/ui": interfaces.clone(),
        "io.modelcontextprotocol/tasks": {},
    } });
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", capabilities).await;
    let expected = json!({ "extensions": { "io.modelcontextprotocol/ui": interfaces } });
    for seen in one_of_each(&upstream, &client).await {
        assert_eq!(*seen.capabilities(), expected, "{seen:?}");
    }
    // A client that has tasks and nothing else has nothing to declare.
    let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", capabilities).await;
    upstream.forget();
    for seen in one_of_each(&upstream, &client).await {
        assert_eq!(*seen.capabilities(), json!({}), "{seen:?}");
    }
}
