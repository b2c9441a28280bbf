//! `record_confidence_outcome` and `calibrate_confidence`: what confidences turned out to be worth.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::factors::{HIGHEST, LOWEST};
use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::ports::{PortError, Record};
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The kind of the records.
const KIND: &str = "confidence_outcome";
/// The most outcomes that are looked at, the latest ones.
const MAX_OUTCOMES: usize = 2000;
/// So many outcomes are needed before they say anything about the next.
const MIN_OUTCOMES: usize = 20;
/// An outcome is forgotten after so many seconds: a year.
const LIFETIME: u64 = 365 * 86_400;
/// How many bins the table has.
const BINS: usize = 10;
/// The most bytes of a name.
const MAX_NAME: usize = 256;

/// The tool that records.
pub(super) const RECORD: Tool = Tool {
    name: "record_confidence_outcome",
    alias: None,
    title: "Record whether a conclusion was right",
    description: "Records whether a conclusion turned out to be right, and how far it was trusted, \
                  so that calibrate_confidence can tell what such a confidence is worth. An \
                  outcome belongs to the caller and is kept for a year.",
    annotations: Annotations {
        read_only: false,
        destructive: false,
        idempotent: true,
        open_world: false,
    },
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Recorded>,
    examples: &[Example {
        title: "A conclusion that was right",
        arguments: r#"{"id": "sky-is-blue", "confidence": 0.8, "correct": true}"#,
        answer: r#"{"id": "sky-is-blue", "outcomes": 1}"#,
    }],
    run: |context, raw| tool::run(context, raw, record),
};

/// The tool that calibrates.
pub(super) const CALIBRATE: Tool = Tool {
    name: "calibrate_confidence",
    alias: None,
    title: "Say what a confidence is worth",
    description: "Compares the caller's recorded confidences with what became of the conclusions: \
                  the Brier score, the expected calibration error, a table, and, from twenty \
                  outcomes on, the confidence corrected by isotonic regression.",
    annotations: Annotations::TELLS,
    effort: Effort::Waits,
    input_schema: schema::input::<Query>,
    output_schema: schema::output::<Calibration>,
    examples: &[Example {
        title: "Before anything was recorded",
        arguments: r#"{"confidence": 0.8}"#,
        answer: r#"{"outcomes": 0, "is_calibrated": false, "calibrated_confidence": 0.8}"#,
    }],
    run: |context, raw| tool::run(context, raw, calibrate),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the conclusion; what is recorded again under it takes its place.
    #[schemars(length(min = 1, max = 256))]
    id: String,
    /// How far it was trusted, from 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    confidence: f64,
    /// Whether it was right.
    correct: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Recorded {
    /// The name of the conclusion.
    id: String,
    /// How many outcomes of the caller are looked at now.
    outcomes: usize,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Query {
    /// The confidence to be corrected, from 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    confidence: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Calibration {
    /// How many outcomes there are.
    outcomes: usize,
    /// Whether there are enough of them to correct a confidence.
    is_calibrated: bool,
    /// The confidence as it should be; as it was given if there are too few outcomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    calibrated_confidence: Option<f64>,
    /// The mean squared difference of confidence and outcome; 0 is the best.
    #[serde(skip_serializing_if = "Option::is_none")]
    brier_score: Option<f64>,
    /// How far confidence and outcome are apart in the bins of the table, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_calibration_error: Option<f64>,
    /// The bins that have outcomes.
    bins: Vec<Bin>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Bin {
    /// The least confidence.
    from: f64,
    /// The confidence below which it ends; 1 belongs to the last.
    to: f64,
    /// How many outcomes it has.
    count: usize,
    /// The mean of their confidences.
    mean_confidence: f64,
    /// The share of right conclusions.
    accuracy: f64,
}

/// What is kept of a conclusion.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Outcome {
    confidence: f64,
    correct: bool,
}

fn unavailable(error: &PortError) -> ToolError {
    ToolError::Unavailable { what: "records", problem: error.to_string() }
}

fn record(context: &Context<'_>, arguments: Arguments) -> Result<Recorded, ToolError> {
    let Arguments { id, confidence, correct } = arguments;
    number_within("confidence", confidence, 0.0..=1.0)?;
    if id.is_empty() || id.len() > MAX_NAME {
        let problem = format!("has {} bytes; give a name of 1 to {MAX_NAME}", id.len());
        return Err(ToolError::argument("id", problem));
    }
    let value = serde_json::to_vec(&Outcome { confidence, correct })
        .map_err(|error| ToolError::Unwritable { problem: error.to_string() })?;
    let ports = context.ports();
    let expires_at = Some(ports.clock.unix_seconds() + LIFETIME);
    let record = Record { key: id.clone(), value: Bytes::from(value), expires_at };
    ports.records.put(KIND, &context.owner(), record).map_err(|error| unavailable(&error))?;
    Ok(Recorded { id, outcomes: outcomes(context)?.len() })
}

fn outcomes(context: &Context<'_>) -> Result<Vec<Outcome>, ToolError> {
    let records = context.ports().records.list(KIND, &context.owner(), MAX_OUTCOMES);
    let records = records.map_err(|error| unavailable(&error))?;
    let read = |record: Record| {
        serde_json::from_slice(&record.value).map_err(|error| ToolError::Unavailable {
            what: "records",
            problem: format!("`{}` is not as it was written: {error}", record.key),
        })
    };
    records.into_iter().map(read).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "every tool is given its arguments whole")]
fn calibrate(context: &Context<'_>, query: Query) -> Result<Calibration, ToolError> {
    if let Some(confidence) = query.confidence {
        number_within("confidence", confidence, 0.0..=1.0)?;
    }
    let outcomes = outcomes(context)?;
    let is_calibrated = outcomes.len() >= MIN_OUTCOMES;
    let corrected = |confidence: f64| {
        let corrected = if is_calibrated { isotonic(&outcomes, confidence) } else { confidence };
        corrected.clamp(LOWEST, HIGHEST)
    };
    let bins = bins(&outcomes);
    let is_empty = outcomes.is_empty();
    let squares = outcomes.iter().map(|one| (one.confidence - f64::from(one.correct)).powi(2));
    let count = as_f64(outcomes.len());
    let apart = bins
        .iter()
        .map(|bin| as_f64(bin.count) / count * (bin.accuracy - bin.mean_confidence).abs());
    Ok(Calibration {
        outcomes: outcomes.len(),
        is_calibrated,
        calibrated_confidence: query.confidence.map(corrected),
        brier_score: (!is_empty).then(|| squares.sum::<f64>() / count),
        expected_calibration_error: (!is_empty).then(|| apart.sum()),
        bins,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a confidence is from 0 to 1"
)]
fn bins(outcomes: &[Outcome]) -> Vec<Bin> {
    let mut sums = [(0_usize, 0.0, 0.0); BINS];
    for outcome in outcomes {
        let at = ((outcome.confidence * as_f64(BINS)) as usize).min(BINS - 1);
        sums[at].0 += 1;
        sums[at].1 += outcome.confidence;
        sums[at].2 += f64::from(outcome.correct);
    }
    let filled = sums.into_iter().enumerate().filter(|(_, sum)| sum.0 > 0);
    filled
        .map(|(at, (count, confidence, correct))| Bin {
            from: as_f64(at) / as_f64(BINS),
            to: as_f64(at + 1) / as_f64(BINS),
            count,
            mean_confidence: confidence / as_f64(count),
            accuracy: correct / as_f64(count),
        })
        .collect()
}

/// A stretch of confidences for which the same share of conclusions was right.
struct Stretch {
    first: f64,
    last: f64,
    correct: f64,
    count: f64,
}

/// Returns the share of right conclusions at a confidence, by the function that fits the outcomes
/// best of all that never fall (pool adjacent violators), straight between two stretches.
fn isotonic(outcomes: &[Outcome], confidence: f64) -> f64 {
    let mut sorted = outcomes.to_vec();
    sorted.sort_by(|left, right| left.confidence.total_cmp(&right.confidence));
    let mut stretches: Vec<Stretch> = Vec::new();
    for outcome in sorted {
        let (at, correct) = (outcome.confidence, f64::from(outcome.correct));
        // Outcomes of one confidence are one point.
        match stretches.last_mut() {
            Some(last) if last.first.total_cmp(&at).is_eq() => {
                last.correct += correct;
                last.count += 1.0;
            }
            _ => stretches.push(Stretch { first: at, last: at, correct, count: 1.0 }),
        }
    }
    let mut pooled: Vec<Stretch> = Vec::new();
    for mut stretch in stretches {
        while let Some(before) = pooled.pop_if(|before| before.share() >= stretch.share()) {
            stretch.first = before.first;
            stretch.correct += before.correct;
            stretch.count += before.count;
        }
        pooled.push(stretch);
    }
    let after = pooled.partition_point(|stretch| stretch.last < confidence);
    match (after.checked_sub(1).map(|at| &pooled[at]), pooled.get(after)) {
        (_, Some(on)) if on.first <= confidence => on.share(),
        (Some(before), Some(behind)) => {
            let way = (confidence - before.last) / (behind.first - before.last);
            before.share() + way * (behind.share() - before.share())
        }
        (Some(end), None) | (None, Some(end)) => end.share(),
        (None, None) => confidence,
    }
}

impl Stretch {
    fn share(&self) -> f64 {
        self.correct / self.count
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 outcomes")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{Outcome, isotonic};

    fn outcomes() -> Vec<Outcome> {
        let pairs =
            [(0.1, false), (0.3, true), (0.4, false), (0.4, true), (0.6, true), (0.9, true)];
        pairs.map(|(confidence, correct)| Outcome { confidence, correct }).to_vec()
    }

    /// The values are those of `sklearn.isotonic.IsotonicRegression(out_of_bounds="clip")`.
    #[test]
    fn a_confidence_is_corrected_as_scikit_learn_corrects_it() {
        for (confidence, expected) in [
            (0.0, 0.0),
            (0.1, 0.0),
            (0.2, 1.0 / 3.0),
            (0.3, 2.0 / 3.0),
            (0.35, 2.0 / 3.0),
            (0.4, 2.0 / 3.0),
            (0.5, 5.0 / 6.0),
            (0.6, 1.0),
            (1.0, 1.0),
        ] {
            let found = isotonic(&outcomes(), confidence);
            assert!((found - expected).abs() < 1e-12, "{confidence}: {found}");
        }
    }
}
