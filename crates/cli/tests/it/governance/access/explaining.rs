//! `gantry policy explain` and the route behind it.

use serde_json::{Value, json};

use super::{CI, bearer, gateway, rules};
use crate::support::client::Client;
use crate::support::gantry::Gantry;

async fn explain(gantry: &Gantry, arguments: &[&str]) -> Value {
    let all = [&["policy", "explain", "--format", "json"], arguments].concat();
    let finished = gantry.run(&all).await;
    assert!(finished.status.success(), "{finished}");
    serde_json::from_str(&finished.stdout).expect("it prints JSON")
}

#[tokio::test]
async fn an_explanation_names_the_rule_and_what_kept_the_others() {
    let (gantry, _up, _secret) = gateway(&rules()).await;
    let told = explain(&gantry, &["--as", "ci", "up__delete_all"]).await;
    assert_eq!(told["effect"], "deny");
    assert_eq!((&told["rule"], &told["server"]), (&json!("no-deletes"), &json!("up")));
    assert_eq!(told["shown"], false);
    let told = explain(&gantry, &["--as", "ada", "up__delete_all"]).await;
    assert_eq!((&told["effect"], &told["decided_by"]), (&json!("allow"), &json!("default")));
    assert_eq!(told["shown"], true);
    let steps = told["rules"].as_array().cloned().unwrap_or_default();
    assert_eq!(steps.len(), 6, "{told}");
    assert_eq!((&steps[0]["matches"], &steps[0]["why"]), (&json!("no"), &json!("principals")));
    for (arguments, effect) in [(r#"{"path":"/tmp/x"}"#, "allow"), (r#"{"path":"/etc"}"#, "deny")] {
        let told = explain(&gantry, &["--as", "ci", "up__write", "--arguments", arguments]).await;
        assert_eq!(told["effect"], effect, "{told}");
        assert_eq!(told["shown"], true);
    }
    // Credentials may grant less than the rules allow.
    let told = explain(&gantry, &["--as", "ada", "up__look", "--scope", "mcp:read"]).await;
    assert_eq!(told["decided_by"], "scopes", "{told}");
    let told = explain(&gantry, &["--as", "https://id.example.com/#ada", "nobody__x"]).await;
    assert_eq!((&told["server"], &told["shown"]), (&Value::Null, &json!(false)));
    assert_eq!(told["principal"], "https://id.example.com/#ada");
}

#[tokio::test]
async fn people_get_a_sentence_and_a_table() {
    let (gantry, _up, _secret) = gateway(&rules()).await;
    let finished = gantry.run(&["policy", "explain", "--as", "ci", "up__delete_all"]).await;
    assert_eq!(
        finished.stdout,
        "A call of `up__delete_all` by `gantry#ci` is refused: the rule `no-deletes` refuses it.\n\
         Credential: auth.tokens[1], active; not limited by scopes.\n\
         Lists do not show it; it is a tool of `up`.\n\
         RULE        EFFECT  MATCHES  WHY\n\
         no-deletes  deny    yes\n"
    );
}

#[tokio::test]
async fn a_key_is_asked_for_by_its_name_or_public_part_and_counts_with_what_it_grants() {
    let (gantry, _up, _secret) = gateway(&rules()).await;
    let make = async |arguments: &[&str]| {
        let words = [&["keys", "create", "bot", "--format", "json"], arguments].concat();
        let made = gantry.run(&words).await;
        serde_json::from_str::<Value>(&made.stdout).expect("a key is made")
    };
    let reader = ["--scope", "mcp:read", "--role", "dev", "--tier", "gold"];
    let key = make(&reader).await;
    let id = key["id"].as_str().expect("an id");
    for name in [id, "bot"] {
        let told = explain(&gantry, &["--as", name, "up__look"]).await;
        let expected = json!({
            "principal": "gantry#bot", "credential": format!("key {id}"),
            "credential_state": "active", "scopes": ["mcp:read"], "roles": ["dev"],
            "tier": "gold", "effect": "deny", "decided_by": "scopes",
        });
        for (member, value) in expected.as_object().expect("it is one") {
            assert_eq!(&told[member], value, "{member} of {name}");
        }
    }
    let told = explain(&gantry, &["--as", id, "up__look", "--scope", "mcp:write"]).await;
    assert_eq!((&told["effect"], &told["tier"]), (&json!("allow"), &json!("gold")));

    // Two of one name that differ are asked for one by one.
    let other = make(&[]).await;
    let other_id = other["id"].as_str().expect("an id");
    let unclear = gantry.run(&["policy", "explain", "--as", "bot", "up__look"]).await;
    assert!(!unclear.status.success() && unclear.stderr.contains(other_id), "{unclear}");
    let told = explain(&gantry, &["--as", other_id, "up__look"]).await;
    assert_eq!((&told["effect"], &told["scopes"]), (&json!("allow"), &Value::Null));
    let revoked = gantry.run(&["keys", "revoke", other_id]).await;
    assert!(revoked.status.success(), "{revoked}");
    let shown = gantry.run(&["policy", "explain", "--as", other_id, "up__look"]).await;
    assert!(shown.stdout.contains("revoked, so it is not let in at all"), "{shown}");

    let secret = key["key"].as_str().expect("a key");
    let refused = gantry.run(&["policy", "explain", "--as", secret, "up__look"]).await;
    assert!(!refused.status.success() && refused.stderr.contains(id), "{refused}");
    assert!(!refused.to_string().contains(secret), "{refused}");
    let unknown = gantry.run(&["policy", "explain", "--as", "gk_aaaaaaaaaa", "up__look"]).await;
    assert!(!unknown.status.success() && unknown.stderr.contains("E0406"), "{unknown}");
}

#[tokio::test]
async fn only_the_administrator_may_ask() {
    let (gantry, _up, _secret) = gateway(&rules()).await;
    let ask = async |token: &str, body: Value| {
        let client = Client::new(&gantry.url("/api/policy/explain"), "2025-11-25", json!({}));
        let client = client.with_header("authorization", &bearer(token));
        let reply = client.post(body.to_string(), &[]).await;
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        (reply.status, body)
    };
    let question = json!({ "principal": "ci", "tool": "up__delete_all" });
    assert_eq!(ask(CI, question.clone()).await.0, 403);
    let admin = std::fs::read_to_string(gantry.data().join("admin.token")).expect("it is there");
    let (status, told) = ask(admin.trim(), question).await;
    assert_eq!((status, &told["effect"]), (200, &json!("deny")));
    for bad in [
        json!({ "principal": "ci" }),
        json!({ "principal": "ci", "tool": "x", "address": "here" }),
        json!({ "principal": "ci", "tool": "x", "more": 1 }),
    ] {
        assert_eq!(ask(admin.trim(), bad).await.0, 400);
    }
}
