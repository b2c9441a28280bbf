//! Tests of `semantic_similarity`.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::clock::FixedClock;
use gantry_services::ports::{Embeddings, PortError};
use gantry_services::{Ports, Services};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rig::{self, NOW, call, number};

const SERVICE: &str = "semantic_similarity";
const PAIR: &str = "calculate_text_similarity_mcp";
const METHODS: [&str; 4] = ["jaccard", "cosine", "semantic", "hybrid"];

fn ask(tool: &str, arguments: &Value) -> Value {
    rig::ask(SERVICE, tool, arguments)
}

fn similarity(method: &str, text1: &str, text2: &str) -> f64 {
    let arguments = json!({ "text1": text1, "text2": text2, "method": method });
    number(&ask(PAIR, &arguments)["similarity"])
}

/// Returns a text of words that have nothing in common.
fn numbered(numbers: std::ops::Range<usize>) -> String {
    let words: Vec<String> = numbers.map(|number| format!("w{number}")).collect();
    words.join(" ")
}

#[test]
fn meaning_counts_where_words_differ() {
    for (near, far) in [
        (("build a car", "make an automobile"), ("build a car", "feed a cat")),
        (("calculation", "calculate"), ("calculation", "banana")),
        (("Größe des Hauses", "große Häuser"), ("Größe des Hauses", "kalter Tee")),
        (("東京都の天気", "東京の天気"), ("東京都の天気", "大阪の電車")),
    ] {
        let (near, far) =
            (similarity("semantic", near.0, near.1), similarity("semantic", far.0, far.1));
        assert!(near > far + 0.1, "{near} {far}");
    }
}

#[test]
fn texts_that_cannot_be_compared_are_refused_by_name() {
    let many: String = numbered(0..2001);
    for (tool, arguments, expected) in [
        (PAIR, json!({ "text1": "", "text2": "fox" }), "`text1`: has no word; give at least one"),
        (PAIR, json!({ "text1": "fox", "text2": "?!" }), "`text2`: has no word; give at least one"),
        (
            PAIR,
            json!({ "text1": "fox", "text2": "fox", "method": "angle" }),
            "`method`: unknown variant `angle`, expected one of `jaccard`, `cosine`, `semantic`, \
             `hybrid`",
        ),
        (
            PAIR,
            json!({ "text1": "fox", "text2": "a".repeat(10 << 20) }),
            "`text2`: 10485760 bytes; at most 1048576 are taken, so give a part of it",
        ),
        (
            PAIR,
            json!({ "text1": many, "text2": "fox" }),
            "`text1`: has 2001 different words; meaning is compared for at most 2000, so give a \
             part of it, or use the method `cosine`",
        ),
        (
            "find_similar_texts_mcp",
            json!({ "query": "fox", "candidates": ["fox", 1] }),
            "`candidates[1]`: invalid type: integer `1`, expected a string",
        ),
        (
            "find_similar_texts_mcp",
            json!({ "query": "fox", "candidates": [], "threshold": 2 }),
            "`threshold`: is 2; give a number from 0 to 1",
        ),
        (
            "calculate_group_similarity_mcp",
            json!({ "texts": [] }),
            "`texts`: has 0 texts; give 1 to 1000",
        ),
        (
            "calculate_group_similarity_mcp",
            json!({ "texts": ["fox", "-"] }),
            "`texts[1]`: has no word; give at least one",
        ),
    ] {
        assert_eq!(rig::refusal(SERVICE, tool, &arguments), expected);
    }
    // What is too much for its meaning is not too much for its words.
    assert!(similarity("cosine", &many, "w7") > 0.0);
}

#[test]
fn comparisons_that_would_take_too_long_are_refused() {
    let texts: Vec<String> = (0..20).map(|n| numbered(n * 1500..(n + 1) * 1500)).collect();
    let error = rig::refusal(SERVICE, "calculate_group_similarity_mcp", &json!({ "texts": texts }));
    assert!(error.starts_with("`texts`: have too many words"), "{error}");
    let arguments = json!({ "texts": texts, "method": "jaccard" });
    assert_eq!(ask("calculate_group_similarity_mcp", &arguments)["average_similarity"], 0.0);
}

#[test]
fn a_search_has_the_nearest_first_and_only_what_is_near_enough() {
    let arguments = json!({
        "query": "red fox", "method": "jaccard", "threshold": 0.3, "top_k": 2,
        "candidates": ["blue whale", "red fox", "", "the red fox", "red hound"],
    });
    let answer = ask("find_similar_texts_mcp", &arguments);
    let found: Vec<u64> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["index"].as_u64().unwrap())
        .collect();
    assert_eq!(found, [1, 3]);
    assert_eq!(answer["above_threshold"], 3);
    assert_eq!(answer["total_candidates"], 5);
    assert!(answer.get("semantic_measure").is_none());
}

#[test]
fn a_single_text_agrees_with_itself() {
    let answer = ask("calculate_group_similarity_mcp", &json!({ "texts": ["fox"] }));
    assert_eq!(answer["average_similarity"], 1.0);
    assert_eq!(answer["comparison_count"], 0);
    assert!(answer.get("furthest").is_none());
}

#[test]
fn words_of_other_languages_are_taken_apart_too() {
    for (text, language, words) in [
        ("Die Katze schläft auf dem Sofa", json!("de"), json!(["katze", "schläft", "sofa"])),
        ("Le chat dort sur le canapé", json!("fr"), json!(["chat", "dort", "canapé"])),
        ("Кошка спит", json!(null), json!(["кошка", "спит"])),
        ("", json!(null), json!([])),
    ] {
        let answer = ask("preprocess_text_mcp", &json!({ "text": text }));
        assert_eq!(answer["processed_words"], words, "{answer}");
        assert_eq!(answer["language"], language, "{answer}");
    }
    let arguments =
        json!({ "text": "I am a fox", "remove_stop_words": false, "min_word_length": 1 });
    assert_eq!(ask("preprocess_text_mcp", &arguments)["removed_count"], 0);
}

#[test]
fn features_are_left_out_if_nobody_asked_for_them() {
    let arguments =
        json!({ "text": "new", "include_categories": false, "include_synonyms": false });
    let answer = ask("extract_semantic_features_mcp", &arguments);
    assert!(answer.get("semantic_categories").is_none());
    assert!(answer.get("synonym_matches").is_none());
    assert_eq!(ask("extract_semantic_features_mcp", &json!({ "text": "" }))["word_count"], 0);
}

/// A model that knows two directions; it leaves out everything that a model is.
#[derive(Debug)]
struct Compass {
    works: bool,
}

impl Embeddings for Compass {
    fn model(&self) -> &'static str {
        "compass"
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, PortError> {
        if !self.works {
            return Err(PortError::new("the endpoint does not answer; see whether it runs"));
        }
        let direction = |text: &&str| if text.contains("north") { [1.0, 0.0] } else { [0.6, 0.8] };
        Ok(texts.iter().map(|text| direction(text).to_vec()).collect())
    }
}

fn with_model(works: bool) -> Services {
    let mut ports = Ports::detached(Arc::new(FixedClock(Duration::from_secs(NOW))));
    ports.embeddings = Some(Arc::new(Compass { works }));
    Services::new(ports)
}

#[test]
fn a_model_takes_the_place_of_the_lexical_measure() {
    let arguments = json!({ "text1": "north", "text2": "east", "method": "semantic" });
    let answer = call(&with_model(true), SERVICE, PAIR, &arguments).unwrap();
    assert!((number(&answer["similarity"]) - 0.6).abs() < 1e-6, "{answer}");
    assert_eq!(answer["semantic_measure"], "compass");
    let error = call(&with_model(false), SERVICE, PAIR, &arguments).unwrap_err().to_string();
    assert_eq!(error, "embeddings: the endpoint does not answer; see whether it runs");
    // What needs no meaning needs no model.
    let arguments = json!({ "text1": "north", "text2": "east", "method": "jaccard" });
    call(&with_model(false), SERVICE, PAIR, &arguments).unwrap();
}

#[test]
fn the_prompt_has_what_was_measured() {
    let service = gantry_services::catalogue::find(SERVICE).unwrap();
    let services = rig::services();
    let principal = gantry_core::Principal::anonymous();
    let context = services.context(service, &principal, &gantry_services::NoLink);
    let prompt = service.prompt("similarity_analysis").unwrap();
    let arguments = |texts: &str, kind: &str| {
        [("texts", texts), ("analysis_type", kind)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    };
    let text = (prompt.render)(&context, &arguments(r#"["red fox", "red fox"]"#, "group")).unwrap();
    assert!(text.contains("- 1 and 2: 1.00"), "{text}");
    for (texts, kind, field) in [
        ("[", "group", "texts"),
        (r#"["one"]"#, "group", "texts"),
        (r#"["one", "two"]"#, "taste", "analysis_type"),
    ] {
        let error = (prompt.render)(&context, &arguments(texts, kind)).unwrap_err();
        assert_eq!(error.field(), Some(field), "{error}");
    }
}

fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec!["build", "built", "fox", "die", "größe", "東京", "the"])
            .prop_map(str::to_owned),
        "[a-z]{1,8}",
    ];
    proptest::collection::vec(word, 1..8).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_comparison_is_symmetric_bounded_and_one_with_itself(left in texts(), right in texts()) {
        for method in METHODS {
            let one = similarity(method, &left, &right);
            let other = similarity(method, &right, &left);
            prop_assert!((one - other).abs() < 1e-12, "{method}: {one} {other}");
            prop_assert!((0.0..=1.0 + 1e-12).contains(&one), "{method}: {one}");
            let own = similarity(method, &left, &left);
            prop_assert!((own - 1.0).abs() < 1e-12, "{method}: {own}");
        }
    }

    #[test]
    fn meaning_says_at_least_what_the_words_in_common_say(left in texts(), right in texts()) {
        let jaccard = similarity("jaccard", &left, &right);
        let semantic = similarity("semantic", &left, &right);
        // Every word that is in both is as near as can be, and those are at least this share.
        prop_assume!(left.split(' ').collect::<std::collections::BTreeSet<_>>().len()
            == left.split(' ').count());
        prop_assume!(right.split(' ').collect::<std::collections::BTreeSet<_>>().len()
            == right.split(' ').count());
        prop_assert!(semantic >= jaccard - 1e-12, "{semantic} {jaccard}");
    }
}
