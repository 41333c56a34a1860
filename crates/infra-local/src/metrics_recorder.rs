use std::time::Duration;

use application::ports::{PredictionMetrics, RelayMetrics, SinkProgress};
use domain::entities::Prediction;
use metrics::{counter, gauge, histogram};

use crate::metric::{OLDEST_UNSEQUENCED, SINK_BEHIND, SINK_GAP, SINK_LAG, SINK_LOST};

/// Records predictions and the relay's delay through the `metrics` facade.
///
/// A prediction adds to `undertone_predictions_total{model,label,sentiment}` (the model's best label; the sentiment is
/// `none` where the model has no mapping), `undertone_confidence` (a probability), `undertone_tokens`,
/// `undertone_windows`, `undertone_truncated_total` and `undertone_cached_total`. No label names a tenant.
#[derive(Debug, Clone, Copy, Default)]
pub struct MetricsRecorder;

impl PredictionMetrics for MetricsRecorder {
    fn record(&self, prediction: &Prediction) {
        let result = prediction.result();
        let label = result.labels().first().map_or("none", |best| best.label.as_str());
        let sentiment = result.sentiment().map_or("none", |sentiment| sentiment.as_str());
        counter!(
            "undertone_predictions_total",
            "model" => prediction.model().name().to_owned(),
            "label" => label.to_owned(),
            "sentiment" => sentiment
        )
        .increment(1);
        if let Some(confidence) = result.confidence() {
            histogram!("undertone_confidence").record(confidence.value());
        }
        let usage = prediction.usage();
        histogram!("undertone_tokens").record(usage.tokens);
        histogram!("undertone_windows").record(usage.windows);
        counter!("undertone_truncated_total").increment(u64::from(usage.truncated));
        counter!("undertone_cached_total").increment(u64::from(prediction.cached()));
    }
}

impl RelayMetrics for MetricsRecorder {
    fn record_oldest_unsequenced(&self, age: Duration) {
        gauge!(OLDEST_UNSEQUENCED).set(age.as_secs_f64());
    }

    fn record_sink(&self, sink: &SinkProgress) {
        let label = [("sink", sink.name.clone())];
        gauge!(SINK_BEHIND, &label).set(sink.behind as f64);
        gauge!(SINK_LAG, &label).set(sink.lag.as_secs_f64());
        gauge!(SINK_GAP, &label).set(f64::from(u8::from(sink.gap)));
        counter!(SINK_LOST, &label).absolute(sink.lost);
    }
}
