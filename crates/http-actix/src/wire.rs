//! The API's JSON for the command line, which prints it without a server.

use application::dtos::PredictSentimentResponse;
use application::ports::ServedModel;
use domain::entities::ApiKey;
use domain::value_objects::{AuditLine, Limits, Timestamp};
use serde::Serialize;

use crate::presenters::{
    present_audit_line, present_key, present_limits, present_models, present_prediction, present_unstored,
};

/// Returns a prediction as `POST /api/v1/predictions` does.
pub fn prediction_json(prediction: &PredictSentimentResponse) -> impl Serialize + use<> {
    present_prediction(prediction)
}

/// Returns a prediction that is not stored: that of `POST /api/v1/predictions` without its id.
pub fn unstored_prediction_json(prediction: &PredictSentimentResponse) -> impl Serialize + use<> {
    present_unstored(prediction)
}

/// Returns the models as `GET /api/v1/models` does.
pub fn models_json(models: &[ServedModel]) -> impl Serialize + use<> {
    present_models(models, true)
}

/// Returns an API key as `GET /api/v1/keys` does at `now`.
pub fn key_json(key: &ApiKey, now: Timestamp) -> impl Serialize + use<> {
    present_key(key, now)
}

/// Returns limits as `GET /api/v1/keys` does.
pub fn limits_json(limits: &Limits) -> impl Serialize + use<> {
    present_limits(limits)
}

/// Returns a line of the audit as `GET /api/v1/audit` does for a caller with the scope `audit:instance`.
pub fn audit_line_json(line: &AuditLine) -> impl Serialize + use<> {
    present_audit_line(line.clone(), true)
}
