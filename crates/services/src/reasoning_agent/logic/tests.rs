//! Tests of the logic.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::evaluate::Stop;
use super::{Limits, Model, Program, evaluate, name, parse_atom, parse_fact, parse_rule, prove};

const LIMITS: Limits = Limits { facts: 10_000, steps: 1_000_000, rounds: 1_000 };

fn program(facts: &[&str], rules: &[&str]) -> Result<Program, String> {
    let facts = facts.iter().map(|fact| parse_fact(fact)).collect::<Result<_, _>>()?;
    let rules = rules.iter().map(|rule| parse_rule(rule)).collect::<Result<_, _>>()?;
    Program::new(facts, rules).map_err(|error| format!("{}: {}", error.at, error.problem))
}

fn run(program: &Program) -> Result<Model, Stop> {
    evaluate(program, LIMITS, &|| false)
}

fn answers(program: &Program, goal: &str) -> Vec<String> {
    let model = run(program).unwrap();
    let (goal, _) = parse_atom(goal).unwrap();
    model.matching(&goal).into_iter().map(|at| model.fact(at).0.to_string()).collect()
}

#[test]
fn what_follows_is_found_through_cycles() {
    let rules = ["path(X, Y) :- edge(X, Y)", "path(X, Z) :- edge(X, Y), path(Y, Z)"];
    let program = program(&["edge(a, b)", "edge(b, c)", "edge(c, a)"], &rules).unwrap();
    assert_eq!(answers(&program, "path(a, Y)").len(), 3);
    assert_eq!(answers(&program, "path(X, X)").len(), 3);
    assert_eq!(answers(&program, "path(a, d)").len(), 0);
}

#[test]
fn negation_and_comparison_and_arithmetic_hold() {
    let rules = [
        "old(X) :- age(X, A), A >= 65",
        "young(X) :- age(X, A), not old(X)",
        "next(X, B) :- age(X, A), B = (A + 1) * 2 - A % 3",
    ];
    let program = program(&["age(ann, 70)", "age(bob, 20)"], &rules).unwrap();
    assert_eq!(answers(&program, "old(X)"), ["old(ann)"]);
    assert_eq!(answers(&program, "young(X)"), ["young(bob)"]);
    assert_eq!(answers(&program, "next(bob, B)"), ["next(bob, 40)"]);
}

#[test]
fn texts_with_anything_in_them_are_values() {
    let program =
        program(&["says(ann, \"it's \\\"x\\\", (y)\")"], &["heard(T) :- says(_, T)."]).unwrap();
    assert_eq!(answers(&program, "heard(T)"), ["heard(\"it's \\\"x\\\", (y)\")"]);
}

#[test]
fn rules_that_mean_nothing_are_refused() {
    for (rule, expected) in [
        ("p(X)", "`X` in the head is bound by no condition"),
        ("p(X) :- q(Y)", "`X` in the head is bound by no condition"),
        ("p(a) :- not q(X)", "`X` in a negation or comparison is bound by no other"),
        ("p(a) :- X < 3", "`X` in a negation or comparison is bound by no other"),
        ("p(X) :- q(X), not p(X)", "`p` depends on its own negation"),
        ("P(X) :- q(X)", "`P` is a variable"),
        ("p(X) :- q(X", "`,` or `)` is missing"),
        ("p(X) :- q(X) r(X)", "a comparison such as `<` is missing"),
        ("p(X) :- q(\"X)", "a quote is not closed"),
        ("p(1e999)", "`1e999` is no number that can be held"),
        ("", "`` is no name of a predicate"),
    ] {
        let error = program(&[], &[rule]).unwrap_err();
        assert!(error.contains(expected), "{rule}: {error}");
    }
    assert!(
        program(&["p(X)"], &[]).unwrap_err().contains("`X` is a variable; a fact has values alone")
    );
}

#[test]
fn what_has_no_end_is_ended() {
    let endless = program(&["n(0)"], &["n(Y) :- n(X), Y = X + 1"]).unwrap();
    assert!(matches!(run(&endless), Err(Stop::Limit(_))));
    let zero = program(&["n(0)"], &["m(Y) :- n(X), Y = 1 / X"]).unwrap();
    let Err(Stop::Rule(0, problem)) = run(&zero) else { panic!("a number was divided by zero") };
    assert!(problem.contains("division of 1 by zero"), "{problem}");
    let words = program(&["n(a)"], &["m(Y) :- n(X), Y = X + 1"]).unwrap();
    assert!(matches!(run(&words), Err(Stop::Rule(0, _))));
    let cancelled = evaluate(
        &endless,
        Limits { steps: usize::MAX, facts: usize::MAX, rounds: usize::MAX },
        &|| true,
    );
    assert_eq!(cancelled.unwrap_err(), Stop::Cancelled);
}

/// A reference by brute force: every rule on every pair of facts until nothing is new.
fn closure(edges: &BTreeSet<(u8, u8)>) -> BTreeSet<(u8, u8)> {
    let mut all = edges.clone();
    loop {
        let new: BTreeSet<(u8, u8)> = all
            .iter()
            .flat_map(|(a, b)| all.iter().filter(move |(c, _)| b == c).map(move |(_, d)| (*a, *d)))
            .filter(|pair| !all.contains(pair))
            .collect();
        if new.is_empty() {
            return all;
        }
        all.extend(new);
    }
}

proptest! {
    #[test]
    fn paths_are_the_closure_of_edges_and_each_has_a_proof(
        edges in proptest::collection::btree_set((0_u8..7, 0_u8..7), 0..18),
        linear in any::<bool>(),
    ) {
        let facts: Vec<String> = edges.iter().map(|(a, b)| format!("edge({a}, {b})")).collect();
        let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
        let step = if linear { "path(X, Z) :- edge(X, Y), path(Y, Z)" } else { "path(X, Z) :- path(X, Y), path(Y, Z)" };
        let program = program(&facts, &["path(X, Y) :- edge(X, Y)", step]).unwrap();
        let model = run(&program).unwrap();
        let (goal, _) = parse_atom("path(X, Y)").unwrap();
        let found = model.matching(&goal);
        let pairs: BTreeSet<String> = found.iter().map(|at| model.fact(*at).0.to_string()).collect();
        let expected: BTreeSet<String> = closure(&edges).iter().map(|(a, b)| format!("path({a}, {b})")).collect();
        prop_assert_eq!(pairs, expected);
        for at in found {
            let proof = prove(&program, &model, at);
            prop_assert_eq!(&proof.last().unwrap().fact, &model.fact(at).0.to_string());
            for step in &proof {
                // Premises stand before what follows from them, and given facts are those that were given.
                prop_assert!(step.from.iter().all(|from| *from < step.number));
                prop_assert_eq!(step.rule.is_none(), facts.contains(&step.fact.as_str()));
                prop_assert_eq!(step.rule.is_none(), step.from.is_empty());
            }
        }
    }

    #[test]
    fn backward_finds_what_forward_finds(edges in proptest::collection::btree_set((0_u8..6, 0_u8..6), 0..12)) {
        let facts: Vec<String> = edges.iter().map(|(a, b)| format!("edge({a}, {b})")).collect();
        let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
        let rules = [
            "path(X, Y) :- edge(X, Y)",
            "path(X, Z) :- edge(X, Y), path(Y, Z)",
            "other(X) :- edge(X, X)",
            "sink(Y) :- edge(X, Y), not other(Y)",
        ];
        let whole = program(&facts, &rules).unwrap();
        for goal in ["path(0, Y)", "sink(X)", "other(1)"] {
            let (atom, _) = parse_atom(goal).unwrap();
            let part = whole.relevant(&name(&atom));
            prop_assert!(part.n_rules() < whole.n_rules());
            prop_assert_eq!(answers(&part, goal), answers(&whole, goal));
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,60}") {
        let _ = (parse_fact(&text).is_ok(), parse_rule(&text).is_ok(), parse_atom(&text).is_ok());
    }
}
