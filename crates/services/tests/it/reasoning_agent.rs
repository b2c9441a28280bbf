//! Tests of `reasoning_agent`.

use std::sync::Mutex;

use gantry_core::Principal;
use gantry_services::context::Sampling;
use gantry_services::ports::PortError;
use gantry_services::{CallLink, NoLink, Services, catalogue};
use serde_json::{Value, json};

use crate::rig::{call, services};

fn tool(name: &str, arguments: &Value) -> Result<Value, String> {
    call(&services(), "reasoning_agent", name, arguments).map_err(|error| error.to_string())
}

/// A caller with a model that says one thing, who writes down what is asked and told.
#[derive(Debug, Default)]
struct Caller {
    answer: Option<&'static str>,
    prompts: Mutex<Vec<String>>,
    notified: Mutex<Vec<(String, Value)>>,
}

impl CallLink for Caller {
    fn is_cancelled(&self) -> bool {
        false
    }

    fn wants_progress(&self) -> bool {
        true
    }

    fn progress(&self, _: f64, _: f64, _: &str) {}

    fn notify(&self, method: &str, params: &Value) {
        self.notified.lock().unwrap().push((method.to_owned(), params.clone()));
    }

    fn sample(&self, question: &Sampling<'_>) -> Result<String, PortError> {
        self.prompts.lock().unwrap().push(question.prompt.to_owned());
        self.answer.map(str::to_owned).ok_or_else(|| PortError::new("the model is away"))
    }
}

fn call_by(
    services: &Services,
    principal: &Principal,
    link: &dyn CallLink,
    name: &str,
    arguments: &Value,
) -> Value {
    let service = catalogue::find("reasoning_agent").unwrap();
    let context = services.context(service, principal, link);
    let output =
        Services::call(&context, service.tool(name).unwrap(), arguments.to_string().as_bytes())
            .unwrap();
    serde_json::from_str(output.json()).unwrap()
}

#[test]
fn the_nine_tools_are_there_under_their_names() {
    let service = catalogue::find("reasoning_agent").unwrap();
    let names: Vec<&str> = service.tools.iter().map(|tool| tool.name).collect();
    assert_eq!(
        names,
        [
            "process_question_via_mcp",
            "demonstrate_mcp_communication",
            "test_mcp_reasoning",
            "analyze_patterns",
            "mcp_client",
            "mcp_server",
            "mcp_history",
            "mcp_requests",
            "mcp_responses",
        ]
    );
    let resources: Vec<&str> = service.resources.iter().map(|resource| resource.uri).collect();
    assert_eq!(
        resources,
        [
            "decomposition://recent-analyses",
            "patterns://detected-patterns",
            "synthesis://collected-data"
        ]
    );
}

#[test]
fn what_cannot_be_reasoned_about_is_refused_by_its_place() {
    let long = "x".repeat(10 << 20);
    for (name, arguments, expected) in [
        ("process_question_via_mcp", json!({}), "`question`: is required"),
        ("process_question_via_mcp", json!({ "question": " " }), "`question`: is empty"),
        (
            "process_question_via_mcp",
            json!({ "question": long }),
            "`question`: 10485760 bytes; at most 65536",
        ),
        (
            "analyze_patterns",
            json!({ "question": "a?", "focus_areas": ["musical"] }),
            "`focus_areas[0]`: unknown variant",
        ),
        (
            "analyze_patterns",
            json!({ "question": "a?", "confidence_threshold": 1.5 }),
            "`confidence_threshold`:",
        ),
        (
            "decompose_question",
            json!({ "question": "a?", "max_sub_questions": 0 }),
            "`max_sub_questions`: is 0",
        ),
        (
            "receive_pattern_data",
            json!({ "patterns": [{ "pattern": "x", "area": "causal", "confidence": 2, "evidence": "" }] }),
            "`patterns[0].confidence`:",
        ),
        ("infer", json!({ "facts": ["p(X)"] }), "`facts[0]`: `X` is a variable"),
        (
            "infer",
            json!({ "rules": ["p(X) :- q(X), not p(X)"] }),
            "`rules[0]`: `p` depends on its own negation, in a cycle",
        ),
        (
            "infer",
            json!({ "facts": ["p(1)"], "goal": "q(X)" }),
            "`goal`: no fact or rule has `q/1`; known are p/1",
        ),
        (
            "infer",
            json!({ "facts": ["p(0)"], "rules": ["q(Y) :- p(X), Y = 1 / X"] }),
            "`rules[0]`: division of 1 by zero",
        ),
        (
            "infer",
            json!({ "facts": ["p(0)"], "rules": ["p(Y) :- p(X), Y = X + 1"] }),
            "`rules`: more than 10000 rounds",
        ),
        ("infer", json!({ "direction": "backward" }), "`goal`: is needed"),
        ("infer", json!({ "facts": vec!["p"; 20_001] }), "`facts`: has 20001 items"),
        (
            "detect_contradictions",
            json!({ "statements": vec!["a"; 501] }),
            "`statements`: has 501 statements",
        ),
        ("update_beliefs", json!({ "hypotheses": [] }), "`hypotheses`: has 0 hypotheses"),
        (
            "update_beliefs",
            json!({ "hypotheses": [{ "name": "a", "prior": 0 }] }),
            "`hypotheses`: have priors that are all 0",
        ),
        (
            "update_beliefs",
            json!({ "hypotheses": [{ "name": "a", "prior": 1 }], "evidence": [{ "name": "e", "likelihoods": { "a": 0 } }] }),
            "`evidence[0].likelihoods`: make the finding impossible",
        ),
        (
            "update_beliefs",
            json!({ "hypotheses": [{ "name": "a", "prior": 1 }], "evidence": [{ "name": "e", "likelihoods": { "b": 1 } }] }),
            "`evidence[0].likelihoods.b`: is no hypothesis",
        ),
    ] {
        let error = tool(name, &arguments).unwrap_err();
        assert!(error.starts_with(expected), "{name}: {error}");
    }
}

#[test]
fn a_condition_that_nothing_defines_is_told() {
    let answer = tool(
        "infer",
        &json!({ "facts": ["p(1)"], "rules": ["q(X) :- p(X), r(X)"], "goal": "q(X)" }),
    )
    .unwrap();
    assert_eq!(answer["holds"], false);
    assert_eq!(
        answer["warnings"],
        json!(["nothing defines `r/1`, so conditions on it are never true"])
    );
}

#[test]
fn the_callers_model_is_asked_only_where_nothing_else_answers() {
    let services = services();
    let ada = Principal::of_gantry("ada");
    let caller = Caller { answer: Some("Bern."), ..Caller::default() };
    let proved =
        json!({ "question": "All men are mortal. Socrates is a man. Is Socrates mortal?" });
    let answer = call_by(&services, &ada, &caller, "process_question_via_mcp", &proved);
    assert_eq!(answer["result"]["answer"], "yes");
    assert!(caller.prompts.lock().unwrap().is_empty());
    let open = json!({ "question": "What is the capital of Switzerland?" });
    let answer = call_by(&services, &ada, &caller, "process_question_via_mcp", &open);
    assert_eq!(answer["result"]["answer"], "Bern.");
    assert_eq!(answer["verification"]["by_model"], true);
    assert!(caller.prompts.lock().unwrap()[0].contains("capital of Switzerland"));
    let without = json!({ "question": "What is the capital of Switzerland?", "use_model": false });
    let answer = call_by(&services, &ada, &caller, "process_question_via_mcp", &without);
    assert_eq!(answer["result"]["confidence"], 0.0);
    assert_eq!(caller.prompts.lock().unwrap().len(), 1);
    let silent = call_by(&services, &ada, &Caller::default(), "process_question_via_mcp", &open);
    assert_eq!(silent["verification"]["by_model"], false);
    assert!(
        silent["result"]["answer"]
            .as_str()
            .unwrap()
            .starts_with("Nothing that was given answers this.")
    );
}

#[test]
fn what_was_said_is_shown_to_who_asked_and_to_nobody_else() {
    let services = services();
    let (ada, bob) = (Principal::of_gantry("ada"), Principal::of_gantry("bob"));
    let question = json!({ "question": "Ann is taller than Bob. Who is taller than Bob?" });
    let answer = call_by(&services, &ada, &NoLink, "process_question_via_mcp", &question);
    assert_eq!(answer["result"]["answer"], "Ann");
    let n_messages = answer["mcp_communication"]["total_messages"].as_u64().unwrap();
    let all = call_by(&services, &ada, &NoLink, "mcp_history", &json!({}));
    assert_eq!(all["count"], n_messages);
    let requests = call_by(&services, &ada, &NoLink, "mcp_requests", &json!({}));
    let responses = call_by(&services, &ada, &NoLink, "mcp_responses", &json!({}));
    assert_eq!(
        requests["count"].as_u64().unwrap() + responses["count"].as_u64().unwrap(),
        n_messages
    );
    assert_eq!(call_by(&services, &bob, &NoLink, "mcp_history", &json!({}))["count"], 0);
}

#[test]
fn resources_show_what_was_analysed_and_a_notification_says_so() {
    let services = services();
    let ada = Principal::of_gantry("ada");
    let caller = Caller::default();
    call_by(&services, &ada, &caller, "analyze_patterns", &json!({ "question": "Where is Zug?" }));
    let notified = caller.notified.lock().unwrap();
    assert_eq!(notified[0].0, "notifications/pattern_analysis_complete");
    assert_eq!(notified[0].1, json!({ "question": "Where is Zug?", "count": 1 }));
    call_by(
        &services,
        &ada,
        &caller,
        "decompose_question",
        &json!({ "question": "Why, and how?" }),
    );
    call_by(
        &services,
        &ada,
        &caller,
        "synthesize_answer",
        &json!({ "question": "Where is Zug?", "sources": [{ "id": "atlas", "text": "Zug is in Switzerland." }] }),
    );
    let service = catalogue::find("reasoning_agent").unwrap();
    let context = services.context(service, &ada, &caller);
    for (uri, name) in [
        ("patterns://detected-patterns", "patterns"),
        ("decomposition://recent-analyses", "analyses"),
        ("synthesis://collected-data", "syntheses"),
    ] {
        let read = (service.resource(uri).unwrap().read)(&context).unwrap();
        assert_eq!(read["count"], 1, "{uri}");
        assert!(!read[name][0].is_null(), "{uri}: {read}");
    }
}
