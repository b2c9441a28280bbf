//! Clients on the official SDKs: each lists and calls, directly at an upstream (which proves the
//! client) and through the gateway, over a federation of three servers at once: two from npm on
//! stdio, which know the legacy era alone, and the upstream on the official Rust SDK over HTTP.

pub(crate) mod client;
mod everything;
mod federation;

use client::{Client, Plan};
use federation::Federation;
use serde_json::json;

use crate::support::upstream::HttpUpstream;

#[tokio::test]
async fn every_client_works_without_a_gateway() {
    let upstream = HttpUpstream::start("dual").await;
    let plan =
        Plan::new().call("greet", json!({ "name": "Ada" })).call("test_error_handling", json!({}));
    for client in Client::ALL {
        let seen = client.run(&upstream.url(), &plan).await;
        seen.assert_has_tools(&["greet", "test_simple_text"]);
        assert_eq!(seen.text(0), "Hello, Ada!", "{client:?}");
        assert!(seen.is_error(1), "{client:?}: {seen:?}");
    }
}

#[tokio::test]
async fn every_client_that_can_be_asked_back_is_without_a_gateway() {
    let upstream = HttpUpstream::start("dual").await;
    for client in Client::ANSWERING {
        is_asked_back(client, &upstream.url(), "").await;
    }
}

#[tokio::test]
async fn the_first_typescript_client_works_through_the_gateway() {
    works_through_the_gateway(&[Client::TypescriptV1]).await;
}

#[tokio::test]
async fn the_second_typescript_client_works_through_the_gateway_in_both_eras() {
    let clients =
        [Client::TypescriptV2Legacy, Client::TypescriptV2Modern, Client::TypescriptV2Auto];
    works_through_the_gateway(&clients).await;
}

#[tokio::test]
async fn the_python_client_works_through_the_gateway_in_both_eras() {
    let clients = [Client::PythonLegacy, Client::PythonModern, Client::PythonAuto];
    works_through_the_gateway(&clients).await;
}

#[tokio::test]
async fn the_inspector_works_through_the_gateway_in_both_eras() {
    works_through_the_gateway(&[Client::InspectorLegacy, Client::InspectorModern]).await;
}

#[tokio::test]
async fn every_client_is_asked_back_through_the_gateway_by_a_server_of_its_era() {
    let federation = Federation::start().await;
    for client in Client::ANSWERING {
        is_asked_back(client, &federation.url(), "up__").await;
    }
}

#[tokio::test]
async fn clients_of_the_old_transport_work_through_the_gateway_and_are_asked_back() {
    let federation = Federation::start().await;
    let clients = [Client::TypescriptV1Sse, Client::PythonSse];
    works_at(&federation, &federation.old_url(), &clients).await;
    for client in clients {
        is_asked_back(client, &federation.old_url(), "up__").await;
    }
}

/// Lists and calls all three servers at once.
async fn works_through_the_gateway(clients: &[Client]) {
    let federation = Federation::start().await;
    works_at(&federation, &federation.url(), clients).await;
}

async fn works_at(federation: &Federation, url: &str, clients: &[Client]) {
    let file = federation.file_with("written by the test");
    let plan = Plan::new()
        .call("everything__echo", json!({ "message": "hello" }))
        .call("everything__get-sum", json!({ "a": 2, "b": 3 }))
        .call("files__read_text_file", json!({ "path": file }))
        .call("up__greet", json!({ "name": "Ada" }))
        .call("up__test_error_handling", json!({}));
    for client in clients {
        let seen = client.run(url, &plan).await;
        seen.assert_has_tools(&[
            "everything__echo",
            "everything__get-sum",
            "everything__get-tiny-image",
            "files__read_text_file",
            "files__write_file",
            "up__greet",
            "up__json_schema_2020_12_tool",
            "up__test_simple_text",
        ]);
        assert_eq!(seen.text(0), "Echo: hello", "{client:?}");
        assert_eq!(seen.text(1), "The sum of 2 and 3 is 5.", "{client:?}");
        assert_eq!(seen.text(2), "written by the test", "{client:?}");
        assert_eq!(seen.text(3), "Hello, Ada!", "{client:?}");
        assert!(seen.is_error(4), "{client:?}: {seen:?}");
    }
}

/// Calls tools that need an answer of the user and of the model.
async fn is_asked_back(client: Client, url: &str, prefix: &str) {
    let plan = Plan::new()
        .answering()
        .call(&format!("{prefix}test_elicitation"), json!({ "message": "Who are you?" }))
        .call(&format!("{prefix}test_sampling"), json!({ "prompt": "A capital, please" }));
    let seen = client.run(url, &plan).await;
    let elicited = seen.text(0);
    assert!(elicited.contains("action=accept"), "{client:?}: {elicited}");
    assert!(elicited.contains("ada@example.com"), "{client:?}: {elicited}");
    assert_eq!(seen.text(1), "LLM response: Paris", "{client:?}");
}
