//! What is read: each read model builds its statements, its private row turns into the use cases' records.

mod prediction;
mod prediction_query;
mod prediction_row;

pub use prediction::SqlitePredictionReadModel;
