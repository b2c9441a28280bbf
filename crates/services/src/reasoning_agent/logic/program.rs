//! A set of facts and rules that can be evaluated: checked, ordered, in layers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{Atom, Comparison, Condition, Expression, Fact, Rule, Term};

/// A predicate with its number of terms.
pub(in crate::reasoning_agent) type Name = (Arc<str>, usize);

/// Facts and rules, ready to be evaluated.
#[derive(Debug, Clone, Default)]
pub(in crate::reasoning_agent) struct Program {
    pub(super) facts: Vec<Fact>,
    /// Rules with their place in the caller's list; conditions in the order of evaluation.
    pub(super) rules: Vec<(usize, Rule)>,
    /// The layer of each rule: what a rule negates is in a layer below.
    pub(super) layers: Vec<Vec<usize>>,
}

/// What is wrong with a rule of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::reasoning_agent) struct RuleError {
    /// Its place in the list.
    pub(in crate::reasoning_agent) at: usize,
    /// What is wrong, and what to do.
    pub(in crate::reasoning_agent) problem: String,
}

impl Program {
    /// Checks rules and puts their conditions and themselves in order.
    pub(in crate::reasoning_agent) fn new(
        facts: Vec<Fact>,
        rules: Vec<Rule>,
    ) -> Result<Self, RuleError> {
        let mut ordered = Vec::with_capacity(rules.len());
        for (at, rule) in rules.into_iter().enumerate() {
            ordered.push((at, order(rule).map_err(|problem| RuleError { at, problem })?));
        }
        let layers = layers(&ordered)?;
        Ok(Self { facts, rules: ordered, layers })
    }

    /// Returns the predicates that facts or rules define.
    pub(in crate::reasoning_agent) fn defined(&self) -> BTreeSet<Name> {
        let facts = self.facts.iter().map(|fact| (Arc::clone(&fact.predicate), fact.values.len()));
        facts.chain(self.rules.iter().map(|(_, rule)| name(&rule.head))).collect()
    }

    /// Returns the predicates that are defined, or that conditions ask for.
    pub(in crate::reasoning_agent) fn mentioned(&self) -> BTreeSet<Name> {
        let mut mentioned = self.defined();
        mentioned.extend(self.undefined());
        mentioned
    }

    /// Returns predicates that conditions ask for and nothing defines.
    pub(in crate::reasoning_agent) fn undefined(&self) -> BTreeSet<Name> {
        let defined = self.defined();
        let asked =
            self.rules.iter().flat_map(|(_, rule)| rule.body.iter().filter_map(atom_of)).map(name);
        asked.filter(|name| !defined.contains(name)).collect()
    }

    /// Returns the part on which a goal depends, backwards from it.
    pub(in crate::reasoning_agent) fn relevant(&self, goal: &Name) -> Self {
        let mut needed = BTreeSet::from([goal.clone()]);
        let mut open = vec![goal.clone()];
        while let Some(next) = open.pop() {
            for (_, rule) in self.rules.iter().filter(|(_, rule)| name(&rule.head) == next) {
                for other in rule.body.iter().filter_map(atom_of).map(name) {
                    if needed.insert(other.clone()) {
                        open.push(other);
                    }
                }
            }
        }
        let facts = self
            .facts
            .iter()
            .filter(|fact| needed.contains(&(Arc::clone(&fact.predicate), fact.values.len())));
        let kept: Vec<bool> =
            self.rules.iter().map(|(_, rule)| needed.contains(&name(&rule.head))).collect();
        let mut moved = HashMap::new();
        let mut rules = Vec::new();
        for (at, rule) in self.rules.iter().enumerate().filter(|(at, _)| kept[*at]) {
            moved.insert(at, rules.len());
            rules.push(rule.clone());
        }
        let layers = self
            .layers
            .iter()
            .map(|layer| layer.iter().filter_map(|at| moved.get(at).copied()).collect())
            .collect();
        Self { facts: facts.cloned().collect(), rules, layers }
    }

    /// Returns how many rules there are.
    pub(in crate::reasoning_agent) fn n_rules(&self) -> usize {
        self.rules.len()
    }

    /// Returns a rule as it was written.
    pub(in crate::reasoning_agent) fn rule_text(&self, at: usize) -> &str {
        self.rules.get(at).map_or("", |(_, rule)| &rule.text)
    }
}

/// Returns the predicate of an atom with its number of terms.
pub(in crate::reasoning_agent) fn name(atom: &Atom) -> Name {
    (Arc::clone(&atom.predicate), atom.terms.len())
}

fn atom_of(condition: &Condition) -> Option<&Atom> {
    match condition {
        Condition::Is(atom) | Condition::IsNot(atom) => Some(atom),
        Condition::Compare(..) => None,
    }
}

/// Puts the conditions of a rule in an order in which each has what it needs.
fn order(mut rule: Rule) -> Result<Rule, String> {
    let mut waiting = std::mem::take(&mut rule.body);
    let mut bound: BTreeSet<usize> = BTreeSet::new();
    while !waiting.is_empty() {
        // Tests first, since they only take away; then the next atom.
        let ready = waiting.iter().position(|condition| is_test_ready(condition, &bound));
        let next = ready
            .or_else(|| waiting.iter().position(|condition| matches!(condition, Condition::Is(_))));
        let Some(next) = next else { break };
        let condition = waiting.remove(next);
        bind(&condition, &mut bound);
        rule.body.push(condition);
    }
    if let Some(condition) = waiting.first() {
        let open = variables(condition).into_iter().find(|variable| !bound.contains(variable));
        let open =
            open.and_then(|variable| rule.variables.get(variable)).map_or("_", String::as_str);
        return Err(format!(
            "`{open}` in a negation or comparison is bound by no other condition; add one that names its values"
        ));
    }
    let free = rule.head.terms.iter().find_map(|term| match term {
        Term::Variable(variable) if !bound.contains(variable) => rule.variables.get(*variable),
        _ => None,
    });
    match free {
        Some(free) => Err(format!(
            "`{free}` in the head is bound by no condition; add one that names its values"
        )),
        None => Ok(rule),
    }
}

fn is_test_ready(condition: &Condition, bound: &BTreeSet<usize>) -> bool {
    match condition {
        Condition::Is(_) => false,
        Condition::IsNot(_) => variables(condition).iter().all(|variable| bound.contains(variable)),
        Condition::Compare(left, comparison, right) => {
            let is_bound = |side: &Expression| {
                expression_variables(side).iter().all(|variable| bound.contains(variable))
            };
            let assigns = |side: &Expression| {
                *comparison == Comparison::Equal
                    && matches!(side, Expression::Term(Term::Variable(_)))
            };
            is_bound(left) && is_bound(right)
                || assigns(left) && is_bound(right)
                || assigns(right) && is_bound(left)
        }
    }
}

fn bind(condition: &Condition, bound: &mut BTreeSet<usize>) {
    if !matches!(condition, Condition::IsNot(_)) {
        bound.extend(variables(condition));
    }
}

fn variables(condition: &Condition) -> Vec<usize> {
    match condition {
        Condition::Is(atom) | Condition::IsNot(atom) => {
            atom.terms.iter().filter_map(variable).collect()
        }
        Condition::Compare(left, _, right) => {
            let mut found = expression_variables(left);
            found.extend(expression_variables(right));
            found
        }
    }
}

fn variable(term: &Term) -> Option<usize> {
    match term {
        Term::Variable(variable) => Some(*variable),
        Term::Value(_) => None,
    }
}

fn expression_variables(expression: &Expression) -> Vec<usize> {
    match expression {
        Expression::Term(term) => variable(term).into_iter().collect(),
        Expression::Operation(left, _, right) => {
            let mut found = expression_variables(left);
            found.extend(expression_variables(right));
            found
        }
    }
}

/// Puts rules into layers so that negation only looks down.
fn layers(rules: &[(usize, Rule)]) -> Result<Vec<Vec<usize>>, RuleError> {
    let mut layer: BTreeMap<Name, usize> = BTreeMap::new();
    let heads: BTreeSet<Name> = rules.iter().map(|(_, rule)| name(&rule.head)).collect();
    loop {
        let mut has_changed = false;
        for (at, rule) in rules {
            let own = layer.get(&name(&rule.head)).copied().unwrap_or(0);
            let needed = rule.body.iter().map(|condition| match condition {
                Condition::Is(atom) => layer.get(&name(atom)).copied().unwrap_or(0),
                Condition::IsNot(atom) => layer
                    .get(&name(atom))
                    .map_or(0, |below| below + 1)
                    .max(usize::from(heads.contains(&name(atom)))),
                Condition::Compare(..) => 0,
            });
            let needed = needed.max().unwrap_or(0);
            if needed > heads.len() {
                let predicate = &rule.head.predicate;
                let problem = format!(
                    "`{predicate}` depends on its own negation, in a cycle; take the negation out of the cycle"
                );
                return Err(RuleError { at: *at, problem });
            }
            if needed > own {
                layer.insert(name(&rule.head), needed);
                has_changed = true;
            }
        }
        if !has_changed {
            break;
        }
    }
    let top = layer.values().max().copied().unwrap_or(0);
    let mut layers = vec![Vec::new(); top + 1];
    for (at, (_, rule)) in rules.iter().enumerate() {
        layers[layer.get(&name(&rule.head)).copied().unwrap_or(0)].push(at);
    }
    Ok(layers)
}
