//! Proofs: how a fact follows from what was given.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::evaluate::{Model, Premise};
use super::program::Program;

/// The most steps of one proof that are shown.
const MAX_STEPS: usize = 1_000;

/// A step of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::reasoning_agent) struct Step {
    /// Its number, by which later steps name it.
    #[serde(rename = "step")]
    pub(in crate::reasoning_agent) number: usize,
    /// What is shown by it.
    pub(in crate::reasoning_agent) fact: String,
    /// The rule that was applied; nothing for what was given.
    pub(in crate::reasoning_agent) rule: Option<String>,
    /// The steps that the rule was applied to.
    pub(in crate::reasoning_agent) from: Vec<usize>,
    /// Comparisons and negations that hold besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::reasoning_agent) conditions: Vec<String>,
}

/// Returns the proof of a fact of a model, premises first; cut off at its bound.
pub(in crate::reasoning_agent) fn prove(
    program: &Program,
    model: &Model,
    fact: usize,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    // Premises are of earlier rounds than what follows from them, so there is no cycle.
    let mut open = vec![(fact, false)];
    while let Some((at, is_expanded)) = open.pop() {
        if numbers.contains_key(&at) {
            continue;
        }
        let premises = model.facts[at]
            .by
            .as_ref()
            .map(|(_, premises)| premises.as_slice())
            .unwrap_or_default();
        if !is_expanded {
            open.push((at, true));
            let facts = premises.iter().rev().filter_map(|premise| match premise {
                Premise::Fact(fact) => Some((*fact, false)),
                _ => None,
            });
            open.extend(facts);
            continue;
        }
        if steps.len() == MAX_STEPS {
            break;
        }
        let number = steps.len() + 1;
        numbers.insert(at, number);
        let from = premises.iter().filter_map(|premise| match premise {
            Premise::Fact(fact) => numbers.get(fact).copied(),
            _ => None,
        });
        let conditions = premises.iter().filter_map(|premise| match premise {
            Premise::Fact(_) => None,
            Premise::Absent(fact) => Some(format!("not {fact}")),
            Premise::Compared(text) => Some(text.clone()),
        });
        steps.push(Step {
            number,
            fact: model.facts[at].fact.to_string(),
            rule: model.facts[at].by.as_ref().map(|(rule, _)| program.rule_text(*rule).to_owned()),
            from: from.collect(),
            conditions: conditions.collect(),
        });
    }
    steps
}
