use domain::entities::Prediction;

use crate::dtos::PredictSentimentResponse;

/// A stored prediction with its text.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRecord {
    /// The prediction.
    pub prediction: PredictSentimentResponse,
    /// The text; none if it was not stored.
    pub text: Option<String>,
}

impl From<&Prediction> for PredictionRecord {
    fn from(prediction: &Prediction) -> Self {
        Self { prediction: prediction.into(), text: Some(prediction.text().as_str().to_owned()) }
    }
}
