//! What the services keep outlives the process.

use serde_json::{Value, json};

use crate::support::{client::Client, gantry::Gantry};

async fn call(gantry: &Gantry, service: &str, tool: &str, arguments: Value) -> Value {
    let client = Client::modern(&gantry.url(&format!("/mcp/{service}")), json!({}));
    let reply = client.call(tool, arguments).await;
    assert!(!reply.is_error(), "{reply:?}");
    reply.result()["structuredContent"].clone()
}

#[tokio::test]
async fn sessions_outcomes_and_messages_are_there_after_a_restart() {
    let gantry = Gantry::start("{}").await;
    let opened = call(
        &gantry,
        "session_management",
        "handle_mcp_request_with_session",
        json!({ "request": { "id": 1, "method": "initialize", "params": { "client_id": "app" } } }),
    )
    .await;
    let session = opened["session"]["session_id"].as_str().expect("a session").to_owned();
    let outcome = json!({ "id": "sky", "confidence": 0.8, "correct": true });
    call(&gantry, "confidence_calculator", "record_confidence_outcome", outcome).await;
    let question = json!({ "question": "All men are mortal. Ann is a man. Is Ann mortal?" });
    call(&gantry, "reasoning_agent", "process_question_via_mcp", question).await;

    let gantry = gantry.restart().await;
    let validated =
        call(&gantry, "session_management", "validate_session", json!({ "session_id": session }))
            .await;
    assert_eq!(validated["valid"], true, "{validated}");
    let calibration =
        call(&gantry, "confidence_calculator", "calibrate_confidence", json!({})).await;
    assert_eq!(calibration["outcomes"], 1, "{calibration}");
    let history = call(&gantry, "reasoning_agent", "mcp_history", json!({})).await;
    assert!(history["count"].as_u64() > Some(0), "{history}");
}
