//! The built-in services, as clients of a gateway see them.

mod calls;
mod health;
mod inventory;
mod keeping;
mod listeners;
mod old_calls;
mod ports;
mod streaming;

use serde_json::{Value, json};

use crate::support::{
    client::Client,
    gantry::Gantry,
    scripted::{Answer, Scripted},
};

const VECTORS: &str = "/mcp/vector_similarity";

/// The tools that clients of the service count on, in their order.
const TOOLS: [&str; 5] = [
    "calculate_vector_similarity_mcp",
    "batch_vector_similarity_mcp",
    "vector_statistics_mcp",
    "normalize_vectors_mcp",
    "mcp_vector_similarity",
];

fn similarity(reply: &Value) -> f64 {
    reply["structuredContent"]["similarity"].as_f64().expect("a similarity is a number")
}

#[tokio::test]
async fn a_service_is_at_its_own_endpoint_in_both_eras() {
    let gantry = Gantry::start("{}").await;
    let modern = Client::modern(&gantry.url(VECTORS), json!({}));
    let legacy = Client::legacy(&gantry.url(VECTORS), "2025-11-25", json!({})).await;
    for client in [modern, legacy] {
        assert_eq!(client.tool_names().await, TOOLS);
        let arguments = json!({ "vector1": [3, 4], "vector2": [6, 8] });
        // The second name is one that no list has.
        for name in ["calculate_vector_similarity_mcp", "calculate_vector_similarity"] {
            let reply = client.call(name, arguments.clone()).await;
            assert!((similarity(reply.result()) - 1.0).abs() < 1e-12, "{reply:?}");
        }
        let wrong = client.call(TOOLS[0], json!({ "vector1": [], "vector2": [] })).await;
        assert_eq!(wrong.result()["isError"], true, "{wrong:?}");
        assert!(wrong.text().starts_with("`vector1`: is empty"), "{wrong:?}");
    }
}

#[tokio::test]
async fn services_are_on_the_main_endpoint_while_nothing_else_is_or_when_chosen() {
    let has = async |gantry: &Gantry, prefix: &str| {
        let names = Client::modern(&gantry.url("/mcp"), json!({})).tool_names().await;
        names.iter().any(|name| name.starts_with(prefix))
    };
    let alone = Gantry::start("{}").await;
    assert!(has(&alone, "vector_similarity__").await && has(&alone, "reasoning_agent__").await);
    let upstream = Scripted::modern().tool("good", json!({}), |_| Answer::text("fine"));
    let upstream = upstream.start().await;
    let with = |services: Value| {
        let servers = json!({ "up": upstream.server() });
        json!({ "servers": servers, "services": services }).to_string()
    };
    let beside = Gantry::start(&with(json!({}))).await;
    assert!(!has(&beside, "vector_similarity__").await && has(&beside, "up__").await);
    let chosen = Gantry::start(&with(json!({ "on_mcp": ["vector_similarity"] }))).await;
    assert!(has(&chosen, "vector_similarity__").await && !has(&chosen, "reasoning_agent__").await);
}
