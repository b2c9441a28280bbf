//! The HTTP API: each route at its best and with bad input, and who may use it.

mod batch;
mod edit;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::support::client::{Answer, Request};
use crate::support::upstream::Upstream;
use crate::support::{LIMIT, Site, state};

const TOKEN: &str = "0123456789abcdef";

/// A gateway with one server, `up`, which is ready.
async fn with_upstream(more: &str) -> (Site, Upstream) {
    let upstream = Upstream::start().await;
    let yaml = format!("servers: {{ up: {{ url: {}{more} }} }}", upstream.url());
    let site = Site::start(&yaml).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    (site, upstream)
}

async fn post(site: &Site, path: &str, body: Value) -> Answer {
    Request::json("POST", path, &body).send(site.address()).await
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn servers_are_listed_filtered_and_paged() {
    let (site, _upstream) = with_upstream(", description: counts").await;
    let listed = site.get("/api/servers").await;
    assert_eq!(listed.status, 200);
    let body = listed.json();
    let server = &body["servers"][0];
    assert_eq!((&server["id"], &server["name"]), (&json!("up"), &json!("up")));
    assert_eq!((&server["origin"], &server["state"]), (&json!("file"), &json!("ready")));
    assert_eq!((&server["tools"], &server["transport"]), (&json!(4), &json!("http")));
    assert_eq!(server["description"], "counts");
    assert_eq!((&body["total"], &body["page"]), (&json!(1), &json!(1)));
    assert!(server.get("config").is_none(), "details are the administrator's");
    for (query, expected) in [
        ("status=ready", 1),
        ("status=starting", 0),
        ("type=http", 1),
        ("type=stdio", 0),
        ("page=2&limit=1", 0),
        ("page=1&limit=1", 1),
    ] {
        let body = site.get(&format!("/api/servers?{query}")).await.json();
        assert_eq!(body["servers"].as_array().unwrap().len(), expected, "{query}");
    }
    for query in ["status=good", "limit=0", "limit=1001", "page=+1", "page=1&page=1", "state=x"] {
        let refused = site.get(&format!("/api/servers?{query}")).await;
        assert_eq!(refused.refusal(), (400, "INVALID_PARAMETERS".to_owned()), "{query}");
        assert_eq!(refused.code(), "E0324", "{query}");
    }
}

#[tokio::test]
async fn one_server_is_told_of_in_every_way() {
    let (site, _upstream) = with_upstream("").await;
    assert_eq!(site.get("/api/servers/up").await.json()["state"], "ready");
    let health = site.get("/api/servers/up/health").await.json();
    assert_eq!((&health["healthy"], &health["calls_under_way"]), (&json!(true), &json!(0)));
    let info = site.get("/api/servers/up/info").await.json();
    assert_eq!(info["server_info"], json!({ "name": "counting", "version": "1" }));
    assert_eq!((&info["offer"], &info["instructions"]), (&json!("fresh"), &json!("Count.")));
    assert_eq!(info["protocol_version"], "2026-07-28");
    let tools = site.get("/api/servers/up/tools").await.json();
    assert_eq!(names(&tools["tools"]), ["echo", "wait", "fail", "boom"]);
    assert_eq!(tools["tools"][0]["server_id"], "up");
    let resources = site.get("/api/servers/up/resources?limit=1").await.json();
    assert_eq!(resources["resources"][0]["uri"], "note://1");
    assert_eq!(resources["resource_templates"][0]["uriTemplate"], "note://{n}");
    let prompts = site.get("/api/servers/up/prompts").await.json();
    assert_eq!(names(&prompts["prompts"]), ["greet"]);
    for what in ["", "/info", "/health", "/tools", "/resources", "/prompts", "/notifications"] {
        let refused = site.get(&format!("/api/servers/nobody{what}")).await;
        assert_eq!(refused.refusal(), (404, "RESOURCE_NOT_FOUND".to_owned()), "{what}");
        assert_eq!(refused.code(), "E0301", "{what}");
    }
}

#[tokio::test]
async fn of_a_server_that_was_never_heard_no_revision_is_told() {
    let site = Site::start("servers: { broken: { command: /does/not/exist } }").await;
    site.until(|ready| state(ready, "broken") == "unreachable").await;
    let info = site.get("/api/servers/broken/info").await.json();
    assert_eq!(info["offer"], "pending");
    assert_eq!(info.get("protocol_version"), None, "{info}");
}

#[tokio::test]
async fn tools_are_found_and_called_by_both_of_their_names() {
    let (site, upstream) = with_upstream("").await;
    let all = site.get("/api/tools").await.json();
    assert!(
        names(&all["tools"]).contains(&"up__echo")
            && names(&all["tools"]).contains(&"gantry__list_servers")
    );
    let one = site.get("/api/tools/up__echo").await.json();
    assert_eq!((&one["server_id"], &one["own_name"]), (&json!("up"), &json!("echo")));
    assert_eq!(one["inputSchema"]["type"], "object");
    for (path, name) in
        [("/api/servers/up/tools/echo", "echo"), ("/api/tools/up__echo", "up__echo")]
    {
        let called = post(&site, path, json!({ "text": "hé" })).await;
        assert_eq!(called.status, 200, "{called:?}");
        let body = called.json();
        assert_eq!(body["success"], true);
        assert_eq!(body["result"]["content"][0]["text"], "hé");
        assert_eq!((&body["server_id"], &body["tool_name"]), (&json!("up"), &json!(name)));
        assert!(body["execution_time_ms"].is_u64() && body["request_id"].is_string());
    }
    assert_eq!(upstream.count("tools/call"), 2);
    let bare = Request::post("/api/tools/up__echo", "").send(site.address()).await;
    assert_eq!(bare.json()["result"]["content"][0]["text"], "done");
    let built_in = post(&site, "/api/servers/gantry/tools/list_servers", json!({})).await;
    assert_eq!(built_in.json()["result"]["structuredContent"]["servers"][0]["name"], "up");
}

#[tokio::test]
async fn a_tool_that_fails_is_an_answer_and_one_that_cannot_be_called_is_an_error() {
    let (site, _upstream) = with_upstream("").await;
    let failed = post(&site, "/api/servers/up/tools/fail", json!({})).await;
    assert_eq!((failed.status, &failed.json()["success"]), (200, &json!(false)));
    assert_eq!(failed.json()["result"]["content"][0]["text"], "no");
    let boom = post(&site, "/api/servers/up/tools/boom", json!({})).await;
    assert_eq!(boom.refusal(), (502, "TOOL_EXECUTION_FAILED".to_owned()));
    let rpc = json!({ "code": -32000, "message": "it blew up", "data": { "fuse": 1 } });
    assert_eq!(boom.json()["error"]["details"]["rpc"], rpc);
}

#[tokio::test]
async fn a_hidden_tool_looks_like_an_unknown_one() {
    let (site, upstream) = with_upstream(", tools: { deny: [echo] }").await;
    let text = |answer: &Answer, name: &str| {
        answer.json()["error"]["message"].as_str().unwrap().replace(name, "X")
    };
    for (hidden, unknown, prefix) in
        [("echo", "nothing", "/api/servers/up/tools/"), ("up__echo", "up__nothing", "/api/tools/")]
    {
        let hidden_answer = post(&site, &format!("{prefix}{hidden}"), json!({})).await;
        let unknown_answer = post(&site, &format!("{prefix}{unknown}"), json!({})).await;
        assert_eq!(hidden_answer.refusal(), (404, "RESOURCE_NOT_FOUND".to_owned()));
        assert_eq!(hidden_answer.refusal(), unknown_answer.refusal());
        assert_eq!(text(&hidden_answer, hidden), text(&unknown_answer, unknown));
    }
    let got = site.get("/api/tools/up__echo").await;
    let not = site.get("/api/tools/up__nothing").await;
    assert_eq!((got.refusal(), text(&got, "up__echo")), (not.refusal(), text(&not, "up__nothing")));
    assert_eq!(got.code(), "E0302");
    assert_eq!(upstream.count("tools/call"), 0);
}

#[tokio::test]
async fn bodies_that_are_no_arguments_are_refused() {
    let (site, upstream) = with_upstream("").await;
    let path = "/api/servers/up/tools/echo";
    for body in ["[]", "1", "null", "{", "{}{}", "{},\"name\":\"wait\""] {
        let refused = Request::post(path, body).send(site.address()).await;
        assert_eq!(refused.refusal(), (400, "INVALID_PARAMETERS".to_owned()), "{body}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let page = Request::post(path, "{}").without("content-type").header("content-type", kind);
        assert_eq!(page.send(site.address()).await.refusal().0, 415, "{kind}");
    }
    let bare = Request::post(path, "{}").without("content-type").send(site.address()).await;
    assert_eq!(bare.refusal().0, 415);
    let large = json!({ "text": "x".repeat(11 << 20) });
    let large = post(&site, path, large).await;
    assert_eq!((large.refusal().0, large.code().as_str()), (413, "E0304"));
    assert_eq!(upstream.count("tools/call"), 0);
}

#[tokio::test]
async fn resources_are_read_from_their_server() {
    let (site, _upstream) = with_upstream("").await;
    let read = site.get("/api/servers/up/resources/read?uri=note%3A%2F%2F1").await;
    assert_eq!(read.json()["contents"][0]["text"], "first", "{read:?}");
    let unknown = site.get("/api/servers/up/resources/read?uri=note://2").await;
    assert_eq!(unknown.refusal(), (404, "RESOURCE_NOT_FOUND".to_owned()));
    for query in ["", "?uri=", "?uri=a&uri=b", "?url=note://1"] {
        let refused = site.get(&format!("/api/servers/up/resources/read{query}")).await;
        assert_eq!(refused.refusal().0, 400, "{query}");
    }
}

#[tokio::test]
async fn raw_messages_are_answered_by_their_server() {
    let (site, _upstream) = with_upstream("").await;
    let path = "/api/servers/up/messages";
    let ask = async |method: &str, params: Value| {
        let message = json!({ "jsonrpc": "2.0", "id": "x", "method": method, "params": params });
        let answer = post(&site, path, message).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["id"], "x");
        answer.json()
    };
    let listed = ask("tools/list", json!({})).await;
    assert_eq!(names(&listed["result"]["tools"]), ["echo", "wait", "fail", "boom"]);
    let called = ask("tools/call", json!({ "name": "echo", "arguments": { "text": "a" } })).await;
    assert_eq!(called["result"]["content"][0]["text"], "a");
    assert_eq!(ask("ping", json!({})).await["result"], json!({}));
    let greeted = ask("initialize", json!({})).await;
    assert_eq!(greeted["result"]["serverInfo"]["name"], "counting");
    assert_eq!(ask("nothing", json!({})).await["error"]["code"], -32601);
    assert_eq!(ask("tools/call", json!({ "name": "up__echo" })).await["error"]["code"], -32602);
    for wrong in [
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "1.0", "id": 1, "method": "ping" }),
        json!([{ "jsonrpc": "2.0", "id": 1, "method": "ping" }]),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
        json!("ping"),
    ] {
        let refused = post(&site, path, wrong.clone()).await;
        assert_eq!(refused.refusal(), (400, "INVALID_PARAMETERS".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn a_listener_hears_of_changes_and_is_told_first_what_it_will_hear() {
    let (site, upstream) = with_upstream("").await;
    let request = Request::get("/api/servers/up/notifications").header("connection", "close");
    let mut stream = request.open(site.address()).await;
    let mut seen = String::new();
    read_until(&mut stream, &mut seen, "notifications/subscriptions/acknowledged").await;
    assert!(seen.contains("text/event-stream") && seen.contains("\"toolsListChanged\":true"));
    let filtered =
        format!("servers: {{ up: {{ url: {}, tools: {{ deny: [boom] }} }} }}", upstream.url());
    site.write_config(&filtered);
    read_until(&mut stream, &mut seen, "notifications/tools/list_changed").await;
    // Who listens to a server that is removed is not left waiting.
    site.write_config("");
    let mut rest = Vec::new();
    tokio::time::timeout(LIMIT, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
}

async fn read_until(stream: &mut tokio::net::TcpStream, seen: &mut String, text: &str) {
    let read = async {
        while !seen.contains(text) {
            let mut piece = [0; 4096];
            let length = stream.read(&mut piece).await.unwrap();
            assert_ne!(length, 0, "the stream ended: {seen}");
            seen.push_str(&String::from_utf8_lossy(&piece[..length]));
        }
    };
    tokio::time::timeout(LIMIT, read).await.unwrap_or_else(|_| panic!("no {text}: {seen}"));
}

#[tokio::test]
async fn paths_and_methods_that_are_nobodys_are_refused_in_the_form_of_the_api() {
    let (site, _upstream) = with_upstream("").await;
    for path in
        ["/api/", "/api/nothing", "/api/servers/", "/api/servers/up/nothing", "/api/tools//"]
    {
        assert_eq!(site.get(path).await.refusal().0, 404, "{path}");
    }
    let wrong = Request::delete("/api/tools/up__echo").send(site.address()).await;
    assert_eq!((wrong.refusal().0, wrong.header("allow")), (405, Some("GET, POST")));
    let odd = site.get("/api/servers/%FF").await;
    assert_eq!(odd.refusal().0, 400);
    let escaped = site.get("/api/servers/%75%70").await;
    assert_eq!(escaped.json()["id"], "up");
    let page = Request::get("/api/servers").header("origin", "https://evil.example");
    let refused = page.send(site.address()).await;
    assert_eq!(refused.refusal(), (403, "AUTHORIZATION_DENIED".to_owned()));
}

#[tokio::test]
async fn each_caller_may_do_what_its_token_opens() {
    let upstream = Upstream::start().await;
    let site = Site::start(&format!(
        "auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}\nservers: {{ up: {{ url: {} }} }}",
        upstream.url()
    ))
    .await;
    site.until(|ready| state(ready, "up") == "ready").await;
    let admin = site.admin_token();
    let read = Request::get("/api/servers/up");
    let call = Request::json("POST", "/api/tools/up__echo", &json!({}));
    let change = Request::json("POST", "/api/servers/up/restart", &json!({}));
    for (request, expected) in
        [(read, [401, 200, 200]), (call, [401, 200, 403]), (change, [401, 403, 200])]
    {
        let none = request.clone().send(site.address()).await.status;
        let client = request.clone().bearer(TOKEN).send(site.address()).await.status;
        let admin = request.clone().bearer(&admin).send(site.address()).await.status;
        assert_eq!([none, client, admin], expected, "{request:?}");
        let wrong = request.bearer("fedcba9876543210").send(site.address()).await;
        assert_eq!(wrong.refusal(), (401, "AUTHENTICATION_FAILED".to_owned()));
        assert!(wrong.header("www-authenticate").unwrap().contains("invalid_token"));
    }
    let seen = Request::get("/api/servers/up").bearer(&admin).send(site.address()).await.json();
    assert_eq!(seen["config"]["type"], "http", "{seen}");
    let listens = Request::get("/api/servers/up/notifications?uri=note://1").bearer(&admin);
    assert_eq!(listens.send(site.address()).await.refusal().0, 403);
}

#[tokio::test]
async fn the_description_is_served_and_names_every_route() {
    let site = Site::start("").await;
    let document = site.get("/api/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/servers/{id}/tools/{tool}"]["post"].is_object());
}
