//! The cosines of all pairs of vectors.
//!
//! They are the upper half of the matrix U * U^T, where U has the vectors brought to length 1. It is
//! made in bands of rows, so that no more than one band is in memory, and a caller can take the call
//! back between two of them.

use matrixmultiply::dgemm;

use super::metric;
use crate::context::Context;
use crate::error::ToolError;
use crate::numbers::Matrix;

/// How many rows a band has: so many that the multiplication is worth its packing, so few that the
/// half below the diagonal that is made in vain is small.
const BAND: usize = 192;

/// What the cosines are, taken together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cosines {
    /// How many pairs there are.
    pub(super) count: usize,
    /// Their mean.
    pub(super) mean: f64,
    /// The sum of the squared differences from the mean.
    squares: f64,
    /// The pair with the lowest cosine.
    pub(super) lowest: Pair,
    /// The pair with the highest cosine.
    pub(super) highest: Pair,
}

/// Two vectors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    /// The one that comes first.
    pub(super) first: usize,
    /// The other.
    pub(super) second: usize,
    /// The cosine of the angle between them.
    pub(super) cosine: f64,
}

impl Cosines {
    /// Returns the standard deviation of all pairs.
    pub(super) fn deviation(&self) -> f64 {
        (self.squares / as_f64(self.count)).sqrt()
    }

    /// Adds the cosines of one vector with those that come behind it.
    fn add(&mut self, first: usize, cosines: &[f64]) {
        let count = as_f64(cosines.len());
        let mean = cosines.iter().sum::<f64>() / count;
        let squares = metric::sum_of(cosines, |cosine| (cosine - mean) * (cosine - mean));
        // Two sets of figures become one without going through their numbers again (Chan et al.).
        let before = as_f64(self.count);
        let both = before + count;
        let apart = mean - self.mean;
        self.squares += squares + apart * apart * before * count / both;
        self.mean += apart * count / both;
        self.count += cosines.len();
        for (at, &cosine) in cosines.iter().enumerate() {
            let pair = Pair { first, second: first + 1 + at, cosine };
            if cosine < self.lowest.cosine {
                self.lowest = pair;
            }
            if cosine > self.highest.cosine {
                self.highest = pair;
            }
        }
    }
}

/// Returns the cosines of all pairs, or `None` if there is no pair.
pub(super) fn cosines(
    context: &Context<'_>,
    vectors: &Matrix,
) -> Result<Option<Cosines>, ToolError> {
    let n_rows = vectors.n_rows();
    if n_rows < 2 {
        return Ok(None);
    }
    let mut units = vectors.clone();
    for row in units.rows_mut() {
        metric::to_unit(row);
    }
    let none = |cosine| Pair { first: 0, second: 1, cosine };
    let (lowest, highest) = (none(f64::INFINITY), none(f64::NEG_INFINITY));
    let mut found = Cosines { count: 0, mean: 0.0, squares: 0.0, lowest, highest };
    let mut band = vec![0.0; BAND.min(n_rows) * n_rows];
    for start in (0..n_rows).step_by(BAND) {
        context.progress(start, n_rows, "comparing vectors")?;
        let width = n_rows - start;
        let height = BAND.min(width);
        let band = &mut band[..height * width];
        products(&units, start, band);
        for (at, row) in band.chunks_exact_mut(width).enumerate() {
            let behind = &mut row[at + 1..];
            if behind.is_empty() {
                continue;
            }
            for cosine in behind.iter_mut() {
                // Rounding may lead a hair beyond the ends.
                *cosine = cosine.clamp(-1.0, 1.0);
            }
            found.add(start + at, behind);
        }
    }
    Ok(Some(found))
}

/// Multiplies the rows from `start` on, as many as `band` has, with all rows from there on.
#[expect(unsafe_code, reason = "the multiplication takes pointers and strides")]
fn products(vectors: &Matrix, start: usize, band: &mut [f64]) {
    let columns = vectors.n_columns();
    let rows = &vectors.numbers()[start * columns..];
    let width = rows.len() / columns;
    let height = band.len() / width;
    assert!(height <= width, "a band is part of what it is multiplied with");
    // The largest offset that is reached is within a slice, so all of them are in range.
    let stride = |length: usize| isize::try_from(length).expect("a slice is at most isize::MAX");
    let (across, down) = (stride(columns), stride(width));
    // SAFETY: the first operand is `height` rows of `columns` numbers at `rows`, which has `width`
    // of them, and `height` is at most `width`; the second is all of `rows`, turned by its strides;
    // the result is `height` rows of `width` numbers, which is the length of `band`, and `band` is
    // borrowed for writing and so overlaps neither.
    unsafe {
        dgemm(
            height,
            columns,
            width,
            1.0,
            rows.as_ptr(),
            across,
            1,
            rows.as_ptr(),
            1,
            across,
            0.0,
            band.as_mut_ptr(),
            down,
            1,
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 pairs")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
