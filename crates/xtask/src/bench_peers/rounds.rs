/// A figure's values in several rounds.
#[derive(Debug, Clone, Default)]
pub(super) struct Rounds(Vec<f64>);

impl Rounds {
    /// Adds the value of the next round.
    pub(super) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// Returns the median; NaN without values.
    pub(super) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match (sorted.get(middle.wrapping_sub(1)), sorted.get(middle)) {
            (Some(below), Some(above)) if sorted.len().is_multiple_of(2) => f64::midpoint(*below, *above),
            (_, Some(one)) => *one,
            _ => f64::NAN,
        }
    }

    fn range(&self) -> (f64, f64) {
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    }

    /// Formats the median, minimum and maximum as `12 (11–13)`; a single value alone.
    pub(super) fn show(&self, decimals: usize) -> String {
        if let [one] = self.0[..] {
            return format!("{one:.decimals$}");
        }
        let (least, most) = self.range();
        format!("{:.decimals$} ({least:.decimals$}–{most:.decimals$})", self.median())
    }

    /// Returns the ratios to `other`, round by round, which cancels changes of the machine's speed.
    pub(super) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(figures: &[f64]) -> Rounds {
        Rounds(figures.to_vec())
    }

    #[test]
    fn the_median_is_followed_by_the_range() {
        assert_eq!(rounds(&[13.0, 11.0, 12.4]).show(0), "12 (11–13)");
        assert_eq!(rounds(&[1.0, 2.0]).show(1), "1.5 (1.0–2.0)");
        assert_eq!(rounds(&[2.0]).show(0), "2");
        assert!(Rounds::default().median().is_nan());
    }

    #[test]
    fn ratios_are_computed_within_a_round() {
        let ratios = rounds(&[200.0, 100.0]).over(&rounds(&[100.0, 50.0]));
        assert_eq!(ratios.show(2), "2.00 (2.00–2.00)");
    }
}
