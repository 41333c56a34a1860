use domain::entities::Prediction;

/// Counts predictions: labels, confidence, tokens, windows.
pub trait AnswerMetrics: Send + Sync {
    /// Counts one stored prediction.
    fn record(&self, prediction: &Prediction);
}
