//! What can be refused, each with a gateway that refuses it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::super::jwt::{SECRET, now, signed};
use super::super::traffic::{merge, ready};
use crate::support::beside;
use crate::support::client::Client;
use crate::support::gantry::Gantry;
use crate::support::provider::Provider;
use crate::support::scripted::{Answer, Script, Scripted};
use crate::support::wait::eventually;

const ADA: &str = "ada-ada-ada-ada-ada";

/// One row of the table.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) why: &'static str,
    /// Whether it is about what HTTP alone has: credentials, addresses.
    pub(super) is_about_http: bool,
    pub(super) stage: fn() -> Staging,
}

type Staging = Pin<Box<dyn Future<Output = Stage>>>;

impl fmt::Debug for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// A gateway and a call that it refuses.
pub(super) struct Stage {
    pub(super) gantry: Gantry,
    pub(super) tool: String,
    pub(super) arguments: Value,
    headers: Vec<(&'static str, String)>,
    upstream: Scripted,
}

impl Stage {
    /// The client with the credentials of this call.
    pub(super) fn with_credentials(&self, client: Client) -> Client {
        let add = |client: Client, (name, value): &(&str, String)| client.with_header(name, value);
        self.headers.iter().fold(client, add)
    }

    /// A gateway with further configuration, and a client with a token; the call is of `up__good`.
    async fn new(more: Value) -> Self {
        Self::of(script(), more).await
    }

    async fn of(script: Script, more: Value) -> Self {
        let upstream = script.start().await;
        let mut config = json!({
            "servers": { "up": upstream.server() },
            "auth": { "tokens": [{ "name": "ada", "token": ADA }] },
        });
        merge(&mut config, more);
        let gantry = Gantry::start(&config.to_string()).await;
        ready(&gantry).await;
        let headers = vec![("authorization", format!("Bearer {ADA}"))];
        let tool = "up__good".to_owned();
        Self { gantry, tool, arguments: json!({}), headers, upstream }
    }

    fn with_headers(mut self, headers: &[(&'static str, String)]) -> Self {
        self.headers = headers.to_vec();
        self
    }

    /// The same call with a key that was just made.
    async fn with_key(self, more: &[&str]) -> Self {
        let (key, _) = self.key(more).await;
        self.with_headers(&[("x-api-key", key)])
    }

    /// Makes a key; returns it and its public part.
    async fn key(&self, more: &[&str]) -> (String, String) {
        let made = self.gantry.run(&[&["keys", "create", "ben"], more].concat()).await;
        let key = made.stdout.trim().to_owned();
        let public = key.get(..13).unwrap_or_else(|| panic!("no key: {made:?}")).to_owned();
        (key, public)
    }

    fn call(mut self, tool: &str, arguments: Value) -> Self {
        (self.tool, self.arguments) = (tool.to_owned(), arguments);
        self
    }

    /// Calls the tool once, with what comes of it.
    async fn once(&self) {
        let client = Client::modern(&self.gantry.url("/mcp"), json!({}));
        self.with_credentials(client).call(&self.tool, self.arguments.clone()).await;
    }
}

fn script() -> Script {
    Scripted::dual().tool("good", json!({}), |_| Answer::text("fine"))
}

/// All of them, in the order in which a request meets them.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "wrong address",
        why: "`server.deny`, or none of `server.allow`",
        is_about_http: true,
        stage: || Box::pin(wrong_address()),
    },
    Case {
        name: "no credential",
        why: "clients need one",
        is_about_http: true,
        stage: || Box::pin(async { Stage::new(json!({})).await.with_headers(&[]) }),
    },
    Case {
        name: "wrong credential",
        why: "nobody has this token or key",
        is_about_http: true,
        stage: || Box::pin(wrong()),
    },
    Case {
        name: "two credentials",
        why: "they differ",
        is_about_http: true,
        stage: || Box::pin(two()),
    },
    Case {
        name: "expired key",
        why: "its time is over",
        is_about_http: true,
        stage: || Box::pin(expired()),
    },
    Case {
        name: "revoked key",
        why: "it was taken back",
        is_about_http: true,
        stage: || Box::pin(revoked()),
    },
    Case {
        name: "expired token",
        why: "the time of a signed token is over",
        is_about_http: true,
        stage: || Box::pin(signed_token(json!({ "exp": now() - 1 }))),
    },
    Case {
        name: "wrong audience",
        why: "a signed token is for somebody else",
        is_about_http: true,
        stage: || Box::pin(signed_token(json!({ "aud": "other" }))),
    },
    Case {
        name: "wrong scope",
        why: "the token of a provider lacks one of `auth.oauth.required_scopes`",
        is_about_http: true,
        stage: || Box::pin(too_narrow()),
    },
    Case {
        name: "provider away",
        why: "its keys cannot be fetched, so nobody can tell whether the token is good",
        is_about_http: true,
        stage: || Box::pin(provider_away()),
    },
    Case {
        name: "over the limit",
        why: "of a principal, an address, a tier or all",
        is_about_http: true,
        stage: || Box::pin(over_the_limit()),
    },
    Case {
        name: "too large",
        why: "the body is larger than `server.limits.body`",
        is_about_http: true,
        stage: || Box::pin(too_large()),
    },
    Case {
        name: "no scope",
        why: "the scopes of the key do not grant the tool, which is hidden",
        is_about_http: true,
        stage: || Box::pin(no_scope()),
    },
    Case {
        name: "hidden tool",
        why: "a rule denies it",
        is_about_http: false,
        stage: || Box::pin(hidden()),
    },
    Case {
        name: "no such tool",
        why: "nobody offers it",
        is_about_http: false,
        stage: || Box::pin(async { Stage::new(json!({})).await.call("up__none", json!({})) }),
    },
    Case {
        name: "denied arguments",
        why: "a rule that looks at them denies the call",
        is_about_http: false,
        stage: || Box::pin(denied_arguments()),
    },
    Case {
        name: "not approved",
        why: "the client cannot ask its user",
        is_about_http: false,
        stage: || Box::pin(not_approved()),
    },
    Case {
        name: "refused by a hook",
        why: "its condition holds, or its webhook says no",
        is_about_http: false,
        stage: || Box::pin(refused_by_a_hook()),
    },
    Case {
        name: "invalid arguments",
        why: "they are not what the schema of a built-in tool wants",
        is_about_http: false,
        stage: || Box::pin(invalid()),
    },
    Case {
        name: "over the limit of a tool",
        why: "`limits.tools`",
        is_about_http: false,
        stage: || Box::pin(over_the_limit_of_a_tool()),
    },
    Case {
        name: "full",
        why: "as many calls are under way as the server may have",
        is_about_http: false,
        stage: || Box::pin(full()),
    },
    Case {
        name: "breaker open",
        why: "the server failed too often",
        is_about_http: false,
        stage: || Box::pin(breaker_open()),
    },
];

async fn wrong() -> Stage {
    let headers = [("authorization", "Bearer nobody-nobody-nobody".to_owned())];
    Stage::new(json!({})).await.with_headers(&headers)
}

async fn two() -> Stage {
    let headers = [
        ("authorization", format!("Bearer {ADA}")),
        ("x-api-key", "another-another-another".to_owned()),
    ];
    Stage::new(json!({})).await.with_headers(&headers)
}

async fn expired() -> Stage {
    let key = json!({ "name": "old", "key": "old-old-old-old-old-old", "expires": "2020-01-01" });
    let auth = json!({ "tokens": [{ "name": "ada", "token": ADA }], "api_keys": [key] });
    let headers = [("x-api-key", "old-old-old-old-old-old".to_owned())];
    Stage::new(json!({ "auth": auth })).await.with_headers(&headers)
}

async fn revoked() -> Stage {
    let stage = Stage::new(json!({})).await;
    let (key, public) = stage.key(&[]).await;
    let revoked = stage.gantry.run(&["keys", "revoke", &public]).await;
    assert!(revoked.status.success(), "{revoked:?}");
    stage.with_headers(&[("x-api-key", key)])
}

/// What clients know the gateway by.
const RESOURCE: &str = "https://mcp.example.com/mcp";

async fn with_bearer(auth: Value, token: &str) -> Stage {
    let headers = [("authorization", format!("Bearer {token}"))];
    Stage::new(json!({ "auth": auth })).await.with_headers(&headers)
}

async fn signed_token(claims: Value) -> Stage {
    let jwt = json!({ "secret": SECRET, "audience": ["gate"], "skew": "0s" });
    with_bearer(json!({ "jwt": jwt }), &signed(SECRET, claims)).await
}

async fn too_narrow() -> Stage {
    let provider = Provider::start().await;
    let token = provider.token("RS256", RESOURCE, "mcp:read").await;
    let issuer = provider.issuer();
    let oauth = json!({ "issuer": issuer, "resource": RESOURCE, "required_scopes": ["mcp:write"] });
    let stage = with_bearer(json!({ "oauth": oauth }), &token).await;
    // From here on the keys are known, and the provider may go.
    let client = Client::modern(&stage.gantry.url("/mcp"), json!({}));
    let reply = stage.with_credentials(client).request("tools/list", json!({})).await;
    assert_eq!(reply.status, 403, "{reply:?}");
    stage
}

async fn provider_away() -> Stage {
    // Nobody listens there, and nobody else can begin to.
    let issuer = "http://127.0.0.1:1";
    let token = signed(SECRET, json!({ "iss": issuer, "aud": RESOURCE }));
    with_bearer(json!({ "oauth": { "issuer": issuer, "resource": RESOURCE } }), &token).await
}

async fn wrong_address() -> Stage {
    let server = json!({ "trusted_proxies": ["127.0.0.1"], "deny": ["192.0.2.0/24"] });
    let mut stage = Stage::new(json!({ "server": server })).await;
    stage.headers.push(("x-forwarded-for", "192.0.2.7".to_owned()));
    stage
}

async fn refused_by_a_hook() -> Stage {
    let hook = json!({ "name": "a-hook", "tools": ["up__good"], "deny": "not today" });
    Stage::new(json!({ "hooks": { "requests": [hook] } })).await
}

async fn over_the_limit() -> Stage {
    let window = json!({ "requests": 1, "per": "1h", "algorithm": "fixed_window" });
    let stage = Stage::new(json!({ "limits": { "per_principal": window } })).await;
    stage.once().await;
    stage
}

async fn too_large() -> Stage {
    let server = json!({ "limits": { "body": "2KiB" } });
    let stage = Stage::new(json!({ "server": server })).await;
    stage.call("up__good", json!({ "filler": "x".repeat(4096) }))
}

async fn no_scope() -> Stage {
    Stage::new(json!({})).await.with_key(&["--scope", "tools:other__*:call"]).await
}

fn rule(more: Value) -> Value {
    let mut rule = json!({ "name": "a-rule", "tools": ["up__good"] });
    merge(&mut rule, more);
    json!({ "access": { "rules": [rule] } })
}

async fn hidden() -> Stage {
    Stage::new(rule(json!({ "effect": "deny" }))).await
}

async fn denied_arguments() -> Stage {
    let rule = rule(json!({ "effect": "deny", "when": "arguments.n > 10" }));
    Stage::new(rule).await.call("up__good", json!({ "n": 11 }))
}

async fn not_approved() -> Stage {
    Stage::new(rule(json!({ "effect": "approve" }))).await
}

async fn invalid() -> Stage {
    let stage = Stage::new(json!({ "services": { "on_mcp": ["vector_similarity"] } })).await;
    stage.call("vector_similarity__calculate_vector_similarity_mcp", json!({ "vector1": "none" }))
}

async fn over_the_limit_of_a_tool() -> Stage {
    let window = json!({ "requests": 1, "per": "1h", "algorithm": "fixed_window" });
    let stage = Stage::new(json!({ "limits": { "tools": { "up__good": window } } })).await;
    stage.once().await;
    stage
}

async fn full() -> Stage {
    let never = Arc::new(Semaphore::new(0));
    let script = script().tool("held", json!({}), move |_| {
        let never = Arc::clone(&never);
        Answer::talk(async move |_| {
            never.acquire().await.expect("it is never closed").forget();
            Answer::text("never")
        })
    });
    let room = json!({ "concurrency": { "max": 1, "queue": 0 } });
    let stage = Stage::of(script, json!({ "traffic": room })).await.call("up__held", json!({}));
    let client = Client::modern(&stage.gantry.url("/mcp"), json!({}));
    let client = stage.with_credentials(client);
    drop(beside(async move { client.call("up__held", json!({})).await }));
    stage.upstream.wait_for("tools/call", 1).await;
    stage
}

async fn breaker_open() -> Stage {
    let script = script().tool("bad", json!({}), |_| Answer::Reset);
    let breaker = json!({ "traffic": { "breaker": { "failures": 1, "open": "1h" } } });
    let stage = Stage::of(script, breaker).await.call("up__bad", json!({}));
    eventually("the breaker is open", async || {
        let client = Client::modern(&stage.gantry.url("/mcp"), json!({}));
        let reply = stage.with_credentials(client).call("up__bad", json!({})).await;
        (reply.error()["data"]["code"] == "E0431").then_some(())
    })
    .await;
    stage
}
