//! `gantry keys create|list|rotate|revoke|forget`, beside a running gateway and without one.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{COMMAND, Desk};
use crate::support::client::Client;
use crate::support::process::Process;

impl Desk {
    /// Makes a key, and returns it and its id.
    async fn key(&self, arguments: &[&str]) -> (String, String) {
        let json = [arguments, &["--format", "json"]].concat();
        let seen = self.run(&[&["keys"], &json[..]].concat()).await;
        let text = seen.strip_prefix("exit code 0\n----- stdout\n").expect("a key is made");
        let made: Value = serde_json::from_str(text).expect("JSON");
        let of = |name: &str| made[name].as_str().expect("a text").to_owned();
        (of("key"), of("id"))
    }

    /// What was seen with what differs from run to run taken out.
    async fn keys(&self, arguments: &[&str], ids: &[(&str, &str)]) -> String {
        let mut seen = self.run(&[&["keys"], arguments].concat()).await;
        for (id, name) in ids {
            seen = seen.replace(id, name);
        }
        seen.lines().map(without_moments).collect::<Vec<_>>().join("\n")
    }
}

fn without_moments(line: &str) -> String {
    let is_moment = |word: &&str| word.len() == 20 && word.ends_with('Z');
    let words = line.split(' ').map(|word| Some(word).filter(|word| !is_moment(word)));
    words.map(|word| word.unwrap_or("[MOMENT]")).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_key_is_shown_once_and_alone_on_standard_output() {
    let desk = Desk::new();
    let seen = desk.run(&["keys", "create", "alice", "--expires", "90d"]).await;
    let (_, key) = seen.split_once("----- stdout\n").expect("standard output");
    let key = key.lines().next().expect("a key").to_owned();
    let id = key.get(..13).expect("the public part").to_owned();
    assert!(key.starts_with("gk_") && key.len() == 57, "{key}");
    let listed = desk.run(&["keys", "list"]).await;
    assert!(listed.contains(&id) && !listed.contains(&key), "{listed}");
    assert_snapshot!(desk.keys(&["revoke", &id], &[(&id, "[ID]")]).await, @"
    exit code 0
    ----- stdout
    Revoked `[ID]` of `alice`.
    ");
    let again = desk.keys(&["list"], &[(&id, "gk_aaaaaaaaaa")]).await;
    assert_snapshot!(again, @"
    exit code 0
    ----- stdout
    ID             NAME   STATE    SCOPES       ROLES  TIER  MADE                  ENDS                  USED
    gk_aaaaaaaaaa  alice  revoked  not limited               [MOMENT]  [MOMENT]
    ");
}

#[tokio::test]
async fn keys_are_made_without_a_gateway_and_open_it_when_it_runs() {
    let desk = Desk::new();
    assert_snapshot!(desk.keys(&["list"], &[]).await, @"
    exit code 0
    ----- stdout
    There are no keys; `gantry keys create NAME` makes one.
    ");
    let (key, id) = desk.key(&["create", "alice", "--scope", "read", "--tier", "gold"]).await;
    let mut gateway = desk.serve().await;
    let mcp = endpoint(&mut gateway).await;
    assert_eq!(post(&mcp, Some(&key)).await, 200);
    assert_eq!(post(&mcp, None).await, 401);

    let (new, _) = desk.key(&["rotate", &id, "--overlap", "1h"]).await;
    assert_eq!((post(&mcp, Some(&key)).await, post(&mcp, Some(&new)).await), (200, 200));
    let names = [(id.as_str(), "[ID]")];
    assert_snapshot!(desk.keys(&["forget", &id], &names).await, @"
    exit code 1
    ----- stderr
    error: cannot forget `[ID]`
      caused by: the key `[ID]` is active, so it cannot be forgotten

    hint: this is E0407 — run `gantry explain E0407`
    ");
    desk.keys(&["revoke", &id], &names).await;
    assert_eq!((post(&mcp, Some(&key)).await, post(&mcp, Some(&new)).await), (401, 200));
    assert_snapshot!(desk.keys(&["forget", &id], &names).await, @"
    exit code 0
    ----- stdout
    Forgot `[ID]`.
    ");
    assert_snapshot!(desk.keys(&["revoke", &id], &names).await, @"
    exit code 1
    ----- stderr
    error: cannot take `[ID]` back
      caused by: no key has the id `[ID]`; `gantry keys list` shows all of them

    hint: this is E0406 — run `gantry explain E0406`
    ");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_the_same_words_with_and_without_a_gateway() {
    let desk = Desk::new();
    let commands: [&[&str]; 4] = [
        &["create", "local"],
        &["create", "alice", "--expires", "soon"],
        &["revoke", "gk_nobody/../x"],
        &["rotate", "gk_aaaaaaaaaa"],
    ];
    let mut alone = Vec::new();
    for command in commands {
        alone.push(desk.keys(command, &[]).await);
    }
    let _gateway = desk.serve().await;
    for (command, alone) in commands.iter().zip(&alone) {
        assert_eq!(desk.keys(command, &[]).await, *alone);
    }
    assert_snapshot!(alone.join("\n"), @"
    exit code 1
    ----- stderr
    error: cannot make a key
      caused by: a client cannot be named `local`, that is what callers without a credential are called

    hint: this is E0324 — run `gantry explain E0324`
    exit code 1
    ----- stderr
    error: cannot make a key
      caused by: the life of a key must be a duration such as `90d`, at most `3650d`

    hint: this is E0324 — run `gantry explain E0324`
    exit code 1
    ----- stderr
    error: cannot take `gk_nobody/../x` back
      caused by: no key has the id `gk_nobody/../x`; `gantry keys list` shows all of them

    hint: this is E0406 — run `gantry explain E0406`
    exit code 1
    ----- stderr
    error: cannot make a key in the place of another
      caused by: no key has the id `gk_aaaaaaaaaa`; `gantry keys list` shows all of them

    hint: this is E0406 — run `gantry explain E0406`
    ");
}

#[tokio::test]
async fn the_last_key_that_is_forgotten_opens_the_loopback_and_says_so() {
    let desk = Desk::new();
    let (_, id) = desk.key(&["create", "alice"]).await;
    desk.keys(&["revoke", &id], &[]).await;
    assert_snapshot!(desk.keys(&["forget", &id], &[(&id, "[ID]")]).await, @"
    exit code 0
    ----- stdout
    Forgot `[ID]`.
    ----- stderr
    hint: no key is left: clients on this machine need none any more
    ");
}

#[tokio::test]
async fn a_salt_that_is_too_short_is_refused() {
    let desk = Desk::new().variable("API_KEY_SALT", "short");
    assert_snapshot!(desk.keys(&["list"], &[]).await, @"
    exit code 1
    ----- stderr
    error: cannot list the keys
      caused by: no secret to digest keys with, from `API_KEY_SALT`
      caused by: a secret for this needs at least 16 bytes, this one has 5

    hint: `openssl rand -base64 48` makes a good `API_KEY_SALT`
    hint: this is E0105 — run `gantry explain E0105`
    ");
}

/// Returns where the gateway's endpoint is.
async fn endpoint(gateway: &mut Process) -> String {
    let url = |_, line: &str| {
        let (_, rest) = line.split_once("http://")?;
        Some(format!("http://{}/mcp", rest.split_once("/mcp")?.0))
    };
    gateway.find_line(COMMAND, url).await.expect("the banner names the endpoint")
}

/// Calls the endpoint with a key and returns the status.
async fn post(endpoint: &str, key: Option<&str>) -> u16 {
    let client = Client::modern(endpoint, json!({}));
    let client = match key {
        Some(key) => client.with_header("x-api-key", key),
        None => client,
    };
    client.request("tools/list", json!({})).await.status
}
