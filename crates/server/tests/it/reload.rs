//! A changed configuration comes in force while the gateway serves, or is refused.

use serde_json::json;

use crate::support::client::Request;
use crate::support::upstream::Upstream;
use crate::support::{Site, state};

const TOKEN: &str = "0123456789abcdef";
const OTHER: &str = "fedcba9876543210";

fn two(first: &Upstream, second: &Upstream) -> String {
    format!("servers: {{ one: {{ url: {} }}, two: {{ url: {} }} }}", first.url(), second.url())
}

#[tokio::test]
async fn a_changed_file_adds_and_removes_servers_and_leaves_the_others_alone() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let site = Site::start(&format!("servers: {{ one: {{ url: {} }} }}", first.url())).await;
    site.until(|ready| state(ready, "one") == "ready").await;
    site.write_config(&two(&first, &second));
    site.until(|ready| state(ready, "two") == "ready").await;
    let tools = site.tools().await;
    assert!(tools.contains(&"one__echo".to_owned()) && tools.contains(&"two__echo".to_owned()));
    assert_eq!(first.count("server/discover"), 1, "an unchanged upstream is not asked again");
    assert_eq!(first.count("tools/list"), 1);
    site.write_config(&format!("servers: {{ two: {{ url: {} }} }}", second.url()));
    site.until(|ready| state(ready, "one").is_empty()).await;
    assert!(!site.tools().await.contains(&"one__echo".to_owned()));
    assert_eq!(second.count("server/discover"), 1);
}

#[tokio::test]
async fn a_wrong_file_is_refused_and_the_old_configuration_goes_on() {
    let upstream = Upstream::start().await;
    let good = format!("servers: {{ up: {{ url: {} }} }}", upstream.url());
    let site = Site::start(&good).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    site.write_config("serverz: {}\n");
    let ready = site.until(|ready| ready["checks"]["config"] == "previous").await;
    assert!(ready["config_refused"].as_str().unwrap().contains("serverz"));
    assert_eq!(ready["status"], "ready");
    assert!(site.tools().await.contains(&"up__echo".to_owned()));
    site.write_config(&good);
    site.until(|ready| ready["checks"]["config"] == "ok").await;
    assert_eq!(upstream.count("server/discover"), 1);
    let metrics = site.get("/metrics").await.body;
    assert!(metrics.contains(r#"gantry_config_reloads_total{outcome="refused"} 1"#));
    assert!(metrics.contains(r#"gantry_config_reloads_total{outcome="applied"} 1"#));
}

#[tokio::test]
async fn tokens_hosts_and_views_change_without_a_restart() {
    let config = |token: &str, host: &str| {
        format!(
            "auth: {{ tokens: [{{ name: ann, token: {token} }}] }}\n\
             server: {{ allowed_hosts: [{host}] }}\nviews: {{ own: ['gantry__*'] }}"
        )
    };
    let site = Site::start(&config(TOKEN, "old.example")).await;
    let ask = |token: &str, host: &str, path: &str| {
        let request = Request::modern(path, "tools/list", json!({})).bearer(token);
        request.without("host").header("host", host).send(site.address())
    };
    assert_eq!(ask(TOKEN, "old.example", "/mcp/own").await.status, 200);
    site.write_config(&config(OTHER, "new.example"));
    site.running.reload().await;
    assert_eq!(ask(TOKEN, "new.example", "/mcp").await.status, 401);
    assert_eq!(ask(OTHER, "old.example", "/mcp").await.status, 403);
    assert_eq!(ask(OTHER, "new.example", "/mcp/own").await.status, 200);
    site.write_config("");
    site.running.reload().await;
    assert_eq!(site.ask("tools/list", json!({})).await.status, 200);
    assert_eq!(ask(OTHER, "localhost", "/mcp/own").await.status, 404);
}

#[tokio::test]
async fn a_call_under_way_outlives_a_reload_that_changes_others() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let site = Site::start(&format!("servers: {{ one: {{ url: {} }} }}", first.url())).await;
    site.until(|ready| state(ready, "one") == "ready").await;
    let call = site.ask("tools/call", json!({ "name": "one__wait", "arguments": {} }));
    let reload = async {
        first.until_waiting(1).await;
        site.write_config(&two(&first, &second));
        site.running.reload().await;
        first.let_go();
    };
    let (answer, ()) = tokio::join!(call, reload);
    assert_eq!(answer.json()["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_file_that_vanishes_changes_nothing() {
    let upstream = Upstream::start().await;
    let good = format!("servers: {{ up: {{ url: {} }} }}", upstream.url());
    let site = Site::start(&good).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    std::fs::remove_file(site.folder.path().join("gantry.yaml")).unwrap();
    site.running.reload().await;
    let ready = site.get("/ready").await.json();
    assert_eq!((state(&ready, "up"), &ready["checks"]["config"]), ("ready", &json!("previous")));
}

/// Swaps the content of a mounted folder as a cluster does: a new hidden folder, a link that is
/// renamed over the present one, and the old hidden folder removed.
fn swap(folder: &std::path::Path, version: &str, text: &str) {
    let hidden = format!("..{version}");
    std::fs::create_dir_all(folder.join(&hidden)).unwrap();
    std::fs::write(folder.join(&hidden).join("servers.yml"), text).unwrap();
    let old = std::fs::read_link(folder.join("..data")).ok();
    std::os::unix::fs::symlink(&hidden, folder.join("..data_tmp")).unwrap();
    std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    if let Some(old) = old {
        std::fs::remove_dir_all(folder.join(old)).unwrap();
    } else {
        std::os::unix::fs::symlink("..data/servers.yml", folder.join("servers.yml")).unwrap();
    }
}

fn spring(name: &str, upstream: &Upstream) -> String {
    format!("mcp:\n  servers:\n    {name}:\n      type: http\n      url: {}\n", upstream.url())
}

#[tokio::test]
async fn a_mounted_folder_of_servers_is_swapped_while_the_gateway_serves() {
    let (main, first, second) =
        (Upstream::start().await, Upstream::start().await, Upstream::start().await);
    let mounted = tempfile::tempdir().unwrap();
    swap(mounted.path(), "2026_01", &spring("one", &first));
    let site = Site::start(&format!(
        "servers_from: [{}]\nservers: {{ main: {{ url: {} }} }}",
        mounted.path().display(),
        main.url()
    ))
    .await;
    site.until(|ready| state(ready, "one") == "ready").await;
    swap(mounted.path(), "2026_02", &spring("two", &second));
    site.until(|ready| state(ready, "two") == "ready" && state(ready, "one").is_empty()).await;
    let tools = site.tools().await;
    assert!(tools.contains(&"main__echo".to_owned()) && tools.contains(&"two__echo".to_owned()));
    assert_eq!(main.count("server/discover"), 1, "an unchanged upstream is not asked again");
    swap(mounted.path(), "2026_03", "mcp: [");
    let ready = site.until(|ready| ready["checks"]["config"] == "previous").await;
    assert!(ready["config_refused"].as_str().unwrap().contains("servers.yml"), "{ready}");
    assert_eq!(state(&ready, "two"), "ready");
    swap(mounted.path(), "2026_04", &spring("one", &first));
    site.until(|ready| state(ready, "one") == "ready" && state(ready, "two").is_empty()).await;
}

#[tokio::test]
async fn an_application_takes_up_the_servers_that_come_beside_it() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let site = Site::start(&spring("one", &first)).await;
    site.until(|ready| state(ready, "one") == "ready").await;
    swap(site.folder.path(), "2026_01", &spring("two", &second));
    site.until(|ready| state(ready, "one") == "ready" && state(ready, "two") == "ready").await;
    assert_eq!(first.count("server/discover"), 1);
    swap(site.folder.path(), "2026_02", "mcp.servers.one.enabled: false\n");
    site.until(|ready| state(ready, "two").is_empty() && state(ready, "one") == "disabled").await;
}
