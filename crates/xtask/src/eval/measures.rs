/// The probability of each sentiment for a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scores {
    pub(super) negative: f64,
    pub(super) neutral: f64,
    pub(super) positive: f64,
}

/// The classes of a set of three, in the order of their labels.
const CLASSES: usize = 3;
/// The bins of the calibration error, of equal width over 0 to 1.
const BINS: usize = 15;

impl Scores {
    /// Returns the label of the highest score, and the score; the first of equal ones.
    fn best(&self) -> (usize, f64) {
        let mut best = (0, self.negative);
        for (label, score) in [(1, self.neutral), (2, self.positive)] {
            if score > best.1 {
                best = (label, score);
            }
        }
        best
    }
}

/// Returns the share of texts whose label (0 negative, 1 positive) has the higher of the two scores.
pub(super) fn accuracy_of_two(labels: &[usize], scores: &[Scores]) -> f64 {
    share(labels, scores, |label, scores| usize::from(scores.positive > scores.negative) == label)
}

/// Returns the share of texts whose label (0 negative, 1 neutral, 2 positive) has the highest of the three scores.
pub(super) fn accuracy_of_three(labels: &[usize], scores: &[Scores]) -> f64 {
    share(labels, scores, |label, scores| scores.best().0 == label)
}

/// Returns the mean recall over the classes: the share of each class's texts that have its label predicted.
pub(super) fn macro_recall(labels: &[usize], scores: &[Scores]) -> f64 {
    let recall = |class| {
        let of_class: Vec<Scores> = labels
            .iter()
            .zip(scores)
            .filter(|(label, _)| **label == class)
            .map(|(_, scores)| *scores)
            .collect();
        accuracy_of_three(&vec![class; of_class.len()], &of_class)
    };
    (0..CLASSES).map(recall).sum::<f64>() / CLASSES as f64
}

/// Returns the expected calibration error: the mean distance, over bins of the highest score, between that score and
/// the accuracy, weighted by the bins' sizes (Naeini et al. 2015).
pub(super) fn calibration_error(labels: &[usize], scores: &[Scores]) -> f64 {
    // The sum of (correct - confidence) per bin: the bin's size cancels out against its weight.
    let mut gaps = [0.0; BINS];
    for (label, scores) in labels.iter().zip(scores) {
        let (best, confidence) = scores.best();
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        gaps[bin] += f64::from(u8::from(best == *label)) - confidence;
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / labels.len() as f64
}

fn share(labels: &[usize], scores: &[Scores], is_correct: impl Fn(usize, &Scores) -> bool) -> f64 {
    let correct = labels.iter().zip(scores).filter(|(label, scores)| is_correct(**label, scores)).count();
    correct as f64 / labels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(negative: f64, neutral: f64, positive: f64) -> Scores {
        Scores { negative, neutral, positive }
    }

    fn assert_close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-12, "{one} and {other}");
    }

    #[test]
    fn two_classes_compare_positive_with_negative_whatever_neutral_is() {
        let answers = [scores(0.1, 0.8, 0.1001), scores(0.2, 0.7, 0.1)];
        assert_close(accuracy_of_two(&[1, 0], &answers), 1.0);
        assert_close(accuracy_of_two(&[1, 1], &answers), 0.5);
        assert_close(accuracy_of_three(&[1, 1], &answers), 1.0);
    }

    #[test]
    fn macro_recall_counts_every_class_the_same() {
        let (negative, positive) = (scores(1.0, 0.0, 0.0), scores(0.0, 0.0, 1.0));
        let answers = [negative, negative, negative, negative, scores(0.0, 1.0, 0.0), positive, negative];
        assert_close(macro_recall(&[0, 0, 0, 0, 1, 2, 2], &answers), (1.0 + 1.0 + 0.5) / 3.0);
    }

    #[test]
    fn the_calibration_error_is_the_gap_between_confidence_and_truth_weighted_by_bin() {
        // Three texts at 0.9, two of them correct; one at 0.5, correct.
        let answers =
            [scores(0.9, 0.1, 0.0), scores(0.9, 0.1, 0.0), scores(0.9, 0.1, 0.0), scores(0.5, 0.3, 0.2)];
        let expected = 0.75 * (0.9 - 2.0 / 3.0) + 0.25 * 0.5;
        assert_close(calibration_error(&[0, 0, 1, 0], &answers), expected);
    }

    #[test]
    fn certain_and_correct_is_calibrated_and_certain_and_wrong_is_not() {
        assert_close(calibration_error(&[0], &[scores(1.0, 0.0, 0.0)]), 0.0);
        assert_close(calibration_error(&[2], &[scores(1.0, 0.0, 0.0)]), 1.0);
    }
}
