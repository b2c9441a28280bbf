//! Tests of `confidence_calculator`.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rig::{self, call, number, services};

const SERVICE: &str = "confidence_calculator";
const REASONING: &str = "calculate_reasoning_confidence_mcp";
const EVIDENCE: &str = "calculate_evidence_quality_mcp";
const ADJUST: &str = "adjust_confidence_for_uncertainty_mcp";

fn ask(tool: &str, arguments: &Value) -> Value {
    rig::ask(SERVICE, tool, arguments)
}

/// Returns the value of a factor.
fn factor(name: &str, context: &Value) -> f64 {
    let answer = ask(REASONING, &json!({ "reasoning_context": context }));
    number(&answer["factor_breakdown"][name]["value"])
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
}

#[test]
fn evidence_counts_by_its_kind() {
    let of =
        |evidence: Value| number(&ask(EVIDENCE, &json!({ "evidence": evidence }))["quality_score"]);
    assert_close(of(json!([])), 0.2);
    for (kind, expected) in
        [("academic", 0.9), ("verified", 0.8), ("empirical", 0.7), ("rumour", 0.4)]
    {
        assert_close(of(json!([{ "source_type": kind }])), expected);
    }
    assert_close(of(json!([{}])), 0.4);
    assert_close(of(json!(["text"])), 0.3);
    assert_close(of(json!([{}, {}, {}])), 0.4);
    assert_close(of(json!([{}, {}, {}, {}])), 0.48);
    let academic = json!({ "source_type": "academic" });
    assert_close(of(json!([academic, academic, academic, academic])), 1.0);
}

#[test]
fn history_counts_by_its_length() {
    let of = |history: Value| factor("historical_success", &json!({ "historical_data": history }));
    assert_close(of(json!({})), 0.5);
    for (total, right, expected) in
        [(1, 1, 0.68), (4, 4, 0.92), (5, 5, 0.9), (19, 19, 0.9), (20, 20, 1.0), (20, 10, 0.5)]
    {
        let history = json!({ "total_attempts": total, "successful_attempts": right });
        assert_close(of(history), expected);
    }
    let recent = |results: Value| {
        of(json!({ "total_attempts": 20, "successful_attempts": 10, "recent_results": results }))
    };
    assert_close(recent(json!([true, true])), 0.5);
    assert_close(recent(json!([false, true, true, 1])), 0.65);
    assert_close(recent(json!([true, 0, 0, 0.5])), 0.35 + 0.3 / 6.0);
}

#[test]
fn steps_count_by_how_they_go_together() {
    let of = |steps: Value| factor("logical_consistency", &json!({ "reasoning_chain": steps }));
    assert_close(of(json!([])), 0.3);
    assert_close(of(json!(["a", "b"])), 1.0);
    assert_close(of(json!([{ "confidence": 0.9 }, { "confidence": 0.4 }])), 0.8);
    assert_close(of(json!([{ "confidence": 0.9 }, { "confidence": 0.45 }])), 1.0);
    assert_close(of(json!([{ "premise": "p" }, { "conclusion": "p" }])), 0.6);
    assert_close(of(json!([{ "inference_rule": "modus_ponens" }])), 1.0);
    assert_close(of(json!([{ "inference_rule": "wishful_thinking" }])), 0.8);
    let circle: Vec<Value> = (0..9).map(|_| json!({ "premise": 1, "conclusion": 1 })).collect();
    assert_close(of(json!(circle)), 0.1);
}

#[test]
fn simplicity_counts_by_steps_branches_and_circles() {
    let steps = |n: usize| json!({ "reasoning_chain": vec!["step"; n] });
    for (n, expected) in [(1, 0.8), (2, 1.0), (10, 1.0), (11, 0.9), (15, 0.9), (16, 0.7)] {
        assert_close(factor("complexity_penalty", &steps(n)), expected);
    }
    let mut context = steps(3);
    context["branch_factor"] = json!(6);
    assert_close(factor("complexity_penalty", &context), 0.8);
    context["circular_dependencies"] = json!(2);
    assert_close(factor("complexity_penalty", &context), 0.64);
    context["circular_dependencies"] = json!(4_000_000_000_u32);
    assert_close(factor("complexity_penalty", &context), 0.3);
}

#[test]
fn validators_count_by_how_far_they_are_trusted() {
    let of = |results: Value| factor("validation_score", &json!({ "validation_results": results }));
    assert_close(of(json!(null)), 0.5);
    assert_close(of(json!({})), 0.35);
    let all = json!({
        "logical_consistency": 0.85, "evidence_support": 0.9, "completeness": 0.75,
        "validator_confidence": 0.8,
    });
    assert_close(of(all), (0.4 * 0.85 + 0.3 * 0.9 + 0.3 * 0.75) * 0.8);
}

#[test]
fn an_answer_counts_by_how_it_covers_its_question() {
    for (question, answer, expected) in [
        ("", "yes", 0.3),
        ("yes", "", 0.3),
        ("Why?", "Because.", 0.5),
        ("Where is Oslo?", "Oslo lies in Norway.", 1.0),
        ("Where is Oslo?", "Bananas.", 0.0),
        ("Why do leaves fall?", "A tree drinks water.", 0.0),
        ("How do ships float in salt water?", "Ships float by displacing water.", 0.9),
    ] {
        let arguments = json!({ "question": question, "answer": answer });
        let found = number(&ask("calculate_semantic_alignment_mcp", &arguments)["alignment_score"]);
        assert_close(found, expected);
    }
}

#[test]
fn a_confidence_is_the_weighted_sum() {
    let context = json!({
        "evidence": [{ "source_type": "academic" }],
        "reasoning_chain": [{ "confidence": 0.9 }, { "confidence": 0.9 }],
        "question": "Where is Oslo?", "answer": "Oslo lies in Norway.",
        "historical_data": { "total_attempts": 40, "successful_attempts": 30 },
        "validation_results": { "validator_confidence": 1 },
    });
    let answer = ask(REASONING, &json!({ "reasoning_context": context }));
    let expected = 0.25 * 0.9 + 0.2 + 0.2 + 0.15 * 0.75 + 0.1 + 0.1 * 0.5;
    assert_close(number(&answer["confidence"]), expected);
    let explanation = answer["explanation"].as_str().unwrap();
    assert!(explanation.starts_with("The confidence is 0.89: evidence quality of 0.90 adds"));

    let weights = json!({ "evidence_quality": 2.25 });
    let arguments = json!({
        "reasoning_context": context, "custom_weights": weights, "include_explanation": false,
    });
    let answer = ask(REASONING, &arguments);
    assert_close(number(&answer["confidence"]), (2.25 * 0.9 + expected - 0.25 * 0.9) / 3.0);
    assert!(answer.get("explanation").is_none());
}

#[test]
fn a_confidence_stays_within_its_bounds() {
    let only = |factor: &str| {
        let mut weights = json!({
            "evidence_quality": 0, "logical_consistency": 0, "semantic_alignment": 0,
            "historical_success": 0, "complexity_penalty": 0, "validation_score": 0,
        });
        weights[factor] = json!(7);
        let context = json!({
            "question": "Where is Oslo?", "answer": "Bananas.",
            "reasoning_chain": ["a", "b"],
        });
        let arguments = json!({ "reasoning_context": context, "custom_weights": weights });
        number(&ask(REASONING, &arguments)["confidence"])
    };
    assert_close(only("semantic_alignment"), 0.05);
    assert_close(only("logical_consistency"), 0.95);
}

#[test]
fn what_would_raise_a_confidence_is_recommended() {
    let answer = ask(REASONING, &json!({ "reasoning_context": {} }));
    let recommendations = answer["recommendations"].as_array().unwrap();
    assert!(recommendations.contains(&json!("find evidence of academic or verified sources")));
    assert!(recommendations.contains(&json!("try another way to the answer")));
}

#[test]
fn arguments_that_make_no_sense_are_refused_by_name() {
    for (tool, arguments, expected) in [
        (REASONING, json!({}), "`reasoning_context`: is required and was not given"),
        (
            REASONING,
            json!({ "reasoning_context": {}, "custom_weights": { "luck": 1 } }),
            "`custom_weights.luck`: unknown variant `luck`, expected one of `evidence_quality`, \
             `logical_consistency`, `semantic_alignment`, `historical_success`, \
             `complexity_penalty`, `validation_score`",
        ),
        (
            REASONING,
            json!({ "reasoning_context": { "historical_data": {
                "total_attempts": 1, "successful_attempts": 2 } } }),
            "`reasoning_context.historical_data.successful_attempts`: is 2 and so more than \
             `total_attempts`, which is 1",
        ),
        (
            REASONING,
            json!({ "reasoning_context": { "validation_results": { "completeness": 1.5 } } }),
            "`reasoning_context.validation_results.completeness`: is 1.5; give a number from 0 to \
             1",
        ),
        (
            EVIDENCE,
            json!({ "evidence": 1 }),
            "`evidence`: invalid type: integer `1`, expected a \
             sequence",
        ),
        (
            ADJUST,
            json!({ "base_confidence": 2, "uncertainty_factors": [] }),
            "`base_confidence`: is 2; give a number from 0 to 1",
        ),
        (
            "record_confidence_outcome",
            json!({ "id": "", "confidence": 0.5, "correct": true }),
            "`id`: has 0 bytes; give a name of 1 to 256",
        ),
        (
            "calibrate_confidence",
            json!({ "confidence": -0.1 }),
            "`confidence`: is -0.1; give a number from 0 to 1",
        ),
    ] {
        assert_eq!(rig::refusal(SERVICE, tool, &arguments), expected);
    }
}

#[test]
fn recorded_outcomes_correct_a_confidence() {
    let services = services();
    let ask = |tool: &str, arguments: Value| call(&services, SERVICE, tool, &arguments).unwrap();
    // Whoever says 0.9 is right in half of the cases.
    for n in 0..20 {
        let arguments = json!({ "id": n.to_string(), "confidence": 0.9, "correct": n % 2 == 0 });
        assert_eq!(ask("record_confidence_outcome", arguments)["outcomes"], n + 1);
    }
    // What is recorded again is one outcome.
    let again = json!({ "id": "0", "confidence": 0.9, "correct": true });
    assert_eq!(ask("record_confidence_outcome", again)["outcomes"], 20);
    let answer = ask("calibrate_confidence", json!({ "confidence": 0.9 }));
    assert_eq!(answer["is_calibrated"], true);
    assert_close(number(&answer["calibrated_confidence"]), 0.5);
    assert_close(number(&answer["brier_score"]), 0.5 * 0.01 + 0.5 * 0.81);
    assert_close(number(&answer["expected_calibration_error"]), 0.4);
    assert_eq!(answer["bins"].as_array().unwrap().len(), 1);
    assert_eq!(answer["bins"][0]["count"], 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_further_uncertainty_never_raises_a_confidence(
        base in 0.0..=1.0,
        factors in proptest::collection::vec(
            prop::sample::select(vec!["weak_inference", "limited_data", "bad_weather"]), 0..12,
        ),
    ) {
        let adjusted = |factors: &[&str]| {
            let arguments = json!({ "base_confidence": base, "uncertainty_factors": factors });
            number(&ask(ADJUST, &arguments)["adjusted_confidence"])
        };
        let all = adjusted(&factors);
        prop_assert!((0.05..=0.95).contains(&all));
        if let Some((_, fewer)) = factors.split_last() {
            prop_assert!(all <= adjusted(fewer));
        }
    }

    #[test]
    fn better_evidence_never_lowers_a_confidence(n in 1_usize..6, at in 0_usize..6) {
        let confidence = |evidence: &[Value]| {
            let arguments = json!({ "reasoning_context": { "evidence": evidence } });
            number(&ask(REASONING, &arguments)["confidence"])
        };
        let mut evidence = vec![json!({ "source_type": "empirical" }); n];
        let before = confidence(&evidence);
        evidence[at % n] = json!({ "source_type": "academic" });
        prop_assert!(confidence(&evidence) >= before);
    }
}
