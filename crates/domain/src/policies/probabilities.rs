use crate::value_objects::{ScoreFunction, WindowOutput};

/// Returns the softmax of `logits`: `exp(x_i - m) / sum_j exp(x_j - m)` with `m` the largest logit, summed in f64.
///
/// Every input has a result: NaN counts as negative infinity; positive infinities share all of the probability; if
/// every logit is negative infinity, all labels have the same probability.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let logit = |x: f32| if x.is_nan() { f64::NEG_INFINITY } else { f64::from(x) };
    let max = logits.iter().map(|x| logit(*x)).fold(f64::NEG_INFINITY, f64::max);
    let weight = |x: f32| {
        if max.is_infinite() { f64::from(u8::from(logit(x) >= max)) } else { (logit(x) - max).exp() }
    };
    let weights: Vec<f64> = logits.iter().map(|x| weight(*x)).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

/// Returns the logistic function `1 / (1 + exp(-x))`; 0 for NaN.
pub fn sigmoid(x: f32) -> f32 {
    if x.is_nan() { 0.0 } else { (1.0 / (1.0 + (-f64::from(x)).exp())) as f32 }
}

/// Returns the index of the highest score, the first of equal ones; none for no scores. NaN is the lowest score.
pub fn choose_label(scores: &[f32]) -> Option<usize> {
    let rank = |score: f32| if score.is_nan() { f32::NEG_INFINITY } else { score };
    let mut best = None;
    for (index, score) in scores.iter().enumerate() {
        if best.is_none_or(|chosen: usize| rank(*score) > rank(scores[chosen])) {
            best = Some(index);
        }
    }
    best
}

/// Returns the scores of a text, one for each of the `labels`: applies `function` to each window's logits, then takes
/// the mean weighted by the windows' tokens.
///
/// If no window has tokens, all have the same weight. A missing logit counts as NaN.
pub fn merge_windows(function: ScoreFunction, windows: &[WindowOutput], labels: usize) -> Vec<f32> {
    let total: f64 = windows.iter().map(|window| f64::from(window.tokens)).sum();
    let weight = |window: &WindowOutput| {
        if total > 0.0 { f64::from(window.tokens) / total } else { 1.0 / windows.len() as f64 }
    };
    let mut merged = vec![0.0_f64; labels];
    for window in windows {
        let mut logits = window.logits.clone();
        logits.resize(labels, f32::NAN);
        let scores = match function {
            ScoreFunction::Softmax => softmax(&logits),
            ScoreFunction::Sigmoid => logits.into_iter().map(sigmoid).collect(),
            ScoreFunction::None => logits,
        };
        for (sum, score) in merged.iter_mut().zip(scores) {
            *sum += weight(window) * f64::from(score);
        }
    }
    merged.into_iter().map(|score| score as f32).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(logits: &[f32], tokens: u32) -> WindowOutput {
        WindowOutput { logits: logits.to_vec(), tokens }
    }

    #[test]
    fn softmax_equals_the_textbook_values() {
        let expected = [0.090_030_57, 0.244_728_47, 0.665_240_96];
        for (actual, expected) in softmax(&[1.0, 2.0, 3.0]).into_iter().zip(expected) {
            assert!((actual - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn infinities_share_the_probability_and_nan_gets_none() {
        assert_eq!(softmax(&[f32::INFINITY, 0.0, f32::INFINITY]), [0.5, 0.0, 0.5]);
        assert_eq!(softmax(&[f32::NAN, 0.0]), [0.0, 1.0]);
        assert_eq!(softmax(&[f32::NAN, f32::NEG_INFINITY]), [0.5, 0.5]);
        assert_eq!(softmax(&[]), Vec::<f32>::new());
    }

    #[test]
    fn windows_are_weighted_by_their_tokens() {
        let merged = merge_windows(ScoreFunction::None, &[window(&[1.0], 30), window(&[4.0], 10)], 1);
        assert_eq!(merged, [1.75]);
    }

    #[test]
    fn the_first_of_equal_scores_is_chosen() {
        assert_eq!(choose_label(&[0.2, 0.4, 0.4]), Some(1));
        assert_eq!(choose_label(&[f32::NAN, 0.1]), Some(1));
        assert_eq!(choose_label(&[f32::NAN]), Some(0));
        assert_eq!(choose_label(&[]), None);
    }

    proptest! {
        #[test]
        fn softmax_is_total_and_sums_to_one(logits in proptest::collection::vec(any::<f32>(), 1..20)) {
            let scores = softmax(&logits);
            prop_assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
            prop_assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }

        #[test]
        fn sigmoid_is_total(x in any::<f32>()) {
            prop_assert!((0.0..=1.0).contains(&sigmoid(x)));
        }

        #[test]
        fn merged_probabilities_are_probabilities(
            windows in proptest::collection::vec((proptest::collection::vec(any::<f32>(), 0..5), any::<u32>()), 1..5),
            multi in any::<bool>(),
        ) {
            let windows: Vec<_> = windows.iter().map(|(logits, tokens)| window(logits, *tokens)).collect();
            let function = if multi { ScoreFunction::Sigmoid } else { ScoreFunction::Softmax };
            let merged = merge_windows(function, &windows, 3);
            prop_assert!(merged.iter().all(|score| (-1e-6..=1.000_001).contains(score)));
        }
    }
}
