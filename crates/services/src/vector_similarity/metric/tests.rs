//! Tests of the metrics.

use proptest::prelude::*;

use super::{Metric, compare, norm};

const ALL: [Metric; 6] = [
    Metric::Cosine,
    Metric::Euclidean,
    Metric::Manhattan,
    Metric::DotProduct,
    Metric::Jaccard,
    Metric::Hamming,
];

/// Two vectors of one length, of any magnitude that a double has.
fn pairs() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let number = prop_oneof![
        4 => -10.0..10.0,
        1 => Just(0.0),
        1 => Just(1.0),
        1 => proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
    ];
    (1_usize..40).prop_flat_map(move |length| {
        let vector = proptest::collection::vec(number.clone(), length);
        (vector.clone(), vector)
    })
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-12 * (1.0 + left.abs().max(right.abs()))
        || left.total_cmp(&right).is_eq()
}

proptest! {
    #[test]
    fn a_comparison_is_symmetric((left, right) in pairs()) {
        for metric in ALL {
            let (one, other) = (compare(metric, &left, &right), compare(metric, &right, &left));
            prop_assert!(close(one.similarity, other.similarity), "{metric:?}: {one:?} {other:?}");
            prop_assert!(close(one.distance, other.distance), "{metric:?}: {one:?} {other:?}");
        }
    }

    #[test]
    fn a_similarity_stays_within_its_bounds((left, right) in pairs()) {
        for (metric, lowest) in [
            (Metric::Cosine, -1.0),
            (Metric::Euclidean, 0.0),
            (Metric::Manhattan, 0.0),
            (Metric::Jaccard, 0.0),
            (Metric::Hamming, 0.0),
        ] {
            let found = compare(metric, &left, &right).similarity;
            prop_assert!((lowest..=1.0).contains(&found), "{metric:?}: {found}");
        }
    }

    #[test]
    fn a_vector_is_like_itself((vector, _) in pairs()) {
        for metric in [Metric::Euclidean, Metric::Manhattan, Metric::Jaccard, Metric::Hamming] {
            let found = compare(metric, &vector, &vector);
            prop_assert!(close(found.similarity, 1.0) && close(found.distance, 0.0), "{found:?}");
        }
        let expected = if vector.iter().all(|number| *number == 0.0) { 0.0 } else { 1.0 };
        let found = compare(Metric::Cosine, &vector, &vector).similarity;
        prop_assert!(close(found, expected), "{}", found);
    }

    #[test]
    fn the_cosine_does_not_know_lengths((left, right) in pairs(), exponent in -900_i32..900) {
        let scale = f64::from(exponent).exp2();
        let longer: Vec<f64> = left.iter().map(|number| number * scale).collect();
        // Where scaling itself overflows or rounds, there is nothing to compare.
        let back: Vec<f64> = longer.iter().map(|number| number / scale).collect();
        prop_assume!(back == left && longer.iter().all(|number| number.is_finite()));
        let plain = compare(Metric::Cosine, &left, &right).similarity;
        let found = compare(Metric::Cosine, &longer, &right).similarity;
        prop_assert!(close(plain, found), "{} {}", plain, found);
    }

    #[test]
    fn the_straight_way_is_the_shortest((left, right) in pairs()) {
        let straight = compare(Metric::Euclidean, &left, &right).distance;
        let around = compare(Metric::Manhattan, &left, &right).distance;
        prop_assert!(straight <= around * (1.0 + 1e-12), "{} {}", straight, around);
    }
}

#[test]
fn extreme_magnitudes_do_not_overflow_on_the_way() {
    assert!(close(norm(&[3e200, 4e200]) / 5e200, 1.0));
    assert!(close(norm(&[3e-200, 4e-200]) / 5e-200, 1.0));
    assert!(close(
        compare(Metric::Cosine, &[1e200, 1e200], &[1e-200, 0.0]).similarity,
        0.5_f64.sqrt()
    ));
    assert!(close(
        compare(Metric::Euclidean, &[1e200, 0.0], &[0.0, 1e200]).distance / 1e200,
        2_f64.sqrt()
    ));
}
