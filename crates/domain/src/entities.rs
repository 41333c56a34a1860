//! Things with an identity: equal when their ids are equal, whatever else differs.

mod prediction;

pub use prediction::{NewPrediction, Prediction};
