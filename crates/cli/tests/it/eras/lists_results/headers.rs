//! Arguments that are repeated in headers: cases 42 to 45.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::super::{in_front_of, ready};
use crate::support::{
    client::Client,
    scripted::{Answer, Script, Scripted},
};

/// A definition whose arguments are repeated in headers: the name of the argument, its type, and
/// the header.
fn annotated(arguments: &[(&str, Value, &str)]) -> Value {
    let mut properties = json!({});
    for (name, kind, header) in arguments {
        properties[*name] = json!({ "type": kind, "x-mcp-header": header });
    }
    json!({ "inputSchema": { "type": "object", "properties": properties } })
}

/// *->M: one tool names a header twice.
#[tokio::test]
async fn case_42_a_tool_with_a_repeated_header_is_left_out_alone() {
    let twice = annotated(&[("a", json!("string"), "Region"), ("b", json!("string"), "region")]);
    let upstream = Scripted::modern()
        .tool("good", annotated(&[("a", json!("string"), "Region")]), |_| Answer::text("good"))
        .tool("twice", twice, |_| Answer::text("twice"))
        .tool("plain", json!({}), |_| Answer::text("plain"))
        .start()
        .await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let url = gantry.url("/mcp/up");
    let legacy = Client::legacy(&url, "2025-11-25", json!({})).await;
    for client in [Client::modern(&url, json!({})), legacy] {
        assert_eq!(client.tool_names().await, ["good", "plain"]);
        assert_eq!(client.call("twice", json!({})).await.code(), -32602);
    }
    let log = gantry.log();
    let warned = |line: &str| line.contains("WARN") && line.contains("twice");
    assert!(log.lines().any(warned), "{log}");
}

/// L->M: arguments of every kind that a header may repeat.
#[tokio::test]
async fn case_43_headers_are_made_from_arguments() {
    let definition = annotated(&[
        ("region", json!("string"), "Region"),
        ("count", json!("integer"), "Count"),
        ("dry", json!("boolean"), "Dry-Run"),
        ("city", json!("string"), "City"),
        ("gone", json!(["string", "null"]), "Gone"),
        ("absent", json!("string"), "Absent"),
        ("padded", json!("string"), "Padded"),
    ]);
    let script = Scripted::modern().tool("t", definition, |_| Answer::text("t"));
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let arguments = json!({
        "region": "eu-1", "count": 42.0, "dry": true, "city": "Zürich", "gone": null,
        "padded": " x ", "other": 1,
    });
    assert_eq!(client.call("up__t", arguments.clone()).await.text(), "t");
    let seen = upstream.wait_for("tools/call", 1).await;
    let sentinel = |text: &str| format!("=?base64?{}?=", STANDARD.encode(text));
    let expected = [
        ("mcp-param-region", Some("eu-1".to_owned())),
        ("mcp-param-count", Some("42".to_owned())),
        ("mcp-param-dry-run", Some("true".to_owned())),
        ("mcp-param-city", Some(sentinel("Zürich"))),
        ("mcp-param-gone", None),
        ("mcp-param-absent", None),
        ("mcp-param-padded", Some(sentinel(" x "))),
    ];
    for (name, value) in expected {
        assert_eq!(seen[0].header(name), value.as_deref(), "{name}: {:?}", seen[0].headers);
    }
    let params = seen[0].headers.keys().filter(|name| name.as_str().starts_with("mcp-param-"));
    assert_eq!(params.count(), 5, "{:?}", seen[0].headers);
    assert_eq!(*seen[0].arguments(), arguments);
}

/// M->M: a header that the schema does not know, and one that it does; a tool under its public name.
#[tokio::test]
async fn case_44_headers_of_a_modern_client_go_on_under_the_own_name() {
    let definition = annotated(&[("region", json!("string"), "Region")]);
    let script = Scripted::modern().tool("t", definition, |_| Answer::text("t"));
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let params = json!({ "name": "up__t", "arguments": { "region": "Zürich" } });
    let message = client.message("tools/call", params);
    let region = format!("=?base64?{}?=", STANDARD.encode("Zürich"));
    let headers = [("mcp-param-x", "1"), ("mcp-param-region", region.as_str())];
    let reply = client.send(&message, &headers).await.finish().await;
    assert_eq!(reply.text(), "t");
    let seen = upstream.wait_for("tools/call", 1).await;
    assert_eq!(seen[0].name(), "t");
    assert_eq!(seen[0].header("mcp-name"), Some("t"));
    assert_eq!(seen[0].header("mcp-method"), Some("tools/call"));
    assert_eq!(seen[0].header("mcp-param-x"), Some("1"));
    assert_eq!(seen[0].header("mcp-param-region"), Some(region.as_str()));

    // A header that does not say what the argument says is refused before anything is called.
    for header in ["elsewhere", "=?base64?!?=", ""] {
        let headers = [("mcp-param-region", header)];
        let reply = client.send(&message, &headers).await.finish().await;
        assert_eq!(reply.refusal(), (400, -32020), "`{header}`: {reply:?}");
        assert_eq!(reply.message["id"], message["id"], "{reply:?}");
    }
    let bare = client.message("tools/call", json!({ "name": "up__t", "arguments": {} }));
    let reply = client.send(&bare, &[("mcp-param-region", "eu-1")]).await.finish().await;
    assert_eq!(reply.refusal(), (400, -32020), "{reply:?}");
    assert_eq!(upstream.seen_of("tools/call").len(), 1);
}

/// A server whose tool wants its argument in a header, though its first list did not say so.
fn changed(script: Script) -> Script {
    let definition = annotated(&[("region", json!("string"), "Region")]);
    script.tool("t", definition, |seen| match seen.header("mcp-param-region") {
        Some(region) => Answer::text(region),
        None => Answer::refused(400, seen, -32020, "the header Mcp-Param-Region is missing"),
    })
}

/// *->M: the upstream's schema changed, and nobody was told.
#[tokio::test]
async fn case_45_headers_that_are_refused_are_made_anew_once() {
    for legacy in [true, false] {
        let first = Scripted::modern().tool("t", json!({}), |_| Answer::text("never"));
        let upstream = first.start().await;
        let gantry = in_front_of(upstream.server()).await;
        ready(&gantry).await;
        let url = gantry.url("/mcp");
        let client = if legacy {
            Client::legacy(&url, "2025-11-25", json!({})).await
        } else {
            Client::modern(&url, json!({}))
        };
        upstream.change(changed);
        upstream.forget();
        let reply = client.call("up__t", json!({ "region": "eu-1" })).await;
        assert_eq!((reply.status, reply.text()), (200, "eu-1"), "{reply:?}");
        assert_eq!(upstream.seen_of("tools/call").len(), 2);
        assert_eq!(upstream.seen_of("tools/list").len(), 1);
        // Clients see the new schema, and what was learned holds.
        let listed = client.request("tools/list", json!({})).await;
        assert!(listed.message.to_string().contains("x-mcp-header"), "{listed:?}");
    }
}

/// *->M: the upstream refuses whatever headers it is sent.
#[tokio::test]
async fn case_45_a_refusal_of_headers_is_never_relayed() {
    let upstream = Scripted::modern()
        .tool("t", json!({}), |seen| Answer::refused(400, seen, -32020, "no"))
        .start()
        .await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let url = gantry.url("/mcp");
    let legacy = Client::legacy(&url, "2025-11-25", json!({})).await;
    for client in [Client::modern(&url, json!({})), legacy] {
        upstream.forget();
        let reply = client.call("up__t", json!({})).await;
        assert_eq!(reply.refusal(), (200, -32603), "{reply:?}");
        assert_eq!(upstream.seen_of("tools/call").len(), 2);
    }
}
