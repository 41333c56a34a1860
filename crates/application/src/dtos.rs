//! What enters the use cases and what they return: typed, without a serialization format.

mod cursor;
mod health;
mod models;
mod predict_sentiment;
mod prediction_record;
mod relay_outbox;
mod stored_predictions;

pub use cursor::Cursor;
pub use health::{ComponentHealth, HealthReport, HealthStatus};
pub use models::{LoadModelRequest, UnloadModelRequest};
pub use predict_sentiment::{
    PredictItem, PredictSentimentBatchRequest, PredictSentimentBatchResponse, PredictSentimentRequest,
    PredictSentimentResponse,
};
pub use prediction_record::PredictionRecord;
pub use relay_outbox::{RelayOutboxRequest, RelayOutboxResponse};
pub use stored_predictions::{
    DeletePredictionRequest, GetPredictionRequest, ListPredictionsRequest, ListPredictionsResponse,
};
