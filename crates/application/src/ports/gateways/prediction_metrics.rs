use domain::entities::Prediction;

/// Counts predictions: labels, confidence, tokens, windows.
pub trait PredictionMetrics: Send + Sync {
    /// Counts one stored prediction.
    fn record(&self, prediction: &Prediction);
}
