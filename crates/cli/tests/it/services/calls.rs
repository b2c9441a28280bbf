//! What goes on during a call of a service: progress, taking it back, and questions to the client.

use serde_json::{Value, json};

use crate::support::{client::Client, gantry::Gantry, wait::eventually};

/// Vectors that take a while to be compared with one another.
fn vectors(count: u32) -> Value {
    let number = |at: u32| f64::from(at.wrapping_mul(2_654_435_761) % 1000) / 1000.0;
    let vector = |row: u32| (0..32).map(|at| number(row * 32 + at + 1)).collect::<Vec<_>>();
    json!((0..count).map(vector).collect::<Vec<_>>())
}

pub(super) fn comparing(count: u32) -> Value {
    json!({
        "name": "vector_statistics_mcp",
        "arguments": { "vectors": vectors(count), "calculate_pairwise": true },
        "_meta": { "progressToken": "how far" },
    })
}

async fn both_eras(gantry: &Gantry, path: &str, capabilities: Value) -> [Client; 2] {
    let url = gantry.url(path);
    let legacy = Client::legacy(&url, "2025-11-25", capabilities.clone()).await;
    [Client::modern(&url, capabilities), legacy]
}

#[tokio::test]
async fn whoever_asks_for_progress_is_told_of_it() {
    let gantry = Gantry::start("{}").await;
    for client in both_eras(&gantry, "/mcp/vector_similarity", json!({})).await {
        let reply = client.request("tools/call", comparing(300)).await;
        assert_eq!(reply.result()["structuredContent"]["count"], 300);
        let told = reply.notifications("notifications/progress");
        let done: Vec<f64> =
            told.iter().filter_map(|told| told["params"]["progress"].as_f64()).collect();
        assert!(done.len() >= 2, "{told:?}");
        assert!(done.is_sorted_by(|before, after| before < after), "{done:?}");
        assert!(told.iter().all(|told| told["params"]["progressToken"] == "how far"), "{told:?}");
        assert!(told.iter().all(|told| told["params"]["total"] == 300.0), "{told:?}");
    }
}

/// What the service says of the caller's last call.
async fn last_error(client: &Client) -> Option<String> {
    let reply = client.call("mcp_vector_similarity", json!({})).await;
    let calls = reply.result()["structuredContent"]["last_calls"].as_array().cloned()?;
    let call = calls.iter().find(|call| call["tool"] == "vector_statistics_mcp")?;
    call["error"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_call_that_is_taken_back_stops_computing() {
    let gantry = Gantry::start("{}").await;
    let [modern, legacy] = both_eras(&gantry, "/mcp/vector_similarity", json!({})).await;

    let mut open = modern.start("tools/call", comparing(4000)).await;
    assert_eq!(open.next_message().await["method"], "notifications/progress");
    drop(open);
    let error = eventually("the end of the computation", async || last_error(&modern).await).await;
    assert_eq!(error, "cancelled by the caller");

    let gantry_of_its_own = Gantry::start("{}").await;
    drop(legacy);
    let url = gantry_of_its_own.url("/mcp/vector_similarity");
    let legacy = Client::legacy(&url, "2025-11-25", json!({})).await;
    let message = legacy.message("tools/call", comparing(4000));
    let mut open = legacy.send(&message, &[]).await;
    assert_eq!(open.next_message().await["method"], "notifications/progress");
    let cancel = json!({ "requestId": message["id"], "reason": "enough" });
    assert_eq!(legacy.notify("notifications/cancelled", cancel).await.status, 202);
    let error = eventually("the end of the computation", async || last_error(&legacy).await).await;
    assert_eq!(error, "cancelled by the caller");
}

#[tokio::test]
async fn a_question_that_nothing_answers_goes_to_the_clients_own_model() {
    let gantry = Gantry::start("{}").await;
    let url = gantry.url("/mcp/reasoning_agent");
    let question = json!({ "question": "Which city is the capital of France?" });
    let legacy = Client::legacy(&url, "2025-11-25", json!({ "sampling": {} })).await;
    let legacy = legacy.answering(|request| {
        assert_eq!(request["method"], "sampling/createMessage", "{request}");
        let asked =
            request["params"]["messages"][0]["content"]["text"].as_str().unwrap_or_default();
        assert!(asked.contains("capital of France"), "{request}");
        let content = json!({ "type": "text", "text": "It is Paris." });
        json!({ "result": { "role": "assistant", "model": "test", "content": content } })
    });
    let reply = legacy.call("process_question_via_mcp", question.clone()).await;
    let answer = &reply.result()["structuredContent"];
    assert_eq!(answer["result"]["answer"], "It is Paris.", "{answer}");
    assert_eq!(answer["verification"]["by_model"], true, "{answer}");

    // A client without a model, and one whose model refuses, get an answer that says what is missing.
    let without = Client::legacy(&url, "2025-11-25", json!({})).await;
    let refusing = Client::legacy(&url, "2025-11-25", json!({ "sampling": {} })).await;
    let refusing = refusing.answering(|_| json!({ "error": { "code": -1, "message": "no" } }));
    for client in [without, refusing] {
        let reply = client.call("process_question_via_mcp", question.clone()).await;
        let answer = &reply.result()["structuredContent"];
        assert_eq!(answer["verification"]["by_model"], false, "{answer}");
        assert!(answer["result"]["answer"].as_str().is_some_and(|text| !text.is_empty()));
    }
}
