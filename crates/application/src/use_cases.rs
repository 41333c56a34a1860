//! The use cases, one file each.

mod predict_sentiment;
mod predict_sentiment_batch;
mod prediction_pipeline;
mod stream_predictions;

mod delete_prediction;
mod get_prediction;
mod list_predictions;

mod check_health;
mod relay_outbox;

mod list_models;
mod load_model;
mod model_changes;
mod unload_model;

pub use check_health::CheckHealthUseCase;
pub use delete_prediction::DeletePredictionUseCase;
pub use get_prediction::GetPredictionUseCase;
pub use list_models::ListModelsUseCase;
pub use list_predictions::ListPredictionsUseCase;
pub use load_model::LoadModelUseCase;
pub use model_changes::ModelChanges;
pub use predict_sentiment::PredictSentimentUseCase;
pub use predict_sentiment_batch::PredictSentimentBatchUseCase;
pub use prediction_pipeline::PredictionPorts;
pub use relay_outbox::RelayOutboxUseCase;
pub use stream_predictions::{PredictionStream, StreamPredictionsUseCase};
pub use unload_model::UnloadModelUseCase;
