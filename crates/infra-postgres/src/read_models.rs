//! The read side.

mod prediction;
mod prediction_query;

pub use prediction::PostgresPredictionReadModel;
