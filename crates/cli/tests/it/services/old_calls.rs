//! Calls without MCP, as clients of A2A MCP servers make them.

use serde_json::{Value, json};

use super::listeners::listening;
use crate::support::client::{Client, Reply};

async fn post(client: &Client, body: &Value) -> (Reply, Value) {
    let reply = client.post(body.to_string(), &[]).await;
    let value = serde_json::from_slice(&reply.body).unwrap_or_default();
    (reply, value)
}

#[tokio::test]
async fn a_call_without_json_rpc_is_answered_with_plain_json() {
    let (gantry, services) = listening().await;
    let url = |name: &str| {
        let service = services.iter().find(|service| service["name"] == name).expect("a service");
        service["url"].as_str().expect("a URL").to_owned()
    };
    let vectors = Client::modern(&url("vector_similarity"), json!({}));
    let params = json!({ "vector1": [3, 4], "vector2": [6, 8] });
    for name in ["calculate_vector_similarity_mcp", "calculate_vector_similarity"] {
        let (reply, answer) = post(&vectors, &json!({ "method": name, "params": params })).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(answer["metric"], "cosine", "{answer}");
        assert!((answer["similarity"].as_f64().expect("a number") - 1.0).abs() < 1e-12, "{answer}");
    }
    let (reply, answer) = post(&vectors, &json!({ "method": "mcp_vector_similarity" })).await;
    assert_eq!((reply.status, &answer["service"]), (200, &json!("vector_similarity")), "{answer}");

    // Each service has its own tool of this name.
    let ranking = Client::modern(&url("vector_ranking"), json!({}));
    let (reply, answer) =
        post(&ranking, &json!({ "method": "calculate_vector_similarity_mcp", "params": params }))
            .await;
    assert_eq!(reply.status, 422, "{reply:?}");
    assert_eq!(answer["error"]["details"]["code"], "E0703", "{answer}");

    let wrong = json!({ "method": "calculate_vector_similarity_mcp",
        "params": { "vector1": [], "vector2": [] } });
    let (reply, answer) = post(&vectors, &wrong).await;
    assert_eq!(reply.status, 422, "{reply:?}");
    let message = answer["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with("`vector1`: is empty"), "{answer}");

    let (reply, answer) = post(&vectors, &json!({ "method": "no_such_tool", "params": {} })).await;
    assert_eq!(reply.status, 404, "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|text| text.contains("no_such_tool")));

    // What is neither is told so in the form of MCP; so is the old form where MCP alone is spoken.
    assert_eq!(vectors.post("{\"params\": {}}", &[]).await.refusal(), (400, -32600));
    let main = Client::modern(&gantry.url("/mcp/vector_similarity"), json!({}));
    let call = json!({ "method": "calculate_vector_similarity_mcp", "params": params });
    assert_eq!(main.post(call.to_string(), &[]).await.refusal(), (400, -32600));
}

#[tokio::test]
async fn a_call_without_json_rpc_needs_a_credential_where_others_do() {
    let instance = super::listeners::free_instance();
    let config = json!({
        "auth": { "api_keys": [
            { "name": "alice", "key": "alice-has-a-key-of-length" },
            { "name": "bob", "key": "bob-has-another-key-here", "scopes": ["tools:vector_ranking__*:call"] },
        ] },
        "services": {
            "listen": "127.0.0.1", "names": ["vector_similarity"],
            "instance": instance.parse::<u16>().expect("a number"),
        },
    });
    let gantry = crate::support::gantry::Gantry::start(&config.to_string()).await;
    let port = 8102 + 100 * instance.parse::<u16>().expect("a number");
    let client = Client::modern(&format!("http://127.0.0.1:{port}/mcp"), json!({}));
    let call = json!({ "method": "normalize_vectors_mcp", "params": { "vectors": [[3, 4]] } });
    assert_eq!(post(&client, &call).await.0.status, 401, "{}", gantry.log());
    let alice = client.clone().with_header("x-api-key", "alice-has-a-key-of-length");
    let (reply, answer) = post(&alice, &call).await;
    assert_eq!(reply.status, 200, "{answer}");
    let bob = client.with_header("x-api-key", "bob-has-another-key-here");
    let (reply, answer) = post(&bob, &call).await;
    assert!((400..500).contains(&reply.status), "{reply:?} {answer}");
    assert!(answer.get("normalized_vectors").is_none(), "{answer}");
}
