//! The API's own forms, for who prints them without a server: the command line.

use application::dtos::PredictSentimentResponse;
use application::ports::ServedModel;
use serde::Serialize;

use crate::presenters::{present_models, present_prediction};

/// An answer as `POST /api/v1/predictions` gives it.
pub fn prediction_json(answer: &PredictSentimentResponse) -> impl Serialize + use<> {
    present_prediction(answer)
}

/// The models as `GET /api/v1/models` gives them.
pub fn models_json(models: &[ServedModel]) -> impl Serialize + use<> {
    present_models(models)
}
