//! Keys of clients on every door: made, used, revoked, while the gateway serves.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::support::client::{Answer, Request};
use crate::support::upstream::Upstream;
use crate::support::{LIMIT, Site};

const TOKEN: &str = "0123456789abcdef";

async fn admin(site: &Site, method: &str, path: &str, body: Value) -> Answer {
    let request = Request::json(method, path, &body);
    request.bearer(&site.admin_token()).send(site.address()).await
}

/// Makes a key, and returns it and its id.
async fn make(site: &Site, wanted: Value) -> (String, String) {
    let made = admin(site, "POST", "/api/keys", wanted).await;
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")), "{made:?}");
    let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), Some(format!("/api/keys/{}", text("id")).as_str()));
    (text("key"), text("id"))
}

async fn revoke(site: &Site, id: &str) {
    let revoked = admin(site, "POST", &format!("/api/keys/{id}/revoke"), json!({})).await;
    assert_eq!((revoked.status, &revoked.json()["state"]), (200, &json!("revoked")));
}

fn list() -> Request {
    Request::modern("/mcp", "tools/list", json!({}))
}

/// The status that a request to `/mcp` has with a header.
async fn status(site: &Site, header: &str, value: &str) -> u16 {
    list().header(header, value).send(site.address()).await.status
}

#[tokio::test]
async fn a_key_opens_mcp_and_the_api_until_it_is_revoked_and_nobody_is_anonymous_after_it() {
    let site = Site::start("").await;
    assert_eq!(list().send(site.address()).await.status, 200, "nobody has to say who they are");
    let (key, id) = make(&site, json!({ "name": "alice" })).await;
    let bearer = format!("Bearer {key}");
    assert_eq!(list().send(site.address()).await.status, 401);
    assert_eq!(status(&site, "authorization", &bearer).await, 200);
    assert_eq!(status(&site, "x-api-key", &key).await, 200);
    let both = list().bearer(&key).header("x-api-key", TOKEN).send(site.address()).await;
    assert_eq!((both.status, both.code().as_str()), (400, "E0405"));
    let api = Request::get("/api/tools").header("x-api-key", &key).send(site.address()).await;
    assert_eq!(api.status, 200);
    let changing = Request::json("POST", "/api/keys", &json!({ "name": "bob" })).bearer(&key);
    let refused = changing.send(site.address()).await;
    assert_eq!((refused.refusal().0, refused.code().as_str()), (403, "E0325"));
    revoke(&site, &id).await;
    let after = list().bearer(&key).send(site.address()).await;
    assert_eq!((after.status, after.code().as_str()), (401, "E0401"));
    let unknown = list().bearer("nobody-has-this-key").send(site.address()).await;
    assert_eq!(after.json()["error"]["message"], unknown.json()["error"]["message"]);
    assert_eq!(after.header("www-authenticate"), unknown.header("www-authenticate"));
    assert_eq!(
        list().send(site.address()).await.status,
        401,
        "its bearer is not let in as anybody"
    );
}

#[tokio::test]
async fn keys_are_listed_without_themselves_and_kept_over_a_restart() {
    let site = Site::start("").await;
    let wanted =
        json!({ "name": "alice", "scopes": ["read"], "tier": "gold", "expires_in": "90d" });
    let (key, id) = make(&site, wanted).await;
    let listed = admin(&site, "GET", "/api/keys", Value::Null).await.json();
    let shown = &listed["keys"][0];
    assert_eq!((&shown["id"], &shown["scopes"]), (&json!(id), &json!(["mcp:read"])));
    assert_eq!((&shown["state"], &shown["tier"]), (&json!("active"), &json!("gold")));
    let (_, secret) = key.split_at(id.len() + 1);
    assert!(!listed.to_string().contains(secret));
    let Site { running, folder } = site;
    assert!(running.shut_down().await);
    let database = std::fs::read(folder.path().join("data/gantry.db")).unwrap();
    let has = |text: &str| database.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has(&id) && !has(secret), "what is stored is no key");
    let site = Site::again(folder).await;
    assert_eq!(status(&site, "x-api-key", &key).await, 200);
    let forgotten = admin(&site, "DELETE", &format!("/api/keys/{id}"), Value::Null).await;
    assert_eq!((forgotten.refusal().0, forgotten.code().as_str()), (409, "E0407"));
    revoke(&site, &id).await;
    let forgotten = admin(&site, "DELETE", &format!("/api/keys/{id}"), Value::Null).await;
    assert_eq!(forgotten.status, 204);
    let missing = admin(&site, "POST", &format!("/api/keys/{id}/revoke"), json!({})).await;
    assert_eq!((missing.refusal().0, missing.code().as_str()), (404, "E0406"));
    assert_eq!(list().send(site.address()).await.status, 200, "no key is left");
}

#[tokio::test]
async fn a_key_that_is_replaced_and_the_new_one_are_good_at_once() {
    let site = Site::start("").await;
    let (old, id) = make(&site, json!({ "name": "alice" })).await;
    let rotated = admin(&site, "POST", &format!("/api/keys/{id}/rotate"), json!({})).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let new = rotated.json()["key"].as_str().unwrap().to_owned();
    for key in [&old, &new] {
        assert_eq!(status(&site, "x-api-key", key).await, 200);
    }
    let at_once = json!({ "overlap": "0s" });
    let new_id = rotated.json()["id"].as_str().unwrap().to_owned();
    let third = admin(&site, "POST", &format!("/api/keys/{new_id}/rotate"), at_once).await;
    let third = third.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(status(&site, "x-api-key", &new).await, 401);
    assert_eq!(status(&site, "x-api-key", &third).await, 200);
}

#[tokio::test]
async fn keys_of_the_file_open_with_their_own_header_until_they_expire() {
    let site = Site::start(
        "auth:\n  api_key_header: X-Client-Key\n  api_keys:\n    - { name: ann, key: \
         0123456789abcdef, scopes: [read] }\n    - { name: old, key: fedcba9876543210, expires: \
         2020-01-01 }\n",
    )
    .await;
    assert_eq!(status(&site, "x-client-key", TOKEN).await, 200);
    assert_eq!(status(&site, "authorization", &format!("Bearer {TOKEN}")).await, 200);
    assert_eq!(status(&site, "x-api-key", TOKEN).await, 401);
    assert_eq!(status(&site, "x-client-key", "fedcba9876543210").await, 401);
}

#[tokio::test]
async fn without_a_credential_in_the_file_it_listens_further_only_where_one_is_required() {
    let refused = Site::try_start_on("", "0.0.0.0:0").await.unwrap_err();
    assert_eq!(refused.code().code(), "E0109");
    let site = Site::start_on("auth: { required: true }", "0.0.0.0:0").await;
    let near = SocketAddr::from(([127, 0, 0, 1], site.address().port()));
    assert_eq!(list().send(near).await.status, 401);
    let request = Request::json("POST", "/api/keys", &json!({ "name": "alice" }));
    let made = request.bearer(&site.admin_token()).send(near).await.json();
    let key = made["key"].as_str().unwrap().to_owned();
    assert_eq!(list().bearer(&key).send(near).await.status, 200);
}

/// Reads what comes until something was seen.
async fn until(stream: &mut TcpStream, wanted: &str) {
    let mut seen = String::new();
    let reading = async {
        while !seen.contains(wanted) {
            let mut piece = [0; 1024];
            let n = stream.read(&mut piece).await.unwrap();
            assert!(n > 0, "the stream ended after {seen:?}");
            seen.push_str(&String::from_utf8_lossy(piece.get(..n).unwrap()));
        }
    };
    tokio::time::timeout(LIMIT, reading).await.expect("it comes");
}

/// Waits until a stream ends, and tells how long it took.
async fn end(stream: &mut TcpStream) -> Duration {
    let begun = tokio::time::Instant::now();
    let reading = async {
        let mut piece = [0; 1024];
        let mut last = Vec::new();
        // The connection is kept, so that the end of the body is the last chunk.
        while !last.ends_with(b"0\r\n\r\n") {
            let n = stream.read(&mut piece).await.unwrap();
            if n == 0 {
                return;
            }
            last.extend_from_slice(piece.get(..n).unwrap());
        }
    };
    tokio::time::timeout(LIMIT, reading).await.expect("the stream ends");
    begun.elapsed()
}

#[tokio::test]
async fn streams_end_soon_after_their_key_was_revoked_and_others_go_on() {
    let site = Site::start("").await;
    let (alice, id) = make(&site, json!({ "name": "alice" })).await;
    let (bob, _) = make(&site, json!({ "name": "bob" })).await;
    let filter = json!({ "notifications": { "toolsListChanged": true } });
    let listen = Request::modern("/mcp", "subscriptions/listen", filter);
    let open = async |key: &str| {
        let mut stream = listen.clone().bearer(key).open(site.address()).await;
        until(&mut stream, "text/event-stream").await;
        stream
    };
    let (mut alices, mut bobs) = (open(&alice).await, open(&bob).await);
    let old = Request::get("/sse").header("accept", "text/event-stream");
    let mut old = old.bearer(&alice).open(site.address()).await;
    until(&mut old, "event: endpoint").await;
    revoke(&site, &id).await;
    for stream in [&mut alices, &mut old] {
        let took = end(stream).await;
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    let upstream = Upstream::start().await;
    site.write_config(&format!("servers: {{ up: {{ url: {} }} }}", upstream.url()));
    until(&mut bobs, "notifications/tools/list_changed").await;
}

#[tokio::test]
async fn what_nobody_had_to_ask_for_ends_when_a_first_key_is_made() {
    let site = Site::start("").await;
    let mut stream = Request::get("/sse").header("accept", "text/event-stream");
    stream = stream.header("x-api-key", "whatever");
    let mut stream = stream.open(site.address()).await;
    until(&mut stream, "event: endpoint").await;
    make(&site, json!({ "name": "alice" })).await;
    end(&mut stream).await;
}
