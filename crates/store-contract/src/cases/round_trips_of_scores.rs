//! Scores come back exactly: probabilities in their columns, and the model's raw numbers.

use domain::value_objects::{LabelScore, PredictionResult, Sentiment, SentimentScores};

use crate::StoreHarness;
use crate::cases::round_trips::assert_stored;
use crate::samples::{Samples, classified, confidence};
use crate::steps::{find, insert};

/// 0, 1, their neighbors, the smallest numbers, and some without an exact decimal form.
pub(super) fn edge_probabilities() -> Vec<f32> {
    let subnormal = f32::from_bits(1);
    let largest_subnormal = f32::from_bits(0x007f_ffff);
    vec![
        0.0,
        subnormal,
        largest_subnormal,
        f32::MIN_POSITIVE,
        1e-10,
        0.1,
        0.3,
        1.0 / 3.0,
        0.5,
        0.5_f32.next_down(),
        0.5_f32.next_up(),
        0.7,
        1.0_f32.next_down(),
        1.0,
    ]
}

/// The confidence and the three scores at the limits of probabilities.
pub async fn extreme_probabilities_come_back_to_the_bit(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions: Vec<_> = edge_probabilities()
        .into_iter()
        .map(|edge| {
            let scores = SentimentScores {
                negative: Some(edge),
                neutral: Some(1.0 - edge),
                positive: Some(edge / 2.0),
            };
            let labels = classified(Sentiment::Negative, edge).labels().to_vec();
            let sentiment = Some(Sentiment::Negative);
            let result = PredictionResult::restore(sentiment, Some(confidence(edge)), scores, labels);
            samples.one_with(|new| new.result = result)
        })
        .collect();
    assert_stored(store, &predictions).await;
}

/// A regression's numbers are not probabilities: finite ones and infinities come back exactly, and NaN stays NaN.
pub async fn raw_scores_come_back_to_the_bit(store: &impl StoreHarness) {
    let edges = [
        0.0,
        -0.0,
        -1.5,
        4.2,
        16_777_217.0,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        -f32::from_bits(1),
        f32::EPSILON,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];
    let drawn = (0..500_u32).map(|n| f32::from_bits(n.wrapping_mul(2_654_435_761)));
    let raw: Vec<f32> = edges.into_iter().chain(drawn).collect();
    let labels = raw.iter().enumerate().map(|(n, score)| LabelScore {
        label: n.to_string(),
        score: *score,
        logit: None,
    });
    let mut samples = Samples::new();
    let prediction = samples.one_with(|new| new.result = PredictionResult::raw(labels.collect()));
    insert(store, std::slice::from_ref(&prediction)).await;

    let found = find(store, prediction.id()).await.expect("the row is there").prediction;
    assert_eq!(found.labels.len(), raw.len());
    for (n, (stored, score)) in found.labels.iter().zip(raw).enumerate() {
        assert_eq!(stored.label, n.to_string());
        let same = stored.score.to_bits() == score.to_bits() || stored.score.is_nan() && score.is_nan();
        assert!(same, "{score:e} came back as {:e}", stored.score);
    }
}

/// The model's own outputs stay in their stored order, whatever their names and numbers.
pub async fn labels_stay_in_their_order(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let labels = ["5 stars", "1 star", "b", "a", "LABEL_10", "LABEL_9", "a"]
        .into_iter()
        .map(|label| LabelScore { label: label.to_owned(), score: 0.125, logit: None })
        .collect();
    let prediction = samples.one_with(|new| new.result = PredictionResult::raw(labels));
    assert_stored(store, &[prediction]).await;
}
