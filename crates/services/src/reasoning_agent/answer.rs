//! Answering a question from what it says itself, by rules, with a proof.

use super::english::{Asked, Understood, class, understand};
use super::logic::{
    Limits, Model, Program, Step, evaluate, parse_atom, parse_fact, parse_rule, prove,
};
use crate::context::Context;
use crate::error::ToolError;

/// Bounds of what a question in words may need.
const LIMITS: Limits = Limits { facts: 10_000, steps: 1_000_000, rounds: 200 };

/// The most answers that are told.
const MAX_ANSWERS: usize = 20;

/// An answer with its proof.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answered {
    /// `yes`, `no`, `unknown`, or what was asked for.
    pub(super) answer: String,
    /// How sure it is.
    pub(super) confidence: f64,
    /// How it follows; empty for `unknown`.
    pub(super) proof: Vec<Step>,
}

/// Answers the question of a text, if text and question fit the forms that are understood.
pub(super) fn answer(
    context: &Context<'_>,
    text: &str,
) -> Result<Option<(Answered, Understood)>, ToolError> {
    let understood = understand(text);
    let Some(asked) = understood.asked.clone() else { return Ok(None) };
    if understood.facts.is_empty() && understood.rules.is_empty() {
        return Ok(None);
    }
    let facts = understood.facts.iter().filter_map(|fact| parse_fact(fact).ok()).collect();
    let rules = understood.rules.iter().filter_map(|rule| parse_rule(rule).ok()).collect();
    let Ok(program) = Program::new(facts, rules) else { return Ok(None) };
    let is_cancelled = || context.link.is_cancelled();
    let Ok(model) = evaluate(&program, LIMITS, &is_cancelled) else {
        context.check()?;
        return Ok(None);
    };
    // What was left out may have said more.
    let share = if understood.left_out.is_empty() { 1.0 } else { 0.8 };
    let mut answered = match &asked {
        Asked::Whether { goal, opposite } => {
            Some(whether(&program, &model, goal, opposite.as_deref()))
        }
        Asked::What { goal, is_class } => what(&program, &model, goal, *is_class, &understood),
    };
    if let Some(answered) = &mut answered {
        answered.confidence *= share;
    }
    Ok(answered.map(|answered| (answered, understood)))
}

fn whether(program: &Program, model: &Model, goal: &str, opposite: Option<&str>) -> Answered {
    let known = |text: &str| model.find(&parse_fact(text).ok()?);
    let proved = |answer: &str, fact| Answered {
        answer: answer.to_owned(),
        confidence: 0.95,
        proof: prove(program, model, fact),
    };
    if let Some(fact) = known(goal) {
        return proved("yes", fact);
    }
    match opposite.and_then(known) {
        Some(fact) => proved("no", fact),
        None => Answered { answer: "unknown".to_owned(), confidence: 0.6, proof: Vec::new() },
    }
}

fn what(
    program: &Program,
    model: &Model,
    goal: &str,
    is_class: bool,
    understood: &Understood,
) -> Option<Answered> {
    let (goal, variables) = parse_atom(goal).ok()?;
    let place =
        goal.terms.iter().position(|term| matches!(term, super::logic::Term::Variable(_)))?;
    debug_assert_eq!(variables.len(), 1, "one thing is asked for");
    let found = model.matching(&goal);
    let Some(first) = found.first() else {
        return Some(Answered { answer: "unknown".to_owned(), confidence: 0.6, proof: Vec::new() });
    };
    let name = |at: usize| {
        let value = model.fact(at).0.values.get(place).map(ToString::to_string).unwrap_or_default();
        shown(&value, is_class, understood)
    };
    let mut names: Vec<String> = found.iter().map(|at| name(*at)).collect();
    names.dedup();
    names.truncate(MAX_ANSWERS);
    Some(Answered {
        answer: names.join(", "),
        confidence: 0.95,
        proof: prove(program, model, *first),
    })
}

/// Returns a name as the text wrote it; a class as its plural, if the text has one.
fn shown(value: &str, is_class: bool, understood: &Understood) -> String {
    let plural =
        understood.shown.keys().find(|word| is_class && class(word) == value && *word != value);
    let key = plural.map_or(value, String::as_str);
    understood.shown.get(key).cloned().unwrap_or_else(|| value.replace('_', " "))
}
