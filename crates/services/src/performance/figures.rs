//! Durations, taken together.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::ToolError;
use crate::quality::quantile;

/// The most durations of a call.
const MAX_DURATIONS: usize = 1_000_000;

/// Durations, taken together, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Figures {
    /// How many there are.
    pub(super) count: usize,
    /// The mean.
    pub(super) mean_ms: f64,
    /// The standard deviation, over all of them.
    pub(super) std_ms: f64,
    /// The shortest.
    pub(super) min_ms: f64,
    /// Half are at most so long.
    pub(super) p50_ms: f64,
    /// 90 of 100 are.
    pub(super) p90_ms: f64,
    /// 95 of 100 are.
    pub(super) p95_ms: f64,
    /// 99 of 100 are.
    pub(super) p99_ms: f64,
    /// The longest.
    pub(super) max_ms: f64,
}

/// Durations in ascending order.
#[derive(Debug)]
pub(super) struct Durations(Vec<f64>);

impl Durations {
    /// Takes durations in milliseconds, at least one, none of them negative.
    pub(super) fn new(field: &str, mut durations: Vec<f64>) -> Result<Self, ToolError> {
        if durations.is_empty() || durations.len() > MAX_DURATIONS {
            let problem = format!("has {} entries; give 1 to {MAX_DURATIONS}", durations.len());
            return Err(ToolError::argument(field, problem));
        }
        if let Some(at) = durations.iter().position(|duration| !(0.0..1e15).contains(duration)) {
            let problem = format!("is {}; give milliseconds from 0 on", durations[at]);
            return Err(ToolError::argument(format!("{field}[{at}]"), problem));
        }
        durations.sort_unstable_by(f64::total_cmp);
        Ok(Self(durations))
    }

    /// Returns the duration that so many of 100 do not exceed.
    pub(super) fn percentile(&self, percentile: f64) -> f64 {
        quantile(&self.0, percentile / 100.0)
    }

    /// Takes them together.
    pub(super) fn figures(&self) -> Figures {
        let count = as_f64(self.0.len());
        let mean = self.0.iter().sum::<f64>() / count;
        let squares: f64 = self.0.iter().map(|one| (one - mean) * (one - mean)).sum();
        Figures {
            count: self.0.len(),
            mean_ms: mean,
            std_ms: (squares / count).sqrt(),
            min_ms: self.percentile(0.0),
            p50_ms: self.percentile(50.0),
            p90_ms: self.percentile(90.0),
            p95_ms: self.percentile(95.0),
            p99_ms: self.percentile(99.0),
            max_ms: self.percentile(100.0),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 durations")]
pub(super) fn as_f64(count: usize) -> f64 {
    count as f64
}
