//! The metrics of predictions.

use application::ports::PredictionMetrics;
use domain::entities::{NewPrediction, Prediction};
use domain::value_objects::{
    Confidence, Dimensions, EventId, InputText, LabelScore, Metadata, ModelRef, PredictionId,
    PredictionResult, Sentiment, SentimentScores, TextLimits, Timestamp, Usage,
};
use infra_local::MetricsRecorder;
use metrics::with_local_recorder;

use crate::recorded::Recorded;

fn prediction(result: PredictionResult, usage: Usage, cached: bool) -> Prediction {
    Prediction::create(
        NewPrediction {
            id: PredictionId::from_u128(1),
            event_id: EventId::from_u128(2),
            text: InputText::parse("the words of the text", TextLimits::default()).unwrap(),
            reference: None,
            metadata: Metadata::default(),
            result,
            model: ModelRef::new("m", "r"),
            usage,
            cached,
            now: Timestamp::from_micros(0),
        },
        &Dimensions::default(),
    )
}

fn record(predictions: &[Prediction]) -> Recorded {
    let recorded = Recorded::default();
    with_local_recorder(&recorded, || {
        for prediction in predictions {
            MetricsRecorder.record(prediction);
        }
    });
    recorded
}

#[test]
fn a_prediction_is_counted_by_model_label_and_sentiment() {
    let label = |label: &str, score| LabelScore { label: label.to_owned(), score, logit: None };
    let mapped = PredictionResult::restore(
        Some(Sentiment::Positive),
        Some(Confidence::try_new("confidence", 0.75).unwrap()),
        SentimentScores::default(),
        vec![label("5 stars", 0.75), label("1 star", 0.25)],
    );
    let usage = Usage { tokens: 600, windows: 2, truncated: true };
    let recorded = record(&[prediction(mapped.clone(), usage, false), prediction(mapped, usage, true)]);
    let series = "undertone_predictions_total{model=m,label=5 stars,sentiment=positive}";
    assert_eq!(recorded.of(series), [1.0, 1.0]);
    assert_eq!(recorded.of("undertone_confidence{}"), [0.75, 0.75]);
    assert_eq!(recorded.of("undertone_tokens{}"), [600.0, 600.0]);
    assert_eq!(recorded.of("undertone_windows{}"), [2.0, 2.0]);
    assert_eq!(recorded.of("undertone_truncated_total{}"), [1.0, 1.0]);
    assert_eq!(recorded.of("undertone_cached_total{}"), [0.0, 1.0]);
}

#[test]
fn a_prediction_without_sentiment_and_confidence_is_counted_without_them() {
    let usage = Usage { tokens: 3, windows: 1, truncated: false };
    let recorded = record(&[prediction(PredictionResult::raw(Vec::new()), usage, false)]);
    assert_eq!(recorded.of("undertone_predictions_total{model=m,label=none,sentiment=none}"), [1.0]);
    assert_eq!(recorded.of("undertone_confidence{}"), Vec::<f64>::new());
    assert_eq!(recorded.of("undertone_truncated_total{}"), [0.0]);
}

#[test]
fn no_series_contains_the_text_or_the_tenant() {
    let recorded = record(&[prediction(PredictionResult::raw(Vec::new()), Usage::default(), false)]);
    for series in recorded.series() {
        assert!(!series.contains("words") && !series.contains("tenant"), "{series}");
    }
}
