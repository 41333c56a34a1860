//! From answers to the wire: the JSON that callers see, and its schemas. No rule and no decision lives here.

mod batch;
mod cache_status;
mod health;
mod instant;
mod metadata;
mod model;
mod prediction;
mod stream;

pub(crate) use batch::{BatchView, present_batch_item};
pub(crate) use cache_status::present_cache_status;
pub(crate) use health::{
    HealthView, ProcessFacts, ReadyView, StatusView, present_health, present_ready, present_status,
};
pub(crate) use instant::present_instant;
pub(crate) use metadata::present_metadata;
pub(crate) use model::{ModelList, ModelView, present_model, present_models};
pub(crate) use prediction::{
    ANSWER_BYTES, PredictionPage, PredictionRecordView, PredictionView, estimate_bytes, present_page,
    present_prediction, present_record,
};
pub(crate) use stream::{LineCounts, StreamEnd, StreamLine, present_end, present_line};
