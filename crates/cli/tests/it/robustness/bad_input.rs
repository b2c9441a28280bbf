//! Bad input at `/mcp`: each is refused with a clear error for whoever sent it; everybody else goes
//! on, and nothing panics.

use std::{fmt::Write as _, time::Duration};

use serde_json::json;

use super::{
    Bystander, assert_calm, config_with, good,
    raw_http::{closes_within, exchange},
};
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
    let gantry = Gantry::start(&config_with(&[("good", good.server())], more)).await;
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

/// Bodies that are no message, or not one that may be sent.
fn bodies() -> Vec<(&'static str, String, Expected)> {
    let named = r#""name":"good__good""#;
    let e = envelope();
    vec![
        ("nothing", String::new(), Refusal(400, -32700)),
        ("white space", " \n ".to_owned(), Refusal(400, -32700)),
        ("half a message", r#"{"jsonrpc":"2.0","id":1,"#.to_owned(), Refusal(400, -32700)),
        ("two messages", format!("{0}{0}", call(named)), Refusal(400, -32700)),
        ("a comma too many", r#"{"jsonrpc":"2.0",}"#.to_owned(), Refusal(400, -32700)),
        ("single quotes", "{'jsonrpc':'2.0'}".to_owned(), Refusal(400, -32700)),
        (
            "a bare control character",
            "{\"jsonrpc\":\"2.0\",\"id\":\"\u{1}\"}".to_owned(),
            Refusal(400, -32700),
        ),
        ("NaN", call(r#""name":"good__good","arguments":{"a":NaN}"#), Refusal(400, -32700)),
        ("a string", r#""hello""#.to_owned(), Refusal(400, -32600)),
        ("a number", "1".to_owned(), Refusal(400, -32600)),
        ("null", "null".to_owned(), Refusal(400, -32600)),
        ("an empty batch", "[]".to_owned(), Refusal(400, -32600)),
        ("a batch of numbers", "[1,2]".to_owned(), Refusal(400, -32600)),
        ("a modern batch", format!("[{}]", call(named)), Refusal(400, -32600)),
        ("an empty object", "{}".to_owned(), Refusal(400, -32600)),
        ("no version", r#"{"id":1,"method":"ping"}"#.to_owned(), Refusal(400, -32600)),
        (
            "another version",
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#.to_owned(),
            Refusal(400, -32600),
        ),
        (
            "a version that is a number",
            r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#.to_owned(),
            Refusal(400, -32600),
        ),
        (
            "a method that is a number",
            r#"{"jsonrpc":"2.0","id":1,"method":1}"#.to_owned(),
            Refusal(400, -32600),
        ),
        (
            "a method that is null",
            r#"{"jsonrpc":"2.0","id":1,"method":null}"#.to_owned(),
            Refusal(400, -32600),
        ),
        (
            "an id that is an object",
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#.to_owned(),
            Refusal(400, -32600),
        ),
        (
            "an id that is null",
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.to_owned(),
            Refusal(400, -32600),
        ),
        (
            "an id that is a fraction",
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#.to_owned(),
            Refusal(400, -32600),
        ),
        (
            "params that are a list",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}"#.to_owned(),
            Refusal(400, -32602),
        ),
        (
            "params that are a string",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"x"}"#.to_owned(),
            Refusal(400, -32602),
        ),
        (
            "meta that is a list",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":[]}}"#.to_owned(),
            Refusal(400, -32602),
        ),
        (
            "method and result",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#.to_owned(),
            Refusal(400, -32600),
        ),
        (
            "a claim that is a number",
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{{"{CLAIM}":1,"{CAPABILITIES}":{{}}}}}}}}"#
            ),
            Refusal(400, -32020),
        ),
        (
            "capabilities that are a list",
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{{"{CLAIM}":"{MODERN}","{CAPABILITIES}":[]}}}}}}"#
            ),
            Refusal(400, -32602),
        ),
        (
            "the method twice",
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{{{e}}}}}"#
            ),
            Refusal(400, -32600),
        ),
        (
            "the id twice",
            format!(r#"{{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list","params":{{{e}}}}}"#),
            Refusal(400, -32600),
        ),
        (
            "the method again in capitals",
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","METHOD":"tools/call","params":{{{e}}}}}"#
            ),
            Refusal(400, -32600),
        ),
        (
            "params again in another case",
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","Params":{{}},"params":{{{e}}}}}"#
            ),
            Refusal(400, -32600),
        ),
        ("the name twice", call(r#""name":"good__good","name":"other""#), Refusal(400, -32602)),
        (
            "the name twice, once with an escape",
            call(r#""name":"good__good","n\u0061me":"other""#),
            Refusal(400, -32602),
        ),
        (
            "the name again in another case",
            call(r#""name":"good__good","Name":"other""#),
            Refusal(400, -32602),
        ),
        (
            "arguments twice",
            call(r#""name":"good__good","arguments":{},"arguments":{}"#),
            Refusal(400, -32602),
        ),
        ("meta twice", call(r#""name":"good__good","_meta":{}"#), Refusal(400, -32602)),
        ("a response", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(), Status(400)),
        (
            "a response to nothing",
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":""}}"#.to_owned(),
            Status(400),
        ),
        (
            "no era at all",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.to_owned(),
            Status(400),
        ),
    ]
}

#[tokio::test]
async fn a_body_that_is_no_message_is_refused_with_its_reason() {
    let (gantry, _good, bystander) = start().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    for (what, body, expected) in bodies() {
        let headers = [
            ("mcp-protocol-version", MODERN),
            ("mcp-method", "tools/call"),
            ("mcp-name", "good__good"),
        ];
        let reply = client.post(body, &headers).await;
        match expected {
            Refusal(status, code) => {
                assert_eq!(reply.refusal(), (status, code), "{what}: {reply:?}")
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
    let long = "x".repeat(100_000);
    for method in ["no/such/method", "", "tools/CALL", "__proto__", &long[..3000]] {
        let reply = modern.request(method, json!({})).await;
        assert_eq!(reply.refusal(), (404, -32601), "{method}: {reply:?}");
        let reply = legacy.request(method, json!({})).await;
        assert_eq!(reply.refusal(), (200, -32601), "{method}: {reply:?}");
    }
    for name in
        ["good", "good__", "__good", "good__none", "gantry__none", "", "../x", &long[..3000]]
    {
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
    for uri in ["", "nothing", "test://", "file:///etc/passwd", &long[..3000]] {
        let reply = legacy.request("resources/read", json!({ "uri": uri })).await;
        assert_eq!(reply.refusal(), (200, -32602), "{uri}: {reply:?}");
    }
    for cursor in [json!("nonsense"), json!(""), json!(7), json!({}), json!(long)] {
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
                assert_eq!(reply.refusal(), (status, code), "{name}: {value}: {reply:?}")
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

fn post(host: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn requests_that_no_client_would_send_are_refused_or_closed() {
    let (gantry, _good, bystander) = start().await;
    let own = gantry.url("").trim_start_matches("http://").to_owned();
    let body = call(r#""name":"good__good""#);
    let good = format!(
        "MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: good__good\r\n"
    );
    let answer = exchange(&gantry, &post(&own, &good, &body)).await;
    assert_eq!(answer.status, 200, "what the others differ from: {answer:?}");

    for host in
        ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::1", "a b"]
    {
        let answer = exchange(&gantry, &post(host, &good, &body)).await;
        assert!(matches!(answer.status, 400 | 403), "{host}: {answer:?}");
    }
    let mut long = String::new();
    for number in 0..40 {
        let _ = write!(long, "X-Long-{number}: {}\r\n", "x".repeat(4000));
    }
    let many: String = (0..2000).fold(String::new(), |mut all, number| {
        let _ = write!(all, "X-{number}: y\r\n");
        all
    });
    for (what, headers) in [("long headers", &long), ("many headers", &many)] {
        let answer = exchange(&gantry, &post(&own, &format!("{good}{headers}"), &body)).await;
        assert_eq!(answer.status, 431, "{what}: {answer:?}");
    }
    let twice = format!("{good}Host: {own}\r\n");
    assert_eq!(exchange(&gantry, &post(&own, &twice, &body)).await.status, 400);
    let twice = format!("{good}Mcp-Name: good__good\r\n");
    let answer = exchange(&gantry, &post(&own, &twice, &body)).await;
    assert_eq!((answer.status, answer.code()), (400, Some(-32020)), "{answer:?}");
    for verb in ["PUT", "PATCH", "TRACE", "CONNECT", "NONSENSE"] {
        let request = format!("{verb} /mcp HTTP/1.1\r\nHost: {own}\r\nContent-Length: 0\r\n\r\n");
        let answer = exchange(&gantry, request.as_bytes()).await;
        assert!(matches!(answer.status, 400 | 404 | 405 | 501), "{verb}: {answer:?}");
        assert!(answer.status != 405 || answer.head.contains("\r\nallow:"), "{verb}: {answer:?}");
    }
    for verb in ["GET", "DELETE"] {
        let request =
            format!("{verb} /mcp HTTP/1.1\r\nHost: {own}\r\nAccept: text/event-stream\r\n\r\n");
        let answer = exchange(&gantry, request.as_bytes()).await;
        assert_eq!(answer.status, 405, "{verb}: {answer:?}");
        assert!(answer.head.contains("\r\nallow: post"), "{verb}: {answer:?}");
    }
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = exchange(&gantry, garbage).await;
        assert!(
            matches!(answer.status, 0 | 400 | 403 | 404 | 405 | 505),
            "{garbage:?}: {answer:?}"
        );
    }
    end(gantry, bystander).await;
}

#[tokio::test]
async fn bodies_that_are_too_large_or_never_end_are_given_up() {
    let (gantry, _good, bystander) = start().await;
    let own = gantry.url("").trim_start_matches("http://").to_owned();
    let headers = format!(
        "MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: good__good\r\n"
    );
    let large =
        call(&format!(r#""name":"good__good","arguments":{{"a":"{}"}}"#, "x".repeat(20_000_000)));
    let answer = exchange(&gantry, &post(&own, &headers, &large)).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(answer.body.contains("limits.body") || answer.body.contains("bytes"), "{answer:?}");
    let mut chunked = format!("POST /mcp HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n{headers}\r\n").into_bytes();
    for piece in large.as_bytes().chunks(64 * 1024) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = exchange(&gantry, &chunked).await;
    assert_eq!(answer.status, 413, "{answer:?}");

    // `request_timeout` is a second here.
    let limit = Duration::from_secs(10);
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n{headers}\r\n{{"
    );
    assert!(closes_within(&gantry, head.as_bytes(), limit).await, "a body that never ends");
    let half = format!("POST /mcp HTTP/1.1\r\nHost: {own}\r\nConte");
    assert!(closes_within(&gantry, half.as_bytes(), limit).await, "headers that never end");
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
    for id in [&forged, "nonsense", "", &"x".repeat(5000), &session[..session.len() / 2]] {
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
