//! `gantry audit`, on trails of a gateway that runs and of one that has ended.

use serde_json::{Value, json};

use super::{config, entries, is_event, is_whole, read, script, trail};
use crate::support::{client::Client, gantry::Gantry, wait::eventually};

/// A gateway that has carried out some calls, in files of a few entries each and in the database.
async fn gateway() -> (Gantry, crate::support::scripted::Scripted) {
    let upstream = script().start().await;
    let rotation = json!({ "max_size": "4KiB" });
    let audit = json!({ "database": true, "rotation": rotation, "sync": "each" });
    let gantry = Gantry::start(&config(upstream.server(), audit).to_string()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    for n in 0..30 {
        let client = client.clone().with_header("x-request-id", &format!("call-{n}"));
        let tool = if n % 3 == 0 { "up__bad" } else { "up__good" };
        client.call(tool, json!({ "n": n, "password": "hunter2" })).await;
    }
    (gantry, upstream)
}

async fn found(gantry: &Gantry, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["audit", "search", "--format", "json"], arguments].concat();
    let found = gantry.run(&arguments).await;
    assert!(found.status.success(), "{found}");
    serde_json::from_str(&found.stdout).expect("it is JSON")
}

#[tokio::test]
async fn entries_are_found_in_files_and_in_the_database() {
    let (gantry, _upstream) = gateway().await;
    for place in [&[][..], &["--database"]] {
        let all = async |more: &[&str]| found(&gantry, &[place, more].concat()).await;
        assert_eq!(all(&["--event", "tool.executed"]).await.len(), 20, "{place:?}");
        assert_eq!(all(&["--tool", "up__bad", "--outcome", "tool_error"]).await.len(), 10);
        assert_eq!(all(&["--principal", "anonymous", "--limit", "7"]).await.len(), 7);
        assert_eq!(all(&["--principal", "eve"]).await.len(), 0);
        assert_eq!(all(&["--since", "1h", "--event", "tool.failed"]).await.len(), 10);
        assert_eq!(all(&["--until", "2020-01-01"]).await.len(), 0);
        let one = all(&["--request-id", "call-7"]).await;
        assert_eq!(one.len(), 1, "{one:?}");
        assert_eq!(one[0]["arguments"], json!({ "n": 7, "password": "[redacted]" }));
        let youngest = all(&["--event", "tool.executed", "--limit", "1"]).await;
        assert_eq!(youngest[0]["request_id"], "call-29", "the youngest comes first");
    }
    let table = gantry.run(&["audit", "search", "--request-id", "call-3"]).await;
    assert!(table.stdout.starts_with("TIME") && table.stdout.contains("up__bad"), "{table}");
    let wrong = gantry.run(&["audit", "search", "--since", "yesterday"]).await;
    assert!(
        !wrong.status.success() && wrong.stderr.contains("`yesterday` is no moment"),
        "{wrong}"
    );
}

#[tokio::test]
async fn the_api_gives_pages_to_the_administrator_alone() {
    let (gantry, _upstream) = gateway().await;
    let url = gantry.url("/api/audit?event=tool.executed&limit=8&page=3");
    let stranger = Client::modern(&url, json!({}));
    assert_eq!(stranger.bare("GET", &[]).await.finish().await.status, 401);
    let token = std::fs::read_to_string(gantry.data().join("admin.token")).expect("it is there");
    let admin = stranger.with_header("authorization", &format!("Bearer {}", token.trim()));
    let page: Value =
        serde_json::from_slice(&admin.bare("GET", &[]).await.finish().await.raw).expect("JSON");
    assert_eq!(page["total"], 20, "{page}");
    assert_eq!(page["entries"].as_array().map(Vec::len), Some(4), "the rest is on the last page");
    let wrong = Client::modern(&gantry.url("/api/audit?since=soon"), json!({}));
    let wrong = wrong.with_header("authorization", &format!("Bearer {}", token.trim()));
    assert_eq!(wrong.bare("GET", &[]).await.finish().await.status, 400);
}

#[tokio::test]
async fn a_trail_is_whole_until_somebody_touches_it() {
    let (gantry, _upstream) = gateway().await;
    let file = trail(&gantry);
    let older = file.with_extension("log.2");
    assert!(older.is_file(), "several files were begun");
    is_whole(&gantry).await;
    let reports = gantry.run(&["audit", "verify", "--format", "json"]).await;
    let reports: Value = serde_json::from_str(&reports.stdout).expect("it is JSON");
    assert_eq!(reports.as_array().map(Vec::len), Some(2), "the file and the database: {reports}");
    let head = reports[0]["head"].as_str().expect("a head").to_owned();
    assert_eq!(reports[0]["anchored"], true);

    // Somebody changes one digit in an older file.
    let before = std::fs::read_to_string(&older).expect("it can be read");
    std::fs::write(&older, before.replacen("\"n\":", "\"m\":", 1)).expect("it can be written");
    let refused = gantry.run(&["audit", "verify"]).await;
    assert!(!refused.status.success(), "{refused}");
    assert!(
        refused.stdout.contains("trail.log.2, line") && refused.stdout.contains("was changed"),
        "{refused}"
    );
    assert!(refused.stderr.contains("E0518"), "{refused}");
    std::fs::write(&older, before).expect("it can be written");
    is_whole(&gantry).await;

    // A head that was kept elsewhere is in it, and a forged one is not.
    let (path, forged) = (file.to_string_lossy(), head.replace(['0', '1'], "2"));
    let kept = gantry.run(&["audit", "verify", &path, "--anchor", &head]).await;
    assert!(kept.status.success(), "{kept}");
    let kept = gantry.run(&["audit", "verify", &path, "--anchor", &forged]).await;
    assert!(!kept.status.success(), "{kept}");
}

#[tokio::test]
async fn an_end_that_somebody_took_away_is_found_by_the_command_and_by_the_next_gateway() {
    let (gantry, _upstream) = gateway().await;
    let file = trail(&gantry);
    let gantry = gantry
        .restart_after(async |gantry: &Gantry| {
            let text = std::fs::read_to_string(&file).expect("it can be read");
            let cut = text.trim_end().rsplit_once('\n').map_or("", |(rest, _)| rest);
            std::fs::write(&file, format!("{cut}\n")).expect("it can be written");
            let refused = gantry.run(&["audit", "verify"]).await;
            assert!(!refused.status.success(), "{refused}");
            assert!(refused.stdout.contains("1 entries are missing at its end"), "{refused}");
        })
        .await;
    // It says so and goes on where it was, so that the gap stays to be seen.
    let told = eventually("the entry about it", async || {
        // Further entries may have begun the next file.
        let before = read(&trail(&gantry).with_extension("log.1"));
        let all = before.into_iter().chain(entries(&gantry));
        let found: Vec<_> = all.filter(|entry| is_event(entry, "security.violation")).collect();
        (!found.is_empty()).then_some(found)
    })
    .await;
    let detail = told[0]["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("was written"), "{told:?}");
    assert!(gantry.log().contains("The end of the audit trail is missing."), "{}", gantry.log());
    let refused = gantry.run(&["audit", "verify"]).await;
    assert!(refused.stdout.contains("entries were removed, added or moved"), "{refused}");
}

#[tokio::test]
async fn nothing_is_recorded_unless_it_is_said_where() {
    let upstream = script().start().await;
    let plain = json!({ "servers": { "up": upstream.server() } }).to_string();
    let gantry = Gantry::start(&plain).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    client.call("up__good", json!({})).await;
    assert!(!gantry.data().join("audit").exists());
    let verify = gantry.run(&["audit", "verify"]).await;
    assert!(verify.stderr.contains("nothing is recorded by this configuration"), "{verify}");
    let search = gantry.run(&["audit", "search"]).await;
    assert!(search.stderr.contains("E0519"), "{search}");
}
