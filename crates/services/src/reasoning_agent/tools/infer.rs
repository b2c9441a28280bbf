//! `infer`: what follows from facts and rules.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::ToolError;
use crate::reasoning_agent::logic::{
    Atom, Fact, Limits, Model, Program, Rule, Step, Stop, evaluate, name, parse_atom, parse_fact,
    parse_rule, prove,
};
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most facts that are given.
const MAX_FACTS: usize = 20_000;
/// The most rules.
const MAX_RULES: usize = 1_000;
/// Bounds of an evaluation: a few seconds of one core.
const LIMITS: Limits = Limits { facts: 200_000, steps: 5_000_000, rounds: 10_000 };

/// The tool.
pub(in crate::reasoning_agent) const TOOL: Tool = Tool {
    name: "infer",
    alias: None,
    title: "Draw conclusions by rules",
    description: "Finds what follows from facts by rules, forward from the facts or backward from a goal, with a shortest proof of each answer. \
                  Rules look like `ancestor(X, Z) :- parent(X, Y), ancestor(Y, Z)`; conditions may be negated by `not` and compared by =, !=, <, <=, >, >=.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Who is an ancestor of whom",
            arguments: r#"{"facts": ["parent(ann, bob)", "parent(bob, cleo)"],
                "rules": ["ancestor(X, Y) :- parent(X, Y)", "ancestor(X, Z) :- parent(X, Y), ancestor(Y, Z)"],
                "goal": "ancestor(ann, cleo)"}"#,
            answer: r#"{"answers": [{"fact": "ancestor(ann, cleo)", "bindings": {}, "height": 2, "proof": [
                {"step": 1, "fact": "parent(ann, bob)", "from": []}, {"step": 2, "fact": "parent(bob, cleo)", "from": []},
                {"step": 3, "fact": "ancestor(bob, cleo)", "from": [2]}, {"step": 4, "fact": "ancestor(ann, cleo)", "from": [1, 3]}]}],
                "holds": true}"#,
        },
        Example {
            title: "Everything that follows",
            arguments: r#"{"facts": ["price(tea, 3)", "price(wine, 12)"], "rules": ["cheap(X) :- price(X, P), P < 10"]}"#,
            answer: r#"{"answers": [{"fact": "cheap(tea)", "height": 1}], "direction": "forward", "derived": 1}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

/// From where conclusions are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Direction {
    /// From the facts: everything that follows.
    Forward,
    /// From the goal: only by what it depends on.
    Backward,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What is true: `parent(ann, bob)`.
    #[serde(default)]
    #[schemars(length(max = 20_000))]
    facts: Vec<String>,
    /// What follows from what.
    #[serde(default)]
    #[schemars(length(max = 1_000))]
    rules: Vec<String>,
    /// What is asked for; names with a capital letter are asked for their values. Without it,
    /// everything that follows.
    #[serde(default)]
    goal: Option<String>,
    /// From where; backward if there is a goal.
    #[serde(default)]
    direction: Option<Direction>,
    /// The most answers.
    #[serde(default = "max_answers")]
    #[schemars(range(min = 1, max = 10_000))]
    max_answers: usize,
    /// Whether each answer is shown with its proof.
    #[serde(default = "yes")]
    proofs: bool,
}

fn max_answers() -> usize {
    100
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// What was found, in the order in which it was found: shortest proofs first.
    answers: Vec<Found>,
    /// Whether anything was found.
    holds: bool,
    /// How many answers there are, told or not.
    n_answers: usize,
    /// From where conclusions were drawn.
    direction: Direction,
    /// Facts that rules found.
    derived: usize,
    /// Rules that had a part: all of them forward, those that the goal depends on backward.
    rules_used: usize,
    /// Times that a condition was held against a fact.
    steps: usize,
    /// What looks like a mistake and is none: conditions that nothing can make true.
    warnings: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// What is true.
    fact: String,
    /// The values that were asked for, by the names of the goal.
    bindings: std::collections::BTreeMap<String, String>,
    /// The height of its shallowest proof; 0 for what was given.
    height: usize,
    /// Its proof, premises first, if proofs are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Vec<Step>>,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { facts, rules, goal, direction, max_answers, proofs } = arguments;
    if !(1..=10_000).contains(&max_answers) {
        return Err(ToolError::argument(
            "max_answers",
            format!("is {max_answers}; give 1 to 10000"),
        ));
    }
    let program = read(&facts, &rules)?;
    let goal = goal.as_deref().map(|goal| read_goal(&program, goal)).transpose()?;
    let direction =
        direction.unwrap_or(if goal.is_some() { Direction::Backward } else { Direction::Forward });
    let warnings = program.undefined().into_iter().map(|(name, n)| {
        format!("nothing defines `{name}/{n}`, so conditions on it are never true")
    });
    let warnings = warnings.collect();
    let program = match (&goal, direction) {
        (Some((goal, _)), Direction::Backward) => program.relevant(&name(goal)),
        (None, Direction::Backward) => {
            return Err(ToolError::argument(
                "goal",
                "is needed to draw conclusions backward; give one, or go forward",
            ));
        }
        _ => program,
    };
    let is_cancelled = || context.link.is_cancelled();
    let model = evaluate(&program, LIMITS, &is_cancelled).map_err(stopped)?;
    let found = match &goal {
        Some((goal, _)) => model.matching(goal),
        None => model.derived().collect(),
    };
    let told = found.iter().take(max_answers);
    let answers: Vec<Found> =
        told.map(|at| tell(&program, &model, *at, goal.as_ref(), proofs)).collect();
    Ok(Answer {
        holds: !answers.is_empty(),
        n_answers: found.len(),
        answers,
        direction,
        derived: model.derived().count(),
        rules_used: program.n_rules(),
        steps: model.steps,
        warnings,
    })
}

fn tell(
    program: &Program,
    model: &Model,
    at: usize,
    goal: Option<&(Atom, Vec<String>)>,
    proofs: bool,
) -> Found {
    let (fact, height) = model.fact(at);
    let bindings = goal.map(|(goal, names)| bindings(goal, names, fact)).unwrap_or_default();
    Found {
        fact: fact.to_string(),
        bindings,
        height,
        proof: proofs.then(|| prove(program, model, at)),
    }
}

fn bindings(
    goal: &Atom,
    names: &[String],
    fact: &Fact,
) -> std::collections::BTreeMap<String, String> {
    let terms = goal.terms.iter().zip(&fact.values);
    let bound = terms.filter_map(|(term, value)| match term {
        crate::reasoning_agent::logic::Term::Variable(variable) => {
            let name = names.get(*variable)?;
            (!name.starts_with('_')).then(|| (name.clone(), value.to_string()))
        }
        crate::reasoning_agent::logic::Term::Value(_) => None,
    });
    bound.collect()
}

/// Reads facts and rules; a mistake names its place.
fn read(facts: &[String], rules: &[String]) -> Result<Program, ToolError> {
    for (field, length, most) in
        [("facts", facts.len(), MAX_FACTS), ("rules", rules.len(), MAX_RULES)]
    {
        if length > most {
            return Err(ToolError::argument(
                field,
                format!("has {length} items; at most {most} are taken"),
            ));
        }
    }
    let mut read_facts: Vec<Fact> = Vec::with_capacity(facts.len());
    for (at, text) in facts.iter().enumerate() {
        read_facts.push(
            parse_fact(text)
                .map_err(|problem| ToolError::argument(format!("facts[{at}]"), problem))?,
        );
    }
    let mut read_rules: Vec<Rule> = Vec::with_capacity(rules.len());
    for (at, text) in rules.iter().enumerate() {
        read_rules.push(
            parse_rule(text)
                .map_err(|problem| ToolError::argument(format!("rules[{at}]"), problem))?,
        );
    }
    Program::new(read_facts, read_rules)
        .map_err(|error| ToolError::argument(format!("rules[{}]", error.at), error.problem))
}

fn read_goal(program: &Program, text: &str) -> Result<(Atom, Vec<String>), ToolError> {
    let (goal, names) = parse_atom(text).map_err(|problem| ToolError::argument("goal", problem))?;
    let defined = program.mentioned();
    if defined.contains(&name(&goal)) {
        return Ok((goal, names));
    }
    let known: Vec<String> = defined
        .iter()
        .take(20)
        .map(|(name, n): &(Arc<str>, usize)| format!("{name}/{n}"))
        .collect();
    let known = if known.is_empty() {
        "there is neither fact nor rule".to_owned()
    } else {
        format!("known are {}", known.join(", "))
    };
    Err(ToolError::argument(
        "goal",
        format!("no fact or rule has `{}/{}`; {known}", goal.predicate, goal.terms.len()),
    ))
}

fn stopped(stop: Stop) -> ToolError {
    match stop {
        Stop::Limit(problem) => ToolError::argument("rules", problem),
        Stop::Rule(at, problem) => ToolError::argument(format!("rules[{at}]"), problem),
        Stop::Cancelled => ToolError::Cancelled,
    }
}
