//! Answers that libraries of another language gave, see `tests/reference/README.md`.

use serde::Deserialize;
use serde_json::Value;

use crate::rig::{call, difference, services};

#[derive(Debug, Deserialize)]
struct Case {
    service: String,
    tool: String,
    arguments: Value,
    answer: Value,
}

fn check(cases: &str) {
    let cases: Vec<Case> = serde_json::from_str(cases).expect("what the script wrote is JSON");
    assert!(!cases.is_empty());
    for (at, case) in cases.iter().enumerate() {
        let place = format!("case {at} of `{}`", case.tool);
        let answer = call(&services(), &case.service, &case.tool, &case.arguments).expect(&place);
        assert_eq!(difference(&case.answer, &answer, "answer"), None, "{place}");
    }
}

#[test]
fn vectors_are_compared_as_scipy_compares_them() {
    check(include_str!("../reference/vector_similarity.json"));
}

#[test]
fn documents_are_ranked_as_networkx_and_rank_bm25_rank_them() {
    check(include_str!("../reference/vector_ranking.json"));
}

#[test]
fn texts_are_compared_as_the_script_compares_them() {
    check(include_str!("../reference/semantic_similarity.json"));
}

#[test]
fn confidences_are_those_of_the_script() {
    check(include_str!("../reference/confidence_calculator.json"));
}

#[test]
fn durations_are_taken_together_as_numpy_does() {
    check(include_str!("../reference/performance.json"));
}
