//! The metrics, over slices of one length that is not zero.
//!
//! Sums run in eight lanes, which the compiler makes one SIMD register or two of. Where squares
//! would leave the range of a double, the vectors are scaled first; so a result is infinite only if
//! the true one does not fit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many sums run beside each other.
const LANES: usize = 8;

/// How two vectors are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Metric {
    /// The cosine of the angle; 0 if a vector has no direction. The distance is 1 less it.
    #[default]
    Cosine,
    /// The straight distance d; the similarity is 1 / (1 + d).
    Euclidean,
    /// The sum d of the differences; the similarity is 1 / (1 + d).
    Manhattan,
    /// The sum of the products; the distance is its negative.
    DotProduct,
    /// Of the places that are positive in either, the share that is in both; 1 if there are none.
    Jaccard,
    /// The places d at which one is above 0.5 and the other is not, of n; the similarity is
    /// 1 - d / n.
    Hamming,
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Comparison {
    /// The higher, the more alike.
    pub(crate) similarity: f64,
    /// The lower, the more alike.
    pub(crate) distance: f64,
}

/// Compares two vectors of one length; infinite or no number if the result does not fit.
pub(crate) fn compare(metric: Metric, left: &[f64], right: &[f64]) -> Comparison {
    let of_similarity = |similarity| Comparison { similarity, distance: 1.0 - similarity };
    let of_distance = |distance: f64| Comparison { similarity: 1.0 / (1.0 + distance), distance };
    match metric {
        Metric::Cosine => of_similarity(cosine(left, right)),
        Metric::Euclidean => of_distance(euclidean(left, right)),
        Metric::Manhattan => of_distance(sum(left, right, |a, b| (a - b).abs())),
        Metric::DotProduct => {
            let product = dot(left, right);
            Comparison { similarity: product, distance: -product }
        }
        Metric::Jaccard => of_similarity(jaccard(left, right)),
        Metric::Hamming => {
            let distance = sum(left, right, |a, b| f64::from((a > 0.5) != (b > 0.5)));
            Comparison { similarity: 1.0 - distance / length(left), distance }
        }
    }
}

/// Returns the sum of the products.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    sum(left, right, |a, b| a * b)
}

/// Returns the length of a vector, without leaving the range of a double on the way.
pub(crate) fn norm(vector: &[f64]) -> f64 {
    let squares = dot(vector, vector);
    if is_sound(squares) {
        return squares.sqrt();
    }
    let largest = largest(vector);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let scaled = scaled(vector, largest);
    largest * dot(&scaled, &scaled).sqrt()
}

/// Brings a vector to length 1 and returns the length that it had; one without a direction stays as
/// it is.
pub(crate) fn to_unit(vector: &mut [f64]) -> f64 {
    // In two steps, since the length itself may be beyond a double where its numbers are not.
    let largest = largest(vector);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let squares = dot(vector, vector);
    if is_sound(squares) {
        let norm = squares.sqrt();
        divide(vector, norm);
        return norm;
    }
    divide(vector, largest);
    let norm = dot(vector, vector).sqrt();
    divide(vector, norm);
    largest * norm
}

/// Divides each number.
pub(crate) fn divide(vector: &mut [f64], by: f64) {
    for number in vector {
        *number /= by;
    }
}

/// Returns the largest magnitude.
pub(crate) fn largest(vector: &[f64]) -> f64 {
    vector.iter().fold(0.0, |largest, number| f64::max(largest, number.abs()))
}

fn cosine(left: &[f64], right: &[f64]) -> f64 {
    let (product, ll, rr) = (dot(left, right), dot(left, left), dot(right, right));
    if is_sound(ll) && is_sound(rr) {
        // Rounding may lead a hair beyond the ends.
        return (product / (ll.sqrt() * rr.sqrt())).clamp(-1.0, 1.0);
    }
    let (of_left, of_right) = (largest(left), largest(right));
    if of_left == 0.0 || of_right == 0.0 {
        return 0.0;
    }
    // With the largest at 1, the squares are between 1 and the number of dimensions.
    cosine(&scaled(left, of_left), &scaled(right, of_right))
}

fn euclidean(left: &[f64], right: &[f64]) -> f64 {
    let squares = sum(left, right, |a, b| (a - b) * (a - b));
    if is_sound(squares) {
        return squares.sqrt();
    }
    let difference: Vec<f64> = left.iter().zip(right).map(|(a, b)| a - b).collect();
    norm(&difference)
}

fn jaccard(left: &[f64], right: &[f64]) -> f64 {
    let both = sum(left, right, |a, b| f64::from(a > 0.0 && b > 0.0));
    let either = sum(left, right, |a, b| f64::from(a > 0.0 || b > 0.0));
    if either == 0.0 { 1.0 } else { both / either }
}

/// Tells whether a sum of squares lost nothing to overflow or underflow.
fn is_sound(squares: f64) -> bool {
    (1e-280..1e300).contains(&squares)
}

fn scaled(vector: &[f64], by: f64) -> Vec<f64> {
    vector.iter().map(|number| number / by).collect()
}

/// Returns the sum of a function of each number.
pub(crate) fn sum_of(vector: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    sum(vector, vector, |number, _| term(number))
}

#[expect(clippy::cast_precision_loss, reason = "no vector has 2^53 dimensions")]
fn length(vector: &[f64]) -> f64 {
    vector.len() as f64
}

fn sum(left: &[f64], right: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (left_chunks, right_chunks) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest = left_chunks.remainder().iter().zip(right_chunks.remainder());
    let rest: f64 = rest.map(|(a, b)| term(*a, *b)).sum();
    for (left, right) in left_chunks.zip(right_chunks) {
        for lane in 0..LANES {
            sums[lane] += term(left[lane], right[lane]);
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests;
