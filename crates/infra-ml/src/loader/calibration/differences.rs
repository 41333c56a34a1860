use domain::policies::{choose_label, sigmoid, softmax};
use domain::value_objects::ProblemType;

use crate::engine::{is_usable, largest_difference};

/// How the int8 output of a text differs from its f32 output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TextDifference {
    /// The largest difference of a logit; not finite where a logit is not.
    pub(super) logit: f32,
    /// The largest difference of a probability; not finite where a logit is not.
    pub(super) probability: f32,
    /// Where int8 chooses another label: how far f32 has its own ahead, as a difference of probabilities.
    pub(super) lost_margin: Option<f32>,
}

/// Compares the logits of texts in int8 with those in f32, `[texts, labels]`.
///
/// A model with one label or with independent labels chooses each label whose probability exceeds one half. A
/// regression has no probabilities: its differences are relative to the range of its f32 outputs, and it chooses
/// nothing.
pub(super) fn differences(
    problem_type: ProblemType,
    exact: &[Vec<f32>],
    rounded: &[Vec<f32>],
) -> Vec<TextDifference> {
    let range = (problem_type == ProblemType::Regression).then(|| range(exact));
    let compare = |(exact, rounded): (&Vec<f32>, &Vec<f32>)| {
        let logit = largest_difference(rounded, exact);
        if !is_usable(exact, exact.len()) || !is_usable(rounded, exact.len()) {
            return TextDifference { logit: f32::NAN, probability: f32::NAN, lost_margin: None };
        }
        let (probability, lost_margin) = match (problem_type, range) {
            (ProblemType::Regression, Some(range)) => (logit / range, None),
            (ProblemType::MultiLabel, _) => {
                let [exact, rounded] =
                    [exact, rounded].map(|logits| logits.iter().copied().map(sigmoid).collect::<Vec<_>>());
                (largest_difference(&rounded, &exact), lost_labels(&exact, &rounded))
            }
            _ => {
                let [exact, rounded] = [exact, rounded].map(|logits| softmax(logits));
                (largest_difference(&rounded, &exact), lost_label(&exact, &rounded))
            }
        };
        TextDifference { logit, probability, lost_margin }
    };
    exact.iter().zip(rounded).map(compare).collect()
}

/// The largest output less the smallest.
fn range(outputs: &[Vec<f32>]) -> f32 {
    let outputs = || outputs.iter().flatten().copied();
    outputs().fold(f32::NEG_INFINITY, f32::max) - outputs().fold(f32::INFINITY, f32::min)
}

/// The margin of the most probable label of `exact` over the next, where that of `rounded` is another.
fn lost_label(exact: &[f32], rounded: &[f32]) -> Option<f32> {
    let label = choose_label(exact)?;
    if choose_label(rounded) == Some(label) {
        return None;
    }
    let others = exact.iter().enumerate().filter(|(other, _)| *other != label);
    Some(exact[label] - others.map(|(_, probability)| *probability).fold(0.0, f32::max))
}

/// The largest margin of a label over its absence, or the reverse, among the labels on which `rounded` disagrees.
fn lost_labels(exact: &[f32], rounded: &[f32]) -> Option<f32> {
    let pairs = exact.iter().zip(rounded);
    let lost = pairs.filter(|(exact, rounded)| (**exact > 0.5) != (**rounded > 0.5));
    lost.map(|(exact, _)| (2.0 * exact - 1.0).abs()).reduce(f32::max)
}

/// The least of `numbers` that at least `percent` of them do not exceed; NaN if one is NaN, or there are none.
pub(super) fn percentile(percent: usize, numbers: impl Iterator<Item = f32>) -> f32 {
    let mut numbers: Vec<f32> = numbers.collect();
    if numbers.is_empty() || numbers.iter().any(|number| number.is_nan()) {
        return f32::NAN;
    }
    numbers.sort_by(f32::total_cmp);
    numbers[(numbers.len() * percent).div_ceil(100).saturating_sub(1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(problem_type: ProblemType, exact: &[f32], rounded: &[f32]) -> TextDifference {
        differences(problem_type, &[exact.to_vec()], &[rounded.to_vec()])[0]
    }

    fn assert_near(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-3, "{found}, not {expected}");
    }

    #[test]
    fn labels_of_one_choice_are_compared_by_softmax() {
        let same = one(ProblemType::SingleLabel, &[2.0, 0.0], &[2.1, 0.0]);
        assert_near(same.logit, 0.1);
        assert_near(same.probability, 0.891 - 0.881);
        assert_eq!(same.lost_margin, None);
        let other = one(ProblemType::SingleLabel, &[0.2, 0.0, -9.0], &[-0.2, 0.0, -9.0]);
        assert_near(other.probability, 0.1);
        assert_near(other.lost_margin.unwrap(), 0.1);
    }

    #[test]
    fn independent_labels_are_compared_by_sigmoid_each_at_one_half() {
        let same = one(ProblemType::MultiLabel, &[2.0, 1.0], &[3.0, 1.5]);
        assert_near(same.probability, 0.818 - 0.731);
        assert_eq!(same.lost_margin, None);
        let lost = one(ProblemType::MultiLabel, &[2.0, -0.2, 0.4], &[2.0, 0.2, -0.4]);
        assert_near(lost.lost_margin.unwrap(), 0.197);
        assert_near(one(ProblemType::MultiLabel, &[0.2], &[-0.2]).lost_margin.unwrap(), 0.1);
    }

    #[test]
    fn a_regression_is_compared_relative_to_the_range_of_its_outputs() {
        let exact = [vec![1.0], vec![5.0]];
        let found = differences(ProblemType::Regression, &exact, &[vec![1.2], vec![5.0]]);
        assert_near(found[0].probability, 0.05);
        assert_eq!(found[1], TextDifference { logit: 0.0, probability: 0.0, lost_margin: None });
    }

    #[test]
    fn what_is_not_a_number_is_no_difference_that_passes() {
        for problem_type in [ProblemType::SingleLabel, ProblemType::MultiLabel, ProblemType::Regression] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for (exact, rounded) in [([bad, 0.0], [1.0, 0.0]), ([1.0, 0.0], [1.0, bad])] {
                    let found = one(problem_type, &exact, &rounded);
                    assert!(found.logit.is_nan() && found.probability.is_nan(), "{found:?}");
                }
            }
        }
        assert!(one(ProblemType::SingleLabel, &[1.0, 0.0], &[1.0]).probability.is_nan());
    }

    #[test]
    fn a_percentile_is_one_of_the_numbers() {
        let numbers = || (1..=40).rev().map(|number| number as f32);
        assert_near(percentile(95, numbers()), 38.0);
        assert_near(percentile(100, numbers()), 40.0);
        assert_near(percentile(50, numbers()), 20.0);
        assert_near(percentile(0, numbers()), 1.0);
        assert!(percentile(50, numbers().chain([f32::NAN])).is_nan());
        assert!(percentile(50, std::iter::empty()).is_nan());
    }
}
