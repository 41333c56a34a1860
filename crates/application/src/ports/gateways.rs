//! The ways to everything that is not a store.

mod answer_metrics;
mod ml_gateway;

pub use answer_metrics::AnswerMetrics;
pub use ml_gateway::{Admission, MlError, MlGateway, ModelInfo, SelfTest, WindowInfo};
