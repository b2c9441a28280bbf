//! Servers that are made over the API: kept, used at once, and never the file's.

use serde_json::{Value, json};

use super::{TOKEN, with_upstream};
use crate::support::client::{Answer, Request};
use crate::support::upstream::Upstream;
use crate::support::{Site, state};

async fn admin(site: &Site, method: &str, path: &str, body: Value) -> Answer {
    let request = Request::json(method, path, &body);
    request.bearer(&site.admin_token()).send(site.address()).await
}

async fn remove(site: &Site, path: &str) -> Answer {
    Request::delete(path).bearer(&site.admin_token()).send(site.address()).await
}

async fn get(site: &Site, path: &str) -> Value {
    Request::get(path).bearer(&site.admin_token()).send(site.address()).await.json()
}

#[tokio::test]
async fn a_server_is_made_used_replaced_switched_and_removed() {
    let (site, upstream) = (Site::start("").await, Upstream::start().await);
    let entry = json!({ "id": "made", "url": upstream.url(), "headers": { "X-Key": "hunter2" } });
    let made = admin(&site, "POST", "/api/servers", entry).await;
    assert_eq!((made.status, made.header("location")), (201, Some("/api/servers/made")));
    assert_eq!(made.json()["origin"], "api");
    site.until(|ready| state(ready, "made") == "ready").await;
    assert!(site.tools().await.contains(&"made__echo".to_owned()));
    assert!(!get(&site, "/api/servers/made").await.to_string().contains("hunter2"));

    let read = get(&site, "/api/servers/made").await["config"].clone();
    assert_eq!(read["headers"]["x-key"], "[redacted]");
    let mut changed = read;
    changed["tools"] = json!({ "deny": ["echo"] });
    let replaced = admin(&site, "PUT", "/api/servers/made", changed).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    site.until(|ready| state(ready, "made") == "ready").await;
    assert!(!site.tools().await.contains(&"made__echo".to_owned()));

    let off = admin(&site, "POST", "/api/servers/made/disable", json!({})).await;
    assert_eq!((off.status, &off.json()["state"]), (200, &json!("disabled")));
    let asleep = admin(&site, "POST", "/api/servers/made/restart", json!({})).await;
    assert_eq!((asleep.refusal().0, asleep.code().as_str()), (409, "E0326"));
    let call = Request::json("POST", "/api/servers/made/tools/wait", &json!({}));
    let called = call.send(site.address()).await;
    assert_eq!(called.refusal(), (503, "SERVER_UNAVAILABLE".to_owned()));
    let on = admin(&site, "POST", "/api/servers/made/enable", json!({})).await;
    assert_eq!(on.json()["enabled"], true);
    site.until(|ready| state(ready, "made") == "ready").await;

    let removed = remove(&site, "/api/servers/made").await;
    assert_eq!((removed.status, removed.body.as_str()), (204, ""));
    assert_eq!(site.get("/api/servers/made").await.status, 404);
    assert_eq!(remove(&site, "/api/servers/made").await.refusal().0, 404);
}

#[tokio::test]
async fn a_server_that_was_made_is_there_after_a_restart_of_the_gateway() {
    let (site, upstream) = (Site::start("").await, Upstream::start().await);
    let entry = json!({ "id": "made", "url": upstream.url() });
    assert_eq!(admin(&site, "POST", "/api/servers", entry).await.status, 201);
    let Site { running, folder } = site;
    assert!(running.shut_down().await);
    let site = Site::again(folder).await;
    site.until(|ready| state(ready, "made") == "ready").await;
    assert_eq!(get(&site, "/api/servers/made").await["origin"], "api");
}

#[tokio::test]
async fn the_files_servers_are_changed_in_the_file() {
    let (site, upstream) = with_upstream("").await;
    let entry = json!({ "url": upstream.url() });
    let mut named = entry.clone();
    named["id"] = json!("up");
    for refused in [
        admin(&site, "POST", "/api/servers", named).await,
        admin(&site, "PUT", "/api/servers/up", entry).await,
        remove(&site, "/api/servers/up?force=true").await,
        admin(&site, "POST", "/api/servers/up/enable", json!({})).await,
        admin(&site, "POST", "/api/servers/up/disable", json!({})).await,
    ] {
        assert_eq!(refused.refusal(), (409, "INVALID_PARAMETERS".to_owned()));
        assert_eq!(refused.code(), "E0320");
        let file = refused.json()["error"]["details"]["file"].as_str().unwrap().to_owned();
        assert!(file.ends_with("gantry.yaml"), "{file}");
    }
    let restarted = admin(&site, "POST", "/api/servers/up/restart", json!({})).await;
    assert_eq!(restarted.status, 200, "{restarted:?}");
    site.until(|ready| state(ready, "up") == "ready").await;
    assert_eq!(upstream.count("server/discover"), 2, "it was connected to anew");
}

#[tokio::test]
async fn the_file_wins_over_a_server_of_the_same_name_and_gives_it_back() {
    let (site, upstream, other) =
        (Site::start("").await, Upstream::start().await, Upstream::start().await);
    let entry = json!({ "id": "docs", "url": upstream.url() });
    assert_eq!(admin(&site, "POST", "/api/servers", entry).await.status, 201);
    site.until(|ready| state(ready, "docs") == "ready").await;
    site.write_config(&format!("servers: {{ docs: {{ url: {} }} }}", other.url()));
    site.running.reload().await;
    let seen = get(&site, "/api/servers/docs").await;
    assert_eq!((&seen["origin"], &seen["shadows_api"]), (&json!("file"), &json!(true)));
    site.until(|ready| state(ready, "docs") == "ready").await;
    assert!(other.count("server/discover") > 0);
    site.write_config("views: { docs: ['gantry__*'] }");
    site.running.reload().await;
    assert_eq!(site.get("/api/servers/docs").await.status, 404);
    site.write_config("");
    site.running.reload().await;
    assert_eq!(get(&site, "/api/servers/docs").await["origin"], "api");
}

#[tokio::test]
async fn names_that_are_taken_and_entries_that_are_wrong_are_refused_whole() {
    let site = Site::start("views: { all: ['*'] }").await;
    let url = "http://127.0.0.1:9/mcp";
    let good = json!({ "id": "made", "url": url });
    assert_eq!(admin(&site, "POST", "/api/servers", good.clone()).await.status, 201);
    for taken in [good, json!({ "id": "all", "url": url })] {
        let refused = admin(&site, "POST", "/api/servers", taken.clone()).await;
        assert_eq!((refused.refusal().0, refused.code().as_str()), (409, "E0321"), "{taken}");
    }
    for (entry, expected) in [
        (json!({ "id": "gantry", "url": url }), "reserved"),
        (json!({ "id": "No", "url": url }), "character"),
        (json!({ "id": "a__b", "url": url }), "__"),
        (json!({ "id": "x" }), "neither"),
        (json!({ "id": "x", "url": "ftp://x" }), "https://example.com"),
        (json!({ "id": "x", "url": url, "comand": "1s" }), "did you mean `command`"),
        (json!({ "id": "x", "url": "http://h/${HOME}" }), "variable"),
        (json!({ "id": "x", "url": url, "headers": { "a": "[redacted]" } }), "none"),
    ] {
        let refused = admin(&site, "POST", "/api/servers", entry.clone()).await;
        assert_eq!((refused.refusal().0, refused.code().as_str()), (400, "E0323"), "{entry}");
        let problems = refused.json()["error"]["details"]["problems"].to_string();
        assert!(problems.contains(expected), "{entry}: {problems}");
    }
    for body in [json!([]), json!({ "url": url }), json!({ "id": 1, "url": url })] {
        let refused = admin(&site, "POST", "/api/servers", body.clone()).await;
        assert_eq!((refused.refusal().0, refused.code().as_str()), (400, "E0324"), "{body}");
    }
    let absent = admin(&site, "PUT", "/api/servers/absent", json!({ "url": url })).await;
    assert_eq!(absent.refusal().0, 404);
    assert_eq!(get(&site, "/api/servers").await["total"], 1);
}

#[tokio::test]
async fn programs_are_started_only_where_the_file_allows_it() {
    let site = Site::start("").await;
    let entry = json!({ "id": "tool", "command": "/bin/cat", "args": ["--key=hunter2"] });
    let refused = admin(&site, "POST", "/api/servers", entry.clone()).await;
    assert_eq!(refused.refusal(), (403, "AUTHORIZATION_DENIED".to_owned()));
    assert_eq!(refused.code(), "E0322");
    site.write_config("admin: { allow_commands: true }");
    site.running.reload().await;
    let mut off = entry;
    off["enabled"] = json!(false);
    assert_eq!(admin(&site, "POST", "/api/servers", off).await.status, 201);
    let shown = get(&site, "/api/servers/tool").await;
    assert_eq!(shown["config"]["args"], json!(["[redacted]"]), "{shown}");
    // What was allowed once is not for ever.
    site.write_config("");
    site.running.reload().await;
    let kept = get(&site, "/api/servers/tool").await;
    assert_eq!((&kept["state"], &kept["code"]), (&json!("refused"), &json!("E0322")), "{kept}");
    let tools = site.get("/api/servers/tool/tools").await;
    assert_eq!(tools.refusal(), (503, "SERVER_UNAVAILABLE".to_owned()));
    assert_eq!(remove(&site, "/api/servers/tool").await.status, 204);
}

#[tokio::test]
async fn a_server_with_calls_under_way_is_removed_only_by_force() {
    let (site, upstream) = (Site::start("").await, Upstream::start().await);
    let entry = json!({ "id": "made", "url": upstream.url() });
    assert_eq!(admin(&site, "POST", "/api/servers", entry).await.status, 201);
    site.until(|ready| state(ready, "made") == "ready").await;
    let call = Request::json("POST", "/api/tools/made__wait", &json!({})).send(site.address());
    let removed = async {
        upstream.until_waiting(1).await;
        let refused = remove(&site, "/api/servers/made").await;
        assert_eq!((refused.refusal().0, refused.code().as_str()), (409, "E0326"));
        let health = site.get("/api/servers/made/health").await.json();
        assert_eq!(health["calls_under_way"], 1);
        let removed = remove(&site, "/api/servers/made?force=true").await.status;
        upstream.let_go();
        removed
    };
    let (_, removed) = tokio::join!(call, removed);
    assert_eq!(removed, 204);
}

#[tokio::test]
async fn of_two_who_make_the_same_server_one_does() {
    let site = Site::start("").await;
    let entry = |at: usize| json!({ "id": "made", "url": format!("http://127.0.0.1:9/{at}") });
    let all = (0..8).map(|at| admin(&site, "POST", "/api/servers", entry(at)));
    let mut statuses: Vec<_> =
        futures_util::future::join_all(all).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(get(&site, "/api/servers").await["total"], 1);
}

#[tokio::test]
async fn changes_need_the_admin_token() {
    let site = Site::start(&format!("auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}")).await;
    let make = Request::json("POST", "/api/servers", &json!({ "id": "x", "url": "http://a/" }));
    for (request, status) in [
        (make.clone(), 401),
        (make.clone().bearer(TOKEN), 403),
        (make.bearer("fedcba9876543210"), 401),
        (Request::delete("/api/servers/x"), 401),
        (Request::delete("/api/servers/x").bearer(TOKEN), 403),
    ] {
        assert_eq!(request.send(site.address()).await.refusal().0, status);
    }
    assert_eq!(get(&site, "/api/servers").await["total"], 0);
}
