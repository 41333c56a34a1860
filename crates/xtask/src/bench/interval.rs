/// Returns the median of `values`, and the interval that contains the median of what they are drawn from with a
/// probability of at least 95 %: order statistics by the normal approximation of the binomial distribution (Conover,
/// Practical Nonparametric Statistics, section 3.2). The values are sorted.
pub(crate) fn median_and_interval(values: &mut [f64]) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let count = values.len();
    let margin = 1.96 * (count as f64).sqrt() / 2.0;
    let low = ((count as f64 / 2.0 - margin).floor().max(1.0) as usize).min(count);
    let at = |rank: usize| values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN);
    let median = f64::midpoint(at(count.div_ceil(2)), at(count / 2 + 1));
    (median, at(low), at(count + 1 - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_twenty_values_reaches_from_the_fifth_to_the_sixteenth() {
        let mut values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        assert_eq!(median_and_interval(&mut values), (10.5, 5.0, 16.0));
        assert_eq!(median_and_interval(&mut [3.0]), (3.0, 3.0, 3.0));
        assert_eq!(median_and_interval(&mut [3.0, 1.0, 2.0]), (2.0, 1.0, 3.0));
    }
}
