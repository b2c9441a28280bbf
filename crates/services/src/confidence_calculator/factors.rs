//! The six factors of a confidence, each between 0 and 1, and their weights.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::alignment;
use crate::arguments::number_within;
use crate::error::ToolError;

/// No conclusion is trusted less.
pub(super) const LOWEST: f64 = 0.05;
/// No conclusion is trusted more.
pub(super) const HIGHEST: f64 = 0.95;

/// A factor, with its weight.
pub(super) const WEIGHTS: [(Factor, f64); 6] = [
    (Factor::EvidenceQuality, 0.25),
    (Factor::LogicalConsistency, 0.20),
    (Factor::SemanticAlignment, 0.20),
    (Factor::HistoricalSuccess, 0.15),
    (Factor::ComplexityPenalty, 0.10),
    (Factor::ValidationScore, 0.10),
];

/// Rules by which a conclusion follows.
const SOUND_RULES: [&str; 8] = [
    "modus_ponens",
    "modus_tollens",
    "hypothetical_syllogism",
    "disjunctive_syllogism",
    "constructive_dilemma",
    "conjunction",
    "simplification",
    "resolution",
];

/// What a confidence depends on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Factor {
    /// Of what kind the evidence is.
    EvidenceQuality,
    /// Whether the steps go together.
    LogicalConsistency,
    /// Whether the answer is one to the question.
    SemanticAlignment,
    /// How often such conclusions were right.
    HistoricalSuccess,
    /// How simple the reasoning is; 1 is the simplest.
    ComplexityPenalty,
    /// What validators said.
    ValidationScore,
}

/// How a conclusion came about.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "clients know these names")]
pub(super) struct Reasoning {
    /// The evidence: objects with a `source_type`, or anything else.
    #[serde(default)]
    pub(super) evidence: Vec<Value>,
    /// The steps: objects that may have `premise`, `conclusion`, `confidence` and `inference_rule`,
    /// or texts.
    #[serde(default)]
    pub(super) reasoning_chain: Vec<Value>,
    /// The question.
    #[serde(default)]
    pub(super) question: String,
    /// The answer.
    #[serde(default)]
    pub(super) answer: String,
    /// How often such conclusions were right before.
    #[serde(default)]
    historical_data: Option<History>,
    /// What validators said.
    #[serde(default)]
    validation_results: Option<Validation>,
    /// How many ways the reasoning takes at a time.
    #[serde(default = "one")]
    branch_factor: f64,
    /// How many steps depend on themselves.
    #[serde(default)]
    circular_dependencies: u32,
}

/// How often conclusions were right.
#[derive(Debug, Deserialize, JsonSchema)]
struct History {
    /// How many there were.
    #[serde(default)]
    total_attempts: u32,
    /// How many of them were right.
    #[serde(default)]
    successful_attempts: u32,
    /// Whether each of the last ones was right, the latest last: `true` or 1, `false` or 0.
    #[serde(default)]
    recent_results: Vec<Outcome>,
}

/// Whether a conclusion was right, as a number between 0 and 1.
#[derive(Debug, JsonSchema)]
#[schemars(transparent)]
struct Outcome(#[schemars(with = "BooleanOrNumber")] f64);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected `true`, `false`, or a number from 0 to 1")]
enum BooleanOrNumber {
    Boolean(bool),
    Number(f64),
}

/// What validators said, each between 0 and 1.
#[derive(Debug, Deserialize, JsonSchema)]
struct Validation {
    /// Whether the steps go together.
    #[serde(default = "half")]
    logical_consistency: f64,
    /// Whether evidence supports the answer.
    #[serde(default = "half")]
    evidence_support: f64,
    /// Whether nothing is missing.
    #[serde(default = "half")]
    completeness: f64,
    /// How far the validators can be trusted.
    #[serde(default = "default_validator")]
    validator_confidence: f64,
}

fn one() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

fn default_validator() -> f64 {
    0.7
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match BooleanOrNumber::deserialize(deserializer)? {
            BooleanOrNumber::Boolean(right) => f64::from(right),
            BooleanOrNumber::Number(share) => share,
        }))
    }
}

impl Reasoning {
    /// Returns the value of each factor, in the order of [`WEIGHTS`].
    pub(super) fn factors(&self, field: &str) -> Result<[f64; 6], ToolError> {
        self.check(field)?;
        Ok([
            evidence_quality(&self.evidence),
            self.logical_consistency(),
            alignment::alignment(&self.question, &self.answer),
            self.historical_data.as_ref().map_or(0.5, History::success),
            self.simplicity(),
            self.validation_results.as_ref().map_or(0.5, Validation::score),
        ])
    }

    fn check(&self, field: &str) -> Result<(), ToolError> {
        if let Some(history) = &self.historical_data {
            let field = format!("{field}.historical_data");
            if history.successful_attempts > history.total_attempts {
                let problem = format!(
                    "is {} and so more than `total_attempts`, which is {}",
                    history.successful_attempts, history.total_attempts
                );
                return Err(ToolError::argument(format!("{field}.successful_attempts"), problem));
            }
            for (at, outcome) in history.recent_results.iter().enumerate() {
                number_within(&format!("{field}.recent_results[{at}]"), outcome.0, 0.0..=1.0)?;
            }
        }
        if let Some(validation) = &self.validation_results {
            for (name, number) in [
                ("logical_consistency", validation.logical_consistency),
                ("evidence_support", validation.evidence_support),
                ("completeness", validation.completeness),
                ("validator_confidence", validation.validator_confidence),
            ] {
                let field = format!("{field}.validation_results.{name}");
                number_within(&field, number, 0.0..=1.0)?;
            }
        }
        number_within(&format!("{field}.branch_factor"), self.branch_factor, 0.0..=1e6)
    }

    /// Begins at 1 and loses by each step that does not go with the one before.
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^53 steps")]
    fn logical_consistency(&self) -> f64 {
        if self.reasoning_chain.is_empty() {
            return 0.3;
        }
        let mut score = 1.0;
        for pair in self.reasoning_chain.windows(2) {
            let (before, step) = (&pair[0], &pair[1]);
            let confidence = |step: &Value| step.get("confidence").and_then(Value::as_f64);
            if let (Some(before), Some(step)) = (confidence(before), confidence(step))
                && step < before * 0.5
            {
                score *= 0.8;
            }
            // Whoever concludes what was presumed a step before goes in a circle.
            let premise = before.get("premise").filter(|premise| !premise.is_null());
            if premise.is_some() && step.get("conclusion") == premise {
                score *= 0.6;
            }
        }
        let rule = |step: &Value| step.get("inference_rule").and_then(Value::as_str).is_some();
        let n_named = self.reasoning_chain.iter().filter(|step| rule(step)).count();
        if n_named > 0 {
            let is_sound = |step: &&Value| {
                let rule = step.get("inference_rule").and_then(Value::as_str);
                rule.is_some_and(|rule| SOUND_RULES.contains(&rule))
            };
            let n_sound = self.reasoning_chain.iter().filter(is_sound).count();
            score *= 0.8 + 0.2 * n_sound as f64 / n_named as f64;
        }
        f64::max(0.1, score)
    }

    fn simplicity(&self) -> f64 {
        let mut score = match self.reasoning_chain.len() {
            0 | 1 => 0.8,
            2..=10 => 1.0,
            11..=15 => 0.9,
            _ => 0.7,
        };
        if self.branch_factor > 5.0 {
            score *= 0.8;
        }
        score *= 1.0 - 0.1 * f64::from(self.circular_dependencies.min(10));
        f64::max(0.3, score)
    }
}

impl History {
    /// Returns the share of right conclusions, the less the fewer there were.
    fn success(&self) -> f64 {
        if self.total_attempts == 0 {
            return 0.5;
        }
        let attempts = f64::from(self.total_attempts);
        let mut rate = f64::from(self.successful_attempts) / attempts;
        if let Some(last) = self.recent_results.last_chunk::<3>() {
            let recent: f64 = last.iter().map(|outcome| outcome.0).sum::<f64>() / 3.0;
            rate = 0.7 * rate + 0.3 * recent;
        }
        let trust = match self.total_attempts {
            0..5 => 0.6 + 0.08 * attempts,
            5..20 => 0.9,
            _ => 1.0,
        };
        rate * trust
    }
}

impl Validation {
    fn score(&self) -> f64 {
        let score =
            0.4 * self.logical_consistency + 0.3 * self.evidence_support + 0.3 * self.completeness;
        score * self.validator_confidence
    }
}

/// Returns how good evidence is by its kinds; more than three pieces count for a fifth more.
#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 pieces")]
pub(super) fn evidence_quality(evidence: &[Value]) -> f64 {
    if evidence.is_empty() {
        return 0.2;
    }
    let mean = evidence.iter().map(quality).sum::<f64>() / evidence.len() as f64;
    if evidence.len() > 3 { f64::min(1.0, mean * 1.2) } else { mean }
}

/// Returns how good one piece of evidence is.
pub(super) fn quality(evidence: &Value) -> f64 {
    let Value::Object(evidence) = evidence else { return 0.3 };
    match evidence.get("source_type").and_then(Value::as_str) {
        Some("academic") => 0.9,
        Some("verified") => 0.8,
        Some("empirical") => 0.7,
        _ => 0.4,
    }
}
