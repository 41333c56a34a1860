use domain::entities::Prediction;

/// Counts answers as they are given: labels, confidence, tokens, windows.
pub trait AnswerMetrics: Send + Sync {
    /// Counts one prediction that was kept.
    fn record(&self, prediction: &Prediction);
}
