//! Cases to reason about.

use serde_json::{Value, json};

use super::{Case, Part, Score, Scores, report, total};
use crate::rig::{call, services};

const DEVELOPMENT: &str = include_str!("../../judged/reasoning_development.jsonl");
const HELD_OUT: &str = include_str!("../../judged/reasoning_held_out.jsonl");

pub(super) fn cases(part: Part) -> Vec<Case> {
    super::cases(match part {
        Part::Development => DEVELOPMENT,
        Part::HeldOut => HELD_OUT,
        // Nothing more was drawn.
        Part::Further => "",
    })
}

/// Puts every case of a part to the tools.
pub(super) fn judge(part: Part) -> Scores {
    let mut scores = Scores::new();
    for case in cases(part) {
        let wrong: Vec<String> = wrong(&case).into_iter().collect();
        let score: &mut Score = scores.entry(case.kind.clone()).or_default();
        score.count(&case, 1, &wrong);
    }
    scores
}

fn ask(tool: &str, arguments: &Value) -> Result<Value, String> {
    call(&services(), "reasoning_agent", tool, arguments).map_err(|error| error.to_string())
}

/// Says what is wrong with the answer to a case, if anything is.
fn wrong(case: &Case) -> Option<String> {
    let found = match case.kind.as_str() {
        "theory" => return theory(case),
        "bayes" => ask("update_beliefs", &case.input),
        "story" => ask("process_question_via_mcp", &case.input),
        "contradiction" => ask("detect_contradictions", &case.input),
        "decomposition" => ask("decompose_question", &case.input),
        _ => ask("analyze_patterns", &case.input),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return Some(error),
    };
    match case.kind.as_str() {
        "bayes" => {
            case.expected["posteriors"].as_object().unwrap().iter().find_map(|(name, expected)| {
                let (found, expected) =
                    (found["posteriors"][name].as_f64().unwrap(), expected.as_f64().unwrap());
                ((found - expected).abs() > 1e-9)
                    .then(|| format!("{name} is {found}, not {expected}"))
            })
        }
        "story" => {
            let (found, expected) = (&found["result"]["answer"], &case.expected["answer"]);
            let is_same = found.as_str().unwrap().eq_ignore_ascii_case(expected.as_str().unwrap());
            (!is_same).then(|| format!("{found}, not {expected}"))
        }
        "contradiction" => {
            let pairs: Vec<Value> = found["contradictions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pair| json!([pair["first"], pair["second"]]))
                .collect();
            (json!(pairs) != case.expected["pairs"])
                .then(|| format!("{pairs:?}, not {}", case.expected["pairs"]))
        }
        "decomposition" => {
            let questions: Vec<String> = found["sub_questions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|part| part["question"].as_str().unwrap().to_lowercase())
                .collect();
            let mentions: Vec<Vec<String>> =
                serde_json::from_value(case.expected["mentions"].clone()).unwrap();
            let missing = mentions.iter().find(|words| {
                !questions
                    .iter()
                    .any(|question| words.iter().all(|word| question.contains(word.as_str())))
            });
            missing.map(|words| format!("no part is about {words:?}: {questions:?}"))
        }
        _ => {
            let names: Vec<&Value> = found["patterns"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pattern| &pattern["pattern"])
                .collect();
            let missing = case.expected["patterns"]
                .as_array()
                .unwrap()
                .iter()
                .find(|name| !names.contains(name));
            missing.map(|name| format!("{name} is not among {names:?}"))
        }
    }
}

/// Asks forward and backward, and checks every proof by itself.
fn theory(case: &Case) -> Option<String> {
    let mut expected: Vec<String> =
        serde_json::from_value(case.expected["answers"].clone()).unwrap();
    expected.sort();
    for direction in ["forward", "backward"] {
        let mut arguments = case.input.clone();
        arguments["direction"] = json!(direction);
        let found = match ask("infer", &arguments) {
            Ok(found) => found,
            Err(error) => return Some(format!("{direction}: {error}")),
        };
        let answers = found["answers"].as_array().unwrap();
        let mut facts: Vec<String> =
            answers.iter().map(|answer| answer["fact"].as_str().unwrap().to_owned()).collect();
        facts.sort();
        if facts != expected {
            return Some(format!("{direction}: {facts:?}, not {expected:?}"));
        }
        for answer in answers {
            let height = &case.expected["heights"][answer["fact"].as_str().unwrap()];
            if !height.is_null() && *height != answer["height"] {
                return Some(format!(
                    "{direction}: {} has the height {}, not {height}",
                    answer["fact"], answer["height"]
                ));
            }
            if let Some(problem) = check_proof(&case.input, answer) {
                return Some(format!("{direction}: {problem}"));
            }
        }
    }
    None
}

/// A proof ends with its fact; given steps are given, others name a rule of the theory and earlier steps.
fn check_proof(theory: &Value, answer: &Value) -> Option<String> {
    let steps = answer["proof"].as_array().unwrap();
    if steps.last().map(|step| &step["fact"]) != Some(&answer["fact"]) {
        return Some(format!("the proof of {} does not end with it", answer["fact"]));
    }
    steps.iter().find_map(|step| {
        let is_given = theory["facts"].as_array().unwrap().contains(&step["fact"]);
        let is_earlier = step["from"]
            .as_array()
            .unwrap()
            .iter()
            .all(|from| from.as_u64() < step["step"].as_u64());
        let is_by_rule = theory["rules"].as_array().unwrap().contains(&step["rule"]);
        let is_sound = is_earlier && if step["rule"].is_null() { is_given } else { is_by_rule };
        (!is_sound).then(|| format!("{step} is no step of a proof"))
    })
}

#[test]
fn development_cases_are_reasoned_about() {
    let scores = judge(Part::Development);
    let share = total(&scores).share();
    assert!(share >= 0.9, "{share:.3} of the cases; {}", report(&scores));
}

#[test]
fn held_out_cases_are_reasoned_about() {
    // The failures are not printed: whoever saw them would make rules for them.
    let share = total(&judge(Part::HeldOut)).share();
    assert!(share >= 0.8, "{share:.3} of the cases; see docs/services/evaluation.md");
}
