//! What commands do beside a running gateway and without one: keys and backups.

use std::path::Path;

use serde_json::{Value, json};

use super::{config, entries, is_event, is_whole, read, script, until};
use crate::support::{
    gantry::{Gantry, Setup},
    wait::eventually,
};

/// What is told of each entry about keys or backups.
fn told(entries: &[Value]) -> Value {
    let is_change = |event: &str| event.starts_with("key.") || event.starts_with("backup.");
    let changes =
        entries.iter().filter(|entry| entry["event_type"].as_str().is_some_and(is_change));
    changes
        .map(|entry| {
            let members = ["event_type", "subject", "outcome", "code", "detail", "principal"];
            json!(members.map(|name| &entry[name]))
        })
        .collect()
}

async fn run(gantry: &Gantry, words: &[&str]) -> Value {
    let done = gantry.run(&[words, &["--format", "json"]].concat()).await;
    assert!(done.status.success(), "{done}");
    assert_eq!(done.stderr, "", "nothing is wrong");
    serde_json::from_str(&done.stdout).expect("JSON")
}

/// Makes, replaces, revokes and forgets a key; returns what the trail must tell of it, and the keys.
async fn change_keys(gantry: &Gantry, principal: &str) -> (Value, Vec<String>) {
    let made = run(gantry, &["keys", "create", "ci"]).await;
    let old = made["id"].as_str().expect("an id").to_owned();
    let rotated = run(gantry, &["keys", "rotate", &old]).await;
    let new = rotated["id"].as_str().expect("an id").to_owned();
    for action in ["revoke", "forget"] {
        let done = gantry.run(&["keys", action, &old]).await;
        assert!(done.status.success() && done.stderr.is_empty(), "{done}");
    }
    // Somebody gives the key where its public part is wanted.
    let key = rotated["key"].as_str().expect("a key").to_owned();
    let refused = gantry.run(&["keys", "forget", &key]).await;
    assert!(!refused.status.success(), "{refused}");
    let expected = json!([
        ["key.created", old, "ok", null, "for `ci`", principal],
        ["key.rotated", old, "ok", null, format!("replaced by `{new}`, for `ci`"), principal],
        ["key.revoked", old, "ok", null, "of `ci`", principal],
        ["key.forgotten", old, "ok", null, null, principal],
        ["key.forgotten", new, "failed", "E0406", null, principal],
    ]);
    (expected, vec![made["key"].as_str().expect("a key").to_owned(), key])
}

fn is_nowhere(keys: &[String], trail: &Path) {
    let text = std::fs::read_to_string(trail).expect("it can be read");
    assert!(keys.iter().all(|key| !text.contains(key.as_str())), "{text}");
}

#[tokio::test]
async fn changed_keys_are_recorded_by_the_gateway_and_beside_none() {
    let upstream = script().start().await;
    let audit = json!({ "database": true, "sync": "each", "events": ["key.*"] });
    let gantry = Gantry::start(&config(upstream.server(), audit).to_string()).await;
    let (expected, keys) = change_keys(&gantry, "administrator").await;
    assert_eq!(told(&entries(&gantry)), expected);
    is_nowhere(&keys, &super::trail(&gantry));

    let mut of_commands = None;
    let gantry = gantry
        .restart_after(async |gantry| {
            let before = entries(gantry).len();
            let (expected, keys) = change_keys(gantry, "local").await;
            let all = entries(gantry);
            assert_eq!(told(&all[before..]), expected);
            is_nowhere(&keys, &super::trail(gantry));
            of_commands = Some(expected);
        })
        .await;
    // What belongs to the database waited for the next start, in its order.
    let expected = of_commands.expect("they were made");
    eventually("the database has them too", async || {
        let words = ["audit", "search", "--database", "--principal", "local"];
        let mut found = run(&gantry, &words).await;
        found.as_array_mut()?.reverse();
        (told(found.as_array()?) == expected).then_some(())
    })
    .await;
    is_whole(&gantry).await;
}

#[tokio::test]
async fn keys_are_not_changed_when_nothing_can_be_recorded() {
    let upstream = script().start().await;
    let setup = Setup::new(&config(upstream.server(), json!({})).to_string());
    let gantry = setup.start().await;
    let trail = super::trail(&gantry);
    let _gantry = gantry
        .restart_after(async |gantry| {
            let kept = std::fs::read(&trail).expect("it is there");
            std::fs::write(&trail, "something else\n").expect("it can be written");
            let refused = gantry.run(&["keys", "create", "ci"]).await;
            assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused}");
            assert!(refused.stderr.contains("does not end like an audit trail"), "{refused}");
            assert_eq!(run(gantry, &["keys", "list"]).await, json!([]), "who looks needs no trail");
            std::fs::write(&trail, kept).expect("it can be written");
        })
        .await;
}

#[tokio::test]
async fn backups_are_recorded_with_what_became_of_them() {
    let upstream = script().start().await;
    let config = config(upstream.server(), json!({ "sync": "each" })).to_string();
    let gantry = Gantry::start(&config).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("a.backup");
    let file = file.to_str().expect("a plain name");
    let backup = ["backup", "--unencrypted", file];
    assert!(gantry.run(&backup).await.status.success());
    assert!(!gantry.run(&backup).await.status.success(), "it is there already");
    let administrator = "administrator";
    let mut expected = vec![
        json!(["backup.created", file, "ok", null, "not encrypted", administrator]),
        json!(["backup.created", file, "failed", "E0509", "not encrypted", administrator]),
    ];
    assert_eq!(told(&entries(&gantry)), Value::Array(expected.clone()));

    let gantry = gantry
        .restart_after(async |gantry| {
            let made = gantry.run(&["backup", "--unencrypted", "--force", file]).await;
            assert!(made.status.success() && made.stderr.is_empty(), "{made}");
            assert!(!gantry.run(&["restore", file]).await.status.success(), "something is there");
            let restored = gantry.run(&["restore", "--force", file]).await;
            assert!(restored.status.success(), "{restored}");
        })
        .await;
    let of = |event: &str, outcome: &str, code: Value, detail: Value| {
        json!([event, file, outcome, code, detail, "local"])
    };
    let all = entries(&gantry);
    let restored = all.iter().rfind(|entry| is_event(entry, "backup.restored"));
    let detail = restored.expect("it is recorded")["detail"].clone();
    assert!(detail.as_str().is_some_and(|detail| detail.starts_with("made 2")), "{detail}");
    expected.extend([
        of("backup.created", "ok", Value::Null, json!("not encrypted")),
        of("backup.restored", "failed", json!("E0509"), Value::Null),
        of("backup.restored", "ok", Value::Null, detail),
    ]);
    assert_eq!(told(&all), Value::Array(expected));
    until(&gantry, 2, |entry| is_event(entry, "gateway.started")).await;
    is_whole(&gantry).await;
    assert_eq!(read(&super::trail(&gantry)).len(), all.len());
}
