//! The options of a prediction: the reported labels come back, and all labels stay stored.

use domain::value_objects::{
    LabelScore, PredictionResult, SentenceResult, Sentiment, SentimentScores, TextSpan,
};

use crate::StoreHarness;
use crate::cases::round_trips::assert_stored;
use crate::samples::{Samples, classified, confidence};

/// As many labels come back as were reported, however many are stored.
pub async fn as_many_labels_come_back_as_were_answered(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let requested = [None, Some(1), Some(2), Some(3), Some(4), Some(u32::MAX)];
    let predictions = requested.map(|top_k| {
        samples.one_with(|new| {
            let top_k = top_k.and_then(|most: u32| most.try_into().ok());
            new.result = classified(Sentiment::Positive, 0.75).restore_details(top_k, None);
        })
    });
    assert_stored(store, &predictions).await;
}

/// Logits come back exactly beside their scores, and none where none was requested.
pub async fn logits_come_back_to_the_bit(store: &impl StoreHarness) {
    let logits = [0.1, -0.0, f32::MIN_POSITIVE, f32::from_bits(1), f32::MAX, f32::MIN, f32::INFINITY];
    let logits = logits.into_iter().map(Some).chain([None]);
    let label = |logit: Option<f32>| LabelScore { label: format!("{logit:?}"), score: 0.125, logit };
    let mut samples = Samples::new();
    let result = PredictionResult::raw(logits.map(label).collect());
    let prediction = samples.one_with(|new| new.result = result.clone());
    assert_stored(store, std::slice::from_ref(&prediction)).await;
    let found = crate::steps::find(store, prediction.id()).await.expect("the row is there").prediction;
    let bits = |label: &LabelScore| label.logit.map(f32::to_bits);
    assert!(found.labels.iter().map(bits).eq(result.labels().iter().map(bits)));
}

/// Sentences of every kind come back in their order; an empty list differs from none requested.
pub async fn sentences_come_back(store: &impl StoreHarness) {
    let sentence = |start, sentiment: Option<Sentiment>, chosen: Option<f32>, scores| SentenceResult {
        span: TextSpan { start, end: start + 7 },
        sentiment,
        confidence: chosen.map(confidence),
        scores,
    };
    let scores =
        SentimentScores { negative: Some(0.1), neutral: Some(f32::MIN_POSITIVE), positive: Some(1.0) };
    let partly = SentimentScores { neutral: None, ..scores };
    let all = vec![
        sentence(0, Some(Sentiment::Negative), Some(0.8), scores),
        sentence(8, Some(Sentiment::Positive), Some(0.1), partly),
        sentence(16, Some(Sentiment::Neutral), Some(1.0), scores),
        sentence(u32::MAX - 7, None, None, SentimentScores::default()),
    ];
    let long = (0..1_000).map(|n| sentence(8 * n, Some(Sentiment::Neutral), Some(0.5), scores)).collect();
    let mut samples = Samples::new();
    let predictions = [Some(all), Some(Vec::new()), None, Some(long)].map(|sentences| {
        samples.one_with(|new| {
            new.result = classified(Sentiment::Mixed, 0.5).restore_details(None, sentences);
        })
    });
    assert_stored(store, &predictions).await;
}
