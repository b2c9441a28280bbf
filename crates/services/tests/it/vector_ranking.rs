//! Tests of `vector_ranking`.

use gantry_core::Principal;
use gantry_services::{NoLink, Services, ToolError, catalogue};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rig::{self, NOW, call, services};

const SERVICE: &str = "vector_ranking";
const SEARCH: &str = "hybrid_ranking_search_mcp";
const BM25: &str = "calculate_bm25_scores_mcp";
const PAGE_RANK: &str = "calculate_pagerank_scores_mcp";

fn ask(tool: &str, arguments: &Value) -> Value {
    rig::ask(SERVICE, tool, arguments)
}

fn refusal(tool: &str, arguments: &Value) -> String {
    rig::refusal(SERVICE, tool, arguments)
}

fn ids(answer: &Value) -> Vec<&str> {
    let results = answer["ranked_results"].as_array().expect("a list");
    results.iter().map(|result| result["docId"].as_str().expect("a name")).collect()
}

#[test]
fn arguments_that_make_no_sense_are_refused_by_name() {
    let document = json!({ "docId": "a", "content": "fox", "vector": [1, 2] });
    for (tool, arguments, expected) in [
        (
            BM25,
            json!({ "query": "fox" }),
            "`documents`: is required where no `index_id` is given, and was not given",
        ),
        (
            BM25,
            json!({ "query": "fox", "documents": [], "index_id": "a" }),
            "`index_id`: is given beside `documents`; give one of them",
        ),
        (
            BM25,
            json!({ "query": "fox", "index_id": "a" }),
            "`index_id`: there is no such collection of yours; register it with \
             register_collection",
        ),
        (
            BM25,
            json!({ "query": " ?! ", "documents": [document] }),
            "`query`: has no word; give at least one",
        ),
        (
            BM25,
            json!({ "query": "fox", "documents": [document], "b": 1.5 }),
            "`b`: is 1.5; give a number from 0 to 1",
        ),
        (
            BM25,
            json!({ "query": "fox", "documents": [document, document] }),
            "`documents[1].docId`: `a` is the name of an earlier document; give each its own",
        ),
        (
            BM25,
            json!({ "query": "fox", "documents": [{ "content": 1 }] }),
            "`documents[0].content`: invalid type: integer `1`, expected a string",
        ),
        (
            PAGE_RANK,
            json!({ "documents": [{ "links": [7] }] }),
            "`documents[0].links[0]`: expected the name of a document, or an object with its \
             `docId`",
        ),
        (
            PAGE_RANK,
            json!({ "documents": [document], "iterations": 0 }),
            "`iterations`: is 0; give a number from 1 to 1000",
        ),
    ] {
        assert_eq!(refusal(tool, &arguments), expected);
    }
}

#[test]
fn searches_that_make_no_sense_are_refused_by_name() {
    let document = json!({ "docId": "a", "content": "fox", "vector": [1, 2] });
    for (tool, arguments, expected) in [
        (
            SEARCH,
            json!({ "query": "fox", "query_vector": [1], "candidate_documents": [document] }),
            "`candidate_documents[0].vector`: has 2 numbers and `query_vector` has 1; give \
             vectors of the same length",
        ),
        (
            SEARCH,
            json!({ "query": "fox", "candidate_documents": [], "ranking_weights": {} }),
            "`ranking_weights`: are all 0 or beyond what a number can hold; give at least one \
             weight",
        ),
        (
            SEARCH,
            json!({
                "query": "fox",
                "candidate_documents": [],
                "ranking_weights": { "bm25Score": -1 },
            }),
            "`ranking_weights.bm25Score`: is -1; give 0 or more",
        ),
        (
            SEARCH,
            json!({ "query": "fox", "candidate_documents": [{ "timestamp": "yesterday" }] }),
            "`candidate_documents[0].timestamp`: is no time; give one such as \
             `2026-01-31T12:00:00Z`",
        ),
        (
            "calculate_vector_similarity_mcp",
            json!({ "query_vector": [1], "document_vectors": [{ "docId": "a" }] }),
            "`document_vectors[0].vector`: is required and was not given",
        ),
        (
            "reciprocal_rank_fusion",
            json!({ "rankings": [{ "ids": ["a", "a"] }] }),
            "`rankings[0].ids[1]`: `a` is in this ranking already; name each once",
        ),
    ] {
        assert_eq!(refusal(tool, &arguments), expected);
    }
}

#[test]
fn a_document_of_ten_megabytes_is_refused_by_name() {
    let huge = "fox ".repeat(10 << 18);
    let arguments = json!({ "query": "fox", "documents": [{ "content": huge }] });
    assert_eq!(
        refusal(BM25, &arguments),
        "`documents[0].content`: 10485760 bytes; at most 1048576 are taken, so give a part of it"
    );
}

#[test]
fn no_documents_are_no_results() {
    let answer = ask(SEARCH, &json!({ "query": "fox", "candidate_documents": [] }));
    assert_eq!(answer["ranked_results"], json!([]));
    assert_eq!(ask(BM25, &json!({ "query": "fox", "documents": [] }))["scores"], json!({}));
    assert_eq!(ask(PAGE_RANK, &json!({ "documents": [] }))["scores"], json!({}));
}

#[test]
fn a_cycle_of_links_gives_each_the_same() {
    let documents = json!([
        { "docId": "a", "links": ["b"] },
        { "docId": "b", "references": ["c", "nowhere"] },
        { "docId": "c", "related_documents": [{ "docId": "a" }] },
    ]);
    let answer = ask(PAGE_RANK, &json!({ "documents": documents }));
    for id in ["a", "b", "c"] {
        let share = answer["scores"][id].as_f64().unwrap();
        assert!((share - 1.0 / 3.0).abs() < 1e-12, "{answer}");
    }
    assert_eq!(answer["metadata"]["unknown_targets"], 1);
    assert_eq!(answer["metadata"]["converged"], true);
}

#[test]
fn a_result_that_repeats_another_gives_way() {
    let documents = json!([
        { "docId": "first", "content": "solar power for homes in the south" },
        { "docId": "copy", "content": "solar power for homes in the south" },
        { "docId": "other", "content": "solar panels are made of silicon and glass" },
    ]);
    let search = |diverse: bool| {
        let arguments = json!({
            "query": "solar power", "candidate_documents": documents, "top_k": 2,
            "apply_diversity": diverse, "diversity_lambda": 0.5,
        });
        ask(SEARCH, &arguments)
    };
    assert_eq!(ids(&search(false)), ["first", "copy"]);
    assert_eq!(ids(&search(true)), ["first", "other"]);
}

#[test]
fn a_new_document_counts_for_its_age() {
    let day = 86_400;
    let documents = json!([
        { "docId": "old", "content": "fox", "timestamp": NOW - 400 * day },
        { "docId": "text", "content": "fox", "timestamp": "2025-12-31T00:00:00Z" },
        { "docId": "half", "content": "fox", "timestamp": NOW - 365 * day / 2 },
        { "docId": "undated", "content": "fox" },
    ]);
    let arguments = json!({
        "query": "fox", "candidate_documents": documents, "apply_diversity": false,
        "search_context": { "recency_weight": 1 },
    });
    let answer = ask(SEARCH, &arguments);
    assert_eq!(ids(&answer), ["text", "half", "old", "undated"]);
    let context = |at: usize| {
        let components = &answer["ranked_results"][at]["rankingComponents"];
        components["contextualRelevance"].as_f64().unwrap()
    };
    assert!((context(0) - 364.0 / 365.0).abs() < 1e-12, "{answer}");
    assert!((context(1) - 0.5).abs() < 1e-12, "{answer}");
    assert!(context(2).abs() < 1e-12 && context(3).abs() < 1e-12, "{answer}");
}

#[test]
fn ranks_can_be_fused_in_the_place_of_scores() {
    let documents = json!([
        { "docId": "a", "content": "fox fox fox", "vector": [0, 1] },
        { "docId": "b", "content": "fox and hound", "vector": [1, 0] },
    ]);
    let arguments = json!({
        "query": "fox", "query_vector": [1, 0], "candidate_documents": documents,
        "ranking_weights": { "vectorSimilarity": 1, "bm25Score": 1 },
        "fusion": "reciprocal_rank", "apply_diversity": false,
    });
    let answer = ask(SEARCH, &arguments);
    assert_eq!(ids(&answer), ["b", "a"]);
    let score = answer["ranked_results"][0]["hybridScore"].as_f64().unwrap();
    assert!((score - 0.5 * (1.0 / 61.0 + 1.0 / 62.0)).abs() < 1e-12, "{answer}");
}

#[test]
fn a_registered_collection_is_ranked_as_its_documents_are() {
    let services = services();
    let documents = json!([
        { "docId": "a", "content": "The red fox jumps.", "vector": [1, 0], "links": ["b"] },
        { "docId": "b", "content": "A fox sleeps, a fox dreams.", "vector": [1, 1] },
        { "docId": "c", "content": "Nothing to see.", "vector": [0, 1], "links": ["b", "a"] },
    ]);
    let ask = |tool: &str, arguments: Value| call(&services, SERVICE, tool, &arguments).unwrap();
    let (first, rest) = documents.as_array().unwrap().split_at(1);
    ask("register_collection", json!({ "index_id": "i", "documents": first }));
    let answer =
        ask("register_collection", json!({ "index_id": "i", "documents": rest, "append": true }));
    assert_eq!(answer["documents"], 3);

    let in_call = ask(BM25, json!({ "query": "red fox", "documents": documents }));
    assert_eq!(ask(BM25, json!({ "query": "red fox", "index_id": "i" })), in_call);
    let in_call = ask(PAGE_RANK, json!({ "documents": documents }));
    assert_eq!(ask(PAGE_RANK, json!({ "index_id": "i" })), in_call);
    for diverse in [true, false] {
        let with = |name: &str, value: Value| {
            let mut arguments =
                json!({ "query": "fox", "query_vector": [1, 0], "apply_diversity": diverse });
            arguments[name] = value;
            ask(SEARCH, arguments)["ranked_results"].take()
        };
        assert_eq!(with("index_id", json!("i")), with("candidate_documents", documents.clone()));
    }

    let state = ask("mcp_hybrid_ranking", json!({}));
    assert_eq!(state["collections"][0]["index_id"], "i");
    assert_eq!(state["collections"][0]["documents"], 3);
    let removed = ask("remove_collection", json!({ "index_id": "i" }));
    assert_eq!(removed["removed"], true);
    assert_eq!(ask("mcp_hybrid_ranking", json!({}))["collections"], json!([]));
}

#[test]
fn a_registration_that_is_refused_changes_nothing() {
    let services = services();
    let register = |documents: Value| {
        let arguments = json!({ "index_id": "i", "append": true, "documents": documents });
        call(&services, SERVICE, "register_collection", &arguments)
    };
    register(json!([{ "docId": "a", "content": "fox" }])).unwrap();
    let error =
        register(json!([{ "docId": "b", "content": "fox" }, { "docId": "a" }])).unwrap_err();
    assert_eq!(error.field(), Some("documents[1].docId"));
    let answer = register(json!([{ "docId": "b", "content": "hound" }])).unwrap();
    assert_eq!((&answer["documents"], &answer["terms"]), (&json!(2), &json!(2)));
}

#[test]
fn a_collection_is_its_owners_alone_and_the_oldest_goes() {
    let services = services();
    let service = catalogue::find(SERVICE).unwrap();
    let ask = |principal: &Principal, tool: &str, arguments: Value| -> Result<Value, ToolError> {
        let context = services.context(service, principal, &NoLink);
        let tool = service.tool(tool).unwrap();
        let output = Services::call(&context, tool, arguments.to_string().as_bytes())?;
        Ok(serde_json::from_str(output.json()).unwrap())
    };
    let (ada, bob) = (Principal::of_gantry("ada"), Principal::of_gantry("bob"));
    let register = |principal: &Principal, name: &str| {
        let arguments = json!({ "index_id": name, "documents": [{ "content": "fox" }] });
        ask(principal, "register_collection", arguments).unwrap()
    };
    register(&bob, "other");
    for n in 0..16 {
        assert_eq!(register(&ada, &n.to_string())["evicted"], json!([]));
    }
    let query = |principal: &Principal, name: &str| {
        ask(principal, BM25, json!({ "query": "fox", "index_id": name }))
    };
    assert!(query(&bob, "1").is_err());
    // What is asked for is not the oldest any more.
    query(&ada, "0").unwrap();
    assert_eq!(register(&ada, "one more")["evicted"], json!(["1"]));
    assert!(query(&ada, "1").is_err());
    query(&ada, "0").unwrap();
    query(&bob, "other").unwrap();
}

fn corpora() -> impl Strategy<Value = Vec<(String, Vec<usize>)>> {
    let words =
        proptest::collection::vec(prop::sample::select(vec!["fox", "owl", "elk", "ant"]), 0..8);
    let document = (words, proptest::collection::vec(0_usize..9, 0..4));
    let document = document.prop_map(|(words, links)| (words.join(" "), links));
    proptest::collection::vec(document, 1..9)
}

fn documents(corpus: &[(String, Vec<usize>)]) -> Value {
    let documents = corpus.iter().enumerate().map(|(at, (text, links))| {
        let links: Vec<String> = links.iter().map(ToString::to_string).collect();
        json!({ "docId": at.to_string(), "content": text, "links": links })
    });
    documents.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shares_are_one_together(corpus in corpora(), damping in 0.0..1.0) {
        let arguments = json!({ "documents": documents(&corpus), "damping_factor": damping });
        let answer = ask(PAGE_RANK, &arguments);
        let shares: Vec<f64> =
            answer["scores"].as_object().unwrap().values().map(|one| one.as_f64().unwrap()).collect();
        prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{answer}");
        prop_assert!(shares.iter().all(|share| *share >= 0.0), "{answer}");
        prop_assert!(shares.is_sorted_by(|left, right| left >= right), "{answer}");
    }

    #[test]
    fn one_more_of_a_word_does_not_lower_a_score(corpus in corpora(), at in 0_usize..8) {
        let at = at % corpus.len();
        let score = |corpus: &[(String, Vec<usize>)]| {
            let arguments = json!({
                "query": "fox", "documents": documents(corpus), "b": 0, "return_details": true,
            });
            let answer = ask(BM25, &arguments);
            answer["score_details"][at.to_string()]["total_score"].as_f64().unwrap()
        };
        // The rarity of the word must stay the same, so the document has it already.
        prop_assume!(corpus[at].0.contains("fox"));
        let mut more = corpus.clone();
        more[at].0.push_str(" fox");
        prop_assert!(score(&more) > score(&corpus));
    }

    #[test]
    fn scores_stay_within_their_bounds(corpus in corpora()) {
        let arguments = json!({ "query": "fox owl", "candidate_documents": documents(&corpus) });
        let answer = ask(SEARCH, &arguments);
        let results = answer["ranked_results"].as_array().unwrap();
        prop_assert_eq!(results.len(), corpus.len());
        for result in results {
            let score = result["hybridScore"].as_f64().unwrap();
            prop_assert!((0.0..=1.0).contains(&score), "{answer}");
            for (part, score) in result["rankingComponents"].as_object().unwrap() {
                prop_assert!((0.0..=1.0).contains(&score.as_f64().unwrap()), "{part}: {answer}");
            }
        }
    }
}
