//! Entities: equal when their ids are equal.

mod prediction;

pub use prediction::{NewPrediction, Prediction};
