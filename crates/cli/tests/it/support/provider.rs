//! A real OpenID provider on the loopback, `tests/peers/oidc_provider.cjs`, and tokens of it.

use std::{path::Path, process::Stdio, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    client::Client,
    node,
    process::{self, Process},
};

/// How long it may take to listen: it makes keys first.
const START: Duration = Duration::from_mins(1);
const SECRET: &str = "a-secret-of-the-machine";

/// The provider; it is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Provider {
    process: Process,
    issuer: String,
}

impl Provider {
    /// Starts it with keys of its own.
    pub(crate) async fn start() -> Self {
        let mut command = node::script(script("oidc_provider.cjs"));
        command.stdin(Stdio::piped());
        let mut process = Process::start("oidc-provider", command);
        let issuer = process
            .find_line(START, |_, line| line.strip_prefix("listening on ").map(str::to_owned))
            .await
            .unwrap_or_else(|reason| panic!("{reason}"));
        Self { process, issuer }
    }

    /// How it calls itself.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Tells it to change something: `rotate`, `ttl/SECONDS`, `away`, `back`.
    pub(crate) async fn tell(&self, what: &str) {
        let client = Client::modern(&format!("{}/test/{what}", self.issuer), json!({}));
        assert_eq!(client.bare("GET", &[]).await.finish().await.status, 204, "{what}");
    }

    /// A token for a resource, signed with `algorithm`.
    pub(crate) async fn token(&self, algorithm: &str, resource: &str, scope: &str) -> String {
        let client = Client::modern(&format!("{}/token", self.issuer), json!({}));
        let pair = BASE64_STANDARD.encode(format!("machine-{algorithm}:{SECRET}"));
        let form = [
            ("grant_type", "client_credentials"),
            ("resource", &resource.replace(':', "%3A").replace('/', "%2F")),
            ("scope", &scope.replace(':', "%3A").replace(' ', "+")),
        ];
        let form: Vec<_> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let authorization = format!("Basic {pair}");
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", authorization.as_str()),
        ];
        let reply = client.post(form.join("&"), &headers).await;
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let token = answer["access_token"].as_str();
        token.unwrap_or_else(|| panic!("no token: {reply:?}")).to_owned()
    }

    /// How often its keys were fetched.
    pub(crate) fn n_fetches(&self) -> usize {
        let log = self.process.log();
        log.lines().filter(|line| *line == "the keys are fetched").count()
    }
}

/// Runs the SDK's client that signs in; returns what it saw.
pub(crate) async fn sign_in(url: &str, mode: &str, issuer: &str) -> Value {
    const LIMIT: Duration = Duration::from_mins(1);
    let mut command = node::script(script("signing_in.cjs"));
    command.args([url, mode, issuer]);
    let finished = process::run(command, LIMIT).await.expect("the client runs");
    let line = finished.stdout.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|_| panic!("{finished}"))
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}
