//! Weighing hypotheses by evidence: Bayes' rule, one finding after the other.
//!
//! The findings have to be independent of each other once the hypothesis is known; that is the
//! caller's to say. After each finding the beliefs are brought
//! to a sum of 1 again, so that many findings lose nothing.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::number_within;
use crate::error::ToolError;

/// The most hypotheses, and the most findings.
const MAX_ITEMS: usize = 1_000;

/// Something that may be true, and excludes the others.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hypothesis {
    /// Its name.
    pub(super) name: String,
    /// How likely it is before the evidence; priors are brought to a sum of 1.
    pub(super) prior: f64,
}

/// Something that was found.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Evidence {
    /// Its name.
    pub(super) name: String,
    /// How likely the finding is under each hypothesis, by its name.
    pub(super) likelihoods: BTreeMap<String, f64>,
}

/// What a finding did.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Update {
    /// The finding.
    pub(super) evidence: String,
    /// How likely each hypothesis is after it.
    pub(super) posteriors: BTreeMap<String, f64>,
    /// How likely the finding was, all hypotheses taken together.
    pub(super) probability: f64,
    /// The hypothesis that the finding speaks for most.
    pub(super) favours: String,
    /// How much more likely it is under that one than under the others together; nothing if it is
    /// impossible under all others.
    pub(super) bayes_factor: Option<f64>,
}

/// Hypotheses after all evidence.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Beliefs {
    /// How likely each hypothesis is.
    pub(super) posteriors: BTreeMap<String, f64>,
    /// The likeliest.
    pub(super) most_likely: String,
    /// What each finding did, in the order in which they were given.
    pub(super) updates: Vec<Update>,
    /// Whether the priors had another sum than 1.
    pub(super) priors_were_scaled: bool,
}

/// Weighs hypotheses.
pub(super) fn update(
    hypotheses: &[Hypothesis],
    evidence: &[Evidence],
) -> Result<Beliefs, ToolError> {
    let (mut current, priors_were_scaled) = priors(hypotheses)?;
    if evidence.len() > MAX_ITEMS {
        let problem = format!("has {} findings; at most {MAX_ITEMS} are taken", evidence.len());
        return Err(ToolError::argument("evidence", problem));
    }
    let mut updates = Vec::with_capacity(evidence.len());
    for (at, finding) in evidence.iter().enumerate() {
        let likelihoods = likelihoods(at, finding, hypotheses)?;
        updates.push(step(at, finding, hypotheses, &likelihoods, &mut current)?);
    }
    let posteriors = named(hypotheses, &current);
    Ok(Beliefs {
        most_likely: likeliest(hypotheses, &current),
        posteriors,
        updates,
        priors_were_scaled,
    })
}

fn priors(hypotheses: &[Hypothesis]) -> Result<(Vec<f64>, bool), ToolError> {
    if hypotheses.is_empty() || hypotheses.len() > MAX_ITEMS {
        let problem = format!("has {} hypotheses; give 1 to {MAX_ITEMS}", hypotheses.len());
        return Err(ToolError::argument("hypotheses", problem));
    }
    let mut names = BTreeSet::new();
    for (at, hypothesis) in hypotheses.iter().enumerate() {
        number_within(&format!("hypotheses[{at}].prior"), hypothesis.prior, 0.0..=1e12)?;
        if !names.insert(hypothesis.name.as_str()) {
            let problem =
                format!("`{}` is there twice; give each hypothesis its own name", hypothesis.name);
            return Err(ToolError::argument(format!("hypotheses[{at}].name"), problem));
        }
    }
    let total: f64 = hypotheses.iter().map(|hypothesis| hypothesis.prior).sum();
    if total <= 0.0 {
        return Err(ToolError::argument(
            "hypotheses",
            "have priors that are all 0; give one that is possible",
        ));
    }
    let scaled = hypotheses.iter().map(|hypothesis| hypothesis.prior / total).collect();
    Ok((scaled, (total - 1.0).abs() > 1e-9))
}

fn likelihoods(
    at: usize,
    finding: &Evidence,
    hypotheses: &[Hypothesis],
) -> Result<Vec<f64>, ToolError> {
    let field = format!("evidence[{at}].likelihoods");
    if let Some(unknown) =
        finding.likelihoods.keys().find(|name| hypotheses.iter().all(|known| known.name != **name))
    {
        return Err(ToolError::argument(
            format!("{field}.{unknown}"),
            "is no hypothesis; give the names of `hypotheses`",
        ));
    }
    let likelihood = |hypothesis: &Hypothesis| {
        let field = format!("{field}.{}", hypothesis.name);
        let Some(likelihood) = finding.likelihoods.get(&hypothesis.name) else {
            return Err(ToolError::argument(field, "is required and was not given"));
        };
        number_within(&field, *likelihood, 0.0..=1.0)?;
        Ok(*likelihood)
    };
    hypotheses.iter().map(likelihood).collect()
}

fn step(
    at: usize,
    finding: &Evidence,
    hypotheses: &[Hypothesis],
    likelihoods: &[f64],
    current: &mut [f64],
) -> Result<Update, ToolError> {
    let joint: Vec<f64> =
        current.iter().zip(likelihoods).map(|(belief, likelihood)| belief * likelihood).collect();
    let probability: f64 = joint.iter().sum();
    if probability <= 0.0 {
        let problem = "make the finding impossible under every hypothesis that is left, so nothing can be divided by its probability; \
                       give one a likelihood above 0";
        return Err(ToolError::argument(format!("evidence[{at}].likelihoods"), problem));
    }
    let favoured = (0..likelihoods.len())
        .max_by(|first, second| likelihoods[*first].total_cmp(&likelihoods[*second]))
        .unwrap_or(0);
    let rest: f64 = current
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != favoured)
        .map(|(_, belief)| belief)
        .sum();
    let under_rest: f64 = joint
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != favoured)
        .map(|(_, joint)| joint)
        .sum();
    let bayes_factor =
        (under_rest > 0.0 && rest > 0.0).then(|| likelihoods[favoured] / (under_rest / rest));
    for (belief, joint) in current.iter_mut().zip(&joint) {
        *belief = joint / probability;
    }
    Ok(Update {
        evidence: finding.name.clone(),
        posteriors: named(hypotheses, current),
        probability,
        favours: hypotheses[favoured].name.clone(),
        bayes_factor: bayes_factor.filter(|factor| factor.is_finite()),
    })
}

fn named(hypotheses: &[Hypothesis], beliefs: &[f64]) -> BTreeMap<String, f64> {
    hypotheses
        .iter()
        .zip(beliefs)
        .map(|(hypothesis, belief)| (hypothesis.name.clone(), *belief))
        .collect()
}

fn likeliest(hypotheses: &[Hypothesis], beliefs: &[f64]) -> String {
    let best = (0..beliefs.len())
        .rev()
        .max_by(|first, second| beliefs[*first].total_cmp(&beliefs[*second]));
    best.map(|best| hypotheses[best].name.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Evidence, Hypothesis, update};

    fn two(prior: f64, findings: &[(f64, f64)]) -> Vec<f64> {
        let hypotheses = [("a", prior), ("b", 1.0 - prior)]
            .map(|(name, prior)| Hypothesis { name: name.to_owned(), prior });
        let evidence: Vec<Evidence> = findings
            .iter()
            .map(|(a, b)| Evidence {
                name: "e".to_owned(),
                likelihoods: [("a".to_owned(), *a), ("b".to_owned(), *b)].into(),
            })
            .collect();
        update(&hypotheses, &evidence).unwrap().posteriors.into_values().collect()
    }

    #[test]
    fn a_rare_disease_stays_unlikely_after_one_good_test() {
        let found = two(0.01, &[(0.9, 0.09)]);
        assert!((found[0] - 0.009 / (0.009 + 0.0891)).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_order_of_findings_does_not_matter(
            prior in 0.01_f64..0.99,
            findings in proptest::collection::vec((0.01_f64..1.0, 0.01_f64..1.0), 1..8),
        ) {
            let there = two(prior, &findings);
            let mut reversed = findings;
            reversed.reverse();
            let back = two(prior, &reversed);
            prop_assert!((there[0] - back[0]).abs() < 1e-9);
            prop_assert!((there[0] + there[1] - 1.0).abs() < 1e-9);
        }

        #[test]
        fn what_is_as_likely_under_both_changes_nothing(prior in 0.01_f64..0.99, likelihood in 0.01_f64..1.0) {
            prop_assert!((two(prior, &[(likelihood, likelihood)])[0] - prior).abs() < 1e-12);
        }
    }
}
