use std::sync::{Mutex, PoisonError};

use application::ports::PredictionMetrics;
use domain::entities::Prediction;
use domain::value_objects::PredictionId;

/// Records which predictions were counted.
#[derive(Debug, Default)]
pub struct RecordingMetrics(Mutex<Vec<PredictionId>>);

impl RecordingMetrics {
    /// Makes a recorder without predictions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the ids of the counted predictions, in order, with repetitions.
    pub fn recorded(&self) -> Vec<PredictionId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl PredictionMetrics for RecordingMetrics {
    fn record(&self, prediction: &Prediction) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(prediction.id());
    }
}
