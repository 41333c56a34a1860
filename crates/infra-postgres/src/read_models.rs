//! The read side.

mod prediction;
mod prediction_query;
mod prediction_row;

pub use prediction::PostgresPredictionReadModel;
