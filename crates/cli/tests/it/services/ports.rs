//! What the services reach outside of the gateway: a model, a folder, words of the operator's.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    client::{Client, Reply},
    gantry::{Gantry, Setup},
    page::{Asked, Page},
};

const KEY: &str = "key-of-the-model-0123456789";

async fn call(gantry: &Gantry, service: &str, tool: &str, arguments: Value) -> Reply {
    let client = Client::modern(&gantry.url(&format!("/mcp/{service}")), json!({}));
    client.call(tool, arguments).await
}

/// A model of two dimensions: whether a text is of animals, and whether of machines.
fn embedded(asked: &Asked) -> Response<Full<Bytes>> {
    let of = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok());
    if of("authorization") != Some(&format!("Bearer {KEY}")) {
        let mut refusal = Response::new(Full::new(Bytes::from(format!("{KEY} is not good"))));
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        return refusal;
    }
    let question: Value = serde_json::from_slice(&asked.body).expect("a question is JSON");
    let texts = question["input"].as_array().expect("a list of texts");
    // Backwards: the index says which is which.
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .rev()
        .map(|(index, text)| {
            let text = text.as_str().expect("a text");
            let has = |word: &str| f64::from(u8::from(text.contains(word)));
            let animal = has("cat") + has("feline") + 0.01;
            json!({ "index": index, "embedding": [animal, has("engine") + 0.01] })
        })
        .collect();
    Response::new(Full::new(Bytes::from(json!({ "data": data }).to_string())))
}

fn with_model(url: &str, key: &str) -> String {
    let embeddings = json!({ "url": url, "model": "small", "api_key": key });
    json!({ "services": { "embeddings": embeddings } }).to_string()
}

#[tokio::test]
async fn meaning_is_judged_by_the_operators_model() {
    let page = Page::start(embedded).await;
    let gantry = Gantry::start(&with_model(&page.url("/v1"), KEY)).await;
    let texts = json!({ "text1": "my cat", "text2": "a feline", "method": "semantic" });
    let near = call(&gantry, "semantic_similarity", "calculate_text_similarity_mcp", texts).await;
    let similarity = near.result()["structuredContent"]["similarity"].as_f64();
    assert!(similarity > Some(0.99), "{near:?}");
    let asked = page.asked();
    let question: Value = serde_json::from_slice(&asked[0].body).expect("JSON");
    assert_eq!(question["model"], "small");
    assert_eq!(question["input"], json!(["my cat", "a feline"]));

    // More texts than one request has.
    let many: Vec<String> = (0..100).map(|n| format!("engine {n}")).collect();
    let search = json!({ "query": "an engine", "candidates": many, "method": "semantic" });
    let found = call(&gantry, "semantic_similarity", "find_similar_texts_mcp", search).await;
    assert!(!found.is_error(), "{found:?}");
    assert_eq!(page.asked().len(), 3, "101 texts in two requests");

    let documents = json!([
        { "docId": "machine", "content": "an engine" }, { "docId": "animal", "content": "a cat" },
    ]);
    let rank = |embed: bool| {
        json!({ "query": "feline", "candidate_documents": documents, "embed": embed,
                "ranking_weights": { "vectorSimilarity": 1 } })
    };
    let ranked = call(&gantry, "vector_ranking", "hybrid_ranking_search_mcp", rank(true)).await;
    let results = &ranked.result()["structuredContent"]["ranked_results"];
    assert_eq!(results[0]["docId"], "animal", "{ranked:?}");
    assert!(results[0]["hybridScore"].as_f64() > Some(0.99), "{ranked:?}");
    let n_asked = page.asked().len();
    call(&gantry, "vector_ranking", "hybrid_ranking_search_mcp", rank(false)).await;
    assert_eq!(page.asked().len(), n_asked, "nobody asked for vectors");
}

#[tokio::test]
async fn a_model_that_refuses_is_told_without_its_words() {
    let page = Page::start(embedded).await;
    let gantry = Gantry::start(&with_model(&page.url("/v1"), "another-key")).await;
    let texts = json!({ "text1": "my cat", "text2": "a feline", "method": "semantic" });
    let reply = call(&gantry, "semantic_similarity", "calculate_text_similarity_mcp", texts).await;
    assert!(reply.is_error(), "{reply:?}");
    assert_eq!(reply.text(), "embeddings: the endpoint answers 401 Unauthorized");
    // What needs no model goes on.
    let texts = json!({ "text1": "my cat", "text2": "a cat", "method": "jaccard" });
    let reply = call(&gantry, "semantic_similarity", "calculate_text_similarity_mcp", texts).await;
    assert!(!reply.is_error(), "{reply:?}");
    let without = Gantry::start("{}").await;
    let asks = json!({ "query": "x", "candidate_documents": [{ "content": "x" }], "embed": true });
    let reply = call(&without, "vector_ranking", "hybrid_ranking_search_mcp", asks).await;
    assert!(reply.text().contains("`services.embeddings`"), "{reply:?}");
}

#[tokio::test]
async fn results_are_saved_in_the_folder_that_a_variable_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("a plain path").to_owned();
    let gantry = Setup::new("{}").variable("STANDARDIZATION_OUTPUT_DIR", path).start().await;
    let save = |name: &str| json!({ "results": { "total": 1 }, "name": name });
    let tool = "_save_mcp_enhanced_results";
    let saved = call(&gantry, "data_standardization", tool, save("april")).await;
    let place = saved.result()["structuredContent"]["path"].as_str().expect("a path").to_owned();
    let written = std::fs::read_to_string(&place).expect("it is there");
    let written: Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(written, json!({ "total": 1 }));
    assert!(place.starts_with(folder.path().to_str().unwrap()), "{place}");
    let outside = call(&gantry, "data_standardization", tool, save("../april")).await;
    assert!(outside.is_error() && outside.text().starts_with("`name`: "), "{outside:?}");
    let none = Gantry::start("{}").await;
    let refused = call(&none, "data_standardization", tool, save("april")).await;
    assert!(refused.text().contains("STANDARDIZATION_OUTPUT_DIR"), "{refused:?}");
}

#[tokio::test]
async fn the_operators_own_words_are_known_and_read_again_when_they_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("words.tsv");
    let line = |narrowest: &str| format!("account\tExpenses\tIT\tTools\t{narrowest}\tZorbl\n");
    std::fs::write(&file, line("Widgets")).expect("a file");
    let config = json!({ "services": { "vocabulary": [file] } }).to_string();
    let gantry = Gantry::start(&config).await;
    let narrowest = async || {
        let items = json!({ "items": ["zorbl"] });
        let tool = "mcp_account_standardization_skill";
        let reply = call(&gantry, "data_standardization", tool, items).await;
        let text = reply.result()["structuredContent"].to_string();
        ["Widgets", "Gadgets"].into_iter().find(|word| text.contains(word))
    };
    assert_eq!(narrowest().await, Some("Widgets"));
    std::fs::write(&file, line("Gadgets")).expect("a file");
    crate::support::wait::eventually("the change is seen", async || {
        (narrowest().await == Some("Gadgets")).then_some(())
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_process_is_told_of() {
    let gantry = Gantry::start("{}").await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let names = client.tool_names().await;
    let name = names.iter().find(|name| name.ends_with("get_system_metrics")).expect("it is there");
    let reply = client.call(name, json!({})).await;
    let process = &reply.result()["structuredContent"]["process"];
    assert!(process["resident_bytes"].as_u64() > Some(1_000_000), "{reply:?}");
}
