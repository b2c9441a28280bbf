//! Tokens of a real OpenID provider, on the real binary: how clients find their way to it, what is
//! told of tokens that are no good, and what happens when its keys change or it is away.

use serde_json::{Value, json};

use super::{believed, doors, refusal, tools};
use crate::support::client::{Client, Reply};
use crate::support::gantry::Gantry;
use crate::support::provider::{Provider, sign_in};
use crate::support::scripted::Scripted;
use crate::support::wait::eventually;

const BOTH: &str = "mcp:read mcp:write";
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// A gateway in front of one server, whose clients sign in at a provider.
struct Stage {
    gantry: Gantry,
    provider: Provider,
    _up: Scripted,
}

impl Stage {
    async fn new(more: Value) -> Self {
        let (up, provider) = (tools().start().await, Provider::start().await);
        let mut oauth = json!({ "issuer": provider.issuer(), "skew": "0s" });
        for (key, value) in more.as_object().into_iter().flatten() {
            oauth[key] = value.clone();
        }
        let servers = json!({ "up": believed(&up) });
        let config = json!({ "servers": servers, "auth": { "oauth": oauth } }).to_string();
        Self { gantry: Gantry::start(&config).await, provider, _up: up }
    }

    fn client(&self, path: &str, token: &str) -> Client {
        let client = Client::modern(&self.gantry.url(path), json!({}));
        client.with_header("authorization", &format!("Bearer {token}"))
    }

    async fn list(&self, path: &str, token: &str) -> Reply {
        self.client(path, token).request("tools/list", json!({})).await
    }

    /// A token for all of the gateway.
    async fn token(&self) -> String {
        self.provider.token("RS256", &self.gantry.url("/mcp"), BOTH).await
    }

    async fn metadata(&self, path: &str) -> (u16, Value) {
        metadata(&self.gantry, path).await
    }
}

async fn metadata(gantry: &Gantry, path: &str) -> (u16, Value) {
    let client = Client::modern(&gantry.url(&format!("{WELL_KNOWN}{path}")), json!({}));
    let reply = client.bare("GET", &[("origin", &gantry.url(""))]).await.finish().await;
    if reply.status == 200 {
        // A page of an allowed origin may read it.
        assert!(reply.header("access-control-allow-origin").is_some(), "{reply:?}");
    }
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default())
}

#[tokio::test]
async fn clients_of_the_sdk_find_their_way_from_the_first_refusal() {
    let stage = Stage::new(json!({})).await;
    for mode in ["machine", "person"] {
        let seen = sign_in(&stage.gantry.url("/mcp"), mode, stage.provider.issuer()).await;
        let tools = seen["tools"].as_array().expect("a list");
        assert!(
            tools.contains(&json!("up__look")) && tools.contains(&json!("up__write")),
            "{seen}"
        );
        assert_eq!(seen["text"], "written", "{seen}");
        let paths = seen["paths"].as_array().expect("a list");
        assert!(paths.contains(&json!(format!("{WELL_KNOWN}/mcp"))), "{seen}");
        if mode == "person" {
            assert_eq!(seen["resource"], stage.gantry.url("/mcp"), "{seen}");
            assert_eq!(seen["scope"], BOTH, "{seen}");
        }
    }
}

#[tokio::test]
async fn the_metadata_say_where_tokens_come_from() {
    let stage = Stage::new(json!({ "required_scopes": ["mcp:read"] })).await;
    for path in ["", "/mcp", "/mcp/up"] {
        let (status, told) = stage.metadata(path).await;
        assert_eq!(status, 200, "{told}");
        let resource = if path.is_empty() { "/mcp" } else { path };
        assert_eq!(told["resource"], stage.gantry.url(resource), "{told}");
        assert_eq!(told["authorization_servers"], json!([stage.provider.issuer()]));
        assert_eq!(told["scopes_supported"], json!(["mcp:read", "mcp:write"]));
        assert_eq!(told["bearer_methods_supported"], json!(["header"]));
    }
    for path in ["/api", "/mcp/up/more", "/mcpx"] {
        assert_eq!(stage.metadata(path).await.0, 404, "{path}");
    }
    for (door, open) in doors(&stage.gantry, None).await {
        let (status, code, challenge) = refusal(open).await;
        assert_eq!((status, code.as_str()), (401, "E0401"), "{door}");
        let expected = format!(
            "Bearer realm=\"gantry\", scope=\"mcp:read\", resource_metadata=\"{}\"",
            stage.gantry.url(&format!("{WELL_KNOWN}/mcp"))
        );
        assert_eq!(challenge, Some(expected), "{door}");
    }
    let view = Client::modern(&stage.gantry.url("/mcp/up"), json!({}));
    let reply = view.request("tools/list", json!({})).await;
    let challenge = reply.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains(&format!("{WELL_KNOWN}/mcp/up\"")), "{challenge}");

    let plain = Gantry::start("builtin: true").await;
    for path in ["", "/mcp"] {
        assert_eq!(metadata(&plain, path).await.0, 404);
    }
}

#[tokio::test]
async fn tokens_are_taken_whichever_key_they_are_signed_with() {
    let stage = Stage::new(json!({})).await;
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let token = stage.provider.token(algorithm, &stage.gantry.url("/mcp"), BOTH).await;
        for (door, open) in doors(&stage.gantry, Some(&token)).await {
            assert_eq!(open.status, 200, "{algorithm} {door}: {open:?}");
        }
    }
    let reader = stage.provider.token("RS256", &stage.gantry.url("/mcp"), "mcp:read").await;
    assert_eq!(stage.client("/mcp/up", &reader).tool_names().await, ["look"]);
    assert_eq!(stage.provider.n_fetches(), 1, "the keys are fetched once");
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_told_at_every_door() {
    let stage = Stage::new(json!({ "required_scopes": ["mcp:write"] })).await;
    let here = stage.gantry.url("/mcp");
    let other = stage.provider.token("RS256", "https://other.example/mcp", BOTH).await;
    let narrow = stage.provider.token("RS256", &here, "mcp:read").await;
    stage.provider.tell("ttl/1").await;
    let short = stage.provider.token("RS256", &here, BOTH).await;
    eventually("the token ends", async || {
        (stage.list("/mcp", &short).await.status == 401).then_some(())
    })
    .await;
    let end = format!(
        "scope=\"mcp:write\", resource_metadata=\"{}\"",
        stage.gantry.url(&format!("{WELL_KNOWN}/mcp"))
    );
    for (token, status, code, error, why) in [
        (&other, 401, "E0409", "invalid_token", "the token is for another audience"),
        (&short, 401, "E0408", "invalid_token", "the token has expired"),
        (&narrow, 403, "E0411", "insufficient_scope", "the token lacks a scope that is needed"),
    ] {
        let challenge = format!(
            "Bearer realm=\"gantry\", error=\"{error}\", error_description=\"{why}\", {end}"
        );
        for (door, open) in doors(&stage.gantry, Some(token)).await {
            let seen = refusal(open).await;
            assert_eq!(seen, (status, code.to_owned(), Some(challenge.clone())), "{door}");
        }
    }
}

#[tokio::test]
async fn a_token_for_a_view_opens_that_view_alone() {
    let stage = Stage::new(json!({})).await;
    let narrow = stage.provider.token("RS256", &stage.gantry.url("/mcp/up"), BOTH).await;
    assert_eq!(stage.list("/mcp/up", &narrow).await.status, 200);
    assert_eq!(stage.list("/mcp", &narrow).await.status, 401);
    assert_eq!(stage.list("/mcp/gantry", &narrow).await.status, 401);
    let whole = stage.token().await;
    assert_eq!(stage.list("/mcp/up", &whole).await.status, 200);
    assert_eq!(stage.list("/mcp", &whole).await.status, 200);
}

#[tokio::test]
async fn another_key_is_fetched_when_a_token_names_it() {
    let stage = Stage::new(json!({})).await;
    let old = stage.token().await;
    assert_eq!(stage.list("/mcp", &old).await.status, 200);
    stage.provider.tell("rotate").await;
    // Nobody has told the gateway yet.
    assert_eq!(stage.list("/mcp", &old).await.status, 200);
    let new = stage.token().await;
    assert_eq!(stage.list("/mcp", &new).await.status, 200);
    assert_eq!(stage.provider.n_fetches(), 2);
    // What the provider does not vouch for any more opens nothing, though it was known.
    assert_eq!(stage.list("/mcp", &old).await.status, 401);
    // Whoever makes names of keys up cannot have the provider asked as often as they like.
    for _ in 0..20 {
        assert_eq!(stage.list("/mcp", &old).await.status, 401);
    }
    assert!(stage.provider.n_fetches() <= 5, "{}", stage.provider.n_fetches());
    assert_eq!(stage.list("/mcp", &new).await.status, 200);
}

#[tokio::test]
async fn while_the_provider_is_away_known_keys_go_on() {
    let stage = Stage::new(json!({})).await;
    let (first, second) = (stage.token().await, stage.token().await);
    stage.provider.tell("away").await;
    for (door, open) in doors(&stage.gantry, Some(&first)).await {
        let after = open.headers.get("retry-after").cloned();
        let (status, code, challenge) = refusal(open).await;
        assert_eq!((status, code.as_str()), (503, "E0412"), "{door}");
        assert_eq!(after.expect("when to come again"), "10", "{door}");
        assert_eq!(challenge, None, "another token would not help");
    }
    stage.provider.tell("back").await;
    eventually("the keys are fetched", async || {
        (stage.list("/mcp", &first).await.status == 200).then_some(())
    })
    .await;
    stage.provider.tell("away").await;
    assert_eq!(stage.list("/mcp", &first).await.status, 200);
    assert_eq!(stage.list("/mcp", &second).await.status, 200);
}

#[tokio::test]
async fn a_token_of_somebody_else_is_no_token_of_the_provider() {
    let stage = Stage::new(json!({})).await;
    let other = Provider::start().await;
    let token = other.token("RS256", &stage.gantry.url("/mcp"), BOTH).await;
    assert_eq!(stage.list("/mcp", &token).await.status, 401);
    assert_eq!(stage.provider.n_fetches(), 0, "nobody is asked for it");
}

#[tokio::test]
async fn doctor_tells_whether_the_provider_has_keys() {
    let stage = Stage::new(json!({})).await;
    let issuer = stage.provider.issuer().to_owned();
    let seen = stage.gantry.run(&["doctor"]).await;
    assert!(seen.stdout.contains(&format!("`{issuer}` publishes 3 keys")), "{seen}");
    stage.provider.tell("away").await;
    let seen = stage.gantry.run(&["doctor"]).await;
    assert!(seen.stdout.contains(&format!("the keys of `{issuer}` cannot be fetched")), "{seen}");
    assert!(!seen.status.success(), "{seen}");
}
