//! The read side of the stores.

mod prediction_read_model;

pub use prediction_read_model::{FoundRow, PredictionFilter, PredictionPage, PredictionReadModel};
