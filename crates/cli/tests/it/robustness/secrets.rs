//! Secrets of the configuration are in no output: not in the log, however much it says, not in
//! metrics, states, lists, or errors.

mod marked;
mod written;

use std::path::Path;

use serde_json::{Value, json};

use super::{assert_calm, fetch};
use crate::support::{
    client::Client,
    gantry::{Gantry, Setup},
    scripted::{Answer, Scripted},
    wait::eventually,
};

/// In every secret of this test.
const MARK: &str = "sEcReTmArK";

fn secret(name: &str) -> String {
    format!("{name}-{MARK}-0123456789")
}

/// What was printed or answered, and by what.
type Outputs = Vec<(&'static str, String)>;

/// The servers that fail, each in its own way.
const FAILING: [&str; 5] = ["refusing", "broken", "nowhere", "dying", "missing"];

/// A configuration with a secret in every place that may hold one.
fn config(upstreams: [&Scripted; 3], file: &Path) -> Value {
    let [good, refusing, broken] = upstreams;
    // What stands in a file of its own is shown as the reference to that file.
    let argument = format!("${{file:{}}}", file.display());
    let with_secrets = |url: &str| {
        let headers = json!({ "Authorization": format!("Bearer {}", secret("header")) });
        json!({ "url": format!("{url}?key={}", secret("query")), "headers": headers })
    };
    json!({
        "log": { "level": "trace" },
        "auth": { "tokens": [{ "name": "ada", "token": secret("token") }] },
        "servers": {
            "good": with_secrets(&good.url()),
            "refusing": with_secrets(&refusing.url()),
            "broken": with_secrets(&broken.url()),
            "nowhere": with_secrets("http://127.0.0.1:9/mcp"),
            "dying": {
                "command": "sh",
                "args": ["-c", "exit 1", "sh", argument],
                "env": { "API_KEY": secret("variable") },
            },
            "missing": {
                "command": "no-such-program",
                "args": [argument],
                "env": { "API_KEY": secret("variable") },
            },
        },
    })
}

/// What a client is answered: by the tools about the gateway, and by servers that fail.
async fn ask_as_a_client(gantry: &Gantry, client: &Client, outputs: &mut Outputs) {
    assert_eq!(client.call("good__good", json!({})).await.text(), "fine");
    for name in ["gantry__list_servers", "gantry__explain_tool", "gantry__describe_server"] {
        for server in FAILING.into_iter().chain(["good"]) {
            let arguments = json!({ "name": format!("{server}__x"), "server": server });
            outputs.push(("a built-in tool", format!("{:?}", client.call(name, arguments).await)));
        }
    }
    for server in FAILING {
        let one = as_ada(&gantry.url(&format!("/mcp/{server}")));
        let reply = one.request("resources/read", json!({ "uri": "test://x" })).await;
        outputs.push(("an error", format!("{reply:?}")));
    }
    let pasted = client.bare("POST", &[("x-token", &secret("header"))]).await.finish().await;
    outputs.push(("a bad request", format!("{pasted:?}")));
}

/// What those are answered who have a wrong token, or none.
async fn ask_as_a_stranger(gantry: &Gantry, outputs: &mut Outputs) {
    let token = secret("token");
    for wrong in ["Bearer wrong", &*token, "Basic eDp5", &*format!("Bearer {token}x")] {
        let stranger = Client::modern(&gantry.url("/mcp"), json!({}));
        let stranger = stranger.with_header("authorization", wrong);
        let reply = stranger.request("tools/list", json!({})).await;
        assert_eq!(reply.status, 401, "{reply:?}");
        outputs.push(("a refusal", format!("{reply:?}")));
    }
    let with_token = format!("/ready?token={token}");
    for path in ["/", "/health", "/ready", "/metrics", "/api/servers", &*with_token] {
        outputs.push(("a route", fetch(gantry, path).await));
    }
}

/// What commands print.
async fn ask_by_commands(gantry: &Gantry, outputs: &mut Outputs) {
    for arguments in [
        &["servers", "list"][..],
        &["servers", "list", "--format", "json"],
        &["tools", "list", "--format", "json"],
        &["config", "show"],
        &["config", "show", "--format", "json"],
        &["check"],
    ] {
        outputs.push(("a command", gantry.run(arguments).await.to_string()));
    }
    let shown = outputs.iter().any(|(_, output)| output.contains("no-such-program"));
    assert!(shown, "the configuration was shown");
}

fn as_ada(url: &str) -> Client {
    let token = format!("Bearer {}", secret("token"));
    Client::modern(url, json!({})).with_header("authorization", &token)
}

#[tokio::test]
async fn no_secret_is_in_any_output() {
    let known = format!("Bearer {}", secret("header"));
    let good = Scripted::modern().tool("good", json!({}), |_| Answer::text("fine"));
    let good = good.first(move |seen| {
        let is_known = seen.header("authorization") == Some(&*known);
        (!is_known).then(|| Answer::status(401))
    });
    let good = good.start().await;
    let refusing = Scripted::modern().first(|_| Some(Answer::status(401))).start().await;
    let broken = Scripted::modern().first(|_| Some(Answer::Reset)).start().await;
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), secret("argument")).expect("it can be written");
    let config = config([&good, &refusing, &broken], file.path()).to_string();
    let gantry = Setup::new(&config).argument("-v").argument("-v").start().await;
    let client = as_ada(&gantry.url("/mcp"));
    eventually("the good upstream is there", async || {
        client.tool_names().await.contains(&"good__good".to_owned()).then_some(())
    })
    .await;

    let mut outputs = Outputs::new();
    ask_as_a_client(&gantry, &client, &mut outputs).await;
    ask_as_a_stranger(&gantry, &mut outputs).await;
    ask_by_commands(&gantry, &mut outputs).await;
    std::fs::write(gantry.config(), config.replace("\"log\"", "\"logg\""))
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
