//! What goes into the use cases and what comes out: typed, and never serialisable by themselves.

mod cursor;
mod health;
mod models;
mod predictions;

pub use cursor::Cursor;
pub use health::{ComponentHealth, HealthReport, HealthStatus};
pub use models::{LoadModelRequest, UnloadModelRequest};
pub use predictions::{
    DeletePredictionRequest, GetPredictionRequest, ListPredictionsRequest, ListPredictionsResponse,
    PredictItem, PredictSentimentBatchRequest, PredictSentimentBatchResponse, PredictSentimentRequest,
    PredictSentimentResponse, PredictionRecord, RelayOutboxRequest, RelayOutboxResponse,
};
