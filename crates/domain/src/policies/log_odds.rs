/// The weight of the prior, in occurrences of terms.
const PRIOR: f64 = 500.0;

/// How much more often a term occurs on one side than on the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogOdds {
    /// The logarithm of the ratio between the odds of the term on both sides; positive if it is more frequent on the
    /// first one.
    pub delta: f64,
    /// `delta` in standard deviations.
    pub z: f64,
}

/// Returns the log-odds ratio of a term with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin'
/// Words", equations 15, 16, 20 and 22): `counts` are those of the term on both sides, `totals` those of all terms.
///
/// `delta = ln((y1 + a) / (n1 + a0 - y1 - a)) - ln((y2 + a) / (n2 + a0 - y2 - a))`, `z = delta / sqrt(1/(y1 + a) +
/// 1/(y2 + a))`, with the prior `a = a0 * (y1 + y2) / (n1 + n2)`, the term's share on both sides together, and
/// `a0 = 500`. So terms that are frequent on both sides, such as articles, need a greater difference.
///
/// Where this has no finite value, as for a term that never occurs or the only one, both are 0.
pub fn log_odds(counts: [u64; 2], totals: [u64; 2]) -> LogOdds {
    let [y1, y2] = counts.map(|count| count as f64);
    let [n1, n2] = totals.map(|total| total as f64);
    let prior = PRIOR * ((y1 + y2) / (n1 + n2));
    let log = |y: f64, n: f64| ((y + prior) / (n + PRIOR - y - prior)).ln();
    let delta = log(y1, n1) - log(y2, n2);
    let z = delta / (1.0 / (y1 + prior) + 1.0 / (y2 + prior)).sqrt();
    if delta.is_finite() && z.is_finite() { LogOdds { delta, z } } else { LogOdds { delta: 0.0, z: 0.0 } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_more_frequent_side_has_the_sign() {
        assert!(log_odds([90, 10], [1_000, 1_000]).z > 3.0);
        assert!(log_odds([10, 90], [1_000, 1_000]).z < -3.0);
        assert!(log_odds([50, 50], [1_000, 1_000]).z.abs() < 1e-12);
    }

    #[test]
    fn without_a_ratio_there_is_no_difference() {
        for (counts, totals) in [([0, 0], [0, 0]), ([0, 0], [10, 10]), ([5, 5], [5, 5]), ([5, 5], [0, 0])] {
            assert_eq!(log_odds(counts, totals), LogOdds { delta: 0.0, z: 0.0 }, "{counts:?} {totals:?}");
        }
    }

    proptest! {
        #[test]
        fn every_count_has_a_finite_result(counts in any::<[u64; 2]>(), totals in any::<[u64; 2]>()) {
            let LogOdds { delta, z } = log_odds(counts, totals);
            prop_assert!(delta.is_finite() && z.is_finite());
        }

        #[test]
        fn the_sign_changes_with_the_sides(
            y1 in 0_u64..1_000, y2 in 0_u64..1_000, n1 in 1_000_u64..9_000, n2 in 1_000_u64..9_000,
        ) {
            let (one, other) = (log_odds([y1, y2], [n1, n2]), log_odds([y2, y1], [n2, n1]));
            prop_assert!((one.z + other.z).abs() < 1e-9, "{one:?} {other:?}");
        }
    }
}
