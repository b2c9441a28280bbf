//! The era of a client's message: cases 1 to 11 by HTTP, 12 and 13 on a pipe, 91 and 92 in a batch.

mod batch;
mod pipe;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{in_front_of, ready};
use crate::support::{
    client::{CAPABILITIES, CLAIM, CLIENT_INFO, Client, MODERN, Reply},
    gantry::Gantry,
    scripted::{Answer, Scripted},
};

/// The legacy revisions, newest first.
const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// All revisions, newest first, as the gateway must list them.
const ALL: [&str; 5] = [MODERN, "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const NO_HEADERS: &[(&str, &str)] = &[];

/// A gateway without upstreams: enough for everything that is decided at the door.
async fn alone() -> Gantry {
    Gantry::start("servers: {}").await
}

/// A modern client, and a legacy one with a session, of a gateway.
async fn both(gantry: &Gantry) -> (Client, Client) {
    let url = gantry.url("/mcp");
    (Client::modern(&url, json!({})), Client::legacy(&url, LEGACY[0], json!({})).await)
}

/// Panics unless a reply shows neither a session nor an event id.
#[track_caller]
fn shows_no_session(reply: &Reply) {
    assert_eq!(reply.session(), None, "{reply:?}");
    assert_eq!(reply.header("last-event-id"), None, "{reply:?}");
}

/// L->*: `initialize` without a claim, at each of the four revisions.
#[tokio::test]
async fn case_01_initialize_gets_the_revision_that_it_asks_for_and_a_session() {
    let gantry = alone().await;
    for revision in LEGACY {
        let client = Client::new(&gantry.url("/mcp"), revision, json!({}));
        let reply = client.initialize().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.result()["protocolVersion"], revision);
        let session = reply.session().unwrap_or_else(|| panic!("no session: {reply:?}"));
        assert!(session.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{session}");
        let client = client.with_session(session);
        assert_eq!(client.notify("notifications/initialized", json!({})).await.status, 202);
        let listed = client.request("tools/list", json!({})).await;
        assert!(listed.result()["tools"].is_array(), "{listed:?}");
        assert_eq!(listed.result()["resultType"], Value::Null, "that is of the other era");
    }
}

/// L->*: `initialize` that names 2026-07-28 (or nonsense) without a claim.
#[tokio::test]
async fn case_02_initialize_at_a_modern_revision_gets_the_latest_legacy_one() {
    let gantry = alone().await;
    for revision in [MODERN, "2099-01-01", "1.0", ""] {
        let client = Client::new(&gantry.url("/mcp"), revision, json!({}));
        let reply = client.initialize().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.result()["protocolVersion"], LEGACY[0], "asked for `{revision}`");
        assert!(reply.session().is_some(), "{reply:?}");
    }
    // A header that names a modern revision is no claim either.
    let client = Client::new(&gantry.url("/mcp"), MODERN, json!({}));
    let params = json!({ "protocolVersion": MODERN, "capabilities": {}, "clientInfo": {
        "name": "raw", "version": "1" } });
    let message =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string();
    let reply = client.post(message, &[("mcp-protocol-version", MODERN)]).await;
    assert_eq!(reply.result()["protocolVersion"], LEGACY[0], "{reply:?}");
}

/// M->*: `initialize`, `ping`, `logging/setLevel`, `resources/subscribe` (and all other methods that
/// are legacy alone) with a claim, ids of both kinds.
#[tokio::test]
async fn case_03_a_claim_on_a_legacy_method_is_404() {
    let gantry = alone().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let methods = [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/list",
        "tasks/result",
        "no/such/method",
    ];
    for method in methods {
        for id in [json!(7), json!("seven")] {
            let params = json!({ "protocolVersion": MODERN, "level": "debug", "uri": "a:b" });
            let mut message = client.message(method, params);
            message["id"] = id.clone();
            let reply = client.send(&message, NO_HEADERS).await.finish().await;
            assert_eq!(reply.refusal(), (404, -32601), "{method}: {reply:?}");
            assert_eq!(reply.message["id"], id, "{method}: {reply:?}");
            shows_no_session(&reply);
        }
    }
}

/// M->*: header 2026-07-28 and a body without `_meta`; `server/discover` and
/// `subscriptions/listen` without a claim and without the header.
#[tokio::test]
async fn case_04_a_missing_envelope_is_named_and_never_served_as_legacy() {
    let gantry = alone().await;
    let (modern, legacy) = both(&gantry).await;
    let bare = |method: &str| json!({ "jsonrpc": "2.0", "id": 4, "method": method, "params": {} });
    let names_the_keys = |reply: &Reply| {
        assert_eq!(reply.refusal(), (400, -32602), "{reply:?}");
        assert_eq!(reply.message["id"], 4, "{reply:?}");
        let text = reply.error()["message"].as_str().unwrap_or_default();
        assert!(text.contains(CLAIM) && text.contains(CAPABILITIES), "{reply:?}");
    };
    for method in ["tools/list", "ping", "server/discover", "tools/call", "no/such/method"] {
        let reply = modern.send(&bare(method), NO_HEADERS).await.finish().await;
        names_the_keys(&reply);
        shows_no_session(&reply);
        // A live session does not make it legacy.
        let session = [("mcp-session-id", legacy.session())];
        names_the_keys(&modern.send(&bare(method), &session).await.finish().await);
    }
    for method in ["server/discover", "subscriptions/listen"] {
        names_the_keys(&modern.post(bare(method).to_string(), NO_HEADERS).await);
        let session = [("mcp-session-id", legacy.session())];
        names_the_keys(&modern.post(bare(method).to_string(), &session).await);
    }
    let mut meta = bare("tools/list");
    meta["params"]["_meta"] = json!({ CAPABILITIES: {}, "progressToken": 1 });
    names_the_keys(&modern.send(&meta, NO_HEADERS).await.finish().await);
}

/// M->*: a claim without the header; a claim of v999 under the header 2026-07-28, and the other
/// way round; a header that was sent twice.
#[tokio::test]
async fn case_05_header_and_claim_must_agree() {
    let gantry = alone().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let table = [
        (MODERN, ""),
        ("v999", ""),
        ("v999", MODERN),
        (MODERN, "v999"),
        (MODERN, LEGACY[0]),
        (LEGACY[0], MODERN),
        (MODERN, "2026-07-28, 2026-07-28"),
    ];
    for (claim, header) in table {
        let mut message = client.message("tools/list", json!({}));
        message["params"]["_meta"][CLAIM] = claim.into();
        let headers = [("mcp-protocol-version", header)];
        let reply = client.send(&message, &headers).await.finish().await;
        assert_eq!(reply.refusal(), (400, -32020), "{claim} under `{header}`: {reply:?}");
        assert_eq!(reply.message["id"], message["id"], "{reply:?}");
    }
    let twice = client.clone().with_header("mcp-protocol-version", MODERN);
    let reply = twice.request("tools/list", json!({})).await;
    assert_eq!(reply.refusal(), (400, -32020), "{reply:?}");
}

/// M->*: claim and header both v999, or both 2025-11-25.
#[tokio::test]
async fn case_06_an_unsupported_revision_is_told_what_is_supported() {
    let gantry = alone().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let discovered = client.request("server/discover", json!({})).await;
    assert_eq!(discovered.result()["supportedVersions"], json!(ALL), "{discovered:?}");
    for revision in ["v999", "2027-01-01", LEGACY[0], LEGACY[3]] {
        for method in ["tools/list", "server/discover", "initialize", "tools/call"] {
            let mut message = client.message(method, json!({ "name": "x" }));
            message["params"]["_meta"][CLAIM] = revision.into();
            let headers = [("mcp-protocol-version", revision)];
            let reply = client.send(&message, &headers).await.finish().await;
            assert_eq!(reply.refusal(), (400, -32022), "{method} at {revision}: {reply:?}");
            let data = &reply.error()["data"];
            assert_eq!(data["requested"], revision, "{reply:?}");
            assert_eq!(data["supported"], discovered.result()["supportedVersions"], "{reply:?}");
            shows_no_session(&reply);
        }
    }
}

/// M->*: a claim without `clientCapabilities`, or with one that is no object; without `clientInfo`.
#[tokio::test]
async fn case_07_capabilities_are_required_and_client_info_is_not() {
    let gantry = alone().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    for wrong in [None, Some(json!(null)), Some(json!([])), Some(json!("all")), Some(json!(true))] {
        let mut message = client.message("tools/list", json!({}));
        let meta = message["params"]["_meta"].as_object_mut().expect("the envelope is an object");
        match &wrong {
            Some(wrong) => drop(meta.insert(CAPABILITIES.to_owned(), wrong.clone())),
            None => drop(meta.shift_remove(CAPABILITIES)),
        }
        let reply = client.send(&message, NO_HEADERS).await.finish().await;
        assert_eq!(reply.refusal(), (400, -32602), "{wrong:?}: {reply:?}");
        let text = reply.error()["message"].as_str().unwrap_or_default();
        assert!(text.contains(CAPABILITIES), "{wrong:?}: {reply:?}");
    }
    let mut message = client.message("tools/list", json!({}));
    let meta = message["params"]["_meta"].as_object_mut().expect("the envelope is an object");
    meta.shift_remove(CLIENT_INFO);
    let reply = client.send(&message, NO_HEADERS).await.finish().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.result()["resultType"], "complete");
}

/// M->*: a valid claim with a live `Mcp-Session-Id` and a `Last-Event-ID`.
#[tokio::test]
async fn case_08_a_claim_beside_a_session_is_modern_and_the_session_is_ignored() {
    let gantry = alone().await;
    let (modern, legacy) = both(&gantry).await;
    for session in [legacy.session(), "no-such-session"] {
        let message = modern.message("tools/list", json!({}));
        let headers = [("mcp-session-id", session), ("last-event-id", "1_1")];
        let reply = modern.send(&message, &headers).await.finish().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.result()["resultType"], "complete", "{reply:?}");
        shows_no_session(&reply);
    }
    // The session goes on.
    assert!(legacy.request("tools/list", json!({})).await.result()["tools"].is_array());
}

/// *->*: GET and DELETE without a session; with a foreign one, or one that has ended.
#[tokio::test]
async fn case_09_get_and_delete_need_a_session_that_is_known() {
    let tokens = json!({ "auth": { "tokens": [
        { "name": "ann", "token": "the-token-of-ann-0001" },
        { "name": "bob", "token": "the-token-of-bob-0002" },
    ] } });
    let gantry = Gantry::start(&tokens.to_string()).await;
    let url = gantry.url("/mcp");
    let client = |token: &str| {
        Client::new(&url, LEGACY[0], json!({}))
            .with_header("authorization", &format!("Bearer {token}"))
    };
    let bob = client("the-token-of-bob-0002").connect().await;
    let ann = client("the-token-of-ann-0001").connect().await;
    for verb in ["GET", "DELETE"] {
        let reply = bob.bare(verb, NO_HEADERS).await.finish().await;
        assert_eq!(reply.status, 405, "{verb}: {reply:?}");
        assert_eq!(reply.header("allow"), Some("POST"), "{verb}: {reply:?}");
        for session in [ann.session(), "no-such-session", ""] {
            let reply = bob.bare(verb, &[("mcp-session-id", session)]).await.finish().await;
            assert_eq!(reply.status, 404, "{verb} of `{session}`: {reply:?}");
        }
    }
    // Hers was not touched by any of that.
    assert!(ann.request("tools/list", json!({})).await.result()["tools"].is_array());
    assert_eq!(ann.get().await.status, 200);
    assert_eq!(ann.delete().await.status, 200);
    assert_eq!(ann.get().await.finish().await.status, 404);
    assert_eq!(ann.delete().await.status, 404);
}

/// L->*: a header of another revision than the session's; no header at all.
#[tokio::test]
async fn case_10_the_revision_header_of_a_session_must_be_its_own_or_absent() {
    let gantry = alone().await;
    for revision in LEGACY {
        let client = Client::legacy(&gantry.url("/mcp"), revision, json!({})).await;
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
        let session = ("mcp-session-id", client.session());
        let absent = client.post(message.clone(), &[session]).await;
        assert_eq!(absent.status, 200, "{revision}: {absent:?}");
        assert!(absent.result()["tools"].is_array(), "{revision}: {absent:?}");
        for header in LEGACY.into_iter().chain(["2099-01-01", "nonsense"]) {
            let headers = [session, ("mcp-protocol-version", header)];
            let reply = client.post(message.clone(), &headers).await;
            let expected = if header == revision { 200 } else { 400 };
            assert_eq!(reply.status, expected, "{header} in a session of {revision}: {reply:?}");
        }
    }
}

/// M->*: `Mcp-Name` by the base64 sentinel: the right name, a wrong name, bad base64.
#[tokio::test]
async fn case_11_a_name_in_base64_is_compared_with_the_body() {
    let upstream = Scripted::modern()
        .tool("echo", json!({}), |_| Answer::text("echoed"))
        .resource("test://grüße", json!({}), |_| {
            Answer::Result(json!({ "contents": [{ "uri": "test://grüße", "text": "hallo" }] }))
        })
        .start()
        .await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let encoded = |text: &str| format!("=?base64?{}?=", STANDARD.encode(text));
    let right = encoded("up__echo");
    let params = json!({ "name": "up__echo", "arguments": {} });
    for name in ["up__echo", &right] {
        let message = client.message("tools/call", params.clone());
        let reply = client.send(&message, &[("mcp-name", name)]).await.finish().await;
        assert_eq!(reply.text(), "echoed", "{name}");
    }
    let wrong = [
        encoded("up__other"),
        encoded("UP__ECHO"),
        encoded(""),
        "=?base64?***?=".to_owned(),
        "=?base64?dXBfX2VjaG8?=".to_owned(),
        "=?BASE64?dXBfX2VjaG8=?=".to_owned(),
        STANDARD.encode("up__echo"),
        "up__other".to_owned(),
        String::new(),
    ];
    for name in &wrong {
        let message = client.message("tools/call", params.clone());
        let reply = client.send(&message, &[("mcp-name", name)]).await.finish().await;
        assert_eq!(reply.refusal(), (400, -32020), "`{name}`: {reply:?}");
    }
    // A name that no header could carry otherwise; upstream it travels in the same way.
    let message = client.message("resources/read", json!({ "uri": "test://grüße" }));
    let uri = encoded("test://grüße");
    let reply = client.send(&message, &[("mcp-name", &uri)]).await.finish().await;
    assert_eq!(reply.result()["contents"][0]["text"], "hallo", "{reply:?}");
    let read = upstream.seen_of("resources/read");
    assert_eq!(read[0].header("mcp-name"), Some(uri.as_str()));
    assert_eq!(upstream.seen_of("tools/call").len(), 2, "refused calls do not reach it");
}
