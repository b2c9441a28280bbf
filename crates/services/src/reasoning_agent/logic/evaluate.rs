//! Everything that follows, round by round (semi-naive evaluation).
//!
//! A round uses only what earlier rounds found, and at least one fact of the last: so no inference is
//! made twice, and the round in which a fact is found is the height of its shallowest proof.

use std::collections::HashMap;
use std::sync::Arc;

use super::program::Name;
use super::{
    Atom, Comparison, Condition, Expression, Fact, Number, Operator, Program, Rule, Term, Value,
};

/// Bounds of an evaluation.
#[derive(Debug, Clone, Copy)]
pub(in crate::reasoning_agent) struct Limits {
    /// The most facts, given and found.
    pub(in crate::reasoning_agent) facts: usize,
    /// The most times that a condition is held against a fact.
    pub(in crate::reasoning_agent) steps: usize,
    /// The most rounds.
    pub(in crate::reasoning_agent) rounds: usize,
}

/// Why an evaluation has no end or no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::reasoning_agent) enum Stop {
    /// A bound was reached.
    Limit(String),
    /// A rule cannot be computed; its place in the caller's list.
    Rule(usize, String),
    /// The caller took the call back.
    Cancelled,
}

/// All facts that follow, each with where it comes from.
#[derive(Debug, Default)]
pub(in crate::reasoning_agent) struct Model {
    pub(super) facts: Vec<Known>,
    by_fact: HashMap<Fact, usize>,
    relations: HashMap<Name, Relation>,
    /// Steps that were taken.
    pub(in crate::reasoning_agent) steps: usize,
    /// Rounds that found something.
    pub(in crate::reasoning_agent) rounds: usize,
}

/// A fact that is known.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) fact: Fact,
    /// The round in which it was found; given facts are there before the first.
    pub(super) round: usize,
    /// The rule, by its place in the program, and what it was applied to; given facts have none.
    pub(super) by: Option<(usize, Vec<Premise>)>,
}

/// What a rule was applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Premise {
    /// A fact, by its place in the model.
    Fact(usize),
    /// Something that is not known: `not p(a)`.
    Absent(Fact),
    /// A comparison that holds.
    Compared(String),
}

/// The facts of a predicate.
#[derive(Debug, Default)]
struct Relation {
    all: Vec<usize>,
    /// Facts by a term's place and its value.
    by_term: HashMap<(usize, Value), Vec<usize>>,
}

/// Finds everything that follows.
///
/// `is_cancelled` is asked every few thousand steps.
pub(in crate::reasoning_agent) fn evaluate(
    program: &Program,
    limits: Limits,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Model, Stop> {
    let mut model = Model::default();
    for fact in &program.facts {
        model.add(Known { fact: fact.clone(), round: 0, by: None }, limits)?;
    }
    for layer in &program.layers {
        // The first round of a layer looks at everything that is known before it.
        let mut since = 0;
        let mut is_first = true;
        loop {
            // Rounds of few steps would never come to the count by which steps ask.
            if is_cancelled() {
                return Err(Stop::Cancelled);
            }
            let known = model.facts.len();
            let mut found = Vec::new();
            for at in layer {
                let mut search = Search {
                    program,
                    model: &model,
                    limits,
                    is_cancelled,
                    rule_at: *at,
                    since,
                    known,
                    steps: 0,
                    found: &mut found,
                };
                search.rule(is_first)?;
                let steps = search.steps;
                model.steps += steps;
                if model.steps > limits.steps {
                    return Err(Stop::Limit(format!(
                        "more than {} steps; give fewer facts or narrower rules",
                        limits.steps
                    )));
                }
            }
            let round = model.rounds + 1;
            for known in found {
                model.add(Known { round, ..known }, limits)?;
            }
            is_first = false;
            if model.facts.len() == known {
                break;
            }
            model.rounds = round;
            since = known;
            if round > limits.rounds {
                return Err(Stop::Limit(format!(
                    "more than {} rounds; rules that compute new numbers need an end",
                    limits.rounds
                )));
            }
        }
    }
    Ok(model)
}

// === impl Model ===

impl Model {
    fn add(&mut self, known: Known, limits: Limits) -> Result<(), Stop> {
        if self.by_fact.contains_key(&known.fact) {
            return Ok(());
        }
        let at = self.facts.len();
        if at >= limits.facts {
            return Err(Stop::Limit(format!(
                "more than {} facts; give fewer, or rules that find less",
                limits.facts
            )));
        }
        let name = (Arc::clone(&known.fact.predicate), known.fact.values.len());
        let relation = self.relations.entry(name).or_default();
        relation.all.push(at);
        for (place, value) in known.fact.values.iter().enumerate() {
            relation.by_term.entry((place, value.clone())).or_default().push(at);
        }
        self.by_fact.insert(known.fact.clone(), at);
        self.facts.push(known);
        Ok(())
    }

    /// Returns where a fact is.
    pub(in crate::reasoning_agent) fn find(&self, fact: &Fact) -> Option<usize> {
        self.by_fact.get(fact).copied()
    }

    /// Returns the facts that an atom matches, in the order in which they were found.
    pub(in crate::reasoning_agent) fn matching(&self, atom: &Atom) -> Vec<usize> {
        let mut binding = Vec::new();
        let all = self.candidates(atom, &binding);
        let matches = all.iter().copied().filter(|at| {
            binding.clear();
            unify(atom, &self.facts[*at].fact, &mut binding)
        });
        matches.collect()
    }

    /// Returns a fact with the height of its proof.
    pub(in crate::reasoning_agent) fn fact(&self, at: usize) -> (&Fact, usize) {
        (&self.facts[at].fact, self.facts[at].round)
    }

    /// Returns the facts that rules found.
    pub(in crate::reasoning_agent) fn derived(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.facts.len()).filter(|at| self.facts[*at].by.is_some())
    }

    /// Returns the facts that can match an atom: those of its predicate, by the rarest bound term.
    fn candidates(&self, atom: &Atom, binding: &[Option<Value>]) -> &[usize] {
        let Some(relation) = self.relations.get(&super::program::name(atom)) else { return &[] };
        let mut best = relation.all.as_slice();
        for (place, term) in atom.terms.iter().enumerate() {
            let value = match term {
                Term::Value(value) => Some(value),
                Term::Variable(variable) => binding.get(*variable).and_then(Option::as_ref),
            };
            let Some(value) = value else { continue };
            let found = relation
                .by_term
                .get(&(place, value.clone()))
                .map(Vec::as_slice)
                .unwrap_or_default();
            if found.len() < best.len() {
                best = found;
            }
        }
        best
    }
}

/// Holds an atom against a fact; binds its variables.
fn unify(atom: &Atom, fact: &Fact, binding: &mut Vec<Option<Value>>) -> bool {
    atom.terms.iter().zip(&fact.values).all(|(term, value)| match term {
        Term::Value(own) => own == value,
        Term::Variable(variable) => {
            if binding.len() <= *variable {
                binding.resize(variable + 1, None);
            }
            let bound = binding[*variable].get_or_insert_with(|| value.clone());
            bound == value
        }
    })
}

/// How far the application of a rule is.
#[derive(Debug)]
struct Trail {
    /// The values of its variables.
    binding: Vec<Option<Value>>,
    /// What it was applied to.
    premises: Vec<Premise>,
}

/// The application of one rule in one round.
struct Search<'a> {
    program: &'a Program,
    model: &'a Model,
    limits: Limits,
    is_cancelled: &'a dyn Fn() -> bool,
    rule_at: usize,
    /// Facts from here on are of the last round.
    since: usize,
    /// Facts from here on are of this round, and not looked at.
    known: usize,
    steps: usize,
    found: &'a mut Vec<Known>,
}

impl Search<'_> {
    fn rule(&mut self, is_first: bool) -> Result<(), Stop> {
        let (_, rule) = &self.program.rules[self.rule_at];
        let atoms: Vec<usize> = rule
            .body
            .iter()
            .enumerate()
            .filter(|(_, condition)| matches!(condition, Condition::Is(_)))
            .map(|(at, _)| at)
            .collect();
        let mut trail = Trail { binding: vec![None; rule.variables.len()], premises: Vec::new() };
        if is_first {
            return self.conditions(rule, 0, None, &mut trail);
        }
        // One condition is held against the last round; those before it against older facts only.
        for fresh in atoms {
            self.conditions(rule, 0, Some(fresh), &mut trail)?;
        }
        Ok(())
    }

    fn conditions(
        &mut self,
        rule: &Rule,
        at: usize,
        fresh: Option<usize>,
        trail: &mut Trail,
    ) -> Result<(), Stop> {
        let Some(condition) = rule.body.get(at) else {
            self.conclude(rule, trail);
            return Ok(());
        };
        match condition {
            Condition::Is(atom) => self.atom(rule, (at, atom), fresh, trail),
            Condition::IsNot(atom) => {
                self.step()?;
                let fact = ground(atom, &trail.binding);
                if self.model.find(&fact).is_some() {
                    return Ok(());
                }
                trail.premises.push(Premise::Absent(fact));
                self.conditions(rule, at + 1, fresh, trail)?;
                trail.premises.pop();
                Ok(())
            }
            Condition::Compare(left, comparison, right) => {
                self.step()?;
                let place = self.program.rules[self.rule_at].0;
                let mut assigned = None;
                let sides = match (open(left, &trail.binding), open(right, &trail.binding)) {
                    (Some(variable), None) => {
                        assigned = Some(variable);
                        let value = compute(right, &trail.binding)
                            .map_err(|problem| Stop::Rule(place, problem))?;
                        (value.clone(), value)
                    }
                    (None, Some(variable)) => {
                        assigned = Some(variable);
                        let value = compute(left, &trail.binding)
                            .map_err(|problem| Stop::Rule(place, problem))?;
                        (value.clone(), value)
                    }
                    _ => {
                        let value = |side| {
                            compute(side, &trail.binding)
                                .map_err(|problem| Stop::Rule(place, problem))
                        };
                        (value(left)?, value(right)?)
                    }
                };
                if let Some(variable) = assigned {
                    trail.binding[variable] = Some(sides.0.clone());
                } else if !holds(&sides.0, *comparison, &sides.1) {
                    return Ok(());
                }
                trail
                    .premises
                    .push(Premise::Compared(format!("{} {comparison} {}", sides.0, sides.1)));
                self.conditions(rule, at + 1, fresh, trail)?;
                trail.premises.pop();
                if let Some(variable) = assigned {
                    trail.binding[variable] = None;
                }
                Ok(())
            }
        }
    }

    fn atom(
        &mut self,
        rule: &Rule,
        (at, atom): (usize, &Atom),
        fresh: Option<usize>,
        trail: &mut Trail,
    ) -> Result<(), Stop> {
        let model = self.model;
        let candidates = model.candidates(atom, &trail.binding);
        let (low, high) = match fresh {
            Some(fresh) if fresh == at => (self.since, self.known),
            Some(fresh) if at < fresh => (0, self.since),
            _ => (0, self.known),
        };
        let begin = candidates.partition_point(|fact| *fact < low);
        let end = candidates.partition_point(|fact| *fact < high);
        for fact in &candidates[begin..end] {
            self.step()?;
            let before = trail.binding.clone();
            if unify(atom, &model.facts[*fact].fact, &mut trail.binding) {
                trail.premises.push(Premise::Fact(*fact));
                self.conditions(rule, at + 1, fresh, trail)?;
                trail.premises.pop();
            }
            trail.binding = before;
        }
        Ok(())
    }

    fn conclude(&mut self, rule: &Rule, trail: &Trail) {
        let fact = ground(&rule.head, &trail.binding);
        if self.model.find(&fact).is_none() {
            self.found.push(Known {
                fact,
                round: 0,
                by: Some((self.rule_at, trail.premises.clone())),
            });
        }
    }

    fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps.is_multiple_of(4096) && (self.is_cancelled)() {
            return Err(Stop::Cancelled);
        }
        if self.model.steps + self.steps > self.limits.steps {
            return Err(Stop::Limit(format!(
                "more than {} steps; give fewer facts or narrower rules",
                self.limits.steps
            )));
        }
        if self.found.len() > self.limits.facts {
            return Err(Stop::Limit(format!(
                "more than {} facts; give fewer, or rules that find less",
                self.limits.facts
            )));
        }
        Ok(())
    }
}

/// Puts values in the place of variables; the order of conditions binds all of them before.
fn ground(atom: &Atom, binding: &[Option<Value>]) -> Fact {
    let value = |term: &Term| match term {
        Term::Value(value) => value.clone(),
        Term::Variable(variable) => binding
            .get(*variable)
            .cloned()
            .flatten()
            .unwrap_or_else(|| Value::Symbol(Arc::from(""))),
    };
    Fact { predicate: Arc::clone(&atom.predicate), values: atom.terms.iter().map(value).collect() }
}

/// Returns the variable that an expression is, if it has no value yet.
fn open(expression: &Expression, binding: &[Option<Value>]) -> Option<usize> {
    match expression {
        Expression::Term(Term::Variable(variable))
            if binding.get(*variable).is_none_or(Option::is_none) =>
        {
            Some(*variable)
        }
        _ => None,
    }
}

fn compute(expression: &Expression, binding: &[Option<Value>]) -> Result<Value, String> {
    let (left, operator, right) = match expression {
        Expression::Term(Term::Value(value)) => return Ok(value.clone()),
        Expression::Term(Term::Variable(variable)) => {
            return binding
                .get(*variable)
                .cloned()
                .flatten()
                .ok_or_else(|| "a variable has no value".to_owned());
        }
        Expression::Operation(left, operator, right) => {
            (compute(left, binding)?, operator, compute(right, binding)?)
        }
    };
    let (Value::Number(first), Value::Number(second)) = (&left, &right) else {
        let text = if matches!(left, Value::Symbol(_)) { &left } else { &right };
        return Err(format!("`{text}` is no number and cannot be computed with"));
    };
    let (first, second) = (first.get(), second.get());
    let value = match operator {
        Operator::Add => first + second,
        Operator::Subtract => first - second,
        Operator::Multiply => first * second,
        Operator::Divide | Operator::Remainder if second == 0.0 => {
            return Err(format!(
                "division of {first} by zero; exclude zero by a condition before it"
            ));
        }
        Operator::Divide => first / second,
        Operator::Remainder => first.rem_euclid(second),
    };
    Number::new(value)
        .map(Value::Number)
        .ok_or_else(|| "a number is beyond what can be held".to_owned())
}

fn holds(left: &Value, comparison: Comparison, right: &Value) -> bool {
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        // Only what is of one kind has an order.
        _ if matches!(
            (left, right),
            (Value::Symbol(_), Value::Number(_)) | (Value::Number(_), Value::Symbol(_))
        ) =>
        {
            false
        }
        Comparison::Less => left < right,
        Comparison::LessOrEqual => left <= right,
        Comparison::Greater => left > right,
        Comparison::GreaterOrEqual => left >= right,
    }
}
