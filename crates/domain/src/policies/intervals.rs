/// The 97.5% quantile of the standard normal distribution: 95% of it lies within this distance of the mean.
const Z_95: f64 = 1.959_963_984_540_054;

/// The range of shares, from 0 to 1, that a number of observations supports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lowest share.
    pub low: f64,
    /// The highest share.
    pub high: f64,
}

/// Returns the Wilson score interval (95%) of the share of `successes` among `n` observations (Wilson 1927): the shares
/// `p` with `|k/n - p| <= z * sqrt(p * (1 - p) / n)`.
///
/// Without observations it is the range from 0 to 1. More successes than observations count as `n`.
pub fn wilson_interval(successes: u64, n: u64) -> Interval {
    if n == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (k, n) = (successes.min(n) as f64, n as f64);
    let share = k / n;
    let spread = Z_95 * Z_95 / n;
    let center = share + spread / 2.0;
    let radius = Z_95 * (share * (1.0 - share) / n + spread / (4.0 * n)).sqrt();
    // The ends at the shares 0 and 1 are exact; rounding would leave them just inside.
    let low = if k == 0.0 { 0.0 } else { ((center - radius) / (1.0 + spread)).clamp(0.0, share) };
    let high = if k >= n { 1.0 } else { ((center + radius) / (1.0 + spread)).clamp(share, 1.0) };
    Interval { low, high }
}

/// Returns the z-score of the difference between the shares `k1 / n1` and `k2 / n2`, with the pooled variance:
/// `(p1 - p2) / sqrt(p * (1 - p) * (1/n1 + 1/n2))`, `p = (k1 + k2) / (n1 + n2)`.
///
/// There is none where a side has no observations, or where all observations or none are successes: the shares have no
/// variance then. More successes than observations count as all of them.
pub fn two_share_z(k1: u64, n1: u64, k2: u64, n2: u64) -> Option<f64> {
    if n1 == 0 || n2 == 0 {
        return None;
    }
    let (k1, k2) = (k1.min(n1) as f64, k2.min(n2) as f64);
    let (n1, n2) = (n1 as f64, n2 as f64);
    let pooled = (k1 + k2) / (n1 + n2);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    (deviation > 0.0).then(|| (k1 / n1 - k2 / n2) / deviation)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_near(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-12, "{actual} {expected}");
    }

    /// Expected values: the formula in Python.
    #[test]
    fn the_interval_is_that_of_wilson() {
        let of = |k, n| wilson_interval(k, n);
        assert_near(of(5, 10).low, 0.236_593_090_512_564);
        assert_near(of(5, 10).high, 0.763_406_909_487_436);
        assert_near(of(0, 10).low, 0.0);
        assert_near(of(0, 10).high, 0.277_532_799_862_889_2);
        assert_near(of(10, 10).low, 0.722_467_200_137_110_7);
        assert_near(of(10, 10).high, 1.0);
        assert_near(of(1, 1_000).low, 0.000_176_546_370_626_078_17);
        assert_near(of(1, 1_000).high, 0.005_642_558_597_957_935_5);
    }

    #[test]
    fn without_observations_every_share_is_possible() {
        assert_eq!(wilson_interval(0, 0), Interval { low: 0.0, high: 1.0 });
        assert_eq!(wilson_interval(7, 0), Interval { low: 0.0, high: 1.0 });
    }

    /// Expected values: the formula in Python.
    #[test]
    fn the_difference_of_shares_is_measured_with_the_pooled_variance() {
        assert!(two_share_z(45, 100, 30, 100).is_some_and(|z| (z - 2.190_890_230_020_664_7).abs() < 1e-12));
        assert!(two_share_z(1, 50, 40, 4_000).is_some_and(|z| (z - 0.701_992_630_520_047).abs() < 1e-12));
        for (k1, n1, k2, n2) in [(0, 0, 1, 2), (1, 2, 0, 0), (0, 5, 0, 7), (5, 5, 7, 7)] {
            assert_eq!(two_share_z(k1, n1, k2, n2), None, "{k1}/{n1} {k2}/{n2}");
        }
    }

    proptest! {
        #[test]
        fn the_interval_contains_the_share(k in any::<u64>(), n in any::<u64>()) {
            let Interval { low, high } = wilson_interval(k, n);
            prop_assert!(0.0 <= low && low <= high && high <= 1.0, "{low} {high}");
            if n > 0 {
                let share = k.min(n) as f64 / n as f64;
                prop_assert!(low <= share && share <= high, "{low} {share} {high}");
            }
        }

        #[test]
        fn the_difference_of_shares_changes_its_sign_with_the_sides(
            (k1, n1, k2, n2) in any::<(u64, u64, u64, u64)>(),
        ) {
            let (z, reverse) = (two_share_z(k1, n1, k2, n2), two_share_z(k2, n2, k1, n1));
            prop_assert!(z.is_none_or(f64::is_finite));
            prop_assert_eq!(z, reverse.map(|z| -z));
        }
    }
}
