//! Bad input at `/mcp`: each is refused with a clear error for whoever sent it; everybody else goes
//! on, and nothing panics.

mod wire;

use std::time::Duration;

use serde_json::json;

use super::{Bystander, assert_calm, config_with, good};
use crate::support::{
    client::{CAPABILITIES, CLAIM, Client, MODERN},
    gantry::Gantry,
    scripted::Scripted,
    wait::eventually,
};

/// The longest that anybody else may wait meanwhile.
const LIMIT: Duration = Duration::from_secs(3);

/// What a refusal must be.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// An HTTP status and the code of a JSON-RPC error.
    Refusal(u16, i64),
    /// An HTTP status alone.
    Status(u16),
}

use Expected::{Refusal, Status};

async fn start() -> (Gantry, Scripted, Bystander) {
    let good = good().await;
    let more = json!({ "server": { "limits": { "request_timeout": "1s" } } });
    let gantry = Gantry::start(&config_with(&[("good", good.server())], &more)).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    eventually("the good upstream is there", async || {
        client.tool_names().await.iter().any(|name| name == "good__good").then_some(())
    })
    .await;
    let bystander = Bystander::start(client, "good__good");
    (gantry, good, bystander)
}

async fn end(gantry: Gantry, bystander: Bystander) {
    bystander.noticed_nothing(LIMIT).await;
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}");
    assert_calm(&log);
}

fn envelope() -> String {
    format!(r#""_meta":{{"{CLAIM}":"{MODERN}","{CAPABILITIES}":{{}}}}"#)
}

/// A modern call with other members than usual.
fn call(members: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{members},{}}}}}"#,
        envelope()
    )
}

/// A body of the table.
struct Row {
    what: String,
    body: String,
    expected: Expected,
}

/// Bodies that are no message, or not one that may be sent.
fn bodies() -> Vec<Row> {
    let table = include_str!("bad_input/bodies.txt");
    let rows = table.lines().filter_map(|line| {
        let mut columns = line.splitn(3, " | ");
        let (status, code) = columns.next()?.split_once(' ')?;
        let status = status.parse().ok()?;
        let expected = code.parse().map_or(Status(status), |code| Refusal(status, code));
        let (what, body) = (columns.next()?.to_owned(), columns.next()?);
        let body = body.replace("$E", &envelope()).replace("$CLAIM", CLAIM);
        let body = body.replace("$CAPABILITIES", CAPABILITIES).replace("$MODERN", MODERN);
        let body = body.replace("$NOTHING", "").replace("$SPACE", " \n ");
        Some(Row { what, body: body.replace("$CONTROL", "\u{1}"), expected })
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 40, "the table cannot be read");
    rows
}

#[tokio::test]
async fn a_body_that_is_no_message_is_refused_with_its_reason() {
    let (gantry, _good, bystander) = start().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    for Row { what, body, expected } in bodies() {
        let headers = [
            ("mcp-protocol-version", MODERN),
            ("mcp-method", "tools/call"),
            ("mcp-name", "good__good"),
        ];
        let reply = client.post(body, &headers).await;
        match expected {
            Refusal(status, code) => {
                assert_eq!(reply.refusal(), (status, code), "{what}: {reply:?}");
            }
            Status(status) => assert_eq!(reply.status, status, "{what}: {reply:?}"),
        }
        assert!(reply.message["error"]["message"].is_string(), "{what}: {reply:?}");
    }
    end(gantry, bystander).await;
}

#[tokio::test]
async fn text_that_is_no_utf_8_and_nesting_without_end_are_refused_or_carried() {
    let (gantry, _good, bystander) = start().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let headers = [
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "good__good"),
    ];
    let mut latin = call(r#""name":"good__good","arguments":{"a":"X"}"#).into_bytes();
    let at = latin.iter().position(|byte| *byte == b'X').expect("it is there");
    for bad in [&b"\xe9"[..], b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
        latin.splice(at..=at, bad.iter().copied());
        let reply = client.post(latin.clone(), &headers).await;
        assert_eq!(reply.refusal(), (400, -32700), "{bad:?}: {reply:?}");
        latin.splice(at..at + bad.len(), [b'X']);
    }
    // Nobody reads arguments, so their depth costs nothing.
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let reply = client
        .post(call(&format!(r#""name":"good__good","arguments":{{"a":{deep}}}"#)), &headers)
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    // Where something is read, it is refused and not fatal.
    let meta = format!(r#""_meta":{{"{CLAIM}":"{MODERN}","{CAPABILITIES}":{{"x":{deep}}}}}"#);
    let listed = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{meta}}}}}"#);
    let list_headers = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")];
    let reply = client.post(listed, &list_headers).await;
    assert!(matches!(reply.status, 200 | 400), "{reply:?}");
    let filter = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{"x":{deep}}},{}}}}}"#,
        envelope()
    );
    let reply = client
        .open(filter, &[("mcp-protocol-version", MODERN), ("mcp-method", "subscriptions/listen")])
        .await;
    assert!(matches!(reply.status, 200 | 400), "{reply:?}");
    drop(reply);
    let initialize = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{"a":{}}},"clientInfo":{{"name":"x","version":"1"}}}}}}"#,
        "[".repeat(5_000) + &"]".repeat(5_000),
    );
    let reply = client.post(initialize, &[]).await;
    assert!(matches!(reply.status, 200 | 400), "{reply:?}");
    end(gantry, bystander).await;
}

#[tokio::test]
async fn names_and_methods_that_nobody_has_are_told_in_the_way_of_each_era() {
    let (gantry, _good, bystander) = start().await;
    let modern = Client::modern(&gantry.url("/mcp"), json!({}));
    let legacy = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let (long, longest) = ("x".repeat(3000), "x".repeat(100_000));
    for method in ["no/such/method", "", "tools/CALL", "__proto__", &long] {
        let reply = modern.request(method, json!({})).await;
        assert_eq!(reply.refusal(), (404, -32601), "{method}: {reply:?}");
        let reply = legacy.request(method, json!({})).await;
        assert_eq!(reply.refusal(), (200, -32601), "{method}: {reply:?}");
    }
    for name in ["good", "good__", "__good", "good__none", "gantry__none", "", "../x", &long] {
        for client in [&modern, &legacy] {
            for method in ["tools/call", "prompts/get"] {
                let reply = client.request(method, json!({ "name": name })).await;
                assert_eq!(reply.refusal(), (200, -32602), "{name}: {reply:?}");
            }
        }
    }
    for name in [json!(1), json!(null), json!(["good__good"]), json!({})] {
        let reply = legacy.request("tools/call", json!({ "name": name })).await;
        assert_eq!(reply.refusal(), (200, -32602), "{reply:?}");
        let reply = modern.request("tools/call", json!({ "name": name })).await;
        assert!(matches!(reply.code(), -32602 | -32020), "{reply:?}");
    }
    for uri in ["", "nothing", "test://", "file:///etc/passwd", &long] {
        let reply = legacy.request("resources/read", json!({ "uri": uri })).await;
        assert_eq!(reply.refusal(), (200, -32602), "{uri}: {reply:?}");
    }
    for cursor in [json!("nonsense"), json!(""), json!(7), json!({}), json!(longest)] {
        let reply = legacy.request("tools/list", json!({ "cursor": cursor })).await;
        assert_eq!(reply.refusal(), (200, -32602), "{reply:?}");
    }
    let reply = Client::modern(&gantry.url("/mcp/nobody"), json!({}))
        .request("tools/list", json!({}))
        .await;
    assert_eq!(reply.status, 404, "{reply:?}");
    end(gantry, bystander).await;
}

/// Headers that do not fit, one at a time; the body is always a good one.
#[tokio::test]
async fn headers_that_do_not_fit_are_refused() {
    let (gantry, _good, bystander) = start().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let message = client.message("tools/call", json!({ "name": "good__good" }));
    let cases: [(&str, &str, Expected); 14] = [
        ("origin", "https://evil.example", Status(403)),
        ("origin", "null", Status(403)),
        ("origin", "http://127.0.0.1.evil.example", Status(403)),
        ("content-type", "text/plain", Status(415)),
        ("content-type", "application/x-www-form-urlencoded", Status(415)),
        ("content-type", "multipart/form-data; boundary=x", Status(415)),
        ("content-type", "application/jsonx", Status(415)),
        ("accept", "text/html", Status(406)),
        ("mcp-method", "tools/list", Refusal(400, -32020)),
        ("mcp-name", "good__other", Refusal(400, -32020)),
        ("mcp-name", "=?base64?!!!?=", Refusal(400, -32020)),
        ("mcp-protocol-version", "2025-11-25", Refusal(400, -32020)),
        ("mcp-protocol-version", "nonsense", Refusal(400, -32020)),
        ("x-forwarded-for", "203.0.113.7", Status(401)),
    ];
    for (name, value, expected) in cases {
        let reply = client.send(&message, &[(name, value)]).await.finish().await;
        match expected {
            Refusal(status, code) => {
                assert_eq!(reply.refusal(), (status, code), "{name}: {value}: {reply:?}");
            }
            Status(status) => assert_eq!(reply.status, status, "{name}: {value}: {reply:?}"),
        }
    }
    for missing in ["mcp-method", "mcp-name", "mcp-protocol-version"] {
        let reply = client.send(&message, &[(missing, "")]).await.finish().await;
        assert_eq!(reply.status, 400, "without {missing}: {reply:?}");
    }
    end(gantry, bystander).await;
}

/// What a session is told must come from its own client and endpoint.
#[tokio::test]
async fn a_session_is_nobody_elses() {
    let (gantry, _good, bystander) = start().await;
    let legacy = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let session = legacy.session().to_owned();
    let mut forged = session.clone().into_bytes();
    let last = forged.last_mut().expect("an id is not empty");
    *last = if *last == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("an id is ASCII");
    let (half, _) = session.split_at(session.len() / 2);
    for id in [&forged, "nonsense", "", &"x".repeat(5000), half] {
        let client = Client::new(&gantry.url("/mcp"), "2025-11-25", json!({})).with_session(id);
        let reply = client.request("tools/list", json!({})).await;
        assert!(matches!(reply.status, 400 | 404), "`{id}`: {reply:?}");
        assert!(matches!(client.delete().await.status, 400 | 404 | 405), "`{id}`");
    }
    let elsewhere =
        Client::new(&gantry.url("/mcp/good"), "2025-11-25", json!({})).with_session(&session);
    assert_eq!(elsewhere.request("tools/list", json!({})).await.status, 404);
    // Answers to questions that were never asked change nothing.
    for id in [json!(1), json!("gantry-00000000000000000000000000000000"), json!("")] {
        let reply = legacy.answer(&json!({ "id": id }), json!({ "result": {} })).await;
        assert!(matches!(reply.status, 202 | 400), "{reply:?}");
    }
    assert!(legacy.tool_names().await.contains(&"good__good".to_owned()));
    end(gantry, bystander).await;
}
