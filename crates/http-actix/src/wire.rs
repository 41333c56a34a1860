//! The API's JSON for the command line, which prints it without a server.

use application::dtos::PredictSentimentResponse;
use application::ports::ServedModel;
use serde::Serialize;

use crate::presenters::{present_models, present_prediction};

/// Returns a prediction as `POST /api/v1/predictions` does.
pub fn prediction_json(prediction: &PredictSentimentResponse) -> impl Serialize + use<> {
    present_prediction(prediction)
}

/// Returns the models as `GET /api/v1/models` does.
pub fn models_json(models: &[ServedModel]) -> impl Serialize + use<> {
    present_models(models, true)
}
