//! Secrets of the configuration are in no output: not in the log, however much it says, not in
//! metrics, states, lists, or errors.

use serde_json::json;

use super::{assert_calm, fetch};
use crate::support::{
    client::Client,
    gantry::Setup,
    scripted::{Answer, Scripted},
    wait::eventually,
};

/// In every secret of this test.
const MARK: &str = "sEcReTmArK";

fn secret(name: &str) -> String {
    format!("{name}-{MARK}-0123456789")
}

#[tokio::test]
async fn no_secret_is_in_any_output() {
    let header = format!("Bearer {}", secret("header"));
    let expected = header.clone();
    let good = Scripted::modern()
        .tool("good", json!({}), |_| Answer::text("fine"))
        .first(move |seen| {
            let known = seen.header("authorization") == Some(&*expected);
            (!known).then(|| Answer::status(401))
        })
        .start()
        .await;
    let refusing = Scripted::modern().first(|_| Some(Answer::status(401))).start().await;
    let broken = Scripted::modern().first(|_| Some(Answer::Reset)).start().await;
    let query = secret("query");
    let with_secrets = |url: &str| json!({ "url": format!("{url}?key={query}"), "headers": { "Authorization": header } });
    let config = json!({
        "log": { "level": "trace" },
        "auth": { "tokens": [{ "name": "ada", "token": "${CLIENT_TOKEN}" }] },
        "servers": {
            "good": with_secrets(&good.url()),
            "refusing": with_secrets(&refusing.url()),
            "broken": with_secrets(&broken.url()),
            "nowhere": with_secrets("http://127.0.0.1:9/mcp"),
            "dying": {
                "command": "sh",
                "args": ["-c", "exit 1", "sh", secret("argument")],
                "env": { "API_KEY": secret("variable") },
            },
            "missing": { "command": "no-such-program", "args": [secret("argument")], "env": { "KEY": secret("variable") } },
        },
    });
    let setup = Setup::new(&config.to_string()).variable("CLIENT_TOKEN", secret("token"));
    let gantry = setup.argument("-v").argument("-v").start().await;
    let token = format!("Bearer {}", secret("token"));
    let client =
        Client::modern(&gantry.url("/mcp"), json!({})).with_header("authorization", &token);
    eventually("the good upstream is there", async || {
        client.tool_names().await.contains(&"good__good".to_owned()).then_some(())
    })
    .await;

    let mut outputs = Vec::new();
    assert_eq!(client.call("good__good", json!({})).await.text(), "fine");
    for name in ["gantry__list_servers", "gantry__explain_tool", "gantry__describe_server"] {
        for server in ["good", "refusing", "broken", "nowhere", "dying", "missing"] {
            let arguments = json!({ "name": format!("{server}__x"), "server": server });
            outputs.push(("a built-in tool", format!("{:?}", client.call(name, arguments).await)));
        }
    }
    for server in ["refusing", "broken", "nowhere", "dying", "missing"] {
        let endpoint = gantry.url(&format!("/mcp/{server}"));
        let one = Client::modern(&endpoint, json!({})).with_header("authorization", &token);
        let reply = one.request("resources/read", json!({ "uri": "test://x" })).await;
        outputs.push(("an error", format!("{reply:?}")));
    }
    let stranger = Client::modern(&gantry.url("/mcp"), json!({}));
    for wrong in
        ["Bearer wrong", &secret("token"), "Basic eDp5", &format!("Bearer {}x", secret("token"))]
    {
        let reply = stranger
            .clone()
            .with_header("authorization", wrong)
            .request("tools/list", json!({}))
            .await;
        assert_eq!(reply.status, 401, "{reply:?}");
        outputs.push(("a refusal", format!("{reply:?}")));
    }
    let wrong = secret("header");
    let pasted = client.bare("POST", &[("x-token", &wrong)]).await.finish().await;
    outputs.push(("a bad request", format!("{pasted:?}")));
    for path in [
        "/",
        "/health",
        "/ready",
        "/metrics",
        "/api/servers",
        &format!("/ready?token={}", secret("token")),
    ] {
        outputs.push(("a route", fetch(&gantry, path).await));
    }
    for arguments in [
        &["servers", "list"][..],
        &["servers", "list", "--format", "json"],
        &["tools", "list", "--format", "json"],
        &["config", "show"],
        &["check"],
    ] {
        // Some of them have no token, and say so.
        outputs.push(("a command", gantry.run(arguments).await.to_string()));
    }
    std::fs::write(gantry.config(), config.to_string().replace("\"log\"", "\"logg\""))
        .expect("the configuration can be written");
    eventually("the change is refused", async || gantry.log().contains("logg").then_some(())).await;
    outputs.push(("/ready after a refused change", fetch(&gantry, "/ready").await));
    let (_, log) = gantry.stop().await;
    assert_calm(&log);
    outputs.push(("the log", log));
    for (what, output) in outputs {
        let found = output.lines().find(|line| line.contains(MARK));
        assert!(found.is_none(), "a secret is in {what}: {found:?}");
    }
}
