//! Every service has the tools that its clients count on, wherever it is asked.

use std::path::Path;

use serde_json::{Value, json};

use super::listeners::listening;
use crate::support::client::Client;

/// The names, in their order, by service.
const TOOLS: [(&str, &[&str]); 9] = [
    (
        "data_standardization",
        &[
            "handle_mcp_enhanced_standardization",
            "mcp_account_standardization_skill",
            "mcp_batch_standardization_skill",
            "mcp_enhanced_standardization_workflow",
            "_assess_data_quality_with_mcp",
            "_validate_data_with_mcp",
            "_save_mcp_enhanced_results",
            "example_mcp_integration",
            "mcp_quality_assessment",
            "mcp_validation_tools",
            "mcp_performance_tools",
            "mcp_confidence_calculator",
        ],
    ),
    (
        "vector_similarity",
        &[
            "calculate_vector_similarity_mcp",
            "batch_vector_similarity_mcp",
            "vector_statistics_mcp",
            "normalize_vectors_mcp",
            "mcp_vector_similarity",
        ],
    ),
    (
        "vector_ranking",
        &[
            "hybrid_ranking_search_mcp",
            "calculate_bm25_scores_mcp",
            "calculate_pagerank_scores_mcp",
            "calculate_vector_similarity_mcp",
            "mcp_hybrid_ranking",
        ],
    ),
    ("transport_layer", &["mcp_server", "mcp_request"]),
    (
        "reasoning_agent",
        &[
            "process_question_via_mcp",
            "demonstrate_mcp_communication",
            "test_mcp_reasoning",
            "analyze_patterns",
            "mcp_client",
            "mcp_server",
            "mcp_history",
            "mcp_requests",
            "mcp_responses",
        ],
    ),
    ("session_management", &["handle_mcp_request_with_session", "validate_session", "mcp_server"]),
    ("resource_streaming", &["process_with_streaming", "mcp_server"]),
    (
        "confidence_calculator",
        &[
            "calculate_reasoning_confidence_mcp",
            "calculate_evidence_quality_mcp",
            "calculate_semantic_alignment_mcp",
            "adjust_confidence_for_uncertainty_mcp",
            "calculate_fallback_confidence",
            "mcp_confidence_calculator",
        ],
    ),
    (
        "semantic_similarity",
        &[
            "calculate_text_similarity_mcp",
            "find_similar_texts_mcp",
            "calculate_group_similarity_mcp",
            "preprocess_text_mcp",
            "extract_semantic_features_mcp",
            "calculate_similarity",
            "mcp_similarity_calculator",
        ],
    ),
];

/// The tools that a service has besides, as its listener tells.
async fn extras(mcp: &str) -> Vec<String> {
    let info = Client::modern(&mcp.replace("/mcp", "/info"), json!({}));
    let info = info.bare("GET", &[]).await.finish().await;
    let info: Value = serde_json::from_slice(&info.body).expect("JSON");
    let extras = info["extra_tools"].as_array().cloned().expect("a list");
    extras.iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
}

/// The page of a service.
fn page(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/services");
    std::fs::read_to_string(folder.join(format!("{name}.md"))).expect("each service has a page")
}

#[tokio::test]
async fn every_service_has_its_tools_on_its_port_and_its_path_in_both_eras() {
    assert_eq!(TOOLS.iter().map(|(_, tools)| tools.len()).sum::<usize>(), 51);
    let (gantry, services) = listening().await;
    for service in &services {
        let name = service["name"].as_str().expect("a name");
        let (_, listed) = TOOLS.iter().find(|(other, _)| *other == name).expect("a known service");
        assert_eq!(service["tools"], listed.len(), "{name}");
        let own = service["url"].as_str().expect("a URL");
        let extras = extras(own).await;
        let listed = listed.iter().map(|name| (*name).to_owned());
        let expected: Vec<String> = listed.chain(extras.iter().cloned()).collect();
        let page = page(name);
        for tool in &expected {
            assert!(page.contains(&format!("### `{tool}`")), "the page of {name} lacks `{tool}`");
        }
        for url in [own.to_owned(), gantry.url(&format!("/mcp/{name}"))] {
            let modern = Client::modern(&url, json!({}));
            assert_eq!(modern.tool_names().await, expected, "{url}");
            let legacy = Client::legacy(&url, "2025-11-25", json!({})).await;
            assert_eq!(legacy.tool_names().await, expected, "{url}");
        }
    }
}
